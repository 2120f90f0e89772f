#include "exporter/status_page/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

// Two reasons that read alike would send somebody to the wrong place.
TEST(StatusPageWords, EveryReasonHasWordsOfItsOwn) {
  std::set<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(probes::kLastReason); ++i) {
    const std::string_view words = InWords(static_cast<probes::Reason>(i));
    EXPECT_FALSE(words.empty());
    EXPECT_TRUE(seen.insert(words).second) << words;
  }
}

TEST(StatusPageWords, EveryStateHasWords) {
  for (const checker::ServiceState state : checker::kServiceStates) {
    EXPECT_FALSE(InWords(state).one.empty()) << Name(state);
    EXPECT_FALSE(InWords(state).many.empty()) << Name(state);
  }
  for (const checker::Disagreement kind : checker::kDisagreements) {
    EXPECT_FALSE(InWords(kind).empty()) << Name(kind);
  }
}

TEST(StatusPageWords, EveryStateHasASign) {
  std::set<std::string_view> states = {"absent", "unchecked", "arp"};
  for (const checker::ServiceState state : checker::kServiceStates) states.insert(Name(state));
  for (const checker::BackendState state : checker::kBackendStates) states.insert(Name(state));
  for (const std::string_view state : states) {
    EXPECT_THAT(std::string(SignDrawings()),
                testing::HasSubstr("<symbol id=\"sign-" + std::string(state) + "\""));
  }
}

TEST(StatusPageWords, NumbersAreShort) {
  EXPECT_EQ(ShortCount(999'999), "999999");
  EXPECT_EQ(ShortCount(1'234'567), "1.2 million");
  EXPECT_EQ(ShortCount(18'446'744'073'709'551'615U), "18446744074 billion");
  EXPECT_EQ(ShortBytes(999), "999 B");
  EXPECT_EQ(ShortBytes(1000), "1.0 kB");
  EXPECT_EQ(ShortBytes(999'499), "999 kB");
  EXPECT_EQ(ShortBytes(999'500), "1.0 MB");
  EXPECT_EQ(ShortBytes(18'446'744'073'709'551'615U), "18.4 EB");
  EXPECT_EQ(Percent(0.333), "33 %");
  EXPECT_EQ(Counted(1, "service", "services"), "1 service");
  EXPECT_EQ(Counted(0, "service", "services"), "0 services");
}

}  // namespace
}  // namespace lvs::status
