// The eight node_ipvs_ families as node_exporter names, labels and fills them, for dashboards that
// were built on its ipvs collector: --collector.ipvs.node-exporter-names.
#pragma once

#include <memory>
#include <vector>

#include "collectors/ipvs/aggregate.h"
#include "collectors/ipvs/table.h"
#include "collectors/metric.h"

namespace lvs::ipvs {

std::vector<const MetricInfo*> DescribeNodeExporterMetrics();

// Appends to families. labels: the names chosen with --collector.ipvs.backend-labels. node_exporter
// knows all of ours but address_family, and like it we sum the rows that fall together.
void RenderNodeExporterMetrics(const std::shared_ptr<const Table>& table,
                               const BackendLabelSet& labels, Families& families);

}  // namespace lvs::ipvs
