#include "collectors/netfilter/walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "collectors/netfilter/networks.h"
#include "tests/collectors/netfilter/describe.h"
#include "tests/support/ip.h"

namespace lvs::netfilter {
namespace {

using Action = Rule::Action;
using fake::Ip;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Conditions in the order in which they are said.
struct When : Conditions {
  When& To(const char* address, unsigned prefix = 32) {
    RequireDestinations({RangeOf(Ip(address), prefix)});
    return *this;
  }
  When& Protocol(std::uint8_t number) {
    RequireProtocols({{number, number}});
    return *this;
  }
  When& Ports(std::uint16_t first, std::uint16_t last) {
    RequirePorts({{first, last}});
    return *this;
  }
  When& MoreThanThat() {
    narrowed = true;
    return *this;
  }
};

Rule Mark(std::uint32_t mark, Conditions conditions = {}) {
  Rule rule;
  rule.conditions = std::move(conditions);
  rule.action = Action::kMark;
  rule.mark = mark;
  rule.mask = 0xffffffff;
  return rule;
}

Rule Do(Action action, Conditions conditions = {}, std::vector<std::size_t> targets = {}) {
  Rule rule;
  rule.conditions = std::move(conditions);
  rule.action = action;
  rule.targets = std::move(targets);
  rule.reason = "a test";
  return rule;
}

// The first chain is one of PREROUTING; the others are reached by jumps only.
Ruleset Chains(std::vector<std::vector<Rule>> chains) {
  Ruleset ruleset;
  for (std::vector<Rule>& rules : chains) {
    Chain& chain = ruleset.chains.emplace_back();
    chain.name = "chain" + std::to_string(ruleset.chains.size() - 1);
    chain.rules = std::move(rules);
  }
  ruleset.chains.front().hook = Hook::kPrerouting;
  return ruleset;
}

std::vector<std::string> Marks(const Ruleset& ruleset) {
  return Describe(Walk(ruleset, AddressFamily::kIpv4));
}

// A chain may be reached from both sides.
TEST(Walk, MarksFromBelowIpAreUnclearAndOthersAreNot) {
  Ruleset ruleset = Chains({{Do(Action::kJump, {}, {2})}, {Do(Action::kJump, {}, {2})}, {Mark(1)}});
  ruleset.chains[1].hook = Hook::kPrerouting;
  ruleset.chains[1].below_ip = true;
  const MarkRules rules = Walk(ruleset, AddressFamily::kIpv4);
  EXPECT_THAT(Describe(rules), ElementsAre("prerouting any any any -> 1"));
  EXPECT_THAT(rules.unclear, ElementsAre(HasSubstr("chain2 rule 0: a mark that packets get at")));
}

TEST(Walk, ConditionsOfTheWholeWayHold) {
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, When().To("192.0.2.0", 24).Ports(80, 90), {1})},
                            {Mark(1, When().To("192.0.2.7").Ports(85, 99).Protocol(6))}})),
              ElementsAre("prerouting 192.0.2.7 tcp 85-90 -> 1"));
}

TEST(Walk, WhatNoPacketMeetsIsLeftOut) {
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, When().To("192.0.2.1"), {1})},
                            {Mark(1, When().To("192.0.2.2")), Mark(2)}})),
              ElementsAre("prerouting 192.0.2.1 any any -> 2"));
}

TEST(Walk, RestrictionsOfTheWayNarrow) {
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, When().MoreThanThat(), {1})}, {Mark(1)}})),
              ElementsAre("prerouting any any any -> 1 narrowed"));
}

TEST(Walk, EveryCombinationIsARule) {
  When conditions;
  conditions.RequireProtocols({{6, 6}, {17, 17}});
  conditions.RequirePorts({{80, 80}, {443, 443}});
  EXPECT_THAT(Marks(Chains({{Mark(1, conditions)}})),
              ElementsAre("prerouting any tcp 80 -> 1", "prerouting any tcp 443 -> 1",
                          "prerouting any udp 80 -> 1", "prerouting any udp 443 -> 1"));
}

TEST(Walk, RangeThatIsManyNetworksIsNotListed) {
  Conditions conditions;
  conditions.RequireDestinations({{Ip("::1"), Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")}});
  EXPECT_THAT(Describe(Walk(Chains({{Mark(1, conditions)}}), AddressFamily::kIpv6)),
              ElementsAre("prerouting any any any -> 1 narrowed"));
}

TEST(Walk, NothingPassesAVerdictWithoutConditions) {
  const auto after = [](Rule rule) { return Marks(Chains({{std::move(rule), Mark(1)}, {}})); };
  EXPECT_THAT(after(Do(Action::kEnd)), IsEmpty());
  EXPECT_THAT(after(Do(Action::kReturn)), IsEmpty());
  EXPECT_THAT(after(Do(Action::kGoto, {}, {1})), IsEmpty());
  EXPECT_THAT(after(Do(Action::kJump, {}, {1})), SizeIs(1));
  EXPECT_THAT(after(Do(Action::kEnd, When().To("192.0.2.1"))), SizeIs(1));
}

TEST(Walk, ReturnGoesBackAndAcceptDoesNot) {
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, {}, {1}), Mark(1)}, {Do(Action::kReturn)}})),
              SizeIs(1));
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, {}, {1}), Mark(1)}, {Do(Action::kEnd)}})),
              IsEmpty());
}

TEST(Walk, OnlyChainsOfHooksAreBegun) {
  Ruleset ruleset = Chains({{}, {Mark(1)}, {Mark(2)}});
  ruleset.chains[2].hook = Hook::kOutput;
  ruleset.chains[2].first_packets = true;
  EXPECT_THAT(Marks(ruleset), ElementsAre("output any any any -> 2 narrowed"));
}

TEST(Walk, OnlyTheFamilyAskedFor) {
  Conditions ipv6;
  ipv6.RequireFamily(AddressFamily::kIpv6);
  Ruleset ruleset = Chains({{Mark(1, ipv6), Mark(2), Do(Action::kUnclear, ipv6)}, {Mark(3)}});
  ruleset.chains[1].hook = Hook::kInput;
  ruleset.chains[1].family = AddressFamily::kIpv6;
  EXPECT_THAT(Marks(ruleset), ElementsAre("prerouting any any any -> 2"));
  const MarkRules rules = Walk(ruleset, AddressFamily::kIpv6);
  EXPECT_THAT(Describe(rules),
              ElementsAre("prerouting any any any -> 1", "prerouting any any any -> 2",
                          "input any any any -> 3"));
  EXPECT_THAT(rules.unclear, ElementsAre("chain0 rule 0: a test"));
}

TEST(Walk, MarksBehindAVerdictMapAreUnclear) {
  const MarkRules rules =
      Walk(Chains({{Do(Action::kJumpMap, {}, {1, 2})}, {}, {Mark(1)}}), AddressFamily::kIpv4);
  EXPECT_THAT(rules.rules, IsEmpty());
  EXPECT_THAT(rules.unclear, ElementsAre(HasSubstr("chain2 rule 0: a mark for packets")));
}

TEST(Walk, JumpsInACircleEnd) {
  const MarkRules rules = Walk(Chains({{Do(Action::kJump, {}, {1})},
                                       {Mark(1), Do(Action::kJump, {}, {2})},
                                       {Do(Action::kJump, {}, {1})}}),
                               AddressFamily::kIpv4);
  EXPECT_THAT(rules.rules, SizeIs(8));
  EXPECT_THAT(rules.unclear, ElementsAre(HasSubstr("more than 16 jumps")));
}

TEST(Walk, TooManyWaysAreCutOffAndSaid) {
  std::vector<std::vector<Rule>> chains;
  for (std::size_t i = 0; i < 16; ++i) {
    chains.push_back(std::vector<Rule>(10, Do(Action::kJump, {}, {i + 1})));
  }
  chains.push_back({Mark(1)});
  const MarkRules rules = Walk(Chains(std::move(chains)), AddressFamily::kIpv4, {.work = 10'000});
  EXPECT_THAT(rules.unclear, ElementsAre(HasSubstr("too many ways")));
  EXPECT_LE(rules.rules.size(), 10'000u);
}

TEST(Walk, ResultIsBounded) {
  const WalkLimits limits{.mark_rules = 3, .sentences = 2};
  const MarkRules rules =
      Walk(Chains({std::vector<Rule>(5, Mark(1))}), AddressFamily::kIpv4, limits);
  EXPECT_THAT(rules.rules, SizeIs(3));
  EXPECT_THAT(rules.unclear, ElementsAre(HasSubstr("more than 3 combinations")));
  const MarkRules unclear =
      Walk(Chains({std::vector<Rule>(5, Do(Action::kUnclear))}), AddressFamily::kIpv4, limits);
  EXPECT_THAT(unclear.unclear,
              ElementsAre("chain0 rule 0: a test", "chain0 rule 0: a test", "3 more like these"));
}

TEST(Walk, JumpIntoNowhereLeadsNowhere) {
  EXPECT_THAT(Marks(Chains({{Do(Action::kJump, {}, {7}), Do(Action::kJump), Mark(1)}})), SizeIs(1));
}

TEST(Walk, TooManyRangesNarrow) {
  Ranges<std::uint16_t> ports;
  for (std::uint16_t i = 0; i < 2000; ++i) ports.push_back({i, i});
  Conditions conditions;
  conditions.RequirePorts(ports);
  EXPECT_TRUE(conditions.narrowed);
  EXPECT_FALSE(conditions.ports.has_value());
}

TEST(Ranges, OverlapsBecomeOneAndNeighboursStay) {
  Ranges<int> ranges = {{5, 9}, {1, 3}, {4, 4}, {2, 2}, {8, 12}};
  Normalize(ranges);
  EXPECT_THAT(ranges, ElementsAre(Range<int>{1, 3}, Range<int>{4, 4}, Range<int>{5, 12}));
  EXPECT_THAT(
      Intersect(ranges, {{2, 6}, {12, 20}}),
      ElementsAre(Range<int>{2, 3}, Range<int>{4, 4}, Range<int>{5, 6}, Range<int>{12, 12}));
}

}  // namespace
}  // namespace lvs::netfilter
