#include "exporter/status_page/sessions.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

using connections::Position;
using connections::TemplateStatus;
using connections::TemplateType;

std::uint64_t Sum(std::span<const std::uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// "812 ESTABLISHED, 34 FIN_WAIT", most of all first.
std::string States(const connections::StateCounts& counts) {
  std::vector<std::size_t> states(counts.size());
  std::iota(states.begin(), states.end(), 0);
  std::ranges::stable_sort(states, std::greater(), [&](std::size_t i) { return counts[i]; });
  std::string text;
  for (const std::size_t state : states) {
    if (counts[state] == 0) break;
    if (!text.empty()) text += ", ";
    text += std::to_string(counts[state]) + " ";
    text += connections::kStateWords[state];
  }
  return text;
}

// "5 min", "90 s".
std::string DurationText(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  constexpr std::uint64_t kMinute = 60;
  if (whole < 2 * kMinute) return std::to_string(whole) + " s";
  if (whole < 120 * kMinute) return std::to_string(whole / kMinute) + " min";
  return std::to_string(whole / (60 * kMinute)) + " h";
}

// "half of them end within 5 min": the bucket in which the median lies.
std::string MedianText(const connections::RemainingCounts& remaining) {
  const std::uint64_t all = Sum(remaining.buckets);
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < connections::kRemainingBounds.size(); ++i) {
    so_far += remaining.buckets[i];
    if (so_far > 0 && so_far >= all - so_far) {
      return std::string(all == 1 ? ", which ends within " : ", half of them end within ") +
             DurationText(connections::kRemainingBounds[i]) +
             (all == 1 ? " unless its client comes back" : " unless their clients come back");
    }
  }
  if (all == 0) return "";
  return all == 1 ? ", which lasts longer than a day" : ", half of them last longer than a day";
}

std::string OrphansText(std::uint64_t orphans) {
  if (orphans == 0) return "";
  return ". " + Counted(orphans, "more template leads", "more templates lead") +
         " to a backend that is not there any more";
}

std::string DrainedText(const std::optional<connections::StatusCounts>& drained) {
  if (!drained) return "";
  const std::uint64_t clinging = (*drained)[Position(TemplateStatus::kAssured)] +
                                 (*drained)[Position(TemplateStatus::kUnassured)];
  if (clinging == 0) return "";
  return ". <b>" + Counted(clinging, "template leads", "templates lead") +
         " to a backend of weight 0</b>, so that those clients still come to it";
}

std::string Templates(const connections::ServiceSummary& summary) {
  if (!summary.templates) return "";
  const connections::TypeCounts& types = summary.templates->types;
  const std::uint64_t orphans = types[Position(TemplateType::kOrphan)];
  const std::uint64_t bound = Sum(types) - orphans;
  if (!summary.persistent && bound + orphans == 0) return "";
  return Counted(bound, "persistence template", "persistence templates") +
         MedianText(summary.templates->remaining) + OrphansText(orphans) +
         DrainedText(summary.drained) + ".";
}

std::string Estimated(const connections::Summary& summary) {
  if (!summary.truncated) return "";
  if (!summary.coverage) return " These are estimates from a part of the table.";
  return " These are estimates from " + Percent(*summary.coverage) + " of the table.";
}

}  // namespace

std::string Sessions(const ServiceView& service, const StatusView& view) {
  if (service.connections == nullptr) return "";
  std::string text;
  if (service.connections->states) {
    const std::string states = States(*service.connections->states);
    if (!states.empty()) text = "Connections: " + states + ". ";
  }
  text += Templates(*service.connections);
  if (text.empty()) return "";
  return "<p class=sessions>" + text + Estimated(view.connections->summary) + "</p>\n";
}

std::string ScanOf(const StatusView& view) {
  if (view.connections == nullptr) return "";
  const connections::Snapshot& scan = *view.connections;
  std::string html = "<p class=dim>Connection table: " + Counted(scan.rows, "entry", "entries") +
                     " read " + Moment(scan.at);
  if (scan.summary.truncated) {
    html += scan.summary.coverage
                ? ", which is " + Percent(*scan.summary.coverage) + " of it; numbers are estimates"
                : ", which is a part of it; numbers are estimates";
  }
  return html + ".</p>\n";
}

}  // namespace lvs::status
