// The metrics of a director: one row each.
#pragma once

#include <memory>
#include <vector>

#include "collectors/director/snapshot.h"
#include "collectors/metric.h"

namespace lvs::director {

std::vector<const MetricInfo*> DescribeSnapshot();

// The families keep the snapshot.
Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot);

}  // namespace lvs::director
