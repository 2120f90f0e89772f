#include "collectors/probes/icmp_packet.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "collectors/probes/packet.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

using fake::Ip;
constexpr auto kIpv4 = AddressFamily::kIpv4;
constexpr auto kIpv6 = AddressFamily::kIpv6;

Echo SomeEcho() {
  Echo echo{.id = 0x1234, .sequence = 7, .cookie = {}, .payload_size = 56};
  for (std::size_t i = 0; i < echo.cookie.size(); ++i) echo.cookie[i] = std::byte(0xa0 + i);
  return echo;
}

// An IPv4 packet without options.
std::vector<std::byte> Ipv4(const char* from, const char* to, std::uint8_t protocol,
                            Bytes payload) {
  PacketWriter packet;
  packet.U8(0x45);
  packet.U8(0);
  packet.U16(static_cast<std::uint16_t>(20 + payload.size()));
  packet.U32(0);
  packet.U8(64);
  packet.U8(protocol);
  packet.U16(0);
  packet.Put(Ip(from));
  packet.Put(Ip(to));
  packet.Block(payload);
  return std::move(packet).Take();
}

std::vector<std::byte> Ipv6(const char* from, const char* to, std::uint8_t protocol,
                            Bytes payload) {
  PacketWriter packet;
  packet.U32(0x60000000);
  packet.U16(static_cast<std::uint16_t>(payload.size()));
  packet.U8(protocol);
  packet.U8(64);
  packet.Put(Ip(from));
  packet.Put(Ip(to));
  packet.Block(payload);
  return std::move(packet).Take();
}

// A message of eight bytes and what follows them, with its ICMP checksum.
std::vector<std::byte> Icmp(std::uint8_t type, std::uint8_t code, Bytes rest) {
  PacketWriter message;
  message.U8(type);
  message.U8(code);
  message.U16(0);
  message.U32(0);
  message.Block(rest);
  message.SetU16(2, InternetChecksum(message.bytes()));
  return std::move(message).Take();
}

std::vector<std::byte> ReplyTo(std::vector<std::byte> request, std::uint8_t type) {
  request[0] = std::byte{type};
  request[2] = request[3] = std::byte{0};
  const std::uint16_t checksum = InternetChecksum(request);
  request[2] = std::byte(checksum >> 8);
  request[3] = std::byte(checksum & 0xff);
  return request;
}

// A router's error about our echo from 192.0.2.1 to 192.0.2.2.
std::vector<std::byte> Ipv4Error(std::uint8_t type, std::uint8_t code) {
  const auto quote = Ipv4("192.0.2.1", "192.0.2.2", 1, BuildEchoRequest(kIpv4, SomeEcho()));
  return Ipv4("192.0.2.9", "192.0.2.1", 1, Icmp(type, code, Bytes(quote).first(28)));
}

std::vector<std::byte> Ipv6Error(std::uint8_t type, std::uint8_t code) {
  return Icmp(type, code,
              Ipv6("2001:db8::1", "2001:db8::2", 58, BuildEchoRequest(kIpv6, SomeEcho())));
}

TEST(Checksum, IsThatOfRfc1071) {
  // The example of RFC 1071, section 3.
  const std::vector<std::byte> bytes = {std::byte{0x00}, std::byte{0x01}, std::byte{0xf2},
                                        std::byte{0x03}, std::byte{0xf4}, std::byte{0xf5},
                                        std::byte{0xf6}, std::byte{0xf7}};
  EXPECT_EQ(OnesSum(bytes), 0xddf2u);
  EXPECT_EQ(InternetChecksum(bytes), 0x220d);
  EXPECT_EQ(OnesSum(Bytes(bytes).first(3)), 0xf201u) << "an odd byte is the upper one";
}

TEST(IcmpPacket, RequestHasTheFormOfRfc792) {
  const std::vector<std::byte> packet = BuildEchoRequest(kIpv4, SomeEcho());
  ASSERT_EQ(packet.size(), 8u + 56);
  EXPECT_EQ(U16At(packet, 0), 0x0800);
  EXPECT_EQ(InternetChecksum(packet), 0);
  EXPECT_EQ(U16At(packet, 4), 0x1234);
  EXPECT_EQ(U16At(packet, 6), 7);
  EXPECT_EQ(U8At(packet, 8), 0xa0);
  EXPECT_TRUE(IsPayloadOf(SomeEcho(), Bytes(packet).subspan(8)));
}

TEST(IcmpPacket, Ipv6RequestLeavesTheChecksumToTheKernel) {
  const std::vector<std::byte> packet = BuildEchoRequest(kIpv6, SomeEcho());
  EXPECT_EQ(U32At(packet, 0), 0x80000000u);
}

TEST(IcmpPacket, EveryByteOfThePayloadCounts) {
  const Echo echo = SomeEcho();
  const std::vector<std::byte> packet = BuildEchoRequest(kIpv4, echo);
  const std::vector<std::byte> right(packet.begin() + 8, packet.end());
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::vector<std::byte> wrong = right;
    wrong[i] ^= std::byte{0x80};
    EXPECT_FALSE(IsPayloadOf(echo, wrong)) << i;
    EXPECT_FALSE(IsPayloadOf(echo, Bytes(right).first(i))) << i;
  }
  std::vector<std::byte> longer = right;
  longer.push_back(std::byte{56});
  EXPECT_FALSE(IsPayloadOf(echo, longer));
}

TEST(IcmpPacket, ReplyIsReadBehindIpOptions) {
  const std::vector<std::byte> reply = ReplyTo(BuildEchoRequest(kIpv4, SomeEcho()), 0);
  std::vector<std::byte> packet = Ipv4("192.0.2.2", "192.0.2.1", 1, {});
  packet[0] = std::byte{0x46};
  packet.resize(24);
  packet.insert(packet.end(), reply.begin(), reply.end());
  const IcmpMessage message = ParseIcmp(kIpv4, packet);
  const auto* parsed = std::get_if<EchoReply>(&message);
  ASSERT_NE(parsed, nullptr);
  EXPECT_EQ(parsed->id, 0x1234);
  EXPECT_EQ(parsed->sequence, 7);
  EXPECT_TRUE(IsPayloadOf(SomeEcho(), parsed->payload));
}

TEST(IcmpPacket, Ipv6ReplyHasNoIpHeader) {
  const std::vector<std::byte> reply = ReplyTo(BuildEchoRequest(kIpv6, SomeEcho()), 129);
  const IcmpMessage message = ParseIcmp(kIpv6, reply);
  const auto* parsed = std::get_if<EchoReply>(&message);
  ASSERT_NE(parsed, nullptr);
  EXPECT_TRUE(IsPayloadOf(SomeEcho(), parsed->payload));
}

TEST(IcmpPacket, WrongChecksumIsNoMessage) {
  std::vector<std::byte> packet =
      Ipv4("192.0.2.2", "192.0.2.1", 1, ReplyTo(BuildEchoRequest(kIpv4, SomeEcho()), 0));
  packet.back() ^= std::byte{1};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseIcmp(kIpv4, packet)));
}

TEST(IcmpPacket, ErrorTellsWhatItQuotes) {
  const IcmpMessage message = ParseIcmp(kIpv4, Ipv4Error(3, 13));
  const auto* error = std::get_if<EchoError>(&message);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->type, 3);
  EXPECT_EQ(error->code, 13);
  EXPECT_EQ(ToString(error->from), "192.0.2.1");
  EXPECT_EQ(ToString(error->destination), "192.0.2.2");
  EXPECT_EQ(error->id, 0x1234);
  EXPECT_EQ(error->sequence, 7);
}

TEST(IcmpPacket, KindsOfErrors) {
  struct Case {
    AddressFamily family;
    std::uint8_t type;
    std::uint8_t code;
    EchoErrorKind kind;
    bool host_unreachable;
  };
  constexpr auto kUnreachable = EchoErrorKind::kUnreachable;
  constexpr auto kProhibited = EchoErrorKind::kProhibited;
  for (const Case& c : {Case{kIpv4, 3, 0, kUnreachable, false},
                        {kIpv4, 3, 1, kUnreachable, true},
                        {kIpv4, 3, 4, kUnreachable, false},
                        {kIpv4, 3, 9, kProhibited, false},
                        {kIpv4, 3, 10, kProhibited, false},
                        {kIpv4, 3, 13, kProhibited, false},
                        {kIpv4, 11, 0, kUnreachable, false},
                        {kIpv4, 12, 9, kUnreachable, false},
                        {kIpv6, 1, 0, kUnreachable, false},
                        {kIpv6, 1, 1, kProhibited, false},
                        {kIpv6, 1, 3, kUnreachable, true},
                        {kIpv6, 1, 5, kProhibited, false},
                        {kIpv6, 1, 6, kProhibited, false},
                        {kIpv6, 3, 1, kUnreachable, false}}) {
    const IcmpMessage message = ParseIcmp(
        c.family, c.family == kIpv4 ? Ipv4Error(c.type, c.code) : Ipv6Error(c.type, c.code));
    const auto* error = std::get_if<EchoError>(&message);
    ASSERT_NE(error, nullptr) << int{c.type} << " " << int{c.code};
    EXPECT_EQ(KindOf(c.family, *error), c.kind) << int{c.type} << " " << int{c.code};
    EXPECT_EQ(IsHostUnreachable(c.family, *error), c.host_unreachable);
  }
}

TEST(IcmpPacket, ErrorAboutSomethingElseIsNoMessage) {
  const auto tcp = Ipv4("192.0.2.1", "192.0.2.2", 6, BuildEchoRequest(kIpv4, SomeEcho()));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      ParseIcmp(kIpv4, Ipv4("192.0.2.9", "192.0.2.1", 1, Icmp(3, 1, tcp)))));
  const auto reply =
      Ipv4("192.0.2.1", "192.0.2.2", 1, ReplyTo(BuildEchoRequest(kIpv4, SomeEcho()), 0));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      ParseIcmp(kIpv4, Ipv4("192.0.2.9", "192.0.2.1", 1, Icmp(3, 1, reply)))));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseIcmp(kIpv4, Ipv4Error(5, 1))))
      << "a redirect is no error";
}

TEST(IcmpPacket, CutBytesAreReadOnlyAsFarAsTheyGo) {
  const std::vector<std::vector<std::byte>> packets = {
      Ipv4("192.0.2.2", "192.0.2.1", 1, ReplyTo(BuildEchoRequest(kIpv4, SomeEcho()), 0)),
      Ipv4Error(3, 1), Ipv6Error(1, 3), ReplyTo(BuildEchoRequest(kIpv6, SomeEcho()), 129)};
  for (const auto& packet : packets) {
    for (std::size_t length = 0; length < packet.size(); ++length) {
      // A copy of its own, so that a sanitizer sees every byte read too much.
      const std::vector<std::byte> cut(packet.begin(),
                                       packet.begin() + static_cast<std::ptrdiff_t>(length));
      for (const AddressFamily family : {kIpv4, kIpv6}) {
        const IcmpMessage message = ParseIcmp(family, cut);
        if (const auto* reply = std::get_if<EchoReply>(&message)) {
          EXPECT_FALSE(IsPayloadOf(SomeEcho(), reply->payload));
        }
      }
    }
  }
}

}  // namespace
}  // namespace lvs::probes
