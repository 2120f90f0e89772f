#include "collectors/checker/health.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace lvs::checker {
namespace {

using probes::Outcome;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Clock::time_point kBirth{seconds(1000)};

// Histories are strings with one letter a second:
//   S success   F failure   ? inconclusive
//   . no run ended, but somebody looked   (blank) nobody looked
// and so are verdicts: u up, d down, - unknown. A capital is a transition.
char VerdictLetter(const Health& before, const Health& after) {
  if (after.verdict == Verdict::kUnknown) return '-';
  if (after.verdict == Verdict::kUp)
    return IsTransition(before.last_known, after.verdict) ? 'U' : 'u';
  return IsTransition(before.last_known, after.verdict) ? 'D' : 'd';
}

Outcome OutcomeOf(char letter) {
  if (letter == 'S') return Outcome::kSuccess;
  return letter == 'F' ? Outcome::kFailure : Outcome::kInconclusive;
}

Health StateAfter(const Health& before, char letter, const HealthRules& rules,
                  Clock::time_point now) {
  if (letter == ' ') return before;
  return letter == '.' ? Expire(before, rules, now)
                       : Advance(before, OutcomeOf(letter), rules, now);
}

std::string Verdicts(std::string_view history, const HealthRules& rules) {
  std::string verdicts;
  Health health = Born(kBirth);
  Clock::time_point now = kBirth;
  for (const char letter : history) {
    now += seconds(1);
    const Health after = StateAfter(health, letter, rules, now);
    verdicts += letter == ' ' ? ' ' : VerdictLetter(health, after);
    health = after;
  }
  return verdicts;
}

struct Row {
  const char* what;
  const char* history;
  const char* verdicts;
};

void Expect(const HealthRules& rules, const std::vector<Row>& rows) {
  for (const Row& row : rows) EXPECT_EQ(Verdicts(row.history, rules), row.verdicts) << row.what;
}

TEST(Health, NamesItsVerdicts) {
  EXPECT_STREQ(Name(Verdict::kUnknown), "unknown");
  EXPECT_STREQ(Name(Verdict::kUp), "up");
  EXPECT_STREQ(Name(Verdict::kDown), "down");
}

TEST(Health, TakesItsRulesFromTheProbe) {
  probes::Probe probe;
  probe.fall = 4;
  probe.rise = 5;
  probe.initial_fall = 6;
  probe.initial_rise = 7;
  probe.stale_after = milliseconds(8500);
  const HealthRules rules = RulesOf(probe);
  EXPECT_EQ(rules.fall, 4U);
  EXPECT_EQ(rules.rise, 5U);
  EXPECT_EQ(rules.initial_fall, 6U);
  EXPECT_EQ(rules.initial_rise, 7U);
  EXPECT_EQ(rules.stale_after, milliseconds(8500));
}

TEST(Health, TheDefaultRulesAreThoseOfADefaultProbe) {
  const HealthRules given;
  const HealthRules made = RulesOf(probes::Probe{});
  EXPECT_EQ(given.fall, made.fall);
  EXPECT_EQ(given.rise, made.rise);
  EXPECT_EQ(given.initial_fall, made.initial_fall);
  EXPECT_EQ(given.initial_rise, made.initial_rise);
  EXPECT_EQ(given.stale_after, made.stale_after);
}

TEST(Health, IsBornUnknownWithoutStreaks) {
  const Health health = Born(kBirth);
  EXPECT_EQ(health.verdict, Verdict::kUnknown);
  EXPECT_EQ(health.ok_streak, 0U);
  EXPECT_EQ(health.fail_streak, 0U);
  EXPECT_FALSE(health.last_known.has_value());
  EXPECT_EQ(health.last_conclusive, kBirth);
}

TEST(Health, GoesUpAndDownByStreaks) {
  Expect(HealthRules{}, {
                            {"one success is enough for the first verdict", "S", "u"},
                            {"also after failures", "FFS", "--u"},
                            {"three failures are, too, and none is a transition", "FFF", "--d"},
                            {"down at the third failure", "SFFF", "uuuD"},
                            {"and it stays so", "SFFFFF", "uuuDdd"},
                            {"one success clears the streak", "SFFSFFSFFF", "uuuuuuuuuD"},
                            {"back up at the second success", "FFFSS", "--ddU"},
                            {"one failure clears the streak", "FFFSFSFSS", "--ddddddU"},
                            {"there and back again", "SFFFSSFFFSS", "uuuDdUuuDdU"},
                        });
}

TEST(Health, UsesInitialThresholdsUntilTheFirstVerdictOnly) {
  Expect({.fall = 2, .rise = 3, .initial_fall = 1, .initial_rise = 4},
         {
             {"one failure, then three successes", "FSSSFF", "dddUuD"},
             {"four successes, then two failures", "SSSSFF", "---uuD"},
         });
  Expect({.fall = 1, .rise = 1, .initial_fall = 3, .initial_rise = 3},
         {
             {"a slow start and hasty afterwards", "SFFSSSFSF", "-----uDUD"},
             {"the same from below", "FFSFFFSF", "-----dUD"},
         });
}

TEST(Health, InconclusiveResultsChangeNothing) {
  Expect(HealthRules{}, {
                            {"nothing but trouble of our own", "????", "----"},
                            {"a failure streak goes on", "SFF???F", "uuuuuuD"},
                            {"a success streak goes on", "FFFS?S", "--dddU"},
                            {"nor do they count", "S?F?F?", "uuuuuu"},
                        });
}

TEST(Health, ForgetsAfterALongSilence) {
  Expect({.stale_after = seconds(3)},
         {
             {"unknown later than three seconds, not at three", "S....", "uuuu-"},
             {"inconclusive results are silence", "S????", "uuuu-"},
             {"a result in time is none", "S..S..S", "uuuuuuu"},
             {"the streak of before does not count", "SFF....FFF", "uuuuuu---D"},
             {"up again needs rise, and is no transition", "S....SS", "uuuu--u"},
             {"down again needs fall, and is no transition", "FFF....FFF", "--dddd---d"},
             {"up after down is one", "FFF....SS", "--dddd--U"},
             {"down after up is one", "S....FFF", "uuuu---D"},
             {"without a verdict before, the initial rules stay", "FF....S", "------u"},
         });
}

TEST(Health, JudgesSilenceAtTheResultWhenNobodyLookedBefore) {
  Expect({.stale_after = seconds(3)}, {
                                          {"a success", "S   S", "u   -"},
                                          {"a failure", "FFF   F", "--d   -"},
                                          {"an inconclusive result", "S   ?", "u   -"},
                                          {"just in time", "S  S", "u  u"},
                                      });
}

TEST(Health, SilenceFromBirthOnChangesNothing) {
  const HealthRules rules{.stale_after = seconds(3)};
  const Health born = Born(kBirth);
  EXPECT_EQ(Expire(born, rules, kBirth + seconds(100)), born);
  EXPECT_EQ(Advance(born, Outcome::kInconclusive, rules, kBirth + seconds(100)), born);
}

TEST(Health, ReportsWhenItLastKnewAndWhat) {
  const HealthRules rules{.stale_after = seconds(3)};
  const Health up = Advance(Born(kBirth), Outcome::kSuccess, rules, kBirth + seconds(1));
  const Health stale = Expire(up, rules, kBirth + seconds(60));
  EXPECT_EQ(stale.verdict, Verdict::kUnknown);
  EXPECT_EQ(stale.last_known, Verdict::kUp);
  EXPECT_EQ(stale.last_conclusive, kBirth + seconds(1));
}

TEST(Health, NewThresholdsCountFromTheNextResult) {
  const HealthRules patient{.fall = 10};
  const HealthRules hasty{.fall = 2};
  Health health = Born(kBirth);
  for (const char letter : std::string_view("SFFFF")) {
    health = Advance(health, OutcomeOf(letter), patient, kBirth);
  }
  EXPECT_EQ(Expire(health, hasty, kBirth).verdict, Verdict::kUp);
  EXPECT_EQ(Advance(health, Outcome::kInconclusive, hasty, kBirth).verdict, Verdict::kUp);
  EXPECT_EQ(Advance(health, Outcome::kFailure, hasty, kBirth).verdict, Verdict::kDown);
  EXPECT_EQ(Advance(health, Outcome::kSuccess, hasty, kBirth).verdict, Verdict::kUp);
}

TEST(Health, StreaksStopAtTheirLargestValue) {
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
  Health health = Born(kBirth);
  health.fail_streak = kMost;
  health = Advance(health, Outcome::kFailure, HealthRules{}, kBirth);
  EXPECT_EQ(health.fail_streak, kMost);
  EXPECT_EQ(health.verdict, Verdict::kDown);
  health.fail_streak = 0;
  health.ok_streak = kMost;
  EXPECT_EQ(Advance(health, Outcome::kSuccess, HealthRules{}, kBirth).ok_streak, kMost);
}

// The rules once more, without a state: everything is asked of the whole history, from the last
// result backwards.
class PlainHistory {
 public:
  explicit PlainHistory(const HealthRules& rules) : rules_(rules) {}

  void Add(Outcome outcome, Clock::time_point at) {
    if (outcome != Outcome::kInconclusive) results_.push_back({outcome, at});
  }

  Verdict VerdictAt(Clock::time_point now) const {
    if (SilentSince(results_.size(), now)) return Verdict::kUnknown;
    for (std::size_t i = results_.size(); i-- > 0;) {
      if (const auto verdict = DecidedBy(i)) return *verdict;
      if (i > 0 && SilentSince(i, results_[i].at)) break;
    }
    return Verdict::kUnknown;
  }

  unsigned StreakAt(Outcome outcome, Clock::time_point now) const {
    if (results_.empty() || SilentSince(results_.size(), now)) return 0;
    return results_.back().outcome == outcome ? StreakEndingWith(results_.size() - 1) : 0;
  }

  std::size_t Transitions() const {
    std::vector<Verdict> decisions;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (const auto verdict = DecidedBy(i)) decisions.push_back(*verdict);
    }
    const auto end = std::unique(decisions.begin(), decisions.end());
    return end == decisions.begin() ? 0 : static_cast<std::size_t>(end - decisions.begin()) - 1;
  }

 private:
  struct Entry {
    Outcome outcome;
    Clock::time_point at;
  };

  // Whether at a time nothing was heard for too long since the first `count` results.
  bool SilentSince(std::size_t count, Clock::time_point at) const {
    return at - (count == 0 ? kBirth : results_[count - 1].at) > rules_.stale_after;
  }

  unsigned StreakEndingWith(std::size_t index) const {
    unsigned streak = 1;
    for (std::size_t i = index; i > 0; --i, ++streak) {
      if (results_[i - 1].outcome != results_[index].outcome) break;
      if (SilentSince(i, results_[i].at)) break;
    }
    return streak;
  }

  // The first result of all whose streak reaches an initial threshold is the first verdict.
  std::size_t FirstDecision() const {
    std::size_t i = 0;
    while (i < results_.size() &&
           StreakEndingWith(i) < Threshold(i, rules_.initial_rise, rules_.initial_fall)) {
      ++i;
    }
    return i;
  }

  std::optional<Verdict> DecidedBy(std::size_t index) const {
    const std::size_t first = FirstDecision();
    if (index < first) return std::nullopt;
    if (index > first && StreakEndingWith(index) < Threshold(index, rules_.rise, rules_.fall)) {
      return std::nullopt;
    }
    return results_[index].outcome == Outcome::kSuccess ? Verdict::kUp : Verdict::kDown;
  }

  unsigned Threshold(std::size_t index, unsigned up, unsigned down) const {
    return results_[index].outcome == Outcome::kSuccess ? up : down;
  }

  const HealthRules rules_;
  std::vector<Entry> results_;
};

// One step of a random walk. Without an outcome only time passed.
struct Step {
  HealthRules rules;
  Health before;
  Health after;
  std::optional<Outcome> outcome;
  Clock::time_point now;
};

class RandomWalk {
 public:
  explicit RandomWalk(unsigned seed) : random_(seed) {
    rules_ = {.fall = From(1, 4),
              .rise = From(1, 4),
              .initial_fall = From(1, 5),
              .initial_rise = From(1, 5),
              .stale_after = seconds(From(5, 12))};
  }

  const HealthRules& rules() const { return rules_; }

  Step Next() {
    now_ += Pause();
    if (From(0, 9) == 0) trend_ = From(0, 2);
    Step step{rules_, health_, health_, OutcomeByTrend(), now_};
    step.after = step.outcome ? Advance(health_, *step.outcome, rules_, now_)
                              : Expire(health_, rules_, now_);
    health_ = step.after;
    return step;
  }

 private:
  unsigned From(unsigned least, unsigned most) {
    return std::uniform_int_distribution(least, most)(random_);
  }

  // Now and then a silence, sometimes of exactly the length that is still allowed.
  Clock::duration Pause() {
    const unsigned kind = From(0, 39);
    if (kind == 0) return rules_.stale_after;
    if (kind == 1) return rules_.stale_after + std::chrono::nanoseconds(1);
    return seconds(From(0, 2));
  }

  // Servers are good or bad for a while, or neither.
  std::optional<Outcome> OutcomeByTrend() {
    const unsigned kind = From(0, 9);
    if (kind == 0) return std::nullopt;
    if (kind == 1) return Outcome::kInconclusive;
    const bool turn = kind == 2 || (trend_ == 2 && kind < 6);
    return (trend_ == 1) != turn ? Outcome::kSuccess : Outcome::kFailure;
  }

  std::mt19937 random_;
  HealthRules rules_;
  Health health_ = Born(kBirth);
  Clock::time_point now_ = kBirth;
  unsigned trend_ = 0;
};

void ForManySteps(const std::function<void(const Step&)>& check) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomWalk walk(seed);
    for (int i = 0; i < 200; ++i) check(walk.Next());
    if (testing::Test::HasFailure()) return;
  }
}

TEST(RandomHealth, AgreesWithItsWholeHistoryReadBackwards) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomWalk walk(seed);
    PlainHistory history(walk.rules());
    std::size_t transitions = 0;
    for (int i = 0; i < 100; ++i) {
      const Step step = walk.Next();
      if (step.outcome) history.Add(*step.outcome, step.now);
      transitions += IsTransition(step.before.last_known, step.after.verdict) ? 1 : 0;
      ASSERT_EQ(step.after.verdict, history.VerdictAt(step.now)) << "step " << i;
      ASSERT_EQ(step.after.ok_streak, history.StreakAt(Outcome::kSuccess, step.now)) << i;
      ASSERT_EQ(step.after.fail_streak, history.StreakAt(Outcome::kFailure, step.now)) << i;
    }
    ASSERT_EQ(transitions, history.Transitions());
  }
}

// So that the walks above are worth something.
TEST(RandomHealth, MeetsEveryKindOfStep) {
  std::size_t up = 0;
  std::size_t down = 0;
  std::size_t forgotten = 0;
  std::size_t back_to_the_same = 0;
  ForManySteps([&](const Step& step) {
    const bool moved = IsTransition(step.before.last_known, step.after.verdict);
    const bool knew = step.before.verdict != Verdict::kUnknown;
    const bool knows = step.after.verdict != Verdict::kUnknown;
    up += moved && step.after.verdict == Verdict::kUp ? 1 : 0;
    down += moved && step.after.verdict == Verdict::kDown ? 1 : 0;
    forgotten += knew && !knows ? 1 : 0;
    back_to_the_same += !knew && knows && step.before.last_known && !moved ? 1 : 0;
  });
  EXPECT_GT(up, 1000U);
  EXPECT_GT(down, 1000U);
  EXPECT_GT(forgotten, 500U);
  EXPECT_GT(back_to_the_same, 100U);
}

TEST(RandomHealth, NeverGoesDownBeforeItsFailures) {
  ForManySteps([](const Step& step) {
    if (step.after.verdict != Verdict::kDown || step.before.verdict == Verdict::kDown) return;
    EXPECT_GE(step.after.fail_streak,
              step.before.last_known ? step.rules.fall : step.rules.initial_fall);
  });
}

TEST(RandomHealth, NeverGoesUpBeforeItsSuccesses) {
  ForManySteps([](const Step& step) {
    if (step.after.verdict != Verdict::kUp || step.before.verdict == Verdict::kUp) return;
    EXPECT_GE(step.after.ok_streak,
              step.before.last_known ? step.rules.rise : step.rules.initial_rise);
  });
}

TEST(RandomHealth, InconclusiveIsThePassingOfTimeAndNothingElse) {
  ForManySteps([](const Step& step) {
    EXPECT_EQ(Advance(step.before, Outcome::kInconclusive, step.rules, step.now),
              Expire(step.before, step.rules, step.now));
  });
}

TEST(RandomHealth, LookingTwiceOrBeforeAResultChangesNothing) {
  ForManySteps([](const Step& step) {
    const Health looked = Expire(step.before, step.rules, step.now);
    EXPECT_EQ(Expire(looked, step.rules, step.now), looked);
    if (!step.outcome) return;
    EXPECT_EQ(Advance(looked, *step.outcome, step.rules, step.now), step.after);
  });
}

TEST(RandomHealth, TheFirstVerdictIsNoTransition) {
  ForManySteps([](const Step& step) {
    if (step.before.last_known) return;
    EXPECT_FALSE(IsTransition(step.before.last_known, step.after.verdict));
  });
}

TEST(RandomHealth, TransitionsAlternate) {
  std::optional<Verdict> last;
  ForManySteps([&](const Step& step) {
    if (!step.before.last_known) last.reset();
    if (!IsTransition(step.before.last_known, step.after.verdict)) return;
    EXPECT_NE(step.after.verdict, last);
    last = step.after.verdict;
  });
}

TEST(RandomHealth, AtMostOneStreakGrows) {
  ForManySteps([](const Step& step) {
    EXPECT_TRUE(step.after.ok_streak == 0 || step.after.fail_streak == 0);
  });
}

TEST(RandomHealth, RemembersTheLastVerdictThatWasNotUnknown) {
  ForManySteps([](const Step& step) {
    if (step.after.verdict == Verdict::kUnknown) {
      EXPECT_EQ(step.after.last_known, step.before.last_known);
    } else {
      EXPECT_EQ(step.after.last_known, step.after.verdict);
    }
  });
}

}  // namespace
}  // namespace lvs::checker
