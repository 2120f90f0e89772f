#include "exporter/event_log.h"

#include <string>

namespace lvs {
namespace {

std::string BackendText(const checker::Event& event) {
  if (!event.backend) return "";
  return ToString(*event.backend);
}

// That a server works, as all do after a start, is no news.
void LogUp(Log& log, const checker::Event& event) {
  const std::initializer_list<LogField> fields = {
      {"service", event.service}, {"backend", BackendText(event)}, {"by", event.target}};
  if (event.transition) {
    log.Info("backend is up", fields);
  } else {
    log.Debug("backend is up", fields);
  }
}

void LogBackend(Log& log, const checker::Event& event) {
  if (event.reason == probes::Reason::kNone) return LogUp(log, event);
  const std::string detail =
      !event.results.empty() && event.results[0].detail ? *event.results[0].detail : "";
  const auto layer = probes::LayerOf(event.reason);
  log.Warn("backend is down", {{"service", event.service},
                               {"backend", BackendText(event)},
                               {"layer", std::string(layer ? Name(*layer) : "")},
                               {"reason", std::string(Name(event.reason))},
                               {"detail", detail},
                               {"by", event.target}});
}

void LogService(Log& log, const checker::Event& event) {
  const std::initializer_list<LogField> fields = {
      {"service", event.service}, {"from", event.from}, {"to", event.to}};
  if (event.from == "unknown" && event.to == "ok") {
    log.Debug("service state changed", fields);
  } else if (event.to == "ok" || event.to == "unknown") {
    log.Info("service state changed", fields);
  } else {
    log.Warn("service state changed", fields);
  }
}

void LogArp(Log& log, const checker::Event& event) {
  const std::initializer_list<LogField> fields = {{"vip", event.service},
                                                  {"server", BackendText(event)},
                                                  {"from", event.from},
                                                  {"to", event.to},
                                                  {"detail", event.detail}};
  if (event.to == "silent") {
    log.Info("no longer claims a VIP", fields);
  } else {
    log.Warn("claims a VIP", fields);
  }
}

void LogDirector(Log& log, const checker::Event& event) {
  const std::initializer_list<LogField> fields = {
      {"subject", event.service}, {"from", event.from}, {"to", event.to}, {"detail", event.detail}};
  if (event.to == "master" || event.to == "backup") {
    log.Info("director changed", fields);
  } else {
    log.Warn("director changed", fields);
  }
}

void LogAudit(Log& log, const checker::Event& event) {
  const std::initializer_list<LogField> fields = {{"check", event.service},
                                                  {"detail", event.detail}};
  if (event.to == "wrong") {
    log.Warn("set-up is wrong", fields);
  } else {
    log.Info("set-up is right again", fields);
  }
}

}  // namespace

void LogEvent(Log& log, const checker::Event& event) {
  switch (event.kind) {
    case checker::Event::Kind::kBackend:
      return LogBackend(log, event);
    case checker::Event::Kind::kService:
      return LogService(log, event);
    case checker::Event::Kind::kArp:
      return LogArp(log, event);
    case checker::Event::Kind::kDirector:
      return LogDirector(log, event);
    case checker::Event::Kind::kAudit:
      return LogAudit(log, event);
    case checker::Event::Kind::kTable:
      break;
  }
  log.Info("kernel table changed", {{"service", event.service},
                                    {"backend", BackendText(event)},
                                    {"from", event.from},
                                    {"to", event.to}});
}

}  // namespace lvs
