// How soon a verdict follows a change, on a simulated clock: the promised bounds hold and are
// tight.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "collectors/checker/schedule.h"
#include "tests/support/simulated_target.h"

namespace lvs::checker {
namespace {

using namespace simulated;
using probes::Outcome;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// How long it takes from a change of the server to the verdict. Runs that are on the way at the
// moment of the change do not notice, which is the worst they can do.
Clock::duration TimeToVerdict(SimulatedTarget& target, const Answer& before,
                              Clock::time_point change, const Answer& after, Verdict wanted) {
  target.RunUntil(change, before);
  EXPECT_NE(target.verdict(), wanted);
  return target.RunUntil(wanted, after) - change;
}

// The worst phase: the server changes at the moment after a start.
Clock::time_point JustAfterAStart(SimulatedTarget& target, const Answer& before) {
  target.RunUntil(kProgramStart + seconds(100), before);
  return target.due() + nanoseconds(1);
}

std::function<double()> Always(double chance) {
  return [chance] { return chance; };
}

Clock::duration WorstTime(const probes::Probe& probe, double chance, const Answer& before,
                          const Answer& after, Verdict wanted) {
  SimulatedTarget target(probe, 0, Always(chance));
  const Clock::time_point change = JustAfterAStart(target, before);
  return TimeToVerdict(target, before, change, after, wanted);
}

// Tight: what is measured is the bound but for rounding, so the table of bounds says no more than
// it must.
void ExpectTightBound(Clock::duration measured, Clock::duration bound) {
  EXPECT_LE(measured, bound);
  EXPECT_GT(measured, bound - std::chrono::microseconds(1));
}

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
  SimulatedTarget target(probes::Probe{}, kLastPhase, Always(kLatest));
  ExpectTightBound(target.RunUntil(Verdict::kUp, Good(kRoundTrip)) - kProgramStart,
                   seconds(5) + kRoundTrip);
}

TEST(ScheduleBounds, StartToFirstVerdictDown) {
  const probes::Probe probe;
  SimulatedTarget target(probe, kLastPhase, Always(kLatest));
  ExpectTightBound(target.RunUntil(Verdict::kDown, BlackHole(probe)) - kProgramStart, seconds(11));
}

void ForManySeeds(const std::function<void(Chance&)>& check) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    check(chance);
    if (testing::Test::HasFailure()) return;
  }
}

// Runs of a target with random phase and jitter whose server changes at a random moment, and that
// is brought forward at others.
Clock::duration RandomTime(const probes::Probe& probe, Chance& chance, const Answer& before,
                           const Answer& after, Verdict wanted) {
  SimulatedTarget target(probe, chance.Phase(), std::ref(chance));
  target.HearSigns(chance);
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
    SimulatedTarget good(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(good.RunUntil(Verdict::kUp, Good(takes)) - kProgramStart, seconds(5) + takes);
    SimulatedTarget bad(probe, chance.Phase(), std::ref(chance));
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
    SimulatedTarget good(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(good.RunUntil(Verdict::kUp, Good(takes)) - kProgramStart, formulas.FirstUp());
    SimulatedTarget bad(probe, chance.Phase(), std::ref(chance));
    EXPECT_LT(bad.RunUntil(Verdict::kDown, BlackHole(probe)) - kProgramStart, formulas.FirstDown());
  });
}

}  // namespace
}  // namespace lvs::checker
