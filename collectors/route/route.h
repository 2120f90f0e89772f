// Questions to the kernel's routing, over route netlink (rtnetlink(7)). None needs a capability.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/address.h"
#include "collectors/netlink/exchange_socket.h"
#include "collectors/result.h"
#include "collectors/route/decode.h"
#include "collectors/route/types.h"

namespace lvs::route {

// Asks the network namespace in which the first question is put. Owned by one thread. Every call
// is one exchange with the kernel and takes microseconds; it never waits longer than 50 ms.
//
// Errors name the step: kNotFound where the kernel has no such thing, kTimeout, kMalformed,
// kConnection and kSystem. After any error but kNotFound the socket is opened anew.
class RouteReader {
 public:
  // RTM_GETROUTE, as a connect() would go. No route, or one of type unreachable, prohibit or
  // blackhole: kNotFound. mark: of the packet, for rules of policy routing (ip rule fwmark).
  Result<Route> Lookup(const Address& destination, std::uint32_t mark = 0);

  // RTM_GETNEIGH of a single entry (Linux 5.0); empty: the kernel has none for the address.
  Result<std::optional<Neighbour>> FindNeighbour(int interface, const Address& address);

  // Dumps; one that changed while it was read is read again, at most three times (kInterrupted).
  Result<std::vector<Interface>> Interfaces();
  // Those to which packets are delivered.
  Result<std::vector<InterfaceAddress>> Addresses();
  Result<std::vector<NeighbourEntry>> Neighbours(int interface);

 private:
  template <class Value, class Decode>
  Result<std::vector<Value>> Dump(const netlink::Question& question, const char* what,
                                  Decode decode);

  netlink::ExchangeSocket socket_{NETLINK_ROUTE, std::chrono::milliseconds(50), ExplainError};
};

}  // namespace lvs::route
