// How the hosts of a link are asked who has an address, and what counts as claiming one: by ARP for
// IPv4, by neighbour discovery for IPv6. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/probes/arp_sightings.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// What the frames of the family's protocol have as their type.
std::uint16_t EtherTypeOf(AddressFamily family);

// What follows an Ethernet header, and to whom it goes.
struct Frame {
  route::Mac to{};
  std::vector<std::byte> packet;
};

// From which of this host's addresses to ask the interface of the route for one that a server may
// claim. Never from one of the virtual addresses: that would change other hosts' tables. Empty:
// there is none.
std::optional<Address> ChooseSender(const route::Route& to_server, const Address& server,
                                    const std::vector<route::InterfaceAddress>& own,
                                    const std::set<Address>& vips);

// Who has the address? sender is of its family, sender_mac the interface's. Empty: not without a
// sender.
std::optional<Frame> BuildQuestion(const Address& address, const std::optional<Address>& sender,
                                   const route::Mac& sender_mac);

// Somebody says that an address is at this MAC.
struct AddressClaim {
  Address address;
  route::Mac mac{};
  ArpLeak::Kind kind = ArpLeak::Kind::kAnswers;

  bool operator==(const AddressClaim&) const = default;
};

// Empty: it claims nothing, or was not meant for this host.
std::optional<AddressClaim> ParseClaim(AddressFamily family, Bytes packet,
                                       const FrameSender& frame);

}  // namespace lvs::probes
