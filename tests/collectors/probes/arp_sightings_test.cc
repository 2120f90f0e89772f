#include "collectors/probes/arp_sightings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "tests/support/ip.h"

namespace lvs::probes {
namespace {

using fake::Ip;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Address kVip = Ip("192.168.1.100");
const Address kFirst = Ip("192.168.1.2");
const Address kSecond = Ip("192.168.1.3");
constexpr auto kAnswers = ArpLeak::Kind::kAnswers;
constexpr auto kAnnounces = ArpLeak::Kind::kAnnounces;
constexpr auto kUs = ArpSightings::Holder::kUs;
constexpr auto kOthers = ArpSightings::Holder::kOthers;
constexpr Clock::time_point kNow{std::chrono::hours(1)};
constexpr Clock::time_point kLater = kNow + ArpSightings::kSettle;

TEST(ArpSightings, SeenInEveryRoundNeverEnds) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnswers};
  EXPECT_TRUE(sightings.Note(place, {2}, kUs, kNow));
  for (int i = 0; i < 10; ++i) {
    sightings.EndRound({{kVip, 2}});
    EXPECT_FALSE(sightings.Note(place, {2}, kUs, kNow)) << "no news";
  }
  EXPECT_THAT(sightings.MacsAt(place), SizeIs(1));
}

TEST(ArpSightings, ThreeCleanRoundsEndIt) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnswers};
  sightings.Note(place, {2}, kUs, kNow);
  sightings.EndRound({{kVip, 2}});  // it was seen in this one
  sightings.EndRound({{kVip, 2}});
  sightings.EndRound({{kVip, 2}});
  EXPECT_THAT(sightings.MacsAt(place), SizeIs(1));
  sightings.EndRound({{kVip, 2}});
  EXPECT_THAT(sightings.MacsAt(place), IsEmpty());
  EXPECT_THAT(sightings.interfaces(), IsEmpty());
}

TEST(ArpSightings, RoundThatDidNotAskEndsNothing) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnnounces};
  sightings.Note(place, {2}, kUs, kNow);
  for (int i = 0; i < 10; ++i) sightings.EndRound({{kVip, 3}});
  EXPECT_THAT(sightings.MacsAt(place), SizeIs(1));
}

TEST(ArpSightings, RemembersAFewMacsOnly) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnswers};
  for (std::uint8_t i = 0; i < 100; ++i) sightings.Note(place, {2, i}, kUs, kNow);
  EXPECT_THAT(sightings.MacsAt(place), SizeIs(ArpSightings::kMostMacs));
}

TEST(ArpSightings, KeepForgetsAddressesAndPeers) {
  ArpSightings sightings;
  sightings.Note({kVip, 2, kAnswers}, {2, 1}, kUs, kNow);
  sightings.Note({kVip, 2, kAnswers}, {2, 2}, kUs, kNow);
  sightings.Note({kFirst, 2, kAnswers}, {2, 1}, kUs, kNow);
  sightings.Keep({kVip}, {{2, 1}});
  EXPECT_THAT(sightings.MacsAt({kVip, 2, kAnswers}), ElementsAre(route::Mac{2, 2}));
  EXPECT_THAT(sightings.MacsAt({kFirst, 2, kAnswers}), IsEmpty());
}

TEST(ArpSightings, WhoIsSeenWhileTheAddressIsOursIsASuspectAfterAWhile) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnnounces};
  sightings.Note(place, {2}, kUs, kNow);
  EXPECT_THAT(sightings.SuspectsAt(place, kNow), IsEmpty());
  EXPECT_EQ(sightings.NextSuspect(kNow), kLater);
  EXPECT_FALSE(sightings.Note(place, {2}, kUs, kNow + milliseconds(1))) << "no news";
  EXPECT_THAT(sightings.SuspectsAt(place, kLater), SizeIs(1));
  EXPECT_EQ(sightings.NextSuspect(kLater), std::nullopt);
  EXPECT_TRUE(sightings.HasSuspects());
}

TEST(ArpSightings, WhoIsSeenWhileAnotherHoldsTheAddressIsNone) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnswers};
  EXPECT_TRUE(sightings.Note(place, {2}, kOthers, kNow)) << "it may be a server";
  EXPECT_FALSE(sightings.HasSuspects());
  EXPECT_THAT(sightings.SuspectsAt(place, kLater), IsEmpty());
  EXPECT_TRUE(sightings.Note(place, {2}, kUs, kNow)) << "once more, while the address is ours";
  EXPECT_THAT(sightings.SuspectsAt(place, kLater), SizeIs(1));
}

TEST(ArpSightings, LossOfTheAddressExcusesForGood) {
  ArpSightings sightings;
  const ArpSightings::Place place = {kVip, 2, kAnswers};
  sightings.Note(place, {2}, kUs, kNow);
  sightings.ExcuseStrangers({kVip});
  EXPECT_THAT(sightings.SuspectsAt(place, kLater), SizeIs(1));
  sightings.ExcuseStrangers({});
  sightings.ExcuseStrangers({kVip});
  EXPECT_THAT(sightings.SuspectsAt(place, kLater), IsEmpty());
  EXPECT_THAT(sightings.MacsAt(place), SizeIs(1)) << "it may turn out to be a server";
}

TEST(JudgeArp, ServerLeaksWhoeverHoldsTheAddress) {
  ArpSightings sightings;
  sightings.Note({kVip, 2, kAnswers}, {2, 1}, kOthers, kNow);
  const auto rows = JudgeArp({{kVip, 2, "eth0", {kFirst}}}, sightings, {{kFirst, {2, 1}}}, kLater);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_TRUE(rows[0].leaking);
}

TEST(JudgeArp, MacOfTwoServersIsTheLeakOfBoth) {
  ArpSightings sightings;
  sightings.Note({kVip, 2, kAnswers}, {2, 1}, kUs, kNow);
  const auto rows = JudgeArp({{kVip, 2, "eth0", {kFirst, kSecond}}}, sightings,
                             {{kFirst, {2, 1}}, {kSecond, {2, 1}}}, kNow);
  ASSERT_THAT(rows, SizeIs(4));
  EXPECT_TRUE(rows[0].leaking);
  EXPECT_TRUE(rows[1].leaking);
}

}  // namespace
}  // namespace lvs::probes
