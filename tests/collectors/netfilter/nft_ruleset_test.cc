// Messages of nf_tables, recorded from the kernel and built here, into mark rules.
#include "collectors/netfilter/nft_ruleset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/collectors/netfilter/assemble.h"
#include "tests/collectors/netfilter/describe.h"
#include "tests/collectors/netfilter/messages.h"
#include "tests/collectors/netfilter/rule_sets.h"

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

TEST(NftRecorded, NftIpv4) {
  const MarkRules rules = MarksOf(RecordedMessages("recorded_nft.txt"), AddressFamily::kIpv4);
  EXPECT_THAT(Describe(rules), ElementsAreArray(kNftIpv4));
  EXPECT_THAT(rules.unclear, ElementsAreArray(kNftIpv4Unclear));
}

TEST(NftRecorded, NftIpv6) {
  const MarkRules rules = MarksOf(RecordedMessages("recorded_nft.txt"), AddressFamily::kIpv6);
  EXPECT_THAT(Describe(rules), ElementsAreArray(kNftIpv6));
  EXPECT_THAT(rules.unclear, ElementsAreArray(kNftIpv6Unclear));
}

TEST(NftRecorded, IptablesNftIpv4) {
  const MarkRules rules =
      MarksOf(RecordedMessages("recorded_iptables_nft.txt"), AddressFamily::kIpv4);
  EXPECT_THAT(Describe(rules), UnorderedElementsAreArray(kIptablesIpv4));
  EXPECT_THAT(rules.unclear, ElementsAre("nft ip mangle INPUT handle 13: the mark of the "
                                         "connection, by CONNMARK"));
}

TEST(NftRecorded, IptablesNftIpv6) {
  const MarkRules rules =
      MarksOf(RecordedMessages("recorded_iptables_nft.txt"), AddressFamily::kIpv6);
  EXPECT_THAT(Describe(rules), UnorderedElementsAreArray(kIptablesIpv6));
  EXPECT_THAT(rules.unclear, IsEmpty());
}

// Without them it is known that a rule marks, but not for which ports.
TEST(NftRecorded, SetsThatCannotBeReadNarrow) {
  std::vector<RecordedMessage> messages = RecordedMessages("recorded_nft.txt");
  std::erase_if(messages, [](const RecordedMessage& message) { return message.kind == "set"; });
  const MarkRules rules = MarksOf(messages, AddressFamily::kIpv4);
  EXPECT_THAT(Describe(rules),
              ::testing::Contains("prerouting 192.0.2.0/24 tcp any -> 2 narrowed"));
  EXPECT_THAT(rules.unclear,
              ::testing::Contains(HasSubstr("a verdict map that could not be read")));
}

TEST(NftRecorded, CutMessages) {
  for (const RecordedMessage& message : RecordedMessages("recorded_nft.txt")) {
    for (std::size_t length = 0; length < message.payload.size(); ++length) {
      const std::vector<std::byte> cut(
          message.payload.begin(), message.payload.begin() + static_cast<std::ptrdiff_t>(length));
      const Result<Ruleset> ruleset = Assemble({{message.kind, cut}});
      if (!ruleset.ok()) {
        EXPECT_EQ(ruleset.error().code, ErrorCode::kMalformed);
      }
    }
  }
}

TEST(NftRecorded, DamagedMessages) {
  std::mt19937 random(5);
  const std::vector<RecordedMessage> good = RecordedMessages("recorded_nft.txt");
  for (int i = 0; i < 2'000; ++i) {
    std::vector<RecordedMessage> messages = good;
    for (auto count = random() % 8 + 1; count > 0; --count) {
      std::vector<std::byte>& payload = messages[random() % messages.size()].payload;
      payload[random() % payload.size()] = static_cast<std::byte>(random());
    }
    const Result<Ruleset> ruleset = Assemble(messages);
    if (!ruleset.ok()) continue;
    Walk(ruleset.value(), AddressFamily::kIpv4);
    Walk(ruleset.value(), AddressFamily::kIpv6);
  }
}

TEST(NftChains, OnlyThoseBeforeIpvs) {
  const RecordedMessage rule = RuleWith([](Message& m) { SetMark(m, 7); });
  const auto marks = [&](std::uint32_t hook, std::int32_t priority) {
    return MarksOf({BaseChain(hook, priority), rule}, AddressFamily::kIpv4).rules.size();
  };
  EXPECT_EQ(marks(NF_INET_PRE_ROUTING, 300), 1u);
  EXPECT_EQ(marks(NF_INET_LOCAL_IN, 98), 1u);
  EXPECT_EQ(marks(NF_INET_LOCAL_IN, 99), 0u);
  EXPECT_EQ(marks(NF_INET_LOCAL_OUT, -99), 1u);
  EXPECT_EQ(marks(NF_INET_LOCAL_OUT, -98), 0u);
  EXPECT_EQ(marks(NF_INET_FORWARD, -150), 0u);
  EXPECT_EQ(marks(NF_INET_POST_ROUTING, -150), 0u);
}

// A mark from below is not told, so that no service counts as one without a rule for it.
TEST(NftChains, BelowIpLeaveTheirMarksUnclear) {
  struct Case {
    std::uint8_t family;
    std::uint32_t hook;
    const char* sentence;  // null: the packets do not come before IPVS with that mark
  };
  for (const Case& c : {Case{NFPROTO_NETDEV, 0, "nft netdev t c"},
                        {NFPROTO_NETDEV, 1, nullptr},
                        {NFPROTO_BRIDGE, 0, "nft bridge t c"},
                        {NFPROTO_BRIDGE, 1, "nft bridge t c"},
                        {NFPROTO_BRIDGE, 2, nullptr},
                        {NFPROTO_BRIDGE, 3, nullptr},
                        {NFPROTO_BRIDGE, 4, nullptr},
                        {NFPROTO_INET, 5, "nft inet t c"},
                        {NFPROTO_ARP, 0, nullptr}}) {
    const RecordedMessage rule = RuleWith([](Message& m) { SetMark(m, 7); }, c.family);
    const std::vector<RecordedMessage> messages = {BaseChain(c.hook, 0, c.family), rule};
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      const MarkRules rules = MarksOf(messages, family);
      EXPECT_THAT(rules.rules, IsEmpty()) << int{c.family} << " " << c.hook;
      if (c.sentence == nullptr) {
        EXPECT_THAT(rules.unclear, IsEmpty()) << int{c.family} << " " << c.hook;
      } else {
        EXPECT_THAT(rules.unclear, ElementsAre(std::string(c.sentence) +
                                               " handle 0: a mark that packets get at a device or "
                                               "bridge, before IP sees them"));
      }
    }
  }
}

TEST(NftChains, BelowIpThatSetNoMarkAreClear) {
  const RecordedMessage rule = RuleWith(
      [](Message& m) {
        Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
        Compare(m, NFT_CMP_EQ, {0, 80});
      },
      NFPROTO_NETDEV);
  EXPECT_THAT(MarksOf({BaseChain(0, 0, NFPROTO_NETDEV), rule}, AddressFamily::kIpv4).unclear,
              IsEmpty());
}

TEST(NftTables, DormantOnesMarkNothing) {
  const std::vector<RecordedMessage> rest = {BaseChain(),
                                             RuleWith([](Message& m) { SetMark(m, 7); })};
  const auto marks = [&](const RecordedMessage& table) {
    std::vector<RecordedMessage> messages = rest;
    messages.push_back(table);
    return MarksOf(messages, AddressFamily::kIpv4).rules.size();
  };
  constexpr std::uint32_t kOwner = 2;  // NFT_TABLE_F_OWNER of Linux 5.12
  EXPECT_EQ(marks(Table(0)), 1u);
  EXPECT_EQ(marks(Table(NFT_TABLE_F_DORMANT)), 0u);
  EXPECT_EQ(marks(Table(NFT_TABLE_F_DORMANT | kOwner)), 0u);
  EXPECT_EQ(marks(Table(kOwner)), 1u);
  EXPECT_EQ(marks(Table(NFT_TABLE_F_DORMANT, NFPROTO_IPV6)), 1u) << "of the same name";
}

TEST(NftTables, CutMessages) {
  const std::vector<std::byte> whole = Table(NFT_TABLE_F_DORMANT).payload;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::vector<std::byte> cut(whole.begin(),
                                     whole.begin() + static_cast<std::ptrdiff_t>(length));
    const Result<NftTable> table = DecodeTable(cut);
    if (length < sizeof(nfgenmsg)) {
      EXPECT_FALSE(table.ok()) << length;
    }
  }
}

TEST(NftSets, VeryManyAreNotAllRead) {
  std::vector<RecordedMessage> messages = {BaseChain()};
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = "s" + std::to_string(i);
    messages.push_back(Message("set")
                           .Text(NFTA_SET_TABLE, "t")
                           .Text(NFTA_SET_NAME, name.c_str())
                           .Number(NFTA_SET_FLAGS, NFT_SET_CONSTANT)
                           .Done());
    messages.push_back(RuleWith([&](Message& m) {
      Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
      m.Expression("lookup", [&](Message& e) {
        e.Text(NFTA_LOOKUP_SET, name.c_str()).Number(NFTA_LOOKUP_SREG, NFT_REG_1);
      });
      SetMark(m, 7);
    }));
  }
  const MarkRules rules = MarksOf(messages, AddressFamily::kIpv4);
  EXPECT_THAT(rules.unclear, ElementsAre("nft: 1667 sets of very many were not read"));
  EXPECT_EQ(rules.rules.size(), 1667u) << "the others are of empty sets, which nothing is in";
}

TEST(NftRules, TenThousand) {
  std::vector<RecordedMessage> messages = {BaseChain()};
  for (unsigned i = 0; i < 10'000; ++i) {
    messages.push_back(RuleWith([&](Message& m) {
      Load(m, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
      Compare(m, NFT_CMP_EQ,
              {10, 1, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)});
      SetMark(m, 7);
    }));
  }
  const auto begin = std::chrono::steady_clock::now();
  const MarkRules rules = MarksOf(messages, AddressFamily::kIpv4);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::printf("10,000 rules: %.1f ms\n", took.count());
  ASSERT_EQ(rules.rules.size(), 10'000u);
  EXPECT_EQ(Describe(rules.rules.back()), "prerouting 10.1.39.15 any any -> 7");
  EXPECT_THAT(rules.unclear, IsEmpty());
}

TEST(NftRules, MoreThanTheBoundAreSaidToBeUnclear) {
  NftRuleset ruleset;
  ASSERT_TRUE(ruleset.AddChain(BaseChain().payload).ok());
  const RecordedMessage rule = RuleWith([](Message&) {});
  for (std::size_t i = 0; i <= NftRuleset::kMaxRules; ++i) {
    EXPECT_FALSE(ruleset.full());
    ASSERT_TRUE(ruleset.AddRule(rule.payload).ok());
  }
  EXPECT_TRUE(ruleset.full());
  EXPECT_THAT(std::move(ruleset).Finish().unclear,
              ElementsAre("nft: more than 200000 rules: the rest was not looked at"));
}

}  // namespace
}  // namespace lvs::netfilter
