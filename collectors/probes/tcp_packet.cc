#include "collectors/probes/tcp_packet.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <cassert>
#include <utility>

#include "collectors/probes/packet.h"

namespace lvs::probes {
namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::size_t kQuotedTcp = 8;  // ports and sequence: all that RFC 792 promises

constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;

std::vector<std::byte> BuildTcpHeader(const TcpSegment& segment) {
  const bool syn = segment.kind == TcpSegment::Kind::kSyn;
  const bool ipv4 = segment.path.source.family == AddressFamily::kIpv4;
  PacketWriter tcp;
  tcp.U16(segment.path.source_port);
  tcp.U16(segment.path.destination_port);
  tcp.U32(segment.sequence);
  tcp.U32(0);
  tcp.U8(syn ? 0x60 : 0x50);  // length in words, in the upper half
  tcp.U8(syn ? kSyn : kRst);
  tcp.U16(syn ? 64240 : 0);  // window
  tcp.U16(0);
  tcp.U16(0);
  if (syn) {
    tcp.U8(2);  // RFC 9293 3.2: maximum segment size
    tcp.U8(4);
    tcp.U16(ipv4 ? 1460 : 1440);
  }
  const auto length = static_cast<std::uint32_t>(tcp.bytes().size());
  const std::uint32_t pseudo =
      PseudoHeaderSum(segment.path.source, segment.path.destination, IPPROTO_TCP, length);
  tcp.SetU16(16, InternetChecksum(tcp.bytes(), pseudo));
  return std::move(tcp).Take();
}

void PutIpv4Header(PacketWriter& packet, const TcpSegment& segment, std::size_t payload) {
  packet.U8(0x45);
  packet.U8(segment.tos);
  packet.U16(static_cast<std::uint16_t>(kIpv4Header + payload));
  packet.U16(0);       // identification, without meaning in a packet that is never cut (RFC 6864)
  packet.U16(0x4000);  // do not fragment
  packet.U8(segment.ttl);
  packet.U8(IPPROTO_TCP);
  packet.U16(0);
  packet.Put(segment.path.source);
  packet.Put(segment.path.destination);
  packet.SetU16(10, InternetChecksum(packet.bytes()));
}

void PutIpv6Header(PacketWriter& packet, const TcpSegment& segment, std::size_t payload) {
  packet.U32(0x60000000u | std::uint32_t{segment.tos} << 20);
  packet.U16(static_cast<std::uint16_t>(payload));
  packet.U8(IPPROTO_TCP);
  packet.U8(segment.ttl);
  packet.Put(segment.path.source);
  packet.Put(segment.path.destination);
}

// An IP packet taken apart. Quotes may be shorter than the length their header tells.
struct IpPacket {
  Address source;
  Address destination;
  std::uint8_t protocol = 0;
  Bytes payload;
};

std::optional<IpPacket> ParseIpv4(Bytes packet) {
  if (packet.size() < kIpv4Header || U8At(packet, 0) >> 4 != 4) return {};
  const std::size_t header = std::size_t{U8At(packet, 0)} % 16 * 4;
  if (header < kIpv4Header || header > packet.size()) return {};
  constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;
  if ((U16At(packet, 6) & kMoreFragmentsOrOffset) != 0) return {};
  return IpPacket{.source = AddressAt(packet, 12, AddressFamily::kIpv4),
                  .destination = AddressAt(packet, 16, AddressFamily::kIpv4),
                  .protocol = U8At(packet, 9),
                  .payload = packet.subspan(header)};
}

std::optional<IpPacket> ParseIpv6(Bytes packet) {
  if (packet.size() < kIpv6Header || U8At(packet, 0) >> 4 != 6) return {};
  return IpPacket{.source = AddressAt(packet, 8, AddressFamily::kIpv6),
                  .destination = AddressAt(packet, 24, AddressFamily::kIpv6),
                  .protocol = U8At(packet, 6),
                  .payload = packet.subspan(kIpv6Header)};
}

std::optional<IpPacket> ParseIp(AddressFamily family, Bytes packet) {
  return family == AddressFamily::kIpv4 ? ParseIpv4(packet) : ParseIpv6(packet);
}

TcpPath PathOf(const IpPacket& ip) {
  return {.source = ip.source,
          .destination = ip.destination,
          .source_port = U16At(ip.payload, 0),
          .destination_port = U16At(ip.payload, 2)};
}

DrMessage ParseTcp(const IpPacket& ip) {
  if (ip.payload.size() < kTcpHeader) return {};
  const std::uint8_t flags = U8At(ip.payload, 13);
  TcpAnswer answer{.path = PathOf(ip),
                   .kind = TcpAnswer::Kind::kOther,
                   .acknowledges = (flags & kAck) != 0,
                   .acknowledgement = U32At(ip.payload, 8)};
  if ((flags & kRst) != 0) {
    answer.kind = TcpAnswer::Kind::kReset;
  } else if ((flags & (kSyn | kAck)) == (kSyn | kAck)) {
    answer.kind = TcpAnswer::Kind::kSynAck;
  }
  return answer;
}

DrMessage ParseQuote(AddressFamily family, TcpError::Kind kind, const Address& reporter,
                     Bytes quote) {
  const std::optional<IpPacket> ip = ParseIp(family, quote);
  if (!ip || ip->protocol != IPPROTO_TCP || ip->payload.size() < kQuotedTcp) return {};
  return TcpError{
      .kind = kind, .reporter = reporter, .path = PathOf(*ip), .sequence = U32At(ip->payload, 4)};
}

DrMessage ParseIcmpError(const IpPacket& ip) {
  if (ip.payload.size() < kIcmpHeader) return {};
  const Bytes quote = ip.payload.subspan(kIcmpHeader);
  const auto parse = [&](TcpError::Kind kind) {
    return ParseQuote(AddressFamily::kIpv4, kind, ip.source, quote);
  };
  switch (U8At(ip.payload, 0)) {
    case ICMP_DEST_UNREACH:
      return parse(TcpError::Kind::kUnreachable);
    case ICMP_TIME_EXCEEDED:
      return parse(TcpError::Kind::kTimeExceeded);
    case ICMP_REDIRECT:
      return parse(TcpError::Kind::kRedirect);
    default:
      return {};
  }
}

// RFC 4861 4.5 and 4.6.3: behind 40 bytes come options, each with its length in units of 8 bytes;
// "redirected header" has 8 bytes of its own before the quote.
Bytes RedirectedHeader(Bytes redirect) {
  constexpr std::size_t kFixed = 40;
  constexpr std::size_t kOptionHead = 8;
  if (redirect.size() < kFixed) return {};
  Bytes options = redirect.subspan(kFixed);
  while (options.size() >= kOptionHead) {
    const std::size_t length = std::size_t{U8At(options, 1)} * 8;
    if (length == 0) return {};
    if (U8At(options, 0) == ND_OPT_REDIRECTED_HEADER) return options.subspan(kOptionHead);
    if (length > options.size()) return {};
    options = options.subspan(length);
  }
  return {};
}

DrMessage ParseIcmpv6Error(const IpPacket& ip) {
  if (ip.payload.size() < kIcmpHeader) return {};
  const auto parse = [&](TcpError::Kind kind, Bytes quote) {
    return ParseQuote(AddressFamily::kIpv6, kind, ip.source, quote);
  };
  switch (U8At(ip.payload, 0)) {
    case ICMP6_DST_UNREACH:
      return parse(TcpError::Kind::kUnreachable, ip.payload.subspan(kIcmpHeader));
    case ICMP6_TIME_EXCEEDED:
      return parse(TcpError::Kind::kTimeExceeded, ip.payload.subspan(kIcmpHeader));
    case ND_REDIRECT:
      return parse(TcpError::Kind::kRedirect, RedirectedHeader(ip.payload));
    default:
      return {};
  }
}

}  // namespace

std::vector<std::byte> BuildTcp(const TcpSegment& segment) {
  assert(segment.path.source.family == segment.path.destination.family && "one packet, one family");
  const std::vector<std::byte> tcp = BuildTcpHeader(segment);
  PacketWriter packet;
  if (segment.path.source.family == AddressFamily::kIpv4) {
    PutIpv4Header(packet, segment, tcp.size());
  } else {
    PutIpv6Header(packet, segment, tcp.size());
  }
  packet.Block(tcp);
  return std::move(packet).Take();
}

DrMessage ParseDr(AddressFamily family, Bytes packet) {
  const std::optional<IpPacket> ip = ParseIp(family, packet);
  if (!ip) return {};
  if (ip->protocol == IPPROTO_TCP) return ParseTcp(*ip);
  if (family == AddressFamily::kIpv4 && ip->protocol == IPPROTO_ICMP) return ParseIcmpError(*ip);
  if (family == AddressFamily::kIpv6 && ip->protocol == IPPROTO_ICMPV6) {
    return ParseIcmpv6Error(*ip);
  }
  return {};
}

}  // namespace lvs::probes
