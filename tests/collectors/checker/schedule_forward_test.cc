// Starts that are brought forward by a sign at another target.
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

Health HealthOf(Verdict verdict, std::uint32_t ok, std::uint32_t fail) {
  Health health;
  health.verdict = verdict;
  health.ok_streak = ok;
  health.fail_streak = fail;
  return health;
}

TEST(IsFirstSign, IsTheBeginningOfAStreakAgainstTheVerdict) {
  const Health up = HealthOf(Verdict::kUp, 9, 0);
  const Health down = HealthOf(Verdict::kDown, 0, 9);
  EXPECT_TRUE(IsFirstSign(up, HealthOf(Verdict::kUp, 0, 1)));
  EXPECT_TRUE(IsFirstSign(up, HealthOf(Verdict::kDown, 0, 1))) << "with a fall of 1";
  EXPECT_TRUE(IsFirstSign(down, HealthOf(Verdict::kDown, 1, 0)));
  EXPECT_TRUE(IsFirstSign(down, HealthOf(Verdict::kUp, 1, 0)));
  EXPECT_FALSE(IsFirstSign(up, HealthOf(Verdict::kUp, 10, 0)));
  EXPECT_FALSE(IsFirstSign(down, HealthOf(Verdict::kDown, 0, 10)));
  EXPECT_FALSE(IsFirstSign(HealthOf(Verdict::kUp, 0, 1), HealthOf(Verdict::kUp, 0, 2)));
  EXPECT_FALSE(IsFirstSign(HealthOf(Verdict::kUp, 0, 2), HealthOf(Verdict::kDown, 0, 3)));
  EXPECT_FALSE(IsFirstSign(HealthOf(Verdict::kUp, 0, 2), up)) << "it was a blip";
  EXPECT_FALSE(IsFirstSign(HealthOf(Verdict::kUnknown, 0, 0), up));
}

const Health kUp = HealthOf(Verdict::kUp, 9, 0);
constexpr Timing kRegular{.due = kProgramStart + seconds(4), .period = seconds(5)};

TEST(BroughtForward, IsWithinAQuarterOfTheFastInterval) {
  for (const std::uint64_t phase : {std::uint64_t{0}, std::uint64_t{249'999'999},
                                    std::uint64_t{250'000'000}, ~std::uint64_t{0}}) {
    const auto forward = BroughtForward(kRegular, Periods{}, kUp, phase, kProgramStart);
    ASSERT_TRUE(forward) << phase;
    EXPECT_EQ(forward->due, kProgramStart + nanoseconds(phase % 250'000'000)) << phase;
    EXPECT_EQ(forward->regular, kRegular.due);
  }
}

TEST(BroughtForward, IsAbsentWhereItMakesNothingSooner) {
  Timing soon = kRegular;
  soon.due = kProgramStart + milliseconds(100);
  EXPECT_FALSE(BroughtForward(soon, Periods{}, kUp, 200'000'000, kProgramStart));
  EXPECT_TRUE(BroughtForward(soon, Periods{}, kUp, 99'000'000, kProgramStart));
  EXPECT_FALSE(BroughtForward(kRegular, Periods{.fast_interval = {}}, kUp, 0, kProgramStart));
  const Health pending = HealthOf(Verdict::kUp, 0, 1);
  EXPECT_FALSE(BroughtForward(kRegular, Periods{}, pending, 0, kProgramStart));
  EXPECT_FALSE(BroughtForward(kRegular, Periods{}, Health{}, 0, kProgramStart)) << "unknown";
}

TEST(BroughtForward, HappensOnceAnInterval) {
  Timing timing = *BroughtForward(kRegular, Periods{}, kUp, 0, kProgramStart);
  timing = TimingAfter(timing, Periods{}, kUp, kUp, Outcome::kSuccess, timing.due, kExact);
  EXPECT_FALSE(BroughtForward(timing, Periods{}, kUp, 0, kProgramStart + seconds(2)));
  timing = TimingAfter(timing, Periods{}, kUp, kUp, Outcome::kSuccess, timing.due, kExact);
  EXPECT_FALSE(
      BroughtForward(timing, Periods{}, kUp, 0, kProgramStart + seconds(5) - nanoseconds(1)));
  EXPECT_TRUE(BroughtForward(timing, Periods{}, kUp, 0, kProgramStart + seconds(5)));
}

TEST(BroughtForward, HappensAgainSoonWhenTheVerdictHasChanged) {
  Timing timing = *BroughtForward(kRegular, Periods{}, kUp, 0, kProgramStart);
  const Health down = HealthOf(Verdict::kDown, 0, 3);
  timing = TimingAfter(timing, Periods{}, kUp, down, Outcome::kFailure, timing.due, kExact);
  EXPECT_TRUE(BroughtForward(timing, Periods{}, down, 0, kProgramStart + seconds(1)));
}

TEST(TimingAfter, TheRhythmGoesOnWhenNothingHasChanged) {
  const Timing forward = *BroughtForward(kRegular, Periods{}, kUp, 0, kProgramStart);
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kInconclusive}) {
    const auto after = [&](Clock::duration takes) {
      return TimingAfter(forward, Periods{}, kUp, kUp, outcome, kProgramStart + takes, kExact);
    };
    EXPECT_EQ(after(kRoundTrip).due, kRegular.due);
    EXPECT_FALSE(after(kRoundTrip).regular);
    EXPECT_EQ(after(seconds(4) + kRoundTrip).due, kRegular.due + kRoundTrip)
        << "at once: the run lasted beyond the regular start";
  }
}

TEST(TimingAfter, ARegularStartThatPassedBeforeTheRunBeganIsOver) {
  Timing late = *BroughtForward(kRegular, Periods{}, kUp, 0, kProgramStart);
  late.due = kRegular.due + seconds(1);  // for lost slots
  EXPECT_EQ(
      TimingAfter(late, Periods{}, kUp, kUp, Outcome::kSuccess, late.due + kRoundTrip, kExact).due,
      late.due + seconds(5));
}

TEST(TimingAfter, AChangeHasItsOwnRhythm) {
  const Timing forward = *BroughtForward(kRegular, Periods{}, kUp, 0, kProgramStart);
  const Health failing = HealthOf(Verdict::kUp, 0, 1);
  EXPECT_EQ(TimingAfter(forward, Periods{}, kUp, failing, Outcome::kFailure,
                        kProgramStart + kRoundTrip, kExact)
                .due,
            kProgramStart + seconds(1));
  const Health down = HealthOf(Verdict::kDown, 0, 1);  // with a fall of 1
  EXPECT_EQ(TimingAfter(forward, Periods{.down_interval = seconds(2)}, kUp, down, Outcome::kFailure,
                        kProgramStart + kRoundTrip, kExact)
                .due,
            kProgramStart + seconds(2));
}

// The servers of a service change together at a random moment; every first sign brings the others
// forward, as the engine does it.
Clock::duration SpreadOfVerdicts(const probes::Probe& probe, unsigned seed, const Answer& before,
                                 const Answer& after, Verdict wanted) {
  constexpr std::size_t kServers = 4;
  Chance chance(seed);
  std::vector<SimulatedTarget> targets;
  for (std::size_t i = 0; i < kServers; ++i) {
    targets.emplace_back(probe, chance.Phase(), [&chance] { return chance(); });
  }
  const auto change = kProgramStart + seconds(60) + chance.Between(seconds(0), seconds(10));
  for (SimulatedTarget& target : targets) target.RunUntil(change, before);
  std::vector<Clock::time_point> verdicts;
  for (int runs = 0; verdicts.size() < kServers && runs < 1000; ++runs) {
    SimulatedTarget& next = *std::ranges::min_element(targets, {}, &SimulatedTarget::due);
    const bool had_it = next.verdict() == wanted;
    if (next.Run(after)) {
      for (SimulatedTarget& other : targets) {
        if (&other != &next) other.BringForward(chance.Phase(), next.end());
      }
    }
    if (!had_it && next.verdict() == wanted) verdicts.push_back(next.end());
  }
  EXPECT_EQ(verdicts.size(), kServers);
  const auto [first, last] = std::ranges::minmax(verdicts);
  return last - first;
}

// One hears of it up to fast/4 late, and each of its fast periods may be longer by the jitter while
// the other's are shorter.
TEST(SpreadOfVerdicts, IsSmallWhenServersChangeTogether) {
  const probes::Probe probe;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    EXPECT_LE(SpreadOfVerdicts(probe, seed, Good(kRoundTrip), Refusal(kRoundTrip), Verdict::kDown),
              milliseconds(250 + 2 * 200) + kRoundTrip)
        << seed;
    EXPECT_LE(SpreadOfVerdicts(probe, seed, Refusal(kRoundTrip), Good(kRoundTrip), Verdict::kUp),
              milliseconds(250 + 200) + kRoundTrip)
        << seed;
    EXPECT_LE(SpreadOfVerdicts(probe, seed, Good(kRoundTrip), BlackHole(probe), Verdict::kDown),
              milliseconds(250) + probe.timeout)
        << seed;
  }
}

}  // namespace
}  // namespace lvs::checker
