// Addresses as tests write them.
#pragma once

#include <string>
#include <string_view>

#include "collectors/address.h"

namespace lvs::fake {

// "192.0.2.1" or "2001:db8::1". Text that is not an address throws.
inline Address Ip(std::string_view text) { return ParseAddress(std::string(text)).value(); }

}  // namespace lvs::fake
