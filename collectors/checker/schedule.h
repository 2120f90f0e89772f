// When the runs of a target start: at a fixed rate from start to start, with jitter. Pure: time and
// chance come as arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "collectors/checker/health.h"
#include "collectors/clock.h"
#include "collectors/probes/probe.h"

namespace lvs::checker {

// What a schedule needs of a probe.
struct Periods {
  Clock::duration interval = std::chrono::seconds(5);
  Clock::duration fast_interval = std::chrono::seconds(1);  // 0: off
  Clock::duration down_interval = std::chrono::seconds(5);
  unsigned jitter = 10;  // percent of the period in use, 0 to 50
};

Periods PeriodsOf(const probes::Probe& probe);

// Whether the next result may bring a verdict that differs from the present one.
bool IsPending(const Health& health);

// The period after a run, given the state that the run led to: interval after an inconclusive one,
// which must not make more load; fast_interval, where it is on, while unknown or while a streak
// against the verdict is pending; down_interval while down; else interval.
Clock::duration PeriodAfter(const Periods& periods, const Health& health, probes::Outcome last);

// The start of the first run after the birth of a target: now + phase mod interval, where phase is
// a hash of the target, so that many targets spread evenly and the same at every restart. kLater:
// a target that appears while the program runs, mod fast_interval (interval when that is off).
enum class Birth : std::uint8_t { kAtStart, kLater };
Clock::time_point FirstStart(const Periods& periods, std::uint64_t phase, Birth birth,
                             Clock::time_point now);

// previous: when the last run was due to start (not when it did), so that the rate does not drift;
// when the run lost slots, due + lost slots × period, so that nothing is made up. chance: uniform
// in [0, 1). Never before previous_end.
Clock::time_point NextStart(Clock::time_point previous, Clock::time_point previous_end,
                            Clock::duration period, unsigned jitter, double chance);

// When a target runs next, and what led to it.
struct Timing {
  Clock::time_point due;
  Clock::duration period{};  // that led to due
  // The regular start that due comes before, while due is a start that was brought forward.
  std::optional<Clock::time_point> regular{};
  Clock::time_point not_forward_before{};  // once an interval is enough
};

// After a run that ended at end and took the state of the target from before to after. A run that
// was brought forward and changed nothing leaves the rhythm as it was: the regular start follows,
// at once where the run has lasted beyond it.
Timing TimingAfter(const Timing& timing, const Periods& periods, const Health& before,
                   const Health& after, probes::Outcome last, Clock::time_point end, double chance);

// Whether a result is the first sign that things change at a target: it begins a streak against a
// verdict, or turns it at once. Others of the same server and of the same services may change with
// it, and verdicts that belong together should come together.
bool IsFirstSign(const Health& before, const Health& after);

// With a start that is brought forward because of such a sign elsewhere, at now + phase mod a
// quarter of fast_interval. Absent where that is no sooner, where a fast period is on anyway
// (unknown, a streak), where fast_interval is off, and within an interval of the last time unless
// the verdict has changed since: runs that are brought forward at most double a target's.
std::optional<Timing> BroughtForward(const Timing& timing, const Periods& periods,
                                     const Health& health, std::uint64_t phase,
                                     Clock::time_point now);

// Slots that a start at now, due at due, has lost because it comes more than one period late: the
// whole periods between. 0 when it is not that late.
std::uint64_t LostSlots(Clock::time_point due, Clock::time_point now, Clock::duration period);

}  // namespace lvs::checker
