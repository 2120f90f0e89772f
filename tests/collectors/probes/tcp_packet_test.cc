#include "collectors/probes/tcp_packet.h"

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

TcpSegment Syn(AddressFamily family) {
  const bool ipv4 = family == kIpv4;
  return {.path = {.source = Ip(ipv4 ? "192.0.2.1" : "2001:db8::1"),
                   .destination = Ip(ipv4 ? "192.0.2.100" : "2001:db8::100"),
                   .source_port = 0xef12,
                   .destination_port = 443},
          .kind = TcpSegment::Kind::kSyn,
          .sequence = 0x01020304,
          .ttl = 1,
          .tos = 0x10};
}

std::size_t HeaderOf(AddressFamily family) { return family == kIpv4 ? 20 : 40; }

// The answer from the VIP, with these flags and acknowledging our SYN.
std::vector<std::byte> Answer(AddressFamily family, std::uint8_t flags) {
  TcpSegment segment = Syn(family);
  std::swap(segment.path.source, segment.path.destination);
  std::swap(segment.path.source_port, segment.path.destination_port);
  std::vector<std::byte> packet = BuildTcp(segment);
  const std::size_t tcp = HeaderOf(family);
  packet[tcp + 13] = std::byte{flags};
  for (std::size_t i = 0; i < 4; ++i) packet[tcp + 8 + i] = std::byte(i + 1);
  packet[tcp + 11] = std::byte{5};
  return packet;
}

// An ICMP message from the server, its fixed part zeros but type, and what follows that part.
std::vector<std::byte> Icmp(AddressFamily family, std::uint8_t type, std::size_t fixed,
                            Bytes rest) {
  const bool ipv4 = family == kIpv4;
  PacketWriter packet;
  if (ipv4) {
    packet.U32(0x45000000);
    packet.U32(0);
    packet.U32(0x40010000);
  } else {
    packet.U32(0x60000000);
    packet.U32(0x00003a40);
  }
  packet.Put(Ip(ipv4 ? "192.0.2.2" : "2001:db8::2"));
  packet.Put(Ip(ipv4 ? "192.0.2.1" : "2001:db8::1"));
  packet.U8(type);
  for (std::size_t i = 1; i < fixed; ++i) packet.U8(0);
  packet.Block(rest);
  return std::move(packet).Take();
}

// Linux's redirect: the router's MAC, then the packet.
std::vector<std::byte> Ipv6Redirect(bool with_mac) {
  PacketWriter options;
  if (with_mac) {
    options.U16(0x0201);
    for (int i = 0; i < 6; ++i) options.U8(2);
  }
  const std::vector<std::byte> quote = BuildTcp(Syn(kIpv6));
  options.U8(4);
  options.U8(static_cast<std::uint8_t>((8 + quote.size()) / 8));
  options.U16(0);
  options.U32(0);
  options.Block(quote);
  return Icmp(kIpv6, 137, 40, options.bytes());
}

template <class T>
T As(const DrMessage& message) {
  const T* value = std::get_if<T>(&message);
  EXPECT_NE(value, nullptr);
  return value == nullptr ? T{} : *value;
}

TEST(TcpPacket, SynHasRightHeadersAndChecksums) {
  const std::vector<std::byte> packet = BuildTcp(Syn(kIpv4));
  ASSERT_EQ(packet.size(), 20u + 24);
  EXPECT_EQ(U16At(packet, 0), 0x4510);
  EXPECT_EQ(U16At(packet, 2), packet.size());
  EXPECT_EQ(U8At(packet, 8), 1) << "TTL";
  EXPECT_EQ(U8At(packet, 9), 6);
  EXPECT_EQ(InternetChecksum(Bytes(packet).first(20)), 0);
  const Bytes tcp = Bytes(packet).subspan(20);
  EXPECT_EQ(U16At(tcp, 0), 0xef12);
  EXPECT_EQ(U16At(tcp, 2), 443);
  EXPECT_EQ(U32At(tcp, 4), 0x01020304u);
  EXPECT_EQ(U16At(tcp, 12), 0x6002) << "24 bytes, SYN";
  EXPECT_EQ(U32At(tcp, 20), 0x020405b4u) << "maximum segment size 1460";
  const TcpPath& path = Syn(kIpv4).path;
  EXPECT_EQ(InternetChecksum(tcp, PseudoHeaderSum(path.source, path.destination, 6, 24)), 0);
}

TEST(TcpPacket, Ipv6SynHasRightHeadersAndChecksum) {
  const std::vector<std::byte> packet = BuildTcp(Syn(kIpv6));
  ASSERT_EQ(packet.size(), 40u + 24);
  EXPECT_EQ(U32At(packet, 0), 0x61000000u);
  EXPECT_EQ(U16At(packet, 4), 24);
  EXPECT_EQ(U16At(packet, 6), 0x0601) << "TCP, hop limit";
  const TcpPath& path = Syn(kIpv6).path;
  EXPECT_EQ(InternetChecksum(Bytes(packet).subspan(40),
                             PseudoHeaderSum(path.source, path.destination, 6, 24)),
            0);
}

TEST(TcpPacket, ResetIsBare) {
  TcpSegment segment = Syn(kIpv4);
  segment.kind = TcpSegment::Kind::kReset;
  const std::vector<std::byte> packet = BuildTcp(segment);
  ASSERT_EQ(packet.size(), 40u);
  EXPECT_EQ(U16At(packet, 32), 0x5004) << "20 bytes, RST";
  EXPECT_EQ(InternetChecksum(Bytes(packet).subspan(20),
                             PseudoHeaderSum(segment.path.source, segment.path.destination, 6, 20)),
            0);
}

TEST(TcpPacket, AnswersAreToldApart) {
  struct Case {
    std::uint8_t flags;
    TcpAnswer::Kind kind;
    bool acknowledges;
  };
  for (const AddressFamily family : {kIpv4, kIpv6}) {
    for (const Case& c : {Case{0x12, TcpAnswer::Kind::kSynAck, true},
                          {0x14, TcpAnswer::Kind::kReset, true},
                          {0x04, TcpAnswer::Kind::kReset, false},
                          {0x10, TcpAnswer::Kind::kOther, true},
                          {0x02, TcpAnswer::Kind::kOther, false},
                          {0x16, TcpAnswer::Kind::kReset, true}}) {
      const auto answer = As<TcpAnswer>(ParseDr(family, Answer(family, c.flags)));
      EXPECT_EQ(answer.kind, c.kind) << int{c.flags};
      EXPECT_EQ(answer.acknowledges, c.acknowledges) << int{c.flags};
      EXPECT_EQ(answer.acknowledgement, 0x01020305u);
      EXPECT_EQ(answer.path.source, Syn(family).path.destination);
      EXPECT_EQ(answer.path.destination_port, 0xef12);
    }
  }
}

TEST(TcpPacket, ErrorsTellWhatTheyQuoteAndWhoSaysIt) {
  struct Case {
    AddressFamily family;
    std::uint8_t type;
    TcpError::Kind kind;
  };
  for (const Case& c : {Case{kIpv4, 3, TcpError::Kind::kUnreachable},
                        {kIpv4, 11, TcpError::Kind::kTimeExceeded},
                        {kIpv4, 5, TcpError::Kind::kRedirect},
                        {kIpv6, 1, TcpError::Kind::kUnreachable},
                        {kIpv6, 3, TcpError::Kind::kTimeExceeded}}) {
    // The eight bytes of TCP that RFC 792 promises.
    const std::vector<std::byte> quote = BuildTcp(Syn(c.family));
    const Bytes shortest = Bytes(quote).first(HeaderOf(c.family) + 8);
    const auto error = As<TcpError>(ParseDr(c.family, Icmp(c.family, c.type, 8, shortest)));
    EXPECT_EQ(error.kind, c.kind) << int{c.type};
    EXPECT_EQ(error.path, Syn(c.family).path);
    EXPECT_EQ(error.sequence, 0x01020304u);
    EXPECT_EQ(ToString(error.reporter), c.family == kIpv4 ? "192.0.2.2" : "2001:db8::2");
  }
}

TEST(TcpPacket, Ipv6RedirectIsReadThroughItsOptions) {
  for (const bool with_mac : {false, true}) {
    const auto error = As<TcpError>(ParseDr(kIpv6, Ipv6Redirect(with_mac)));
    EXPECT_EQ(error.kind, TcpError::Kind::kRedirect);
    EXPECT_EQ(error.path, Syn(kIpv6).path);
  }
}

TEST(TcpPacket, OptionWithoutLengthEndsARedirect) {
  const std::vector<std::byte> nothing(64);
  EXPECT_TRUE(
      std::holds_alternative<std::monostate>(ParseDr(kIpv6, Icmp(kIpv6, 137, 40, nothing))));
}

TEST(TcpPacket, FragmentsAndForeignProtocolsAreNone) {
  std::vector<std::byte> fragment = Answer(kIpv4, 0x12);
  fragment[6] = std::byte{0x20};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseDr(kIpv4, fragment)));
  fragment[6] = std::byte{0x00};
  fragment[7] = std::byte{0x01};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseDr(kIpv4, fragment)));
  std::vector<std::byte> udp = Answer(kIpv4, 0x12);
  udp[9] = std::byte{17};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseDr(kIpv4, udp)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(ParseDr(kIpv6, Answer(kIpv4, 0x12))));
}

TEST(TcpPacket, AnswerIsReadBehindIpOptions) {
  std::vector<std::byte> packet = Answer(kIpv4, 0x12);
  packet[0] = std::byte{0x46};
  packet.insert(packet.begin() + 20, 4, std::byte{1});
  EXPECT_EQ(As<TcpAnswer>(ParseDr(kIpv4, packet)).kind, TcpAnswer::Kind::kSynAck);
}

TEST(TcpPacket, CutBytesAreReadOnlyAsFarAsTheyGo) {
  const std::vector<std::byte> quote4 = BuildTcp(Syn(kIpv4));
  const std::vector<std::byte> quote6 = BuildTcp(Syn(kIpv6));
  const std::vector<std::vector<std::byte>> packets = {
      Answer(kIpv4, 0x12),       Answer(kIpv6, 0x12), Icmp(kIpv4, 11, 8, quote4),
      Icmp(kIpv6, 3, 8, quote6), Ipv6Redirect(false), Ipv6Redirect(true)};
  for (const auto& packet : packets) {
    for (std::size_t length = 0; length <= packet.size(); ++length) {
      // A copy of its own, so that a sanitizer sees every byte read too much.
      const std::vector<std::byte> cut(packet.begin(),
                                       packet.begin() + static_cast<std::ptrdiff_t>(length));
      for (const AddressFamily family : {kIpv4, kIpv6}) {
        const DrMessage message = ParseDr(family, cut);
        if (const auto* error = std::get_if<TcpError>(&message)) {
          EXPECT_EQ(error->sequence, 0x01020304u);
        }
      }
    }
  }
}

}  // namespace
}  // namespace lvs::probes
