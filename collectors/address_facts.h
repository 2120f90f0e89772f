// What follows from an address alone. Pure.
#pragma once

#include "collectors/address.h"

namespace lvs {

// The bits of an address, and so the prefix length of a single host.
constexpr unsigned BitsOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? 32 : 128;
}

// 127.0.0.0/8 and ::1: every host has it, and nobody else reaches it.
constexpr bool IsLoopback(const Address& address) {
  if (address.family == AddressFamily::kIpv4) return address.bytes[0] == 127;
  Address loopback{AddressFamily::kIpv6, {}};
  loopback.bytes.back() = 1;
  return address == loopback;
}

}  // namespace lvs
