// An IPv4 or IPv6 address as a plain, comparable value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace lvs {

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

// "ipv4" or "ipv6", as the address_family label says it.
constexpr const char* Name(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "ipv4" : "ipv6";
}

// Network byte order; an IPv4 address uses the first four bytes and leaves the rest zero.
struct Address {
  AddressFamily family = AddressFamily::kIpv4;
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Address&) const = default;
};

// "192.0.2.1", or the short form of RFC 5952 for IPv6, without brackets.
std::string ToString(const Address& address);

// The reverse, strictly as inet_pton(3) reads it: four decimal numbers without leading zeros, or
// IPv6 in any of its forms, without brackets and zone. Absent for anything else.
std::optional<Address> ParseAddress(const std::string& text);

}  // namespace lvs
