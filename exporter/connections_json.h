// What the scan of the connection table found, for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "collectors/connections/snapshot.h"

namespace lvs {

// Of the whole table: when and how far it was read, what hangs on nothing, templates by kind. null
// while nothing was read.
nlohmann::ordered_json ConnectionTableAsJson(const connections::Snapshot* snapshot);

// Adds connections by state, and templates by kind, remaining time, and on drained backends.
void AddConnections(nlohmann::ordered_json& service, const connections::ServiceSummary& summary);

// Adds connections by state; only where the scan tells backends apart.
void AddConnections(nlohmann::ordered_json& backend, const connections::BackendSummary& summary);

}  // namespace lvs
