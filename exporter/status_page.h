// The page at "/": services and backends for a person with a browser.
#pragma once

#include <string>

#include "collectors/checker/snapshot.h"
#include "collectors/ipvs/collector.h"

namespace lvs {

// HTML without scripts or anything from elsewhere; every value from outside is escaped.
// latest: null, or without a table, when nothing was read yet.
std::string StatusPage(const ipvs::LatestReading* latest, const checker::Snapshot* health,
                       const std::string& telemetry_path);

// The Content-Security-Policy that allows the page its own style and nothing else.
std::string StatusPagePolicy();

}  // namespace lvs
