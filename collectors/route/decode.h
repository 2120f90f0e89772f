// Messages of route netlink (rtnetlink(7)): requests into bytes, bytes into values. Pure: no socket
// and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/netlink/attributes.h"
#include "collectors/result.h"
#include "collectors/route/types.h"

namespace lvs::route {

// What marks a message as part of the answer to one request.
struct Expected {
  std::uint16_t type = 0;      // RTM_NEWROUTE and its like
  std::uint32_t sequence = 0;  // the request's
  std::uint32_t own_port = 0;  // port id of the socket that asked
};

// Called with one message: what follows its netlink header. The bytes are gone when it returns. A
// returned Error ends the exchange.
using OnMessage = std::function<Result<void>(Bytes payload)>;

enum class Progress { kMore, kDone };

// Follows one exchange from datagram to datagram. One thread.
class Answer {
 public:
  explicit Answer(const Expected& expected) : expected_(expected) {}

  // Gives the messages of the next datagram to on_message. kDone after the end marker of a dump or
  // the acknowledgement of a single request.
  // Errors: what the kernel answered (see KernelError; EINVAL, where a route was asked for, is one
  // of type blackhole: kNotFound); what on_message returned; kInterrupted at the end of a dump that
  // the kernel marked NLM_F_DUMP_INTR; kMalformed for a length outside the datagram or an unknown
  // type; kConnection for a message of another exchange.
  Result<Progress> Receive(Bytes datagram, const OnMessage& on_message);

 private:
  Result<Progress> End(Bytes payload) const;

  Expected expected_;
  bool interrupted_ = false;
};

// What a kernel error number (positive, errno.h) means here. kNotFound: ENETUNREACH, EHOSTUNREACH,
// EACCES (a route of type prohibit; reading needs no permission, rtnetlink_rcv_msg in
// net/core/rtnetlink.c), ENOENT, ENODEV, ENXIO. EPERM: kNoPermission. EBUSY, ENOBUFS: kConnection.
// Others: kSystem.
Error KernelError(int number);

// Requests: header and attributes, without the netlink header.
std::vector<std::byte> EncodeRouteRequest(const Address& destination);
std::vector<std::byte> EncodeNeighbourRequest(int interface, const Address& address);
std::vector<std::byte> EncodeNeighbourDump(int interface);
std::vector<std::byte> EncodeAddressDump();
std::vector<std::byte> EncodeInterfaceDump();

// One message into a value that replaces what was there. Errors (kMalformed): a message shorter
// than its header, an attribute of a wrong length, an address that is missing. Attributes nobody
// needs are skipped; messages of another address family than IPv4 and IPv6 are an error, except
// where said.
Result<void> DecodeRoute(Bytes payload, Route& route);
Result<void> DecodeInterface(Bytes payload, Interface& interface);
Result<void> DecodeAddress(Bytes payload, InterfaceAddress& address);
// An entry of another family (a bridge's forwarding table shares the messages): false, no error.
Result<bool> DecodeNeighbour(Bytes payload, NeighbourEntry& entry);

}  // namespace lvs::route
