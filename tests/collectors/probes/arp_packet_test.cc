#include "collectors/probes/arp_packet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

using fake::Ip;

ArpPacket SomePacket() {
  return {.operation = ArpPacket::Operation::kRequest,
          .sender_mac = {2, 0, 0, 0, 0, 1},
          .sender = Ip("192.0.2.1"),
          .target_mac = {},
          .target = Ip("192.0.2.100")};
}

TEST(ArpPacket, HasTheFormOfRfc826) {
  const std::string expected(
      "\0\1\x08\0\6\4\0\1"
      "\2\0\0\0\0\1\xc0\0\2\1"
      "\0\0\0\0\0\0\xc0\0\2\x64",
      28);
  const std::vector<std::byte> packet = BuildArp(SomePacket());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(packet.data()), packet.size()), expected);
}

TEST(ArpPacket, ReadsWhatItWrote) {
  ArpPacket packet = SomePacket();
  packet.operation = ArpPacket::Operation::kReply;
  packet.target_mac = {2, 0, 0, 0, 0, 9};
  std::vector<std::byte> bytes = BuildArp(packet);
  bytes.resize(46);  // Ethernet's padding
  const std::optional<ArpPacket> parsed = ParseArp(bytes);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->operation, ArpPacket::Operation::kReply);
  EXPECT_EQ(parsed->sender_mac, packet.sender_mac);
  EXPECT_EQ(parsed->sender, packet.sender);
  EXPECT_EQ(parsed->target_mac, packet.target_mac);
  EXPECT_EQ(parsed->target, packet.target);
}

TEST(ArpPacket, OtherLinksProtocolsAndOperationsAreNone) {
  for (std::size_t offset = 0; offset < 8; ++offset) {
    std::vector<std::byte> bytes = BuildArp(SomePacket());
    bytes[offset] ^= std::byte{0x40};
    EXPECT_FALSE(ParseArp(bytes).has_value()) << offset;
  }
}

TEST(ArpPacket, CutBytesAreNone) {
  const std::vector<std::byte> packet = BuildArp(SomePacket());
  for (std::size_t length = 0; length < packet.size(); ++length) {
    const std::vector<std::byte> cut(packet.begin(),
                                     packet.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(ParseArp(cut).has_value()) << length;
  }
}

}  // namespace
}  // namespace lvs::probes
