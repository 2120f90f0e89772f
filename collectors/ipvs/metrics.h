// What we say about the kernel's IPVS state: every ipvs_ metric that comes from it, one row each.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "collectors/ipvs/aggregate.h"
#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/table.h"
#include "collectors/metric.h"

namespace lvs::ipvs {

// Every metric that Render can give, in the page's order.
std::vector<const MetricInfo*> DescribeTable();

// The families of a table. labels must match the table. With aggregated not null the metrics of
// single backends are written for its rows instead, and those that cannot be summed are left out.
Families RenderTable(const std::shared_ptr<const Table>& table,
                     const std::shared_ptr<const TableLabels>& labels,
                     const std::shared_ptr<const AggregatedBackends>& aggregated);

}  // namespace lvs::ipvs
