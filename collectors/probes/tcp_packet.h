// The packets of the DR proof: an IP packet with a bare TCP header out, and what may answer it in.
// Pure. The Ethernet header is the kernel's, in both directions (packet(7), SOCK_DGRAM).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"

namespace lvs::probes {

// Where a segment goes and where it comes from; both addresses of one family.
struct TcpPath {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  bool operator==(const TcpPath&) const = default;
};

struct TcpSegment {
  enum class Kind { kSyn, kReset };

  TcpPath path;
  Kind kind = Kind::kSyn;
  std::uint32_t sequence = 0;
  std::uint8_t ttl = 1;  // hop limit of IPv6
  std::uint8_t tos = 0;  // traffic class of IPv6
};

// An IPv4 or IPv6 packet without options, checksums included. A SYN carries the one option that
// every peer expects, the maximum segment size.
std::vector<std::byte> BuildTcp(const TcpSegment& segment);

// A TCP segment that somebody sent.
struct TcpAnswer {
  enum class Kind { kSynAck, kReset, kOther };

  TcpPath path;
  Kind kind = Kind::kOther;
  bool acknowledges = false;  // the flag ACK
  std::uint32_t acknowledgement = 0;
};

// An ICMP error or redirect that quotes a TCP segment of ours.
struct TcpError {
  enum class Kind { kUnreachable, kTimeExceeded, kRedirect };

  Kind kind = Kind::kUnreachable;
  Address reporter;
  TcpPath path;  // of the quoted segment
  std::uint32_t sequence = 0;
};

// Neither, or damaged, or a fragment, or behind IPv6 extension headers: std::monostate.
using DrMessage = std::variant<std::monostate, TcpAnswer, TcpError>;

// packet begins with its IP header and may be cut behind the TCP header or the quote. Checksums are
// not verified: a network card may leave those of a local peer to be filled in (packet(7),
// TP_STATUS_CSUMNOTREADY), and an answer counts only if it knows our random sequence number.
DrMessage ParseDr(AddressFamily family, Bytes packet);

}  // namespace lvs::probes
