#include "exporter/status_page/summary.h"

#include <algorithm>
#include <array>
#include <map>

#include "exporter/status_page/html.h"
#include "exporter/status_page/sessions.h"
#include "exporter/status_page/words.h"

namespace lvs::status {
namespace {

// How many things are in each state, in the order in which the states are listed.
struct StateCount {
  std::string_view state;
  std::size_t count = 0;
};

template <class View>
void Count(std::vector<StateCount>& counts, const View& view) {
  const std::string_view state = StateName(view);
  const auto found = std::ranges::find(counts, state, &StateCount::state);
  if (found != counts.end()) {
    ++found->count;
  } else {
    counts.push_back({state, 1});
  }
}

template <class States>
std::vector<StateCount> Zeroes(const States& states) {
  std::vector<StateCount> counts;
  for (const auto state : states) counts.push_back({Name(state)});
  return counts;
}

// Services that are not fine, by their state. One in state ok has something in it that is not; as
// long as that is only unknown, so is the service.
using NotFine = std::map<checker::ServiceState, std::size_t>;

checker::ServiceState KindOf(const ServiceView& service) {
  return service.level == Level::kUnknown ? checker::ServiceState::kUnknown : service.health->state;
}

constexpr std::array kWorstFirst = {
    checker::ServiceState::kDown,   checker::ServiceState::kSorry,    checker::ServiceState::kSpof,
    checker::ServiceState::kBackup, checker::ServiceState::kDegraded, checker::ServiceState::kOk,
    checker::ServiceState::kUnknown};

// "1 of 28 services is down, 2 hang on a single server".
std::string NotFineText(const NotFine& counts, std::size_t all) {
  std::string text;
  for (const checker::ServiceState state : kWorstFirst) {
    const auto found = counts.find(state);
    if (found == counts.end()) continue;
    const std::size_t count = found->second;
    text += text.empty() ? std::to_string(count) + " of " + Counted(all, "service", "services")
                         : ", " + std::to_string(count);
    text.append(" ").append(count == 1 ? InWords(state).one : InWords(state).many);
    if (state == checker::ServiceState::kOk)
      text += count == 1 ? " but wants attention" : " but want attention";
  }
  return text;
}

std::string AllFine(std::size_t all) {
  return all == 1 ? "The service is fine." : "All " + std::to_string(all) + " services are fine.";
}

// "1 of 28 services is down, 2 hang on a single server; 25 are fine."
std::string Sentence(const StatusView& view) {
  const std::size_t all = view.services.size();
  if (all == 0) {
    return view.table != nullptr ? "The kernel's table has no services." : "Nothing is known yet.";
  }
  if (view.snapshot == nullptr) {
    return Counted(all, "service", "services") + "; nothing is known of their health.";
  }
  NotFine counts;
  std::size_t fine = all;
  for (const ServiceView& service : view.services) {
    if (service.level == Level::kFine) continue;
    ++counts[KindOf(service)];
    --fine;
  }
  if (fine == all) return AllFine(all);
  if (fine == 0) return NotFineText(counts, all) + ".";
  return NotFineText(counts, all) + "; " + std::to_string(fine) + (fine == 1 ? " is" : " are") +
         " fine.";
}

std::string Tiles(std::string_view what, const std::vector<StateCount>& counts,
                  std::string (*filter)(std::string_view)) {
  std::string html = "<p class=tiles><span>" + std::string(what) + "</span>";
  for (const auto& [state, count] : counts) {
    if (count == 0) continue;
    html += "\n<a href=\"" + LinkTo(filter(state)) + "\" data-k=\"" + std::string(state) +
            "\" data-f>" + Badge(state) + " " + std::to_string(count) + "</a>";
  }
  return html + "</p>\n";
}

std::string AllTiles(const StatusView& view) {
  std::vector<StateCount> services = Zeroes(checker::kServiceStates);
  std::vector<StateCount> backends = Zeroes(checker::kBackendStates);
  for (const ServiceView& service : view.services) {
    Count(services, service);
    for (const BackendView& backend : service.backends) Count(backends, backend);
  }
  return Tiles("services", services, ServicesIn) + Tiles("backends", backends, BackendsIn);
}

std::string Trouble(const ipvs::LatestReading* latest) {
  if (latest == nullptr) {
    return "<p class=trouble>The IPVS table has not been read yet.</p>\n";
  }
  if (!latest->error) return "";
  std::string html = "<p class=trouble>" + Escape(latest->error->message);
  if (!latest->current && latest->table) {
    html += ". What stands here of the kernel is from " + Moment(latest->read_at);
  }
  return html + "</p>\n";
}

std::string Reading(const ipvs::LatestReading* latest) {
  if (latest == nullptr || !latest->table) return "";
  std::string html = "<p class=dim>IPVS";
  if (latest->table->info) html += " " + Escape(latest->table->info->version);
  return html + ", " + Counted(latest->table->services.size(), "service", "services") +
         " in the kernel's table, read " + Moment(latest->read_at) + ".</p>\n";
}

}  // namespace

Level OverallLevel(const StatusView& view, const ipvs::LatestReading* latest) {
  const bool unreadable = latest == nullptr || !latest->current;
  Level level = unreadable ? Level::kCritical : latest->error ? Level::kWarning : Level::kFine;
  for (const ServiceView& service : view.services) level = std::max(level, service.level);
  return level;
}

std::string ShortSummary(const StatusView& view, Level level) {
  const auto in_trouble = std::ranges::count_if(
      view.services, [](const ServiceView& service) { return service.level >= Level::kWarning; });
  if (in_trouble > 0) return std::to_string(in_trouble) + " in trouble";
  if (level >= Level::kWarning) return "table not read";
  return level == Level::kFine ? "all fine" : "not known yet";
}

std::string Summary(const StatusView& view, const ipvs::LatestReading* latest) {
  const std::string_view level = Name(OverallLevel(view, latest));
  return "<section id=summary class=\"" + std::string(level) + "\">\n<div role=status><h2 data-f>" +
         Sentence(view) + "</h2></div>\n" + Trouble(latest) + AllTiles(view) + Reading(latest) +
         ScanOf(view) + "</section>\n";
}

}  // namespace lvs::status
