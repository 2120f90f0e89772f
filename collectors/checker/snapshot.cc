#include "collectors/checker/snapshot.h"

#include <algorithm>
#include <cmath>

namespace lvs::checker {

void RunHistory::Add(RunRecord record) {
  records_[next_] = std::move(record);
  next_ = (next_ + 1) % kMost;
  size_ = std::min(size_ + 1, kMost);
}

const Health& TopHealth(const Target& target, const TargetState& state) {
  return state.layers[probes::LayersOf(target.probe->probe().type).size() - 1];
}

std::string_view Name(Event::Kind kind) {
  constexpr std::string_view kNames[] = {"backend", "service", "table", "arp", "director", "audit"};
  return kNames[static_cast<std::size_t>(kind)];
}

double WholeMicroseconds(float seconds) { return std::round(double{seconds} * 1e6) / 1e6; }

double DownSeconds(const BackendHealth& health, Clock::time_point now) {
  if (!health.down_since) return health.down_seconds;
  const std::chrono::duration<double> running = now - *health.down_since;
  return health.down_seconds + std::max(0.0, running.count());
}

std::string_view Name(probes::ArpLeak::Kind kind) {
  return kind == probes::ArpLeak::Kind::kAnswers ? "answers" : "announces";
}

Member MemberOf(const PlannedBackend& backend, const BackendHealth& health) {
  return {backend.role, health.verdict, health.state, backend.in_table, backend.weight};
}

}  // namespace lvs::checker
