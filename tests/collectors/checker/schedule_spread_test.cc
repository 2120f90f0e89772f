// Many targets and many runs: no herds, no drift.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "collectors/checker/schedule.h"
#include "tests/support/simulated_target.h"

namespace lvs::checker {
namespace {

using namespace simulated;
using probes::Outcome;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Phases as an engine would make them: hashes of what names a target.
std::vector<std::uint64_t> PhasesOfTenThousand() {
  std::vector<std::uint64_t> phases;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name =
        "tcp 10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250) + ":80";
    phases.push_back(std::hash<std::string>()(name));
  }
  return phases;
}

// The fullest 100 ms of starts after a moment.
std::size_t FullestTenth(const std::vector<Clock::time_point>& starts, Clock::time_point from,
                         Clock::duration length) {
  std::vector<std::size_t> tenths(static_cast<std::size_t>(length / milliseconds(100)));
  for (const Clock::time_point start : starts) {
    if (start < from || start >= from + length) continue;
    ++tenths[static_cast<std::size_t>((start - from) / milliseconds(100))];
  }
  return *std::ranges::max_element(tenths);
}

constexpr std::size_t kMeanOfTenth = 10'000 / 50;  // at the default interval

TEST(ScheduleHerd, NoneWhenTheProgramStarts) {
  std::vector<Clock::time_point> starts;
  for (const std::uint64_t phase : PhasesOfTenThousand()) {
    starts.push_back(FirstStart(Periods{}, phase, Birth::kAtStart, kProgramStart));
    EXPECT_GE(starts.back(), kProgramStart);
    EXPECT_LT(starts.back(), kProgramStart + seconds(5));
  }
  EXPECT_LT(FullestTenth(starts, kProgramStart, seconds(5)), 2 * kMeanOfTenth);
}

TEST(ScheduleHerd, NoneWhenManyTargetsAppearLater) {
  std::vector<Clock::time_point> starts;
  for (const std::uint64_t phase : PhasesOfTenThousand()) {
    starts.push_back(FirstStart(Periods{}, phase, Birth::kLater, kProgramStart));
    EXPECT_LT(starts.back(), kProgramStart + seconds(1));
  }
  EXPECT_LT(FullestTenth(starts, kProgramStart, seconds(1)), 2 * 5 * kMeanOfTenth);
}

TEST(ScheduleHerd, TheSpreadIsTheSameAtEveryRestart) {
  const Clock::time_point restart = kProgramStart + nanoseconds(987'654'321'987);
  for (const std::uint64_t phase : PhasesOfTenThousand()) {
    for (const Birth birth : {Birth::kAtStart, Birth::kLater}) {
      EXPECT_EQ(FirstStart(Periods{}, phase, birth, kProgramStart) - kProgramStart,
                FirstStart(Periods{}, phase, birth, restart) - restart);
    }
  }
}

// Starts of ten thousand targets for a while after all their servers failed together and came
// back together; without jitter, which could hide a herd.
std::vector<Clock::time_point> StartsAfterATotalFailure(const Answer& failure,
                                                        Clock::time_point until) {
  probes::Probe probe;
  probe.jitter = 0;
  std::vector<Clock::time_point> starts;
  for (const std::uint64_t phase : PhasesOfTenThousand()) {
    SimulatedTarget target(probe, phase, [] { return kExact; });
    target.RunUntil(kProgramStart + seconds(30), Good(kRoundTrip));
    target.RunUntil(kProgramStart + seconds(60), failure);
    while (target.due() < until) {
      starts.push_back(target.due());
      target.Run(Good(kRoundTrip));
    }
  }
  return starts;
}

TEST(ScheduleHerd, NoneAfterEverythingFailedAtOnce) {
  const Clock::time_point end = kProgramStart + seconds(90);
  for (const Answer& failure : {BlackHole(probes::Probe{}), Refusal(kRoundTrip)}) {
    const auto starts = StartsAfterATotalFailure(failure, end);
    EXPECT_LT(FullestTenth(starts, end - seconds(20), seconds(20)), 2 * kMeanOfTenth);
    // While the first success is pending each target has one more run.
    const auto back = kProgramStart + seconds(60);
    EXPECT_LT(FullestTenth(starts, back, seconds(30)), 2 * 2 * kMeanOfTenth);
  }
}

TEST(ScheduleDrift, NoneWhenEveryStartIsLate) {
  constexpr int kRuns = 10'000;
  Clock::time_point due = kProgramStart;
  for (int i = 0; i < kRuns; ++i) {
    const Clock::time_point started = due + milliseconds(100);
    due = NextStart(due, started + kRoundTrip, seconds(5), 0, kExact);
  }
  EXPECT_EQ(due - kProgramStart, kRuns * seconds(5));
}

// Jitter wanders but has no direction. The sum of so many uniform deviations of at most half a
// second has a standard deviation of 29 s; starts late by 100 ms would drift by 1000 s.
TEST(ScheduleDrift, NoneInTenThousandRunsWithJitter) {
  constexpr int kRuns = 10'000;
  for (unsigned seed = 0; seed < 20; ++seed) {
    Chance chance(seed);
    Clock::time_point due = kProgramStart;
    for (int i = 0; i < kRuns; ++i) {
      const Clock::time_point started = due + milliseconds(100);
      due = NextStart(due, started + kRoundTrip, seconds(5), 10, chance());
    }
    const Clock::duration drift = due - kProgramStart - kRuns * seconds(5);
    EXPECT_LT(std::chrono::abs(drift), seconds(5 * 29)) << seed;
  }
}

TEST(ScheduleDrift, OppositeChancesCancel) {
  Clock::time_point due = kProgramStart;
  for (int i = 1; i <= 10'000; ++i) {
    due = NextStart(due, due, seconds(5), 10, i / 16384.0);
    due = NextStart(due, due, seconds(5), 10, 1 - i / 16384.0);
  }
  EXPECT_EQ(due - kProgramStart, 20'000 * seconds(5));
}

// A stopped or overloaded process: every slot is either run or counted as lost, and none is made
// up for.
TEST(LostSlots, AndRunsMakeUpAllSlots) {
  Chance chance(1);
  Clock::time_point due = kProgramStart;
  std::uint64_t slots = 0;
  for (int runs = 0; runs < 10'000; ++runs) {
    const Clock::duration late =
        chance.From(0, 3) * seconds(5) + chance.From(1, 499) * milliseconds(10);
    const Clock::time_point started = due + late;
    const std::uint64_t lost = LostSlots(due, started, seconds(5));
    due += static_cast<Clock::rep>(lost) * seconds(5);
    EXPECT_LT(started - due, seconds(5));
    due = NextStart(due, started + kRoundTrip, seconds(5), 0, kExact);
    EXPECT_GT(due, started);
    slots += lost + 1;
  }
  EXPECT_EQ(due, kProgramStart + static_cast<Clock::rep>(slots) * seconds(5));
}

}  // namespace
}  // namespace lvs::checker
