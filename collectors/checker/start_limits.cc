#include "collectors/checker/start_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>

namespace lvs::checker {
namespace {

constexpr std::size_t kMostInFlight = 16'384;
constexpr double kLeastStartRate = 100;  // a second

// Descriptors that probes may use: the process's limit less what everything else needs.
std::size_t DescriptorsForProbes() {
  constexpr rlim_t kForOthers = 128;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kForOthers;
  if (limit.rlim_cur > 2 * kForOthers) return limit.rlim_cur - kForOthers;
  return std::max<std::size_t>(1, limit.rlim_cur / 4);
}

}  // namespace

StartLimits LimitsFor(const Plan& plan) {
  const Limits& limits = plan.configuration->limits;
  double rate = 0;
  for (const Target& target : plan.targets) {
    const probes::Probe& probe = target.probe->probe();
    rate +=
        1 /
        std::chrono::duration<double>(std::max(probe.fast_interval, probe.interval / 4)).count();
  }
  StartLimits result;
  result.max_in_flight = limits.max_in_flight.value_or(std::min(
      {std::max<std::size_t>(plan.targets.size(), 1), kMostInFlight, DescriptorsForProbes()}));
  result.max_rate = limits.max_start_rate.value_or(std::max(kLeastStartRate, rate));
  return result;
}

}  // namespace lvs::checker
