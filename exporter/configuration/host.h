// Hosts in the configuration file beside numeric addresses: names of servers that never move, which
// are looked up once, and hardware addresses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/address.h"
#include "collectors/result.h"

namespace lvs {

// "02:00:5e:10:00:01" as its bytes; absent for anything else.
std::optional<std::array<std::uint8_t, 6>> ParseMac(std::string_view text);

// Whether it could be the name of a host and not a mistyped address: letters, digits, hyphens,
// underscores and dots, with a last part that does not begin with a digit.
bool IsHostName(std::string_view text);

// The address of a name, as the machine's resolver says; of that family when one is given, else
// IPv4 before IPv6. Waits for the network. Errors (kInvalidInput): the name has no address, or
// more than one: which one is meant would be chance.
Result<Address> ResolveHost(const std::string& name, std::optional<AddressFamily> family);

}  // namespace lvs
