#include "collectors/netfilter/nft_expressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/collectors/netfilter/assemble.h"
#include "tests/collectors/netfilter/describe.h"
#include "tests/collectors/netfilter/messages.h"

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;

template <class Inside>
std::vector<std::string> MarksWhere(Inside conditions) {
  const RecordedMessage rule = RuleWith([&](Message& m) {
    conditions(m);
    SetMark(m, 7);
  });
  return Describe(MarksOf({BaseChain(), rule}, AddressFamily::kIpv4));
}

TEST(NftExpressions, SourceAndDestinationInOneComparison) {
  EXPECT_THAT(MarksWhere([](Message& m) {
                Load(m, NFT_PAYLOAD_NETWORK_HEADER, 12, 8);
                Compare(m, NFT_CMP_EQ, {10, 0, 0, 1, 192, 0, 2, 1});
              }),
              ElementsAre("prerouting 192.0.2.1 any any -> 7 narrowed"));
}

TEST(NftExpressions, BothPortsInOneComparison) {
  EXPECT_THAT(MarksWhere([](Message& m) {
                Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4);
                Compare(m, NFT_CMP_EQ, {0, 1, 0, 80});
              }),
              ElementsAre("prerouting any any 80 -> 7 narrowed"));
}

TEST(NftExpressions, ComparisonsOfPorts) {
  const auto port = [](std::uint32_t op, std::uint8_t high, std::uint8_t low) {
    return MarksWhere([&](Message& m) {
      Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
      Compare(m, op, {high, low});
    });
  };
  EXPECT_THAT(port(NFT_CMP_LT, 1, 0), ElementsAre("prerouting any any 0-255 -> 7"));
  EXPECT_THAT(port(NFT_CMP_LTE, 1, 0), ElementsAre("prerouting any any 0-256 -> 7"));
  EXPECT_THAT(port(NFT_CMP_GT, 0, 255), ElementsAre("prerouting any any 256-65535 -> 7"));
  EXPECT_THAT(port(NFT_CMP_GTE, 0, 255), ElementsAre("prerouting any any 255-65535 -> 7"));
  EXPECT_THAT(port(NFT_CMP_NEQ, 0, 80), ElementsAre("prerouting any any any -> 7 narrowed"));
  EXPECT_THAT(port(99, 0, 80), ElementsAre("prerouting any any any -> 7 narrowed"));
}

TEST(NftExpressions, ComparisonOfAnotherLengthNarrows) {
  EXPECT_THAT(MarksWhere([](Message& m) {
                Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
                Compare(m, NFT_CMP_GTE, {80});
              }),
              ElementsAre("prerouting any any any -> 7 narrowed"));
}

TEST(NftExpressions, OverwrittenRegisterIsForgotten) {
  EXPECT_THAT(MarksWhere([](Message& m) {
                Load(m, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
                m.Expression("wonder", [](Message&) {});
                Compare(m, NFT_CMP_EQ, {0, 80});
              }),
              ElementsAre("prerouting any any any -> 7 narrowed"));
}

TEST(NftExpressions, ConditionsBehindTheMarkDoNotNarrowIt) {
  const RecordedMessage rule = RuleWith([](Message& m) {
    SetMark(m, 1);
    m.Expression("limit", [](Message&) {});
    SetMark(m, 2);
  });
  EXPECT_THAT(Describe(MarksOf({BaseChain(), rule}, AddressFamily::kIpv4)),
              ElementsAre("prerouting any any any -> 1", "prerouting any any any -> 2 narrowed"));
}

TEST(NftExpressions, HeaderOfAnUnknownFamilyIsNotRead) {
  const RecordedMessage rule = RuleWith(
      [](Message& m) {
        Load(m, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
        Compare(m, NFT_CMP_EQ, {192, 0, 2, 1});
        SetMark(m, 7);
      },
      NFPROTO_INET);
  EXPECT_THAT(Describe(MarksOf({BaseChain(NF_INET_PRE_ROUTING, -150, NFPROTO_INET), rule},
                               AddressFamily::kIpv4)),
              ElementsAre("prerouting any any any -> 7 narrowed"));
}

TEST(NftExpressions, WrongLengthIsAnErrorThatNamesTheRule) {
  const RecordedMessage rule = RuleWith(
      [](Message& m) { m.Expression("cmp", [](Message& e) { e.Text(NFTA_CMP_OP, "equal"); }); });
  const Result<Ruleset> ruleset = Assemble({BaseChain(), rule});
  ASSERT_FALSE(ruleset.ok());
  EXPECT_EQ(ruleset.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(ruleset.error().message,
            "nft ip t c handle 0: expression cmp: attribute 2: expected 4 bytes, got 6");
}

}  // namespace
}  // namespace lvs::netfilter
