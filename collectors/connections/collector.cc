#include "collectors/connections/collector.h"

#include <utility>

#include "collectors/connections/metrics.h"

namespace lvs::connections {

std::vector<const MetricInfo*> DescribeConnections() { return DescribeSnapshot(); }

ConnectionsCollector::ConnectionsCollector(ScannerSources sources, Settings settings,
                                           Published<Snapshot>& published)
    : published_(published), scanner_(std::move(sources), settings, published) {}

Collection ConnectionsCollector::Collect(Deadline) {
  const std::shared_ptr<const Snapshot> snapshot = published_.Get();
  // Before the end of the first pass nothing is known, and that is no failure.
  if (!snapshot) return {};
  if (snapshot->error) return {{}, snapshot->error};
  return {RenderSnapshot(snapshot, Clock::now()), std::nullopt};
}

}  // namespace lvs::connections
