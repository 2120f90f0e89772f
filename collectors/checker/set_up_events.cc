#include "collectors/checker/set_up_events.h"

#include <algorithm>
#include <span>

#include "collectors/audit/checks.h"

namespace lvs::checker {
namespace {

Event EventOf(Event::Kind kind, std::string subject, WallTime now) {
  Event event;
  event.at = now;
  event.kind = kind;
  event.service = std::move(subject);
  return event;
}

Event RoleEvent(const std::optional<director::Role>& before, const director::Conclusion& conclusion,
                WallTime now) {
  Event event = EventOf(Event::Kind::kDirector, "director", now);
  event.transition = before.has_value();
  if (before) event.from = Name(*before);
  event.to = Name(conclusion.role);
  event.detail = "by " + std::string(Name(conclusion.evidence));
  return event;
}

Event InstanceEvent(const director::VrrpInstance& instance,
                    const std::optional<director::VrrpState>& before, WallTime now) {
  Event event = EventOf(Event::Kind::kDirector, "VRRP instance " + instance.name, now);
  event.transition = before.has_value();
  if (before) event.from = Name(*before);
  event.to = Name(instance.state);
  return event;
}

Event FindingEvent(const audit::Finding& finding, WallTime now) {
  Event event = EventOf(Event::Kind::kAudit, std::string(finding.check), now);
  event.from = finding.failed ? "right" : "wrong";
  event.to = finding.failed ? "wrong" : "right";
  event.detail = finding.subject;
  const std::span checks = audit::DirectorChecks();
  const auto check = std::ranges::find(checks, finding.check, &audit::Check<audit::Facts>::name);
  if (finding.failed && check != checks.end()) {
    event.detail.append(event.detail.empty() ? "" : ": ").append(check->wrong);
  }
  return event;
}

}  // namespace

std::vector<Event> SetUpEvents::Changes(const director::Snapshot& snapshot, WallTime now) {
  std::vector<Event> events;
  std::map<std::string, director::VrrpState> instances;
  for (const director::VrrpInstance& instance : snapshot.instances) {
    instances[instance.name] = instance.state;
    const auto before = instances_.find(instance.name);
    if (before == instances_.end()) {
      events.push_back(InstanceEvent(instance, std::nullopt, now));
    } else if (before->second != instance.state) {
      events.push_back(InstanceEvent(instance, before->second, now));
    }
  }
  instances_ = std::move(instances);
  if (role_ != snapshot.conclusion.role) {
    events.push_back(RoleEvent(role_, snapshot.conclusion, now));
    role_ = snapshot.conclusion.role;
  }
  return events;
}

std::vector<Event> SetUpEvents::Changes(const audit::Report& report, WallTime now) {
  std::vector<Event> events;
  std::map<std::pair<std::string, std::string>, bool> findings;
  const auto key_of = [](const audit::Finding& finding) {
    return std::pair(std::string(finding.check), finding.subject);
  };
  for (const audit::Finding& finding : report.findings.looked_at) {
    const auto key = key_of(finding);
    const auto before = findings_.find(key);
    const bool was_failed = before != findings_.end() && before->second;
    if (finding.failed != was_failed) events.push_back(FindingEvent(finding, now));
    findings.emplace(key, finding.failed);
  }
  for (const audit::Finding& finding : report.findings.unknown) {
    const auto before = findings_.find(key_of(finding));
    if (before != findings_.end()) findings.insert(*before);
  }
  // What is not there any more, a service or an interface, is not wrong any more.
  for (const auto& [key, failed] : findings_) {
    if (!failed || findings.contains(key)) continue;
    events.push_back(FindingEvent({key.first, key.second, false}, now));
  }
  findings_ = std::move(findings);
  return events;
}

}  // namespace lvs::checker
