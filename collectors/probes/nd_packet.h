// Neighbour discovery over Ethernet for IPv6 (RFC 4861): the two messages by which hosts ask for
// each other's MACs, with their IPv6 header, into bytes and back. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// A neighbour solicitation or advertisement behind its Ethernet header.
struct NdPacket {
  // As the type of the ICMPv6 message.
  enum class Kind : std::uint8_t { kSolicitation = 135, kAdvertisement = 136 };

  Kind kind = Kind::kSolicitation;
  Address source;  // of the IPv6 packet; :: is duplicate address detection (RFC 4862 5.4)
  Address destination;
  Address target;          // asked for, or advertised
  bool solicited = false;  // an advertisement that answers
  // The link-layer option: the source's MAC in a solicitation, the target's in an advertisement.
  std::optional<route::Mac> mac;

  bool operator==(const NdPacket&) const = default;
};

std::vector<std::byte> BuildNd(const NdPacket& packet);

// Empty if it is cut or damaged, anything else, or one that every host must discard (RFC 4861
// 7.1.1 and 7.1.2): above all one whose hop limit is not 255, as it may come from another link.
// Padding behind it and unknown options are ignored.
std::optional<NdPacket> ParseNd(Bytes bytes);

// ff02::1:ffXX:XXXX, where who has the address listens (RFC 4291 2.7.1).
Address SolicitedNodeGroup(const Address& address);

// 33:33:XX:XX:XX:XX, to which packets for the group go (RFC 2464 7).
route::Mac MacOfGroup(const Address& group);

}  // namespace lvs::probes
