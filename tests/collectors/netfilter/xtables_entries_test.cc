#include "collectors/netfilter/xtables_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "collectors/netfilter/walk.h"
#include "tests/collectors/netfilter/describe.h"
#include "tests/collectors/netfilter/recorded.h"
#include "tests/collectors/netfilter/rule_sets.h"

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

const std::vector<RecordedTable>& Tables() {
  static const auto* const tables =
      new std::vector<RecordedTable>(RecordedTables("recorded_iptables_legacy.txt"));
  return *tables;
}

MarkRules MarksOf(AddressFamily family) {
  MarkRules rules;
  for (const RecordedTable& recorded : Tables()) {
    if (recorded.table.family != family) continue;
    const Result<Ruleset> ruleset = DecodeEntries(recorded.table, recorded.entries);
    EXPECT_TRUE(ruleset.ok()) << ruleset.error().message;
    if (ruleset.ok()) Append(rules, Walk(ruleset.value(), family));
  }
  return rules;
}

TEST(XtablesEntries, RecordedIpv4) {
  const MarkRules rules = MarksOf(AddressFamily::kIpv4);
  EXPECT_THAT(Describe(rules), UnorderedElementsAreArray(kIptablesIpv4));
  EXPECT_THAT(rules.unclear,
              ElementsAre("iptables mangle INPUT rule 1: the mark of the connection, by CONNMARK"));
}

TEST(XtablesEntries, RecordedIpv6) {
  const MarkRules rules = MarksOf(AddressFamily::kIpv6);
  EXPECT_THAT(Describe(rules), UnorderedElementsAreArray(kIptablesIpv6));
  EXPECT_TRUE(rules.unclear.empty());
}

TEST(XtablesEntries, HooksThatDoNotMatterAreNotFollowed) {
  RecordedTable recorded = Tables().front();
  recorded.table.hooks = {};
  const Result<Ruleset> ruleset = DecodeEntries(recorded.table, recorded.entries);
  ASSERT_TRUE(ruleset.ok());
  EXPECT_TRUE(Walk(ruleset.value(), AddressFamily::kIpv4).rules.empty());
}

TEST(XtablesEntries, EmptyTableIsNone) {
  const Result<Ruleset> ruleset = DecodeEntries({}, {});
  ASSERT_TRUE(ruleset.ok());
  EXPECT_TRUE(ruleset.value().chains.empty());
}

// A cut at the border between two rules takes away what jumps lead to, or only the table's end.
TEST(XtablesEntries, CutTables) {
  for (const RecordedTable& recorded : Tables()) {
    for (std::size_t length = 0; length < recorded.entries.size(); ++length) {
      const std::vector<std::byte> cut(
          recorded.entries.begin(), recorded.entries.begin() + static_cast<std::ptrdiff_t>(length));
      const Result<Ruleset> ruleset = DecodeEntries(recorded.table, cut);
      if (!ruleset.ok()) {
        EXPECT_EQ(ruleset.error().code, ErrorCode::kMalformed);
      }
      EXPECT_TRUE(length % 8 == 0 || !ruleset.ok()) << length;
    }
  }
}

TEST(XtablesEntries, JumpIntoNowhereIsAnError) {
  RecordedTable recorded = Tables().front();
  // The verdict of a rule that jumps: the offset of the chain "web", which is in the table twice.
  const Result<Ruleset> good = DecodeEntries(recorded.table, recorded.entries);
  ASSERT_TRUE(good.ok());
  std::size_t changed = 0;
  for (std::size_t i = 0; i + 4 <= recorded.entries.size(); i += 4) {
    std::int32_t number = 0;
    std::memcpy(&number, recorded.entries.data() + i, sizeof number);
    std::vector<std::byte> damaged = recorded.entries;
    number += 8;
    std::memcpy(damaged.data() + i, &number, sizeof number);
    const Result<Ruleset> ruleset = DecodeEntries(recorded.table, damaged);
    if (!ruleset.ok() && ruleset.error().message.find("where no chain begins") != std::string::npos)
      ++changed;
  }
  EXPECT_GE(changed, 2u);
}

TEST(XtablesEntries, DamagedTables) {
  std::mt19937 random(11);
  for (int i = 0; i < 5'000; ++i) {
    RecordedTable recorded = Tables()[random() % Tables().size()];
    for (auto count = random() % 5 + 1; count > 0; --count) {
      recorded.entries[random() % recorded.entries.size()] = static_cast<std::byte>(random());
    }
    const Result<Ruleset> ruleset = DecodeEntries(recorded.table, recorded.entries);
    if (ruleset.ok()) {
      Walk(ruleset.value(), recorded.table.family);
    } else {
      EXPECT_FALSE(ruleset.error().message.empty());
    }
  }
}

}  // namespace
}  // namespace lvs::netfilter
