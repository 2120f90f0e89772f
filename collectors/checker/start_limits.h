// The limits on starts that fit a plan.
#pragma once

#include "collectors/checker/plan.h"
#include "collectors/checker/start_queue.h"

namespace lvs::checker {

// The configuration's where it has some. Else: in flight as many as there are targets, as far as
// the process's descriptors (RLIMIT_NOFILE) and 16,384 go; a second, enough for every target at its
// fast interval, as when everything fails at once, but no more than four times the regular rate,
// and 100 at least.
StartLimits LimitsFor(const Plan& plan);

}  // namespace lvs::checker
