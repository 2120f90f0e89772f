// ARP over Ethernet for IPv4 (RFC 826): requests into bytes, packets into values. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// An ARP packet behind its Ethernet header.
struct ArpPacket {
  enum class Operation : std::uint8_t { kRequest = 1, kReply = 2 };

  Operation operation = Operation::kRequest;
  route::Mac sender_mac{};
  Address sender;  // IPv4
  route::Mac target_mac{};
  Address target;  // IPv4
};

std::vector<std::byte> BuildArp(const ArpPacket& packet);

// Empty if it is cut, of another operation or not Ethernet and IPv4. Padding behind it is ignored.
std::optional<ArpPacket> ParseArp(Bytes bytes);

}  // namespace lvs::probes
