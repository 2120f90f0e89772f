#include "collectors/checker/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace lvs::checker {
namespace {

using probes::Outcome;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Clock::time_point kProgramStart{seconds(5000)};

// The worst chances: the shortest period, the one as configured, the longest.
constexpr double kSoonest = 0;
constexpr double kExact = 0.5;
const double kLatest = std::nextafter(1.0, 0.0);

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

// What the server does to a run that starts now.
struct Answer {
  Outcome outcome;
  Clock::duration takes;
};

Answer Good(Clock::duration takes) { return {Outcome::kSuccess, takes}; }
Answer Refusal(Clock::duration round_trip) { return {Outcome::kFailure, round_trip}; }
Answer BlackHole(const probes::Probe& probe) { return {Outcome::kFailure, probe.timeout}; }

// The target of a probe on a simulated clock, run by an engine that is never late itself.
class Target {
 public:
  Target(const probes::Probe& probe, std::uint64_t phase, std::function<double()> chance)
      : rules_(RulesOf(probe)),
        periods_(PeriodsOf(probe)),
        chance_(std::move(chance)),
        health_(Born(kProgramStart)),
        due_(FirstStart(periods_, phase, Birth::kAtStart, kProgramStart)) {}

  Verdict verdict() const { return health_.verdict; }
  Clock::time_point due() const { return due_; }

  void Run(const Answer& answer) {
    end_ = due_ + answer.takes;
    health_ = Advance(health_, answer.outcome, rules_, end_);
    const Clock::duration period = PeriodAfter(periods_, health_, answer.outcome);
    due_ = NextStart(due_, end_, period, periods_.jitter, chance_());
  }

  void RunUntil(Clock::time_point moment, const Answer& answer) {
    while (due_ < moment) Run(answer);
  }

  // When the run ended that brought the verdict.
  Clock::time_point RunUntil(Verdict verdict, const Answer& answer) {
    for (int runs = 0; health_.verdict != verdict && runs < 1000; ++runs) Run(answer);
    EXPECT_EQ(health_.verdict, verdict) << "after a thousand runs";
    return end_;
  }

 private:
  HealthRules rules_;
  Periods periods_;
  std::function<double()> chance_;
  Health health_;
  Clock::time_point due_;
  Clock::time_point end_;
};

// How long it takes from a change of the server to the verdict. Runs that are on the way at the
// moment of the change do not notice, which is the worst they can do.
Clock::duration TimeToVerdict(Target& target, const Answer& before, Clock::time_point change,
                              const Answer& after, Verdict wanted) {
  target.RunUntil(change, before);
  EXPECT_NE(target.verdict(), wanted);
  return target.RunUntil(wanted, after) - change;
}

// The worst phase: the server changes at the moment after a start.
Clock::time_point JustAfterAStart(Target& target, const Answer& before) {
  target.RunUntil(kProgramStart + seconds(100), before);
  return target.due() + nanoseconds(1);
}

std::function<double()> Always(double chance) {
  return [chance] { return chance; };
}

Clock::duration WorstTime(const probes::Probe& probe, double chance, const Answer& before,
                          const Answer& after, Verdict wanted) {
  Target target(probe, 0, Always(chance));
  const Clock::time_point change = JustAfterAStart(target, before);
  return TimeToVerdict(target, before, change, after, wanted);
}

// Tight: what is measured is the bound but for rounding, so the table of bounds says no more than
// it must.
void ExpectTightBound(Clock::duration measured, Clock::duration bound) {
  EXPECT_LE(measured, bound);
  EXPECT_GT(measured, bound - std::chrono::microseconds(1));
}

constexpr Clock::duration kRoundTrip = milliseconds(3);

TEST(ScheduleBounds, BlackHoleToDown) {
  const probes::Probe probe;
  const auto worst = [&](double chance) {
    return WorstTime(probe, chance, Good(kRoundTrip), BlackHole(probe), Verdict::kDown);
  };
  ExpectTightBound(worst(kLatest), milliseconds(11'500));
  ExpectTightBound(worst(kSoonest), milliseconds(10'500));
}

TEST(ScheduleBounds, RefusedPortToDown) {
  const probes::Probe probe;
  const auto worst = [&](double chance) {
    return WorstTime(probe, chance, Good(kRoundTrip), Refusal(kRoundTrip), Verdict::kDown);
  };
  ExpectTightBound(worst(kLatest), milliseconds(7'700) + kRoundTrip);
  ExpectTightBound(worst(kSoonest), milliseconds(6'300) + kRoundTrip);
}

TEST(ScheduleBounds, BackToUp) {
  const probes::Probe probe;
  for (const Clock::duration takes : {milliseconds(1), milliseconds(300), milliseconds(1100)}) {
    for (const Answer& before : {BlackHole(probe), Refusal(kRoundTrip)}) {
      ExpectTightBound(WorstTime(probe, kLatest, before, Good(takes), Verdict::kUp),
                       milliseconds(6'600) + takes);
      EXPECT_LE(WorstTime(probe, kSoonest, before, Good(takes), Verdict::kUp),
                milliseconds(6'600) + takes);
    }
  }
}

TEST(ScheduleBounds, BackToUpOfASlowServer) {
  const probes::Probe probe;
  const Clock::duration slow = milliseconds(1900);  // the second run waits for the first
  ExpectTightBound(WorstTime(probe, kLatest, BlackHole(probe), Good(slow), Verdict::kUp),
                   milliseconds(5'500) + slow + slow);
}

// The phase that waits longest after the start of the program.
constexpr std::uint64_t kLastPhase = 4'999'999'999;

TEST(ScheduleBounds, StartToFirstVerdictUp) {
  Target target(probes::Probe{}, kLastPhase, Always(kLatest));
  ExpectTightBound(target.RunUntil(Verdict::kUp, Good(kRoundTrip)) - kProgramStart,
                   seconds(5) + kRoundTrip);
}

TEST(ScheduleBounds, StartToFirstVerdictDown) {
  const probes::Probe probe;
  Target target(probe, kLastPhase, Always(kLatest));
  ExpectTightBound(target.RunUntil(Verdict::kDown, BlackHole(probe)) - kProgramStart, seconds(11));
}

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  double operator()() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  std::uint64_t Phase() { return random_(); }
  unsigned From(unsigned least, unsigned most) {
    return std::uniform_int_distribution(least, most)(random_);
  }
  Clock::duration Between(Clock::duration least, Clock::duration most) {
    return nanoseconds(
        std::uniform_int_distribution<Clock::rep>(least.count(), most.count())(random_));
  }

 private:
  std::mt19937_64 random_;
};

void ForManySeeds(const std::function<void(Chance&)>& check) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    check(chance);
    if (testing::Test::HasFailure()) return;
  }
}

// Runs of a target with random phase and jitter whose server changes at a random moment.
Clock::duration RandomTime(const probes::Probe& probe, Chance& chance, const Answer& before,
                           const Answer& after, Verdict wanted) {
  Target target(probe, chance.Phase(), std::ref(chance));
  const Clock::time_point steady = kProgramStart + 20 * std::max(probe.interval, probe.timeout);
  const Clock::time_point change = steady + chance.Between(seconds(0), 10 * probe.interval);
  return TimeToVerdict(target, before, change, after, wanted);
}

TEST(RandomScheduleBounds, HoldForTheDefaultsAtAnyPhaseAndJitter) {
  const probes::Probe probe;
  ForManySeeds([&](Chance& chance) {
    const Clock::duration takes = chance.Between(milliseconds(1), milliseconds(1000));
    const auto time = [&](const Answer& before, const Answer& after, Verdict wanted) {
      return RandomTime(probe, chance, before, after, wanted);
    };
    EXPECT_LE(time(Good(takes), BlackHole(probe), Verdict::kDown), milliseconds(11'500));
    EXPECT_LE(time(Good(takes), Refusal(kRoundTrip), Verdict::kDown),
              milliseconds(7'700) + kRoundTrip);
    EXPECT_LE(time(BlackHole(probe), Good(takes), Verdict::kUp), milliseconds(6'600) + takes);
    EXPECT_LE(time(Refusal(kRoundTrip), Good(takes), Verdict::kUp), milliseconds(6'600) + takes);
  });
}

TEST(RandomScheduleBounds, FirstVerdictsHoldForTheDefaultsAtAnyPhaseAndJitter) {
  const probes::Probe probe;
  ForManySeeds([&](Chance& chance) {
    const Clock::duration takes = chance.Between(milliseconds(1), probe.timeout);
    Target good(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(good.RunUntil(Verdict::kUp, Good(takes)) - kProgramStart, seconds(5) + takes);
    Target bad(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(bad.RunUntil(Verdict::kDown, BlackHole(probe)) - kProgramStart, seconds(11));
  });
}

// Anything that the configuration allows.
probes::Probe RandomProbe(Chance& chance) {
  probes::Probe probe;
  probe.interval = milliseconds(chance.From(200, 20'000));
  const auto most = static_cast<unsigned>(probe.interval.count());
  probe.timeout = milliseconds(chance.From(10, most));
  probe.fast_interval = milliseconds(chance.From(0, 4) == 0 ? 0 : chance.From(200, most));
  probe.down_interval = milliseconds(chance.From(200, 40'000));
  probe.fall = chance.From(1, 5);
  probe.rise = chance.From(1, 5);
  probe.initial_fall = chance.From(1, 5);
  probe.initial_rise = chance.From(1, 5);
  probe.jitter = chance.From(0, 50);
  probe.stale_after = 3 * std::max(probe.interval, probe.down_interval) + probe.timeout;
  return probe;
}

// The formulas of the bounds, for one probe and a duration of its good runs.
class Formulas {
 public:
  Formulas(const probes::Probe& probe, Clock::duration good) : probe_(probe), good_(good) {}

  Clock::duration BlackHoleToDown() const {
    return Latest(probe_.interval) +
           (probe_.fall - 1) * std::max(Latest(Pending(probe_.interval)), Timeout()) + Timeout();
  }
  Clock::duration RefusedToDown() const {
    return Latest(probe_.interval) +
           (probe_.fall - 1) * std::max(Latest(Pending(probe_.interval)), kRoundTrip) + kRoundTrip;
  }
  // The last run that failed may end after down_interval, when that is shorter than the timeout.
  Clock::duration BackToUp() const {
    return std::max(Latest(probe_.down_interval), Timeout()) +
           (probe_.rise - 1) * std::max(Latest(Pending(probe_.down_interval)), good_) + good_;
  }
  Clock::duration FirstUp() const {
    return probe_.interval +
           (probe_.initial_rise - 1) * std::max(Latest(Pending(probe_.interval)), good_) + good_;
  }
  Clock::duration FirstDown() const {
    return probe_.interval +
           (probe_.initial_fall - 1) * std::max(Latest(Pending(probe_.interval)), Timeout()) +
           Timeout();
  }

 private:
  Clock::duration Timeout() const { return probe_.timeout; }
  Clock::duration Latest(Clock::duration period) const {
    return period + period * probe_.jitter / 100;
  }
  Clock::duration Pending(Clock::duration otherwise) const {
    return probe_.fast_interval > milliseconds(0) ? probe_.fast_interval : otherwise;
  }

  const probes::Probe& probe_;
  const Clock::duration good_;
};

TEST(RandomScheduleBounds, FormulasHoldForAnyConfiguration) {
  ForManySeeds([](Chance& chance) {
    const probes::Probe probe = RandomProbe(chance);
    const Clock::duration takes = chance.Between(milliseconds(1), probe.timeout);
    const Formulas formulas(probe, takes);
    const auto time = [&](const Answer& before, const Answer& after, Verdict wanted) {
      return RandomTime(probe, chance, before, after, wanted);
    };
    EXPECT_LE(time(Good(takes), BlackHole(probe), Verdict::kDown), formulas.BlackHoleToDown());
    EXPECT_LE(time(Good(takes), Refusal(kRoundTrip), Verdict::kDown), formulas.RefusedToDown());
    EXPECT_LE(time(BlackHole(probe), Good(takes), Verdict::kUp), formulas.BackToUp());
  });
}

TEST(RandomScheduleBounds, FormulasOfFirstVerdictsHoldForAnyConfiguration) {
  ForManySeeds([](Chance& chance) {
    const probes::Probe probe = RandomProbe(chance);
    const Clock::duration takes = chance.Between(milliseconds(1), probe.timeout);
    const Formulas formulas(probe, takes);
    Target good(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(good.RunUntil(Verdict::kUp, Good(takes)) - kProgramStart, formulas.FirstUp());
    Target bad(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(bad.RunUntil(Verdict::kDown, BlackHole(probe)) - kProgramStart, formulas.FirstDown());
  });
}

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
    Target target(probe, phase, Always(kExact));
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
