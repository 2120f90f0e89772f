// The one clock for durations and deadlines. Wall time is used only for timestamps that are shown.
#pragma once

#include <chrono>

namespace lvs {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

}  // namespace lvs
