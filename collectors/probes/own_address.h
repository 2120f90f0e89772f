// Which address of this host to ask from, where a virtual address must not be it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "collectors/address.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// The first address of the interface in whose prefix the peer is, of the peer's family and not one
// of the forbidden; else empty.
std::optional<Address> ChooseSource(const std::vector<route::InterfaceAddress>& addresses,
                                    int interface, const Address& peer,
                                    std::span<const Address> forbidden);

}  // namespace lvs::probes
