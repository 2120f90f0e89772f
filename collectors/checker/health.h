// What results make of a target: the state machine of verdicts. A pure function of the state
// before, a result, the rules and the time; no clock, socket or logger inside.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "collectors/clock.h"
#include "collectors/probes/probe.h"
#include "collectors/probes/run.h"

namespace lvs::checker {

enum class Verdict : std::uint8_t { kUnknown, kUp, kDown };

// "unknown", "up", "down".
const char* Name(Verdict verdict);

// Thresholds of one target. All from 1 to 255 but stale_after.
struct HealthRules {
  unsigned fall = 3;          // consecutive failures to kDown
  unsigned rise = 2;          // consecutive successes to kUp
  unsigned initial_fall = 3;  // the same until the first verdict
  unsigned initial_rise = 1;
  Clock::duration stale_after = std::chrono::seconds(17);  // without a conclusive result: unknown
};

HealthRules RulesOf(const probes::Probe& probe);

// Streaks stop growing at 2^32 - 1. At least one of them is 0.
struct Health {
  Verdict verdict = Verdict::kUnknown;
  std::uint32_t ok_streak = 0;
  std::uint32_t fail_streak = 0;
  // The last verdict that was not kUnknown; absent before the first.
  std::optional<Verdict> last_known;
  // Of the last result that was a success or a failure; at the start: when the target was born.
  Clock::time_point last_conclusive;

  bool operator==(const Health&) const = default;
};

// The state of a target that is born now.
Health Born(Clock::time_point now);

// What a result that was complete at the time does. Consecutive means strictly: one opposite
// result clears a streak. kInconclusive changes nothing. Staleness is judged first, so a result
// after a long silence counts from an unknown state. After the first verdict fall and rise apply,
// in an unknown state too: a server that was down before our own trouble does not come back on one
// success.
Health Advance(const Health& before, probes::Outcome outcome, const HealthRules& rules,
               Clock::time_point now);

// What the passing of time does: kUnknown with streaks 0 when nothing conclusive came for longer
// than stale_after.
Health Expire(const Health& before, const HealthRules& rules, Clock::time_point now);

// Whether a verdict is a transition: up or down, and not the last such verdict that was known. The
// first verdict of all is none, so that a restart does not look like a flap; nor is the same
// verdict that comes back after kUnknown.
bool IsTransition(std::optional<Verdict> last_known, Verdict verdict);

}  // namespace lvs::checker
