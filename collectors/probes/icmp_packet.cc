#include "collectors/probes/icmp_packet.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "collectors/probes/packet.h"

namespace lvs::probes {
namespace {

constexpr std::size_t kIcmpHeader = 8;  // also of an error: type, code, checksum, four bytes
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

constexpr std::uint8_t RequestType(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}
constexpr std::uint8_t ReplyType(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
}

constexpr bool IsError(AddressFamily family, std::uint8_t type) {
  if (family == AddressFamily::kIpv4) {
    return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
  }
  return type >= ICMP6_DST_UNREACH && type <= ICMP6_PARAM_PROB;
}

constexpr std::byte FillAt(std::size_t offset) { return std::byte(offset & 0xff); }

// The ICMP message of an IPv4 packet that a raw socket received; empty if damaged.
Bytes StripIpv4(Bytes packet) {
  if (packet.size() < kIpv4Header || U8At(packet, 0) >> 4 != 4) return {};
  const std::size_t header = std::size_t{U8At(packet, 0)} % 16 * 4;
  if (header < kIpv4Header || header > packet.size()) return {};
  if (U8At(packet, 9) != IPPROTO_ICMP) return {};
  return packet.subspan(header);
}

// What an error quotes, if that is the beginning of an echo request without IP options, as ours
// are.
IcmpMessage ParseQuote(AddressFamily family, std::uint8_t type, std::uint8_t code, Bytes quote) {
  const bool ipv4 = family == AddressFamily::kIpv4;
  const std::size_t header = ipv4 ? kIpv4Header : kIpv6Header;
  if (quote.size() < header + kIcmpHeader) return {};
  const bool plain = ipv4 ? U8At(quote, 0) == 0x45 && U8At(quote, 9) == IPPROTO_ICMP
                          : U8At(quote, 0) >> 4 == 6 && U8At(quote, 6) == IPPROTO_ICMPV6;
  const Bytes echo = quote.subspan(header);
  if (!plain || U8At(echo, 0) != RequestType(family)) return {};
  return EchoError{.type = type,
                   .code = code,
                   .from = AddressAt(quote, ipv4 ? 12 : 8, family),
                   .destination = AddressAt(quote, ipv4 ? 16 : 24, family),
                   .id = U16At(echo, 4),
                   .sequence = U16At(echo, 6)};
}

}  // namespace

std::vector<std::byte> BuildEchoRequest(AddressFamily family, const Echo& echo) {
  assert(echo.payload_size >= echo.cookie.size() && "the cookie is part of the payload");
  PacketWriter packet;
  packet.U8(RequestType(family));
  packet.U8(0);
  packet.U16(0);
  packet.U16(echo.id);
  packet.U16(echo.sequence);
  packet.Block(echo.cookie);
  for (std::size_t i = echo.cookie.size(); i < echo.payload_size; ++i) {
    packet.U8(static_cast<std::uint8_t>(FillAt(i)));
  }
  if (family == AddressFamily::kIpv4) packet.SetU16(2, InternetChecksum(packet.bytes()));
  return std::move(packet).Take();
}

bool IsPayloadOf(const Echo& echo, Bytes payload) {
  if (payload.size() != echo.payload_size || payload.size() < echo.cookie.size()) return false;
  std::byte difference{0};
  for (std::size_t i = 0; i < payload.size(); ++i) {
    difference |= payload[i] ^ (i < echo.cookie.size() ? echo.cookie[i] : FillAt(i));
  }
  return difference == std::byte{0};
}

IcmpMessage ParseIcmp(AddressFamily family, Bytes packet) {
  const bool ipv4 = family == AddressFamily::kIpv4;
  const Bytes message = ipv4 ? StripIpv4(packet) : packet;
  if (message.size() < kIcmpHeader) return {};
  if (ipv4 && InternetChecksum(message) != 0) return {};
  const std::uint8_t type = U8At(message, 0);
  const std::uint8_t code = U8At(message, 1);
  const Bytes rest = message.subspan(kIcmpHeader);
  if (type == ReplyType(family) && code == 0) {
    return EchoReply{.id = U16At(message, 4), .sequence = U16At(message, 6), .payload = rest};
  }
  if (IsError(family, type)) return ParseQuote(family, type, code, rest);
  return {};
}

EchoErrorKind KindOf(AddressFamily family, const EchoError& error) {
  const bool prohibited =
      family == AddressFamily::kIpv4
          ? error.type == ICMP_DEST_UNREACH &&
                (error.code == ICMP_NET_ANO || error.code == ICMP_HOST_ANO ||
                 error.code == ICMP_PKT_FILTERED)
          : error.type == ICMP6_DST_UNREACH &&
                (error.code == ICMP6_DST_UNREACH_ADMIN || error.code == 5 || error.code == 6);
  return prohibited ? EchoErrorKind::kProhibited : EchoErrorKind::kUnreachable;
}

bool IsHostUnreachable(AddressFamily family, const EchoError& error) {
  return family == AddressFamily::kIpv4
             ? error.type == ICMP_DEST_UNREACH && error.code == ICMP_HOST_UNREACH
             : error.type == ICMP6_DST_UNREACH && error.code == ICMP6_DST_UNREACH_ADDR;
}

}  // namespace lvs::probes
