#include "collectors/netfilter/nft_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter/nf_tables.h>

#include <string>
#include <vector>

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;

TEST(NftSets, IntervalsInAnyOrder) {
  const auto element = [](std::uint8_t key, bool ends) {
    NftElement made;
    made.key = {key};
    made.ends_interval = ends;
    return made;
  };
  const auto intervals =
      IntervalsOf(NFT_SET_INTERVAL,
                  {element(200, false), element(10, true), element(0, true), element(20, false),
                   element(5, false), element(20, true), element(10, false)});
  ASSERT_TRUE(intervals.has_value());
  std::vector<std::string> text;
  for (const KeyInterval& keys : *intervals) {
    text.push_back(std::to_string(keys.first[0]) + "-" + std::to_string(keys.last[0]));
  }
  EXPECT_THAT(text, ElementsAre("5-9", "10-19", "20-199", "200-255"));
}

TEST(NftSets, ThatChangeByThemselvesAreNotTrusted) {
  EXPECT_FALSE(IntervalsOf(NFT_SET_TIMEOUT, {}).has_value());
  EXPECT_FALSE(IntervalsOf(NFT_SET_EVAL, {}).has_value());
  EXPECT_FALSE(IntervalsOf(NFT_SET_CONCAT, {}).has_value());
  EXPECT_FALSE(IntervalsOf(0, {NftElement{}}).has_value()) << "an element for everything else";
  EXPECT_TRUE(IntervalsOf(0, {}).has_value());
}

}  // namespace
}  // namespace lvs::netfilter
