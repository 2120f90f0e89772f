// A snapshot of the connections collector with something of everything, for tests of what is said
// about the connection table.
#pragma once

#include <memory>

#include "collectors/collector.h"
#include "collectors/connections/snapshot.h"

namespace lvs {

// A pass over a table that fits to SampleTable(): connections of every protocol, local and
// synchronised ones, every kind of template, an orphan of each sort, invalidated ones. Read to its
// end, at the level backend.
std::shared_ptr<const connections::Snapshot> SampleConnections();

// A collector that writes SampleConnections() as the real one does, 42 s after the pass.
std::unique_ptr<Collector> SampleConnectionsCollector();

}  // namespace lvs
