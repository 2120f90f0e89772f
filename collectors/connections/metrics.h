// What we say about the connection table: every metric that comes from a snapshot of the scanner,
// one row each.
#pragma once

#include <memory>
#include <vector>

#include "collectors/clock.h"
#include "collectors/connections/snapshot.h"
#include "collectors/metric.h"

namespace lvs::connections {

// Every metric that RenderSnapshot can give at any level, in the page's order.
std::vector<const MetricInfo*> DescribeSnapshot();

// The families of a snapshot without an error, at its level, but for those of RenderCounters. now:
// for the age.
Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot, Clock::time_point now);

// What is counted since the start: true also while passes fail.
Families RenderCounters(const std::shared_ptr<const Snapshot>& snapshot);

}  // namespace lvs::connections
