// What we say about health: every metric that comes from a snapshot of the checker, one row each.
#pragma once

#include <memory>
#include <vector>

#include "collectors/checker/snapshot.h"
#include "collectors/metric.h"

namespace lvs::checker {

// Every metric that RenderSnapshot can give at any level, in the page's order.
std::vector<const MetricInfo*> DescribeSnapshot();

// The families of a snapshot at the level of its configuration.
Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot);

}  // namespace lvs::checker
