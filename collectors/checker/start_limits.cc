#include "collectors/checker/start_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace lvs::checker {
namespace {

constexpr std::size_t kMostInFlight = 16'384;

// A second.
double RateFor(const Plan& plan) {
  constexpr double kLeast = 100;
  double rate = 0;
  for (const Target& target : plan.targets) {
    const probes::Probe& probe = target.probe->probe();
    rate +=
        1 /
        std::chrono::duration<double>(std::max(probe.fast_interval, probe.interval / 4)).count();
  }
  return std::max(kLeast, rate);
}

}  // namespace

std::size_t DescriptorsForProbes() {
  constexpr rlim_t kForOthers = 128;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kForOthers;
  if (limit.rlim_cur > 2 * kForOthers) return limit.rlim_cur - kForOthers;
  return std::max<std::size_t>(1, limit.rlim_cur / 4);
}

FittingLimits LimitsFor(const Plan& plan, std::size_t descriptors) {
  const Limits& limits = plan.configuration->limits;
  const std::size_t wanted =
      limits.max_in_flight.value_or(std::clamp<std::size_t>(plan.targets.size(), 1, kMostInFlight));
  FittingLimits result;
  result.limits.max_in_flight = std::min(wanted, descriptors);
  result.limits.max_rate = limits.max_start_rate.value_or(RateFor(plan));
  if (limits.max_in_flight && wanted > descriptors) {
    result.note = "limits.max_in_flight is " + std::to_string(wanted) + ", but the limit on open " +
                  "files (RLIMIT_NOFILE) leaves " + std::to_string(descriptors) + " for probes";
  }
  return result;
}

}  // namespace lvs::checker
