#include "collectors/checker/collector.h"

#include <utility>

#include "collectors/checker/metrics.h"

namespace lvs::checker {

std::vector<const MetricInfo*> DescribeChecker() { return DescribeSnapshot(); }

CheckerCollector::CheckerCollector(EngineSources sources, Published<Snapshot>& published)
    : published_(published), engine_(std::move(sources), published) {}

Collection CheckerCollector::Collect(Deadline) {
  const std::shared_ptr<const Snapshot> snapshot = published_.Get();
  // In the first moments nothing is known, and that is no failure.
  if (!snapshot) return {};
  return {RenderSnapshot(snapshot, Clock::now()), std::nullopt};
}

}  // namespace lvs::checker
