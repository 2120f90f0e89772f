// What we say about the kernel's IPVS state: every ipvs_ metric that comes from it, one row each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/aggregate.h"
#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/table.h"
#include "collectors/metric.h"

namespace lvs::ipvs {

// One family of two collectors: this one counts what the kernel shows, the checker what it knows.
inline constexpr MetricInfo kServiceBackends = {
    "ipvs_service_backends",
    MetricType::kGauge,
    "Backends of a service by state: configured counts all in the kernel's table, weighted those "
    "with a weight above 0; usable, down, unknown, drained and absent (from the table) split the "
    "real servers that the checker knows.",
    kServiceLabels,
    {"state"}};

// Every metric that Render can give, in the page's order.
std::vector<const MetricInfo*> DescribeTable();

// The families of a table. labels must match the table; names are those of its services, by
// position. With aggregated not null the metrics of
// single backends are written for its rows instead, and those that cannot be summed are left out.
Families RenderTable(const std::shared_ptr<const Table>& table,
                     const std::shared_ptr<const TableLabels>& labels,
                     const std::shared_ptr<const std::vector<std::string>>& names,
                     const std::shared_ptr<const AggregatedBackends>& aggregated);

}  // namespace lvs::ipvs
