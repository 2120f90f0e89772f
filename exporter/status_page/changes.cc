#include "exporter/status_page/changes.h"

#include <algorithm>

#include "exporter/log.h"
#include "exporter/status_page/condition.h"
#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

using checker::Event;

constexpr std::size_t kMostChanges = 20;
constexpr std::size_t kMostNotes = 20;

bool IsGoodFirstVerdict(const Event& event) {
  return !event.transition && event.reason == probes::Reason::kNone &&
         (event.to == Name(checker::BackendState::kUp) ||
          event.to == Name(checker::ServiceState::kOk));
}

// Between weights, or words for there and not there.
std::string TableChange(const Event& event) {
  return (event.backend ? "weight in the kernel's table: " : "in the kernel's table: ") +
         Escape(event.from) + " &rarr; " + Escape(event.to);
}

std::string StateChange(const Event& event) {
  std::string html = event.from.empty() ? "" : Badge(event.from) + " &rarr; ";
  html += Badge(event.to);
  if (event.reason != probes::Reason::kNone) html += " " + ReasonText(event.reason);
  return html;
}

std::string ArpChange(const Event& event) {
  return "ARP: " + Escape(event.from) + " &rarr; " + Escape(event.to) + " " + Escape(event.detail);
}

std::string SetUpChange(const Event& event) {
  return (event.from.empty() ? "" : Escape(event.from) + " &rarr; ") + Escape(event.to) + " " +
         Escape(event.detail);
}

// Those that are about a service, to which there is a link.
bool IsOfService(const Event& event) {
  return event.kind == Event::Kind::kBackend || event.kind == Event::Kind::kService ||
         event.kind == Event::Kind::kTable;
}

std::string WhatChanged(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kTable:
      return TableChange(event);
    case Event::Kind::kArp:
      return ArpChange(event);
    case Event::Kind::kDirector:
    case Event::Kind::kAudit:
      return SetUpChange(event);
    case Event::Kind::kBackend:
    case Event::Kind::kService:
      break;
  }
  return StateChange(event);
}

std::string Subject(const Event& event) {
  std::string html = Isolated(event.service);
  if (IsOfService(event)) {
    html = "<a href=\"#" + AnchorOf(event.service_key) + "\">" + html + "</a>";
  }
  if (event.backend) html += " " + ToString(*event.backend);
  return html;
}

// What tells this event from all others.
std::string KeyOf(const Event& event) {
  return FormatTime(event.at) + " " + event.service + " " +
         (event.backend ? ToString(*event.backend) : "") + " " + event.to;
}

std::string One(const Event& event) {
  return "<li data-f data-k=\"" + Escape(KeyOf(event)) + "\">" + Moment(event.at) + " " +
         Subject(event) + " <span>" + WhatChanged(event) + "</span></li>\n";
}

}  // namespace

std::string Changes(const checker::Snapshot* snapshot, const Filter& filter) {
  if (snapshot == nullptr || snapshot->events->empty()) return "";
  std::string items;
  std::size_t shown = 0;
  std::size_t first_verdicts = 0;
  for (const auto& event : *snapshot->events) {
    if (!filter.Matches(*event)) continue;
    if (IsGoodFirstVerdict(*event)) {
      ++first_verdicts;
    } else if (shown < kMostChanges) {
      items += One(*event);
      ++shown;
    }
  }
  std::string html = "<section id=changes><h2>Last changes</h2>\n";
  if (!items.empty()) html += "<ol class=changes>\n" + items + "</ol>\n";
  html += "<p class=dim>";
  if (first_verdicts > 0) {
    html += Counted(first_verdicts, "first verdict", "first verdicts") + " up or ok not shown. ";
  }
  return html + "<a href=/api/v1/events>All changes as JSON</a></p></section>\n";
}

std::string Notes(const checker::Snapshot* snapshot) {
  if (snapshot == nullptr || snapshot->plan->notes.empty()) return "";
  const std::vector<std::string>& notes = snapshot->plan->notes;
  std::string html = "<section id=notes><h2>What cannot be checked</h2>\n<ul>\n";
  for (std::size_t i = 0; i < std::min(kMostNotes, notes.size()); ++i) {
    html += "<li>" + Escape(notes[i]) + "</li>\n";
  }
  if (notes.size() > kMostNotes) {
    html +=
        "<li>and " + std::to_string(notes.size() - kMostNotes) + " more; the log has them</li>\n";
  }
  return html + "</ul></section>\n";
}

}  // namespace lvs::status
