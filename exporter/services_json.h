// The services as JSON, for /api/v1/services.
#pragma once

#include <string>

#include "collectors/ipvs/collector.h"

namespace lvs {

// latest.table is not null. An object: "up" (whether the last reading went well), "error" (why
// not, else null), "read_at" (RFC 3339), and "services", a list whose names are the page's labels
// and the ends of its metric names. Ports and marks are as the labels write them. What is not known
// is left out.
std::string ServicesAsJson(const ipvs::LatestReading& latest);

}  // namespace lvs
