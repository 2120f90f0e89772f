// Messages of route netlink (rtnetlink(7)): requests into bytes, bytes into values. Pure: no socket
// and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/result.h"
#include "collectors/route/types.h"

namespace lvs::route {

// What a kernel error number (positive, errno.h) means here. kNotFound: ENETUNREACH, EHOSTUNREACH,
// EACCES (a route of type prohibit; reading needs no permission, rtnetlink_rcv_msg in
// net/core/rtnetlink.c), ENOENT, ENODEV, ENXIO. EPERM: kNoPermission. EBUSY, ENOBUFS: kConnection.
// Others: kSystem.
Error KernelError(int number);

// The same where answers of the given type (RTM_NEWROUTE and its like) are awaited: EINVAL, where a
// route was asked for, is one of type blackhole: kNotFound.
Error ExplainError(int number, std::uint16_t answer);

// Requests: header and attributes, without the netlink header. mark: of the packet to be routed; 0:
// none.
std::vector<std::byte> EncodeRouteRequest(const Address& destination, std::uint32_t mark = 0);
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
