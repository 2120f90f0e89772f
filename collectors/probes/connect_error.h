// Why a connect() failed, with what the kernel kept of the ICMP errors behind it.
#pragma once

#include <cstdint>
#include <optional>

#include "collectors/address.h"
#include "collectors/probes/socket.h"

namespace lvs::probes {

// An ICMP or ICMPv6 error that a socket received.
struct IcmpError {
  AddressFamily family = AddressFamily::kIpv4;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  // Sent by this host itself, to itself: nothing came over the network.
  bool from_here = false;
};

// Has the kernel keep ICMP errors for the socket while it connects, and no longer: for a connection
// that stands, they would turn a route's hiccup into a failure.
void KeepIcmpErrors(int descriptor, const Address& peer);
void DropIcmpErrors(int descriptor, const Address& peer);

// The newest kept one, removed with all older ones. Linux keeps it for TCP since 5.10, in
// tcp_v4_err() of net/ipv4/tcp_ipv4.c.
std::optional<IcmpError> TakeIcmpError(int descriptor, const Address& peer);

// Whether a TCP connect gets it from a packet filter: "administratively prohibited" in its forms,
// and "port unreachable", which TCP itself answers with a RST instead (RFC 1122, 4.2.3.9).
bool IsFromPacketFilter(const IcmpError& error);

// What a connect() that ended with error_number means, where icmp is what TakeIcmpError() gave. A
// packet filter of this host is our own trouble, a route of it is not.
SocketFault ConnectFault(int error_number, const std::optional<IcmpError>& icmp);

}  // namespace lvs::probes
