// A snapshot of the checker with something of everything, for tests of what is said about health.
#pragma once

#include <memory>

#include "collectors/checker/snapshot.h"
#include "collectors/collector.h"
#include "collectors/ipvs/table.h"

namespace lvs {

// What the checker might know about SampleTable(): the service 192.168.1.111:80/TCP is named
// "shop" and probed by icmp, https and dr; of its servers .102 is up, .103 is down, .110 is a
// backup that the kernel does not show. Everything else is as without a file, and unknown.
std::shared_ptr<const checker::Snapshot> SampleHealth();

// A collector that writes SampleHealth() as the checker's does.
std::unique_ptr<Collector> SampleHealthCollector();

}  // namespace lvs
