#include "collectors/checker/health.h"

#include <limits>

namespace lvs::checker {
namespace {

// The result by its outcome alone; the verdict is Judge's.
void Count(Health& health, probes::Outcome outcome) {
  const bool good = outcome == probes::Outcome::kSuccess;
  std::uint32_t& grows = good ? health.ok_streak : health.fail_streak;
  std::uint32_t& cleared = good ? health.fail_streak : health.ok_streak;
  if (grows < std::numeric_limits<std::uint32_t>::max()) ++grows;
  cleared = 0;
}

// At least, not exactly: a reload may have put a threshold below the streak there is.
std::optional<Verdict> Judge(const Health& health, const HealthRules& rules) {
  const bool first = !health.last_known.has_value();
  if (health.ok_streak >= (first ? rules.initial_rise : rules.rise)) return Verdict::kUp;
  if (health.fail_streak >= (first ? rules.initial_fall : rules.fall)) return Verdict::kDown;
  return std::nullopt;
}

}  // namespace

const char* Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUp:
      return "up";
    case Verdict::kDown:
      return "down";
    case Verdict::kUnknown:
      break;
  }
  return "unknown";
}

HealthRules RulesOf(const probes::Probe& probe) {
  return {.fall = probe.fall,
          .rise = probe.rise,
          .initial_fall = probe.initial_fall,
          .initial_rise = probe.initial_rise,
          .stale_after = probe.stale_after};
}

Health Born(Clock::time_point now) {
  Health health;
  health.last_conclusive = now;
  return health;
}

Health Advance(const Health& before, probes::Outcome outcome, const HealthRules& rules,
               Clock::time_point now) {
  Health health = Expire(before, rules, now);
  if (outcome == probes::Outcome::kInconclusive) return health;
  Count(health, outcome);
  health.last_conclusive = now;
  if (const std::optional<Verdict> verdict = Judge(health, rules)) {
    health.verdict = *verdict;
    health.last_known = verdict;
  }
  return health;
}

Health Expire(const Health& before, const HealthRules& rules, Clock::time_point now) {
  if (now - before.last_conclusive <= rules.stale_after) return before;
  Health health = before;
  health.verdict = Verdict::kUnknown;
  health.ok_streak = 0;
  health.fail_streak = 0;
  return health;
}

bool IsTransition(std::optional<Verdict> last_known, Verdict verdict) {
  return last_known.has_value() && verdict != Verdict::kUnknown && verdict != *last_known;
}

}  // namespace lvs::checker
