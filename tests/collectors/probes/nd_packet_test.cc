#include "collectors/probes/nd_packet.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "collectors/probes/packet.h"
#include "tests/support/ip.h"

namespace lvs::probes {
namespace {

using fake::Ip;

constexpr std::size_t kMessageAt = 40;
constexpr std::size_t kOptionAt = 64;
constexpr route::Mac kMac = {2, 0, 0, 0, 0, 1};

NdPacket Solicitation() {
  return {.kind = NdPacket::Kind::kSolicitation,
          .source = Ip("fe80::1"),
          .destination = Ip("ff02::1:ff12:3456"),
          .target = Ip("2001:db8::12:3456"),
          .solicited = false,
          .mac = kMac};
}

NdPacket Advertisement() {
  return {.kind = NdPacket::Kind::kAdvertisement,
          .source = Ip("2001:db8::12:3456"),
          .destination = Ip("fe80::1"),
          .target = Ip("2001:db8::12:3456"),
          .solicited = true,
          .mac = kMac};
}

// The packet with something done to it, and a checksum that is right again.
std::vector<std::byte> Changed(const NdPacket& packet,
                               const std::function<void(std::vector<std::byte>&)>& change) {
  std::vector<std::byte> bytes = BuildNd(packet);
  change(bytes);
  bytes[4] = std::byte((bytes.size() - kMessageAt) >> 8);
  bytes[5] = std::byte(bytes.size() - kMessageAt);
  bytes[kMessageAt + 2] = bytes[kMessageAt + 3] = std::byte{0};
  const Bytes message = Bytes(bytes).subspan(kMessageAt);
  const std::uint16_t sum =
      InternetChecksum(message, PseudoHeaderSum(AddressAt(bytes, 8, AddressFamily::kIpv6),
                                                AddressAt(bytes, 24, AddressFamily::kIpv6), 58,
                                                static_cast<std::uint32_t>(message.size())));
  bytes[kMessageAt + 2] = std::byte(sum >> 8);
  bytes[kMessageAt + 3] = std::byte(sum & 0xff);
  return bytes;
}

std::vector<std::byte> With(const NdPacket& packet, std::size_t offset, std::uint8_t value) {
  return Changed(packet, [&](std::vector<std::byte>& bytes) { bytes[offset] = std::byte{value}; });
}

// Options behind the packet's own.
std::vector<std::byte> WithOptions(const NdPacket& packet, const std::vector<std::uint8_t>& more) {
  return Changed(packet, [&](std::vector<std::byte>& bytes) {
    for (const std::uint8_t byte : more) bytes.push_back(std::byte{byte});
  });
}

TEST(NdPacket, SolicitationHasTheFormOfRfc4861) {
  const std::string expected(
      "\x60\0\0\0\0\x20\x3a\xff"
      "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
      "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\x12\x34\x56"
      "\x87\0\xe2\x92\0\0\0\0"
      "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\x12\x34\x56"
      "\1\1\2\0\0\0\0\1",
      72);
  const std::vector<std::byte> packet = BuildNd(Solicitation());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(packet.data()), packet.size()), expected);
}

TEST(NdPacket, ReadsWhatItWrote) {
  NdPacket without_mac = Advertisement();
  without_mac.mac.reset();
  NdPacket to_all = Advertisement();
  to_all.destination = Ip("ff02::1");
  to_all.solicited = false;
  NdPacket detection = Solicitation();
  detection.source = Ip("::");
  detection.mac.reset();
  for (const NdPacket& packet : {Solicitation(), Advertisement(), without_mac, to_all, detection}) {
    EXPECT_EQ(ParseNd(BuildNd(packet)), packet);
  }
}

TEST(NdPacket, PaddingIsIgnored) {
  std::vector<std::byte> bytes = BuildNd(Advertisement());
  bytes.resize(bytes.size() + 8, std::byte{0xff});
  EXPECT_EQ(ParseNd(bytes), Advertisement());
}

TEST(NdPacket, OtherFlagsAndOptionsAreIgnored) {
  EXPECT_EQ(ParseNd(With(Advertisement(), kMessageAt + 4, 0xe0)), Advertisement());
  EXPECT_EQ(ParseNd(WithOptions(Advertisement(), {14, 1, 1, 2, 3, 4, 5, 6})), Advertisement());
}

TEST(NdPacket, FirstMacCounts) {
  EXPECT_EQ(ParseNd(WithOptions(Advertisement(), {2, 1, 9, 9, 9, 9, 9, 9})), Advertisement());
}

TEST(NdPacket, MacOfTheOtherSideIsNone) {
  NdPacket without_mac = Solicitation();
  without_mac.mac.reset();
  EXPECT_EQ(ParseNd(With(Solicitation(), kOptionAt, 2)), without_mac);
}

TEST(NdPacket, CutBytesAreNone) {
  const std::vector<std::byte> packet = BuildNd(Advertisement());
  for (std::size_t length = 0; length < packet.size(); ++length) {
    const std::vector<std::byte> cut(packet.begin(),
                                     packet.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(ParseNd(cut).has_value()) << length;
  }
}

TEST(NdPacket, DamagedBytesAreNone) {
  const std::vector<std::byte> packet = BuildNd(Advertisement());
  for (std::size_t offset = 4; offset < packet.size(); ++offset) {
    std::vector<std::byte> bytes = packet;
    bytes[offset] ^= std::byte{0x04};
    EXPECT_FALSE(ParseNd(bytes).has_value()) << offset;
  }
}

TEST(NdPacket, OtherProtocolsAndMessagesAreNone) {
  EXPECT_FALSE(ParseNd(With(Advertisement(), 0, 0x45)).has_value());
  EXPECT_FALSE(ParseNd(With(Advertisement(), 6, 0)).has_value()) << "options of the IPv6 header";
  EXPECT_FALSE(ParseNd(With(Advertisement(), kMessageAt, 134)).has_value());
  EXPECT_FALSE(ParseNd(With(Advertisement(), kMessageAt, 137)).has_value());
  EXPECT_FALSE(ParseNd(With(Advertisement(), kMessageAt + 1, 1)).has_value());
}

TEST(NdPacket, WhatARouterPassedOnIsNone) {
  EXPECT_TRUE(ParseNd(With(Advertisement(), 7, 255)).has_value());
  EXPECT_FALSE(ParseNd(With(Advertisement(), 7, 254)).has_value());
}

TEST(NdPacket, DamagedOptionsAreNone) {
  EXPECT_FALSE(ParseNd(With(Advertisement(), kOptionAt + 1, 0)).has_value()) << "no end";
  EXPECT_FALSE(ParseNd(With(Advertisement(), kOptionAt + 1, 2)).has_value()) << "behind the end";
  EXPECT_FALSE(ParseNd(WithOptions(Advertisement(), {14})).has_value()) << "no length";
  NdPacket without_mac = Advertisement();
  without_mac.mac.reset();
  const std::vector<std::uint8_t> no_ethernet = {2, 2, 1, 2,  3,  4,  5,  6,
                                                 7, 8, 9, 10, 11, 12, 13, 14};
  EXPECT_FALSE(ParseNd(WithOptions(without_mac, no_ethernet)).has_value());
}

// RFC 4861 7.1.1 and 7.1.2.
TEST(NdPacket, WhatEveryHostMustDiscardIsNone) {
  NdPacket group = Advertisement();
  group.target = Ip("ff02::1");
  EXPECT_FALSE(ParseNd(BuildNd(group)).has_value()) << "nobody has a group";
  NdPacket answer_to_all = Advertisement();
  answer_to_all.destination = Ip("ff02::1");
  EXPECT_FALSE(ParseNd(BuildNd(answer_to_all)).has_value());
  NdPacket detection = Solicitation();
  detection.source = Ip("::");
  EXPECT_FALSE(ParseNd(BuildNd(detection)).has_value()) << "with a MAC";
  detection.mac.reset();
  detection.destination = Ip("ff02::1");
  EXPECT_FALSE(ParseNd(BuildNd(detection)).has_value()) << "to another group";
}

TEST(NdPacket, GroupAndItsMacEndAsTheAddressDoes) {
  const Address group = SolicitedNodeGroup(Ip("2001:db8:aaaa:bbbb:cccc:dddd:ee12:3456"));
  EXPECT_EQ(ToString(group), "ff02::1:ff12:3456");
  EXPECT_EQ(route::ToString(MacOfGroup(group)), "33:33:ff:12:34:56");
}

}  // namespace
}  // namespace lvs::probes
