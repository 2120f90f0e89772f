// A target of the checker on a simulated clock, with servers that change when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <utility>

#include "collectors/checker/schedule.h"

namespace lvs::checker::simulated {

constexpr Clock::time_point kProgramStart{std::chrono::seconds(5000)};
constexpr Clock::duration kRoundTrip = std::chrono::milliseconds(3);

// The worst chances: the shortest period, the one as configured, the longest.
constexpr double kSoonest = 0;
constexpr double kExact = 0.5;
inline const double kLatest = std::nextafter(1.0, 0.0);

// What the server does to a run that starts now.
struct Answer {
  probes::Outcome outcome;
  Clock::duration takes;
};

inline Answer Good(Clock::duration takes) { return {probes::Outcome::kSuccess, takes}; }
inline Answer Refusal(Clock::duration round_trip) {
  return {probes::Outcome::kFailure, round_trip};
}
inline Answer BlackHole(const probes::Probe& probe) {
  return {probes::Outcome::kFailure, probe.timeout};
}

// Chances that are the same for the same seed.
class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  double operator()() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  std::uint64_t Phase() { return random_(); }
  unsigned From(unsigned least, unsigned most) {
    return std::uniform_int_distribution(least, most)(random_);
  }
  Clock::duration Between(Clock::duration least, Clock::duration most) {
    return std::chrono::nanoseconds(
        std::uniform_int_distribution<Clock::rep>(least.count(), most.count())(random_));
  }

 private:
  std::mt19937_64 random_;
};

// The target of a probe on a simulated clock, run by an engine that is never late itself.
class SimulatedTarget {
 public:
  SimulatedTarget(const probes::Probe& probe, std::uint64_t phase, std::function<double()> chance)
      : rules_(RulesOf(probe)),
        periods_(PeriodsOf(probe)),
        chance_(std::move(chance)),
        health_(Born(kProgramStart)),
        timing_{.due = FirstStart(periods_, phase, Birth::kAtStart, kProgramStart),
                .period = periods_.interval} {}

  Verdict verdict() const { return health_.verdict; }
  Clock::time_point due() const { return timing_.due; }
  Clock::time_point end() const { return end_; }  // of the last run

  // From now on other targets give signs now and then. chance must outlive this.
  void HearSigns(Chance& chance) { signs_ = &chance; }

  // Whether the run was the first sign of a change.
  bool Run(const Answer& answer) {
    if (signs_ != nullptr && signs_->From(0, 3) == 0) HearSign(*signs_);
    end_ = timing_.due + answer.takes;
    const Health before = health_;
    health_ = Advance(health_, answer.outcome, rules_, end_);
    timing_ = TimingAfter(timing_, periods_, before, health_, answer.outcome, end_, chance_());
    return IsFirstSign(before, health_);
  }

  // As when another target gives a first sign.
  void BringForward(std::uint64_t phase, Clock::time_point now) {
    timing_ = BroughtForward(timing_, periods_, health_, phase, now).value_or(timing_);
  }

  // Every run that is due before the moment.
  void RunUntil(Clock::time_point moment, const Answer& answer) {
    while (timing_.due < moment) Run(answer);
  }

  // Gives when the run ended that brought the verdict.
  Clock::time_point RunUntil(Verdict verdict, const Answer& answer) {
    for (int runs = 0; health_.verdict != verdict && runs < 1000; ++runs) Run(answer);
    EXPECT_EQ(health_.verdict, verdict) << "after a thousand runs";
    return end_;
  }

 private:
  void HearSign(Chance& chance) {
    const Clock::time_point last = std::max(end_, kProgramStart);
    if (last < timing_.due)
      BringForward(chance.Phase(), last + chance.Between({}, timing_.due - last));
  }

  HealthRules rules_;
  Periods periods_;
  std::function<double()> chance_;
  Health health_;
  Timing timing_;
  Clock::time_point end_;
  Chance* signs_ = nullptr;
};

}  // namespace lvs::checker::simulated
