// Questions to the kernel's routing, over route netlink (rtnetlink(7)). None needs a capability.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/address.h"
#include "collectors/clock.h"
#include "collectors/descriptor.h"
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
  // blackhole: kNotFound.
  Result<Route> Lookup(const Address& destination);

  // RTM_GETNEIGH of a single entry (Linux 5.0); empty: the kernel has none for the address.
  Result<std::optional<Neighbour>> FindNeighbour(int interface, const Address& address);

  // Dumps; one that changed while it was read is read again, at most three times (kInterrupted).
  Result<std::vector<Interface>> Interfaces();
  Result<std::vector<InterfaceAddress>> Addresses();
  Result<std::vector<NeighbourEntry>> Neighbours(int interface);

 private:
  struct Question {
    std::uint16_t type;    // RTM_GET...
    std::uint16_t answer;  // RTM_NEW...
    std::uint16_t flags;
    Bytes body;
  };

  Result<void> Open();
  Result<void> Exchange(const Question& question, const OnMessage& on_message);
  Result<void> Send(const Question& question);
  Result<void> ReceiveAll(const Question& question, Deadline deadline, const OnMessage& on_message);
  template <class Value, class Decode>
  Result<std::vector<Value>> Dump(const Question& question, const char* what, Decode decode);

  Descriptor socket_;
  std::uint32_t own_port_ = 0;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;  // of one datagram, allocated with the socket
};

}  // namespace lvs::route
