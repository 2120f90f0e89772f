// What of a snapshot is still in the kernel's table of services.
#pragma once

#include <memory>

#include "collectors/connections/snapshot.h"
#include "collectors/ipvs/table.h"

namespace lvs::connections {

// The snapshot without the services and backends that have been deleted since its pass; the same
// one where there are none. Totals of the whole table stay as they were counted.
std::shared_ptr<const Snapshot> OnlyPresent(std::shared_ptr<const Snapshot> snapshot,
                                            const ipvs::Table& table);

}  // namespace lvs::connections
