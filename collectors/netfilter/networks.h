// Networks and ranges of addresses, each as the other.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "collectors/address_facts.h"
#include "collectors/bytes.h"
#include "collectors/netfilter/mark_rule.h"
#include "collectors/netfilter/ranges.h"

namespace lvs::netfilter {

// The address whose first bytes are given and whose other bytes are zero. Bytes that are too many
// are passed over.
Address AddressOf(AddressFamily family, Bytes bytes);

// From the first to the last address that has the first prefix_length bits of address. A length
// above BitsOf is taken for BitsOf.
Range<Address> RangeOf(const Address& address, unsigned prefix_length);

// The length of the prefix that a mask stands for; absent for a mask with holes. mask: 4 or 16
// bytes, in network order.
std::optional<unsigned> PrefixLengthOf(Bytes mask);

// The fewest networks that together are the range, in order. Absent: they would be more than limit.
std::optional<std::vector<Network>> NetworksOf(const Range<Address>& range, std::size_t limit);

}  // namespace lvs::netfilter
