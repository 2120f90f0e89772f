// ICMP and ICMPv6 echo: requests into bytes, what a raw socket receives into values. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"

namespace lvs::probes {

// Random bytes at the start of an echo's payload, by which its sender knows it again.
using EchoCookie = std::array<std::byte, 16>;

struct Echo {
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  EchoCookie cookie{};
  std::size_t payload_size = 0;  // bytes, at least the cookie's
};

// An echo request (RFC 792; RFC 4443 4.1). The checksum of ICMPv6 is left 0: the kernel fills it in
// on raw ICMPv6 sockets, whatever is there (RFC 3542 3.1).
std::vector<std::byte> BuildEchoRequest(AddressFamily family, const Echo& echo);

// Whether payload is what the echo carried, every byte of it. Its time does not depend on how much
// of it is right.
bool IsPayloadOf(const Echo& echo, Bytes payload);

// Views into the received bytes.
struct EchoReply {
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
  Bytes payload;
};

// An ICMP error that quotes an echo request: somebody on the way could not deliver it.
struct EchoError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  Address from;         // of the quoted request
  Address destination;  // of the quoted request
  std::uint16_t id = 0;
  std::uint16_t sequence = 0;
};

// Neither, or damaged: std::monostate.
using IcmpMessage = std::variant<std::monostate, EchoReply, EchoError>;

// What a raw ICMP socket received. IPv4: with the IP header in front, and the ICMP checksum is
// verified here, since the kernel hands packets to raw sockets before it looks (icmp_rcv in
// net/ipv4/icmp.c). IPv6: the ICMPv6 message alone, already verified (rawv6_rcv in net/ipv6/raw.c).
IcmpMessage ParseIcmp(AddressFamily family, Bytes packet);

// What an error means for the one who sent the echo.
enum class EchoErrorKind { kUnreachable, kProhibited };

// kProhibited: ICMP type 3 with code 9, 10 or 13 (RFC 1812 5.2.7.1); ICMPv6 type 1 with code 1, 5
// or 6 (RFC 4443 3.1).
EchoErrorKind KindOf(AddressFamily family, const EchoError& error);

// Whether the error says that the last hop could not resolve the destination: ICMP type 3 code 1,
// ICMPv6 type 1 code 3. Sent by our own host, it stands for a failed ARP or ND.
bool IsHostUnreachable(AddressFamily family, const EchoError& error);

}  // namespace lvs::probes
