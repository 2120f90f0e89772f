// The services as JSON, for /api/v1/services.
#pragma once

#include <string>

#include "collectors/ipvs/collector.h"

namespace lvs {

// latest.table is not null. An object: "up" (as ipvs_up of the last reading), "error" (what
// went wrong in it, else null), "read_at" (RFC 3339), and "services", a list whose names are the
// page's labels and the ends of its metric names. Ports and marks are as the labels write them.
// What is not known is left out.
std::string ServicesAsJson(const ipvs::LatestReading& latest);

}  // namespace lvs
