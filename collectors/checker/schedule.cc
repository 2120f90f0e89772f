#include "collectors/checker/schedule.h"

#include <algorithm>
#include <cassert>

namespace lvs::checker {

bool IsPending(const Health& health) {
  switch (health.verdict) {
    case Verdict::kUp:
      return health.fail_streak > 0;
    case Verdict::kDown:
      return health.ok_streak > 0;
    case Verdict::kUnknown:
      break;
  }
  return true;
}

Periods PeriodsOf(const probes::Probe& probe) {
  return {.interval = probe.interval,
          .fast_interval = probe.fast_interval,
          .down_interval = probe.down_interval,
          .jitter = probe.jitter};
}

Clock::duration PeriodAfter(const Periods& periods, const Health& health, probes::Outcome last) {
  const bool is_down = health.verdict == Verdict::kDown;
  if (last == probes::Outcome::kInconclusive) {
    return is_down ? std::max(periods.interval, periods.down_interval) : periods.interval;
  }
  const bool fast_is_on = periods.fast_interval > Clock::duration::zero();
  if (fast_is_on && IsPending(health)) return periods.fast_interval;
  return is_down ? periods.down_interval : periods.interval;
}

Clock::time_point FirstStart(const Periods& periods, std::uint64_t phase, Birth birth,
                             Clock::time_point now) {
  const bool fast_is_on = periods.fast_interval > Clock::duration::zero();
  const Clock::duration spread =
      birth == Birth::kLater && fast_is_on ? periods.fast_interval : periods.interval;
  assert(spread > Clock::duration::zero() && "the configuration has a least interval");
  const std::uint64_t offset = phase % static_cast<std::uint64_t>(spread.count());
  return now + Clock::duration(static_cast<Clock::rep>(offset));
}

Clock::time_point NextStart(Clock::time_point previous, Clock::time_point previous_end,
                            Clock::duration period, unsigned jitter, double chance) {
  // Rounded towards zero, so that no start leaves period ± jitter.
  const auto shift =
      std::chrono::duration_cast<Clock::duration>(period * (jitter / 100.0 * (2 * chance - 1)));
  return std::max(previous + period + shift, previous_end);
}

Timing TimingAfter(const Timing& timing, const Periods& periods, const Health& before,
                   const Health& after, probes::Outcome last, Clock::time_point end,
                   double chance) {
  Timing next = timing;
  next.period = PeriodAfter(periods, after, last);
  next.regular.reset();
  if (before.verdict != after.verdict) next.not_forward_before = {};
  const bool goes_on = before.verdict == after.verdict && !IsPending(after);
  if (goes_on && timing.regular && *timing.regular >= timing.due) {
    next.due = std::max(*timing.regular, end);
  } else {
    next.due = NextStart(timing.due, end, next.period, periods.jitter, chance);
  }
  return next;
}

bool IsFirstSign(const Health& before, const Health& after) {
  return !IsPending(before) && (IsPending(after) || after.verdict != before.verdict);
}

std::optional<Timing> BroughtForward(const Timing& timing, const Periods& periods,
                                     const Health& health, std::uint64_t phase,
                                     Clock::time_point now) {
  const Clock::duration spread = periods.fast_interval / 4;
  if (spread <= Clock::duration::zero() || IsPending(health)) return std::nullopt;
  const auto offset = static_cast<Clock::rep>(phase % static_cast<std::uint64_t>(spread.count()));
  const Clock::time_point start = now + Clock::duration(offset);
  if (timing.due <= start || now < timing.not_forward_before) return std::nullopt;
  Timing forward = timing;
  forward.due = start;
  forward.regular = timing.due;
  forward.not_forward_before = now + periods.interval;
  return forward;
}

std::uint64_t LostSlots(Clock::time_point due, Clock::time_point now, Clock::duration period) {
  assert(period > Clock::duration::zero() && "the configuration has a least interval");
  const Clock::duration late = now - due;
  return late > period ? static_cast<std::uint64_t>(late / period) : 0;
}

}  // namespace lvs::checker
