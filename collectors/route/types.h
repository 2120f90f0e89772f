// What the kernel's routing knows about the way to a server, as plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/address.h"

namespace lvs::route {

// The way a packet to one destination would take now.
struct Route {
  bool local = false;              // RTN_LOCAL: the destination is this host
  bool on_link = false;            // no gateway in between
  int interface = 0;               // index of the outgoing interface
  std::optional<Address> source;   // the address the kernel would send from
  std::optional<Address> gateway;  // of either family
};

// An Ethernet address.
using Mac = std::array<std::uint8_t, 6>;

// "02:00:00:00:00:01".
std::string ToString(const Mac& mac);

// What ARP or ND knows of an address.
struct Neighbour {
  bool resolved = false;   // REACHABLE, STALE, DELAY, PROBE or PERMANENT: the MAC can be used
  bool failed = false;     // INCOMPLETE or FAILED: nobody answered so far
  std::optional<Mac> mac;  // absent also where the link has no Ethernet addresses
};

// One entry of an interface's neighbour table.
struct NeighbourEntry {
  Address address;
  int interface = 0;
  Neighbour neighbour;
};

// An address of this host.
struct InterfaceAddress {
  Address address;
  int interface = 0;
  unsigned prefix_length = 0;  // bits
  bool has_peer = false;       // the other end of a point-to-point link is known
  // Whether packets to it are taken; not while duplicate address detection keeps it back.
  bool delivered = true;
};

struct Interface {
  int index = 0;
  std::string name;             // at most 15 bytes
  std::optional<Mac> mac = {};  // only where it is an Ethernet
  std::string kind = {};        // "dummy", "bridge", "ipip"...; empty for hardware and loopback
  bool loopback = false;
  bool up = false;      // administratively
  int master = 0;       // index of the bond, bridge, VRF... that it is a port of; 0: none
  bool no_arp = false;  // IFF_NOARP: the link has no ARP
};

// Whether an address of the interface is seen by nobody else: the loopback or a dummy.
inline bool IsSilent(const Interface& interface) {
  return interface.loopback || interface.kind == "dummy";
}

// Whether it is one end of a tunnel in which a director may send packets to a real server.
inline bool IsTunnel(const Interface& interface) {
  constexpr std::string_view kKinds[] = {"ipip", "gre", "ip6tnl", "ip6gre"};
  return std::ranges::find(kKinds, interface.kind) != std::end(kKinds);
}

// Whether ARP for this host's addresses may be spoken on the interface, one of all. What a port of
// a bond, team, bridge or Open vSwitch receives is handed on as received by its master, and this
// host's own questions go out by the master, so that nothing asks for the port's arp_ignore and
// arp_announce. Ports of a VRF speak for themselves: only IP hands on to it, behind ARP
// (l3mdev_ip_rcv in net/ipv4/ip_input.c).
inline bool SpeaksArp(const Interface& interface, const std::vector<Interface>& all) {
  constexpr std::string_view kKinds[] = {"bond", "team", "bridge", "openvswitch"};
  if (interface.no_arp) return false;
  if (interface.master == 0) return true;
  const auto master = std::ranges::find(all, interface.master, &Interface::index);
  return master == all.end() || std::ranges::find(kKinds, master->kind) == std::end(kKinds);
}

}  // namespace lvs::route
