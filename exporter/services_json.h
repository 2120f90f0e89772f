// The answers for programs: services with their health, events, and targets for Prometheus.
#pragma once

#include <string>

#include "collectors/checker/snapshot.h"
#include "collectors/connections/snapshot.h"
#include "collectors/ipvs/collector.h"

namespace lvs {

// The answer of /api/v1/services: how the last readings of the kernel's table and of its connection
// table went, then every service that the kernel shows, in the order of their keys, then those that
// only the checker knows. latest may be without a table; health is null while the checker knows
// nothing, and connections while the connection table was not read. While the checker takes the
// table for unknown nothing has in_table or a disagreement.
std::string ServicesAsJson(const ipvs::LatestReading& latest, const checker::Snapshot* health,
                           const connections::Snapshot* connections);

// The answer of /api/v1/events, newest first. health may be null: no events.
std::string EventsAsJson(const checker::Snapshot* health);

// The answer of /sd/backends, as Prometheus's HTTP service discovery wants it: every backend of
// every known service with its labels as __meta_ipvs_ ones.
std::string BackendsForDiscovery(const ipvs::LatestReading& latest,
                                 const checker::Snapshot* health);

}  // namespace lvs
