// The limits on starts that fit a plan.
#pragma once

#include <cstddef>
#include <string>

#include "collectors/checker/plan.h"
#include "collectors/checker/start_queue.h"

namespace lvs::checker {

// Descriptors that probes may use: the process's limit (RLIMIT_NOFILE) less what everything else
// needs.
std::size_t DescriptorsForProbes();

struct FittingLimits {
  StartLimits limits;
  std::string note;  // what the configuration wants and cannot have, one sentence; empty: nothing
};

// In flight as many as there are targets, up to 16,384, or what the configuration says; never more
// than there are descriptors. A second, what the configuration says, else enough for every target
// at its fast interval, as when everything fails at once, but no more than four times the regular
// rate, and 100 at least.
FittingLimits LimitsFor(const Plan& plan, std::size_t descriptors);

}  // namespace lvs::checker
