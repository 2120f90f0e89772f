// What the kernel shows the watch for claims of virtual addresses, of all that an interface
// receives. Pure.
#pragma once

#include <linux/filter.h>

#include <set>
#include <vector>

#include "collectors/address.h"

namespace lvs::probes {

// Passes the packets in which somebody claims one of the virtual addresses of the family: ARP with
// it as the sender; neighbour advertisements with it as the target and solicitations with it as the
// source, of which the last four bytes are compared. Where they are too many for one filter it
// passes any packet of these kinds. The reader drops what is not asked for.
std::vector<sock_filter> ClaimFilter(AddressFamily family, const std::set<Address>& vips);

}  // namespace lvs::probes
