// Backends summed over fewer labels, for people who want fewer series:
// --collector.ipvs.backend-labels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/table.h"
#include "collectors/result.h"

namespace lvs::ipvs {

// Names out of kBackendLabels, in their order.
using BackendLabelSet = std::vector<std::string_view>;

// From a comma-separated list, in any order; empty means no labels at all.
// Error (kInvalidInput): an unknown or repeated name.
Result<BackendLabelSet> ParseBackendLabels(std::string_view list);

// One label text and the sum of all backends that share it: weight, gauges and counters are added
// up; what cannot be added (key, forward method, thresholds) is left at its default.
struct AggregatedBackend {
  std::string labels;
  Backend sum;
};
using AggregatedBackends = std::vector<AggregatedBackend>;

// Rows in the order in which their labels first appear. A counter or gauge that one of the backends
// does not tell is absent in the sum.
AggregatedBackends Aggregate(const Table& table, const BackendLabelSet& labels);

}  // namespace lvs::ipvs
