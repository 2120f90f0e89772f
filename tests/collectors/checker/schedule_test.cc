#include "collectors/checker/schedule.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/simulated_target.h"

namespace lvs::checker {
namespace {

using namespace simulated;
using probes::Outcome;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(Periods, AreThoseOfTheProbe) {
  probes::Probe probe;
  probe.interval = milliseconds(7001);
  probe.fast_interval = milliseconds(7002);
  probe.down_interval = milliseconds(7003);
  probe.jitter = 37;
  const Periods periods = PeriodsOf(probe);
  EXPECT_EQ(periods.interval, milliseconds(7001));
  EXPECT_EQ(periods.fast_interval, milliseconds(7002));
  EXPECT_EQ(periods.down_interval, milliseconds(7003));
  EXPECT_EQ(periods.jitter, 37U);
}

TEST(Periods, TheDefaultOnesAreThoseOfADefaultProbe) {
  const Periods given;
  const Periods made = PeriodsOf(probes::Probe{});
  EXPECT_EQ(given.interval, made.interval);
  EXPECT_EQ(given.fast_interval, made.fast_interval);
  EXPECT_EQ(given.down_interval, made.down_interval);
  EXPECT_EQ(given.jitter, made.jitter);
}

struct PeriodRow {
  const char* what;
  Verdict verdict;
  std::uint32_t ok_streak;
  std::uint32_t fail_streak;
  Outcome last;
  Clock::duration with_fast;
  Clock::duration without_fast;
};

constexpr Clock::duration kNormal = seconds(5);
constexpr Clock::duration kFast = seconds(1);
constexpr Clock::duration kDownPeriod = seconds(9);

const PeriodRow kPeriodRows[] = {
    {"steady up", Verdict::kUp, 7, 0, Outcome::kSuccess, kNormal, kNormal},
    {"up, a failure pending", Verdict::kUp, 0, 1, Outcome::kFailure, kFast, kNormal},
    {"steady down", Verdict::kDown, 0, 9, Outcome::kFailure, kDownPeriod, kDownPeriod},
    {"down, a success pending", Verdict::kDown, 1, 0, Outcome::kSuccess, kFast, kDownPeriod},
    {"unknown", Verdict::kUnknown, 0, 1, Outcome::kFailure, kFast, kNormal},
    {"unknown, a success pending", Verdict::kUnknown, 1, 0, Outcome::kSuccess, kFast, kNormal},
    {"inconclusive while up", Verdict::kUp, 7, 0, Outcome::kInconclusive, kNormal, kNormal},
    {"inconclusive while pending", Verdict::kUp, 0, 2, Outcome::kInconclusive, kNormal, kNormal},
    {"inconclusive while down", Verdict::kDown, 0, 9, Outcome::kInconclusive, kDownPeriod,
     kDownPeriod},
    {"inconclusive from the start", Verdict::kUnknown, 0, 0, Outcome::kInconclusive, kNormal,
     kNormal},
};

TEST(PeriodAfter, FollowsTheVerdictTheStreaksAndTheResult) {
  for (const PeriodRow& row : kPeriodRows) {
    Health health = Born(kProgramStart);
    health.verdict = row.verdict;
    health.ok_streak = row.ok_streak;
    health.fail_streak = row.fail_streak;
    Periods periods{.interval = kNormal, .fast_interval = kFast, .down_interval = kDownPeriod};
    EXPECT_EQ(PeriodAfter(periods, health, row.last), row.with_fast) << row.what;
    periods.fast_interval = Clock::duration::zero();
    EXPECT_EQ(PeriodAfter(periods, health, row.last), row.without_fast) << row.what;
  }
}

TEST(NextStart, IsAPeriodAfterTheStart) {
  EXPECT_EQ(NextStart(kProgramStart, kProgramStart + seconds(2), seconds(5), 0, kLatest),
            kProgramStart + seconds(5));
}

TEST(NextStart, StaysWithinTheJitter) {
  const auto period = [](unsigned jitter, double chance) {
    return NextStart(kProgramStart, kProgramStart, seconds(5), jitter, chance) - kProgramStart;
  };
  EXPECT_EQ(period(10, kSoonest), milliseconds(4500));
  EXPECT_EQ(period(10, 0.25), milliseconds(4750));
  EXPECT_EQ(period(10, kExact), milliseconds(5000));
  EXPECT_LE(period(10, kLatest), milliseconds(5500));
  EXPECT_GT(period(10, kLatest), milliseconds(5500) - nanoseconds(10));
  EXPECT_EQ(period(50, kSoonest), milliseconds(2500));
}

TEST(NextStart, WaitsForTheEndOfTheRun) {
  const auto end = kProgramStart + milliseconds(1999);
  EXPECT_EQ(NextStart(kProgramStart, end, seconds(1), 10, kLatest), end);
}

TEST(FirstStart, IsThePhaseWithinTheInterval) {
  const Periods periods;
  const auto start = [&](std::uint64_t phase, Birth birth) {
    return FirstStart(periods, phase, birth, kProgramStart) - kProgramStart;
  };
  EXPECT_EQ(start(0, Birth::kAtStart), nanoseconds(0));
  EXPECT_EQ(start(4'999'999'999, Birth::kAtStart), nanoseconds(4'999'999'999));
  EXPECT_EQ(start(5'000'000'007, Birth::kAtStart), nanoseconds(7));
  EXPECT_EQ(start(5'000'000'007, Birth::kLater), nanoseconds(7));
  EXPECT_EQ(start(4'999'999'999, Birth::kLater), nanoseconds(999'999'999));
  // All 64 bits count: 2^64 - 1 mod 5e9.
  EXPECT_EQ(start(~std::uint64_t{0}, Birth::kAtStart), nanoseconds(3'709'551'615));
}

TEST(FirstStart, LaterWithoutAFastIntervalIsWithinTheInterval) {
  const Periods periods{.fast_interval = Clock::duration::zero()};
  EXPECT_EQ(FirstStart(periods, 4'999'999'999, Birth::kLater, kProgramStart),
            kProgramStart + nanoseconds(4'999'999'999));
}

struct LostRow {
  const char* what;
  Clock::duration late;
  std::uint64_t lost;
};

TEST(LostSlots, AreTheWholePeriodsOfAStartMoreThanOneLate) {
  for (const LostRow& row : std::initializer_list<LostRow>{
           {"early", -seconds(20), 0},
           {"in time", seconds(0), 0},
           {"a little late", milliseconds(4999), 0},
           {"one period, which is not more than one", seconds(5), 0},
           {"a little more than one", seconds(5) + nanoseconds(1), 1},
           {"not yet two", seconds(10) - nanoseconds(1), 1},
           {"two", seconds(10), 2},
           {"an hour", seconds(3600), 720},
       }) {
    EXPECT_EQ(LostSlots(kProgramStart, kProgramStart + row.late, seconds(5)), row.lost) << row.what;
  }
}

}  // namespace
}  // namespace lvs::checker
