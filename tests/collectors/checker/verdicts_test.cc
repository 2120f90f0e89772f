#include "collectors/checker/verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace lvs::checker {
namespace {

using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::array kVerdicts = {Verdict::kUp, Verdict::kDown, Verdict::kUnknown};

// A member as words, which read best aloud:
//   [backup:|sorry:] up|down|unknown|drain [,maintenance] [@WEIGHT|@absent]
// In the table with weight 1 when nothing else is said.
Member Parse(std::string text) {
  Member member;
  member.in_table = true;
  member.weight = 1;
  if (const auto at = text.find('@'); at != std::string::npos) {
    const std::string where = text.substr(at + 1);
    member.in_table = where != "absent";
    member.weight = member.in_table ? std::stoull(where) : 0;
    text.resize(at);
  }
  if (const auto colon = text.find(':'); colon != std::string::npos) {
    member.role = text.starts_with("backup") ? Role::kBackup : Role::kSorry;
    text.erase(0, colon + 1);
  }
  const auto comma = text.find(",maintenance");
  const bool maintenance = comma != std::string::npos;
  if (maintenance) text.resize(comma);
  static const std::map<std::string, Verdict> kWords = {{"up", Verdict::kUp},
                                                        {"drain", Verdict::kUp},
                                                        {"down", Verdict::kDown},
                                                        {"unknown", Verdict::kUnknown}};
  member.verdict = kWords.at(text);
  member.state = StateOf(member.verdict, text == "drain", maintenance);
  return member;
}

std::vector<Member> Members(const std::string& text) {
  std::vector<Member> members;
  std::istringstream words(text);
  for (std::string word; words >> word;) members.push_back(Parse(word));
  return members;
}

template <typename Enumerators>
std::vector<std::string_view> Names(const Enumerators& all) {
  std::vector<std::string_view> names;
  for (const auto one : all) names.push_back(Name(one));
  return names;
}

TEST(VerdictNames, AreTheLabelsOfTheContract) {
  EXPECT_THAT(Names(std::array{Role::kReal, Role::kBackup, Role::kSorry}),
              ElementsAre("real", "backup", "sorry"));
  EXPECT_THAT(Names(kBackendStates), ElementsAre("up", "down", "unknown", "drain", "maintenance"));
  EXPECT_THAT(Names(kStandings), ElementsAre("usable", "down", "unknown", "drained", "absent"));
  EXPECT_THAT(Names(kServiceStates),
              ElementsAre("ok", "degraded", "spof", "backup", "sorry", "down", "unknown"));
  EXPECT_THAT(Names(kDisagreements),
              ElementsAre("healthy_absent", "healthy_weight0", "unhealthy_active"));
}

TEST(BackendVerdict, IsTheWorstOfItsTargets) {
  const auto verdict = [](std::vector<Verdict> targets) {
    return std::string(Name(BackendVerdict(targets)));
  };
  constexpr Verdict kUp = Verdict::kUp;
  constexpr Verdict kDown = Verdict::kDown;
  constexpr Verdict kUnknown = Verdict::kUnknown;
  EXPECT_EQ(verdict({}), "unknown");
  EXPECT_EQ(verdict({kUp}), "up");
  EXPECT_EQ(verdict({kUp, kUp, kUp}), "up");
  EXPECT_EQ(verdict({kUp, kUnknown}), "unknown");
  EXPECT_EQ(verdict({kUnknown, kUp}), "unknown");
  EXPECT_EQ(verdict({kUnknown, kDown}), "down");
  EXPECT_EQ(verdict({kDown, kUp, kUnknown}), "down");
}

struct StateRow {
  Verdict verdict;
  bool drain;
  bool maintenance;
  const char* state;
};

TEST(BackendState, IsTheFirstThatMatches) {
  for (const StateRow& row : std::initializer_list<StateRow>{
           {Verdict::kUp, false, false, "up"},
           {Verdict::kUp, true, false, "drain"},
           {Verdict::kUnknown, false, false, "unknown"},
           {Verdict::kUnknown, true, false, "unknown"},
           {Verdict::kDown, false, false, "down"},
           {Verdict::kDown, true, false, "down"},
           {Verdict::kUp, false, true, "maintenance"},
           {Verdict::kUp, true, true, "maintenance"},
           {Verdict::kUnknown, false, true, "maintenance"},
           {Verdict::kDown, true, true, "maintenance"},
       }) {
    EXPECT_EQ(Name(StateOf(row.verdict, row.drain, row.maintenance)), row.state)
        << Name(row.verdict) << (row.drain ? " drain" : "")
        << (row.maintenance ? " maintenance" : "");
  }
}

struct StandingRow {
  const char* member;
  const char* standing;
};

TEST(Standing, IsTheFirstThatMatches) {
  for (const StandingRow& row : std::initializer_list<StandingRow>{
           {"up", "usable"},
           {"up@100", "usable"},
           {"up@0", "drained"},
           {"up@absent", "absent"},
           {"drain", "drained"},
           {"drain@0", "drained"},
           {"drain@absent", "absent"},
           {"up,maintenance", "drained"},
           {"up,maintenance@absent", "absent"},
           {"unknown", "unknown"},
           {"unknown@0", "drained"},
           {"unknown@absent", "absent"},
           {"unknown,maintenance", "drained"},
           {"down", "down"},
           {"down,maintenance", "down"},
       }) {
    EXPECT_EQ(Name(StandingOf(Parse(row.member))), row.standing) << row.member;
  }
}

TEST(Standing, OfADeadServerIsDownWhateverWasDoneToIt) {
  for (const char* member : {"down@1", "down@0", "down@absent"}) {
    EXPECT_EQ(Name(StandingOf(Parse(member))), "down") << member;
  }
}

// Every member that there can be, but for larger weights.
std::vector<Member> AllMembers() {
  std::vector<Member> all;
  for (const Role role : {Role::kReal, Role::kBackup, Role::kSorry}) {
    for (const Verdict verdict : kVerdicts) {
      for (const int flags : {0, 1, 2, 3}) {
        const BackendState state = StateOf(verdict, (flags & 1) != 0, (flags & 2) != 0);
        all.push_back({role, verdict, state, false, 0});
        all.push_back({role, verdict, state, true, 0});
        all.push_back({role, verdict, state, true, 1});
      }
    }
  }
  return all;
}

TEST(Standing, PartitionsTheServers) {
  std::map<Standing, std::size_t> counts;
  const std::vector<Member> all = AllMembers();
  for (const Member& member : all) ++counts[StandingOf(member)];
  std::size_t sum = 0;
  for (const Standing standing : kStandings) {
    EXPECT_GT(counts[standing], 0U) << Name(standing);
    sum += counts[standing];
  }
  EXPECT_EQ(sum, all.size());
}

TEST(Standing, IsUsableExactlyForTheUsable) {
  for (const Member& member : AllMembers()) {
    EXPECT_EQ(StandingOf(member) == Standing::kUsable, IsUsable(member));
  }
}

TEST(Usable, NeedsTableWeightVerdictAndState) {
  EXPECT_TRUE(IsUsable(Parse("up")));
  EXPECT_TRUE(IsUsable(Parse("backup:up")));
  for (const char* member :
       {"up@0", "up@absent", "down", "unknown", "drain", "up,maintenance", "down,maintenance"}) {
    EXPECT_FALSE(IsUsable(Parse(member))) << member;
  }
}

TEST(UsableWeight, IsTheSumOverUsableRealServers) {
  EXPECT_EQ(UsableWeight(Members("")), 0U);
  EXPECT_EQ(UsableWeight(Members("up@3 up@4 up@0 down@100 unknown@100 drain@100")), 7U);
  EXPECT_EQ(UsableWeight(Members("up@3 backup:up@100 sorry:up@100 up,maintenance@100")), 3U);
}

TEST(UsableWeight, StopsAtTheLargestNumber) {
  std::vector<Member> members = Members("up up up");
  members[0].weight = kMost - 1;
  EXPECT_EQ(UsableWeight(members), kMost);
  members[1].weight = kMost;
  EXPECT_EQ(UsableWeight(members), kMost);
}

// The weight goes through all values and back again; what is written is whether quorum is held
// (h) or lost (L).
std::string QuorumAlong(const QuorumRules& rules, const std::vector<std::uint64_t>& weights) {
  std::string text;
  bool lost = false;
  for (const std::uint64_t weight : weights) {
    lost = QuorumLost(rules, weight, lost);
    text += lost ? 'L' : 'h';
  }
  return text;
}

TEST(Quorum, IsLostBelowAndRegainedAt) {
  EXPECT_EQ(QuorumAlong({.quorum = 1}, {1, 0, 0, 1, 2}), "hLLhh");
  EXPECT_EQ(QuorumAlong({.quorum = 3}, {4, 3, 2, 3, 4}), "hhLhh");
}

TEST(Quorum, HysteresisNeedsALongerWay) {
  const QuorumRules rules{.quorum = 5, .hysteresis = 2};
  EXPECT_EQ(QuorumAlong(rules, {7, 6, 5, 4, 3, 2, 3, 4, 5, 6, 7, 6, 3}), "hhhhhLLLLLhhh");
}

TEST(Quorum, SurvivesTheLargestNumbers) {
  const QuorumRules rules{.quorum = kMost, .hysteresis = kMost - 1};
  EXPECT_EQ(QuorumAlong(rules, {kMost, 1, 0, kMost}), "hhLL");  // never regained: it cannot be
  EXPECT_EQ(QuorumAlong({.quorum = kMost}, {kMost, kMost - 1, kMost}), "hLh");
}

constexpr bool kHeld = false;
constexpr bool kLost = true;

std::string_view ServiceStateOf(const std::string& members, bool quorum_lost) {
  return Name(StateOf(Members(members), quorum_lost));
}

struct ServiceRow {
  const char* members;
  const char* while_held;
  const char* while_lost;
};

void Expect(std::initializer_list<ServiceRow> rows) {
  for (const ServiceRow& row : rows) {
    EXPECT_EQ(ServiceStateOf(row.members, kHeld), row.while_held) << row.members;
    EXPECT_EQ(ServiceStateOf(row.members, kLost), row.while_lost) << row.members;
  }
}

TEST(ServiceState, IsOkOrDegradedWithSeveralUsable) {
  Expect({
      {"up up", "ok", "degraded"},
      {"up up down", "degraded", "degraded"},
      {"up up down@0", "degraded", "degraded"},
      {"up up down@absent", "degraded", "degraded"},
      {"up up up@absent", "degraded", "degraded"},
      {"up up unknown@absent", "degraded", "degraded"},
      {"up up unknown", "ok", "degraded"},
      {"up up up@0", "ok", "degraded"},
      {"up up drain", "ok", "degraded"},
      {"up up up,maintenance", "ok", "degraded"},
  });
}

TEST(ServiceState, IsSpofWithOneUsableOfSeveral) {
  Expect({
      {"up", "ok", "degraded"},  // one of one is as it was meant
      {"up down", "spof", "spof"},
      {"up up@0", "spof", "spof"},
      {"up drain", "spof", "spof"},
      {"up down@absent down@absent", "spof", "spof"},
      {"up backup:up", "ok", "backup"},  // a backup is no second real server
  });
}

TEST(ServiceState, IsNotSpofWhileAServerIsUnknown) {
  Expect({
      {"up unknown", "ok", "degraded"},
      {"up unknown down", "degraded", "degraded"},
      {"up unknown@0", "spof", "spof"},  // it could not carry anything anyhow
      {"up unknown@absent", "spof", "spof"},
      {"up down backup:unknown@1", "spof", "backup"},
  });
}

TEST(ServiceState, IsBackupOrSorryWhenThoseStepInForALostQuorum) {
  Expect({
      {"up up backup:up", "ok", "backup"},
      {"up up backup:down", "ok", "backup"},
      {"up up backup:up@0", "ok", "degraded"},
      {"up up backup:up@absent", "ok", "degraded"},
      {"up up sorry:up", "ok", "sorry"},
      {"up up sorry:up@0", "ok", "degraded"},
      {"up up sorry:up backup:up", "ok", "backup"},
      {"up up sorry:up backup:up@0", "ok", "sorry"},
      {"up down backup:up", "spof", "backup"},
      {"up down sorry:down", "spof", "sorry"},
  });
}

TEST(ServiceState, WithoutUsableServersDoesNotAskTheQuorum) {
  Expect({
      {"", "down", "down"},
      {"down", "down", "down"},
      {"up@0", "down", "down"},
      {"up@absent", "down", "down"},
      {"drain up,maintenance", "down", "down"},
      {"down backup:up", "backup", "backup"},
      {"down backup:up@0", "down", "down"},
      {"down backup:up@absent", "down", "down"},
      {"down backup:unknown", "down", "down"},
      {"down backup:down", "down", "down"},
      {"down sorry:up", "sorry", "sorry"},
      {"down sorry:unknown", "sorry", "sorry"},
      {"down sorry:down", "down", "down"},
      {"down sorry:up@0", "down", "down"},
      {"down sorry:up backup:up", "backup", "backup"},
      {"down sorry:up backup:down", "sorry", "sorry"},
      {"backup:down backup:up", "backup", "backup"},
  });
}

TEST(ServiceState, IsUnknownRatherThanDownWhileAServerMayWork) {
  Expect({
      {"unknown", "unknown", "unknown"},
      {"unknown unknown down", "unknown", "unknown"},
      {"unknown,maintenance", "unknown", "unknown"},
      {"unknown@0 down", "down", "down"},
      {"unknown@absent", "down", "down"},
      {"unknown backup:up", "backup", "backup"},
      {"unknown sorry:unknown", "sorry", "sorry"},
      {"unknown sorry:down backup:down", "unknown", "unknown"},
      {"down backup:unknown sorry:down", "down", "down"},
  });
}

struct DisagreementRow {
  const char* member;
  const char* kind;
};

TEST(Disagreement, IsBetweenOurVerdictAndTheTable) {
  for (const DisagreementRow& row : std::initializer_list<DisagreementRow>{
           {"up", "none"},
           {"up@absent", "healthy_absent"},
           {"up,maintenance@absent", "none"},
           {"backup:up@absent", "none"},
           {"sorry:up@absent", "none"},
           {"up@0", "healthy_weight0"},
           {"backup:up@0", "none"},
           {"drain@0", "none"},
           {"up,maintenance@0", "none"},
           {"down", "unhealthy_active"},
           {"down,maintenance", "unhealthy_active"},
           {"sorry:down", "unhealthy_active"},
           {"down@0", "none"},
           {"down@absent", "none"},
           {"unknown", "none"},
           {"unknown@0", "none"},
           {"unknown@absent", "none"},
       }) {
    const auto kind = DisagreementOf(Parse(row.member));
    EXPECT_EQ(kind ? Name(*kind) : "none", row.kind) << row.member;
  }
}

class RandomService {
 public:
  explicit RandomService(unsigned seed) : random_(seed) {}

  std::vector<Member> Members() {
    std::vector<Member> members(From(0, 6));
    for (Member& member : members) member = AnyMember();
    return members;
  }

  unsigned From(unsigned least, unsigned most) {
    return std::uniform_int_distribution(least, most)(random_);
  }

 private:
  Member AnyMember() {
    Member member;
    const unsigned role = From(0, 5);
    member.role = role == 4 ? Role::kBackup : role == 5 ? Role::kSorry : Role::kReal;
    member.verdict = kVerdicts[From(0, 2)];
    member.state = StateOf(member.verdict, From(0, 7) == 0, From(0, 7) == 0);
    member.in_table = From(0, 4) != 0;
    member.weight = member.in_table ? From(0, 3) : 0;
    return member;
  }

  std::mt19937 random_;
};

// What matters of a service, in the words of the rules.
struct Facts {
  std::size_t n = 0;
  std::size_t u = 0;
  std::size_t k = 0;
  bool a_real_is_down_or_absent = false;
  bool backup_active = false;
  bool backup_active_and_up = false;
  bool sorry_active = false;
  bool sorry_active_and_not_down = false;
};

Facts FactsOf(const std::vector<Member>& members) {
  Facts facts;
  for (const Member& m : members) {
    const bool active = m.in_table && m.weight > 0;
    const bool out = m.state == BackendState::kDrain || m.state == BackendState::kMaintenance;
    if (m.role == Role::kReal) {
      ++facts.n;
      if (active && m.verdict == Verdict::kUp && !out) ++facts.u;
      if (active && m.verdict == Verdict::kUnknown) ++facts.k;
      if (m.verdict == Verdict::kDown || !m.in_table) facts.a_real_is_down_or_absent = true;
    }
    if (m.role == Role::kBackup && active) {
      facts.backup_active = true;
      if (m.verdict == Verdict::kUp) facts.backup_active_and_up = true;
    }
    if (m.role == Role::kSorry && active) {
      facts.sorry_active = true;
      if (m.verdict != Verdict::kDown) facts.sorry_active_and_not_down = true;
    }
  }
  return facts;
}

struct Rule {
  bool matches;
  ServiceState state;
};

ServiceState PlainState(const Facts& f, bool quorum_lost) {
  using enum ServiceState;
  const Rule rules[] = {
      {f.u >= 1 && quorum_lost && f.backup_active, kBackup},
      {f.u >= 1 && quorum_lost && f.sorry_active, kSorry},
      {f.u == 1 && f.n >= 2 && f.k == 0, kSpof},
      {f.u >= 1 && (f.a_real_is_down_or_absent || quorum_lost), kDegraded},
      {f.u >= 1, kOk},
      {f.u == 0 && f.backup_active_and_up, kBackup},
      {f.u == 0 && f.sorry_active_and_not_down, kSorry},
      {f.u == 0 && f.k > 0, kUnknown},
      {true, kDown},
  };
  return std::ranges::find_if(rules, &Rule::matches)->state;
}

TEST(RandomServices, AgreeWithTheRulesWrittenPlainly) {
  RandomService random(1);
  std::map<ServiceState, std::size_t> met;
  for (int i = 0; i < 50'000; ++i) {
    const std::vector<Member> members = random.Members();
    const bool lost = random.From(0, 1) == 1;
    const ServiceState state = StateOf(members, lost);
    ASSERT_EQ(Name(state), Name(PlainState(FactsOf(members), lost))) << "service " << i;
    ++met[state];
  }
  for (const ServiceState state : kServiceStates) EXPECT_GT(met[state], 500U) << Name(state);
}

TEST(RandomServices, DoNotDependOnTheOrderOfTheirServers) {
  RandomService random(2);
  for (int i = 0; i < 5'000; ++i) {
    std::vector<Member> members = random.Members();
    const ServiceState state = StateOf(members, i % 2 == 0);
    const std::uint64_t weight = UsableWeight(members);
    std::ranges::reverse(members);
    ASSERT_EQ(Name(StateOf(members, i % 2 == 0)), Name(state));
    ASSERT_EQ(UsableWeight(members), weight);
  }
}

TEST(RandomServices, ConsistOfTheFiveStandings) {
  RandomService random(3);
  for (int i = 0; i < 5'000; ++i) {
    const std::vector<Member> members = random.Members();
    std::map<Standing, std::size_t> counts;
    for (const Member& member : members) {
      if (member.role == Role::kReal) ++counts[StandingOf(member)];
    }
    const Facts facts = FactsOf(members);
    std::size_t sum = 0;
    for (const Standing standing : kStandings) sum += counts[standing];
    ASSERT_EQ(sum, facts.n);
    ASSERT_EQ(counts[Standing::kUsable], facts.u);
  }
}

// A service works exactly as long as it has weight to give: what alerts on one may trust the other.
TEST(RandomServices, HaveUsableWeightExactlyWithAUsableServer) {
  RandomService random(4);
  for (int i = 0; i < 5'000; ++i) {
    const std::vector<Member> members = random.Members();
    ASSERT_EQ(UsableWeight(members) > 0, FactsOf(members).u > 0);
  }
}

TEST(RandomQuorum, ChangesOnlyBeyondItsHysteresis) {
  RandomService random(5);
  for (int i = 0; i < 1'000; ++i) {
    const unsigned quorum = random.From(1, 20);
    const QuorumRules rules{.quorum = quorum, .hysteresis = random.From(0, quorum - 1)};
    bool lost = false;
    for (int step = 0; step < 50; ++step) {
      const std::uint64_t weight = random.From(0, 40);
      const bool below = weight + rules.hysteresis < quorum;
      const bool above = weight >= quorum + rules.hysteresis;
      const bool now_lost = QuorumLost(rules, weight, lost);
      ASSERT_EQ(now_lost, lost ? !above : below)
          << weight << " of " << quorum << " ± " << rules.hysteresis;
      lost = now_lost;
    }
  }
}

constexpr Clock::time_point kEpoch{seconds(100'000)};
constexpr FlapRules kFlapRules;  // six in ten minutes

TEST(FlapDetector, IsQuietWithoutTransitions) {
  FlapDetector detector;
  EXPECT_FALSE(detector.Flapping(kFlapRules, kEpoch));
}

// Transitions one minute apart, the first at kEpoch.
FlapDetector AfterMinutelyTransitions(int count) {
  FlapDetector detector;
  for (int i = 0; i < count; ++i) detector.Transition(kFlapRules, kEpoch + minutes(i));
  return detector;
}

TEST(FlapDetector, StartsAtTheThreshold) {
  FlapDetector five = AfterMinutelyTransitions(5);
  EXPECT_FALSE(five.Flapping(kFlapRules, kEpoch + minutes(5)));
  FlapDetector six = AfterMinutelyTransitions(6);
  EXPECT_TRUE(six.Flapping(kFlapRules, kEpoch + minutes(5)));
}

TEST(FlapDetector, CountsInsideTheWindowOnly) {
  const auto flaps = [](Clock::duration last) {
    FlapDetector detector = AfterMinutelyTransitions(5);
    detector.Transition(kFlapRules, kEpoch + last);
    return detector.Flapping(kFlapRules, kEpoch + last);
  };
  EXPECT_TRUE(flaps(minutes(10) - nanoseconds(1)));
  EXPECT_FALSE(flaps(minutes(10)));
}

TEST(FlapDetector, EndsAfterOneWindowWithoutTransitions) {
  FlapDetector detector = AfterMinutelyTransitions(6);
  const Clock::time_point last = kEpoch + minutes(5);
  EXPECT_TRUE(detector.Flapping(kFlapRules, last + minutes(10) - nanoseconds(1)));
  EXPECT_FALSE(detector.Flapping(kFlapRules, last + minutes(10)));
}

TEST(FlapDetector, GoesOnWhileTransitionsAreRareButInTheWindow) {
  FlapDetector detector = AfterMinutelyTransitions(6);
  for (int i = 1; i <= 10; ++i) detector.Transition(kFlapRules, kEpoch + minutes(5 + 9 * i));
  EXPECT_TRUE(detector.Flapping(kFlapRules, kEpoch + minutes(5 + 90 + 9)));
}

TEST(FlapDetector, StartsAnewAfterAQuietWindowNobodyLookedAt) {
  FlapDetector detector = AfterMinutelyTransitions(6);
  const Clock::time_point later = kEpoch + minutes(60);
  detector.Transition(kFlapRules, later);
  EXPECT_FALSE(detector.Flapping(kFlapRules, later));
}

TEST(FlapDetector, IsOffWithThresholdZero) {
  const FlapRules off{.threshold = 0};
  FlapDetector detector = AfterMinutelyTransitions(6);
  detector.Transition(off, kEpoch + minutes(6));
  EXPECT_FALSE(detector.Flapping(off, kEpoch + minutes(6)));
}

TEST(FlapDetector, StartsAnewWhenItWasOff) {
  FlapDetector detector = AfterMinutelyTransitions(6);
  EXPECT_FALSE(detector.Flapping({.threshold = 0}, kEpoch + minutes(6)));
  detector.Transition(kFlapRules, kEpoch + minutes(7));
  EXPECT_FALSE(detector.Flapping(kFlapRules, kEpoch + minutes(7)));
}

TEST(FlapDetector, TakesALowerThresholdWithTheNextTransition) {
  FlapDetector detector = AfterMinutelyTransitions(5);
  const FlapRules lower{.threshold = 2};
  EXPECT_FALSE(detector.Flapping(lower, kEpoch + minutes(4)));
  detector.Transition(lower, kEpoch + minutes(5));
  EXPECT_TRUE(detector.Flapping(lower, kEpoch + minutes(5)));
}

// Over all transitions there ever were.
bool PlainFlapping(const std::vector<Clock::time_point>& transitions, const FlapRules& rules,
                   Clock::time_point now) {
  bool flapping = false;
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    const Clock::time_point at = transitions[i];
    const auto inside =
        std::count_if(transitions.begin(), transitions.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                      [&](Clock::time_point other) { return at - other < rules.window; });
    if (inside >= rules.threshold) flapping = true;
    const Clock::time_point next = i + 1 < transitions.size() ? transitions[i + 1] : now;
    if (next - at >= rules.window) flapping = false;
  }
  return flapping;
}

TEST(RandomFlaps, AgreeWithAllTransitionsCountedAnew) {
  RandomService random(6);
  std::size_t flapping = 0;
  for (int walk = 0; walk < 200; ++walk) {
    const FlapRules rules{.window = seconds(random.From(10, 60)), .threshold = random.From(1, 6)};
    FlapDetector detector;
    std::vector<Clock::time_point> transitions;
    Clock::time_point now = kEpoch;
    for (int step = 0; step < 100; ++step) {
      now += seconds(random.From(0, 9) == 0 ? random.From(10, 70) : random.From(0, 10));
      if (random.From(0, 2) != 0) {
        detector.Transition(rules, now);
        transitions.push_back(now);
      }
      if (random.From(0, 1) == 0) continue;
      ASSERT_EQ(detector.Flapping(rules, now), PlainFlapping(transitions, rules, now)) << walk;
      flapping += detector.Flapping(rules, now) ? 1 : 0;
    }
  }
  EXPECT_GT(flapping, 1'000U);
  EXPECT_LT(flapping, 9'000U);
}

}  // namespace
}  // namespace lvs::checker
