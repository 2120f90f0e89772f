// How a service's connections are spread over its backends, and how its scheduler would spread
// them. Pure.
#pragma once

#include <optional>
#include <vector>

#include "collectors/ipvs/table.h"

namespace lvs::status {

// For every backend of the service, in its order: its part of all new connections, 0 to 1, that the
// weights promise. Absent where the scheduler promises none: it fills one backend after the other,
// or nobody has any weight.
std::vector<std::optional<double>> PromisedShares(const ipvs::Service& service);

// The same for the connections that the kernel has counted; absent while there are none.
std::vector<std::optional<double>> CountedShares(const ipvs::Service& service);

}  // namespace lvs::status
