#include "collectors/probes/address_claim.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "collectors/probes/arp_packet.h"
#include "collectors/probes/nd_packet.h"
#include "tests/support/ip.h"

namespace lvs::probes {
namespace {

using fake::Ip;
using route::Mac;

constexpr auto kIpv4 = AddressFamily::kIpv4;
constexpr auto kIpv6 = AddressFamily::kIpv6;
constexpr auto kAnswers = ArpLeak::Kind::kAnswers;
constexpr auto kAnnounces = ArpLeak::Kind::kAnnounces;
constexpr Mac kOurs = {2, 0, 0, 0, 0, 1};
constexpr Mac kTheirs = {2, 0, 0, 0, 0, 2};
constexpr Mac kOfFrame = {2, 0, 0, 0, 0, 3};
constexpr FrameSender kToUs = {kOfFrame, FrameTarget::kUs};
constexpr FrameSender kToAll = {kOfFrame, FrameTarget::kEverybody};
constexpr FrameSender kToOthers = {kOfFrame, FrameTarget::kOthers};
const Address kVip = Ip("192.0.2.100");
const Address kVip6 = Ip("2001:db8::100");

std::vector<std::byte> Arp(ArpPacket::Operation operation) {
  return BuildArp({.operation = operation,
                   .sender_mac = kTheirs,
                   .sender = kVip,
                   .target_mac = kOurs,
                   .target = Ip("192.0.2.1")});
}

NdPacket Advertisement() {
  return {.kind = NdPacket::Kind::kAdvertisement,
          .source = Ip("2001:db8::2"),
          .destination = Ip("fe80::1"),
          .target = kVip6,
          .solicited = true,
          .mac = kTheirs};
}

NdPacket Solicitation(const Address& source, std::optional<Mac> mac) {
  return {.kind = NdPacket::Kind::kSolicitation,
          .source = source,
          .destination = SolicitedNodeGroup(kVip6),
          .target = kVip6,
          .solicited = false,
          .mac = mac};
}

std::optional<AddressClaim> ParseNdClaim(const NdPacket& packet, const FrameSender& frame) {
  return ParseClaim(kIpv6, BuildNd(packet), frame);
}

TEST(Question, OverIpv4IsABroadcast) {
  const auto question = BuildQuestion(kVip, Ip("192.0.2.1"), kOurs);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(route::ToString(question->to), "ff:ff:ff:ff:ff:ff");
  const auto arp = ParseArp(question->packet);
  ASSERT_TRUE(arp.has_value());
  EXPECT_EQ(arp->operation, ArpPacket::Operation::kRequest);
  EXPECT_EQ(arp->sender, Ip("192.0.2.1"));
  EXPECT_EQ(arp->sender_mac, kOurs);
  EXPECT_EQ(arp->target, kVip);
}

TEST(Question, OverIpv4NeedsNoSender) {
  const auto question = BuildQuestion(kVip, {}, kOurs);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(ParseArp(question->packet)->sender, Ip("0.0.0.0"));
}

TEST(Question, OverIpv6GoesToTheGroupOfTheAddress) {
  const auto question = BuildQuestion(kVip6, Ip("fe80::1"), kOurs);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(route::ToString(question->to), "33:33:ff:00:01:00");
  EXPECT_EQ(ParseNd(question->packet), Solicitation(Ip("fe80::1"), kOurs));
}

TEST(Question, OverIpv6WithoutSenderWouldBeDuplicateAddressDetection) {
  EXPECT_FALSE(BuildQuestion(kVip6, {}, kOurs).has_value());
}

route::InterfaceAddress Own(const Address& address, unsigned prefix_length, int interface = 2) {
  return {.address = address, .interface = interface, .prefix_length = prefix_length};
}

route::Route RouteFrom(const Address& source) {
  route::Route route;
  route.interface = 2;
  route.source = source;
  return route;
}

TEST(Sender, OverIpv4IsTheKernelsChoice) {
  EXPECT_EQ(
      ChooseSender(RouteFrom(Ip("192.0.2.9")), Ip("192.0.2.2"), {Own(Ip("192.0.2.1"), 24)}, {kVip}),
      Ip("192.0.2.9"));
}

TEST(Sender, OverIpv4IsNeverAVip) {
  EXPECT_EQ(ChooseSender(RouteFrom(kVip), Ip("192.0.2.2"),
                         {Own(kVip, 24), Own(Ip("192.0.2.1"), 24)}, {kVip}),
            Ip("192.0.2.1"));
  EXPECT_EQ(ChooseSender(RouteFrom(kVip), Ip("192.0.2.2"), {Own(kVip, 24)}, {kVip}), std::nullopt);
}

TEST(Sender, OverIpv6IsTheLinkLocalAddressOfTheInterface) {
  const std::vector<route::InterfaceAddress> own = {Own(kVip6, 128), Own(Ip("2001:db8::1"), 64),
                                                    Own(Ip("fe80::3"), 64, 3),
                                                    Own(Ip("fe80::1"), 64)};
  EXPECT_EQ(ChooseSender(RouteFrom(Ip("2001:db8::1")), Ip("2001:db8::2"), own, {kVip6}),
            Ip("fe80::1"));
}

TEST(Sender, OverIpv6IsNeverAVip) {
  const Address vip = Ip("fe80::100");
  const std::vector<route::InterfaceAddress> own = {Own(vip, 64), Own(kVip6, 64),
                                                    Own(Ip("2001:db8::1"), 64)};
  EXPECT_EQ(ChooseSender(RouteFrom(kVip6), Ip("2001:db8::2"), own, {vip, kVip6}),
            Ip("2001:db8::1"));
  EXPECT_EQ(ChooseSender(RouteFrom(kVip6), Ip("2001:db8::2"), {Own(kVip6, 64)}, {kVip6}),
            std::nullopt);
}

TEST(ArpClaim, ReplyToUsAnswers) {
  const AddressClaim claim = {kVip, kTheirs, kAnswers};
  EXPECT_EQ(ParseClaim(kIpv4, Arp(ArpPacket::Operation::kReply), kToUs), claim);
}

TEST(ArpClaim, RequestsAndRepliesToAllAnnounce) {
  const AddressClaim claim = {kVip, kTheirs, kAnnounces};
  EXPECT_EQ(ParseClaim(kIpv4, Arp(ArpPacket::Operation::kReply), kToAll), claim);
  EXPECT_EQ(ParseClaim(kIpv4, Arp(ArpPacket::Operation::kRequest), kToAll), claim);
  EXPECT_EQ(ParseClaim(kIpv4, Arp(ArpPacket::Operation::kRequest), kToUs), claim);
}

TEST(NdClaim, SolicitedAdvertisementToUsAnswers) {
  EXPECT_EQ(ParseNdClaim(Advertisement(), kToUs), (AddressClaim{kVip6, kTheirs, kAnswers}));
}

TEST(NdClaim, UnsolicitedAdvertisementAnnounces) {
  NdPacket packet = Advertisement();
  packet.solicited = false;
  const AddressClaim claim = {kVip6, kTheirs, kAnnounces};
  EXPECT_EQ(ParseNdClaim(packet, kToUs), claim);
  packet.destination = Ip("ff02::1");
  EXPECT_EQ(ParseNdClaim(packet, kToAll), claim);
}

TEST(NdClaim, SolicitationAnnouncesItsSource) {
  EXPECT_EQ(ParseNdClaim(Solicitation(Ip("2001:db8::2"), kTheirs), kToAll),
            (AddressClaim{Ip("2001:db8::2"), kTheirs, kAnnounces}));
}

TEST(NdClaim, WithoutMacIsTheFramesSender) {
  NdPacket packet = Advertisement();
  packet.mac.reset();
  EXPECT_EQ(ParseNdClaim(packet, kToUs), (AddressClaim{kVip6, kOfFrame, kAnswers}));
  EXPECT_EQ(ParseNdClaim(Solicitation(Ip("2001:db8::2"), {}), kToUs),
            (AddressClaim{Ip("2001:db8::2"), kOfFrame, kAnnounces}));
}

TEST(NdClaim, DuplicateAddressDetectionClaimsNothing) {
  EXPECT_EQ(ParseNdClaim(Solicitation(Ip("::"), {}), kToAll), std::nullopt);
}

TEST(AddressClaim, WhatOthersAreToldIsNotOurs) {
  EXPECT_EQ(ParseClaim(kIpv4, Arp(ArpPacket::Operation::kReply), kToOthers), std::nullopt);
  EXPECT_EQ(ParseNdClaim(Advertisement(), kToOthers), std::nullopt);
}

TEST(AddressClaim, IsReadInTheProtocolOfItsFamily) {
  EXPECT_EQ(ParseClaim(kIpv6, Arp(ArpPacket::Operation::kReply), kToUs), std::nullopt);
  EXPECT_EQ(ParseClaim(kIpv4, BuildNd(Advertisement()), kToUs), std::nullopt);
}

}  // namespace
}  // namespace lvs::probes
