#include "collectors/checker/collector.h"

#include <utility>

#include "collectors/checker/metrics.h"

namespace lvs::checker {

std::vector<const MetricInfo*> DescribeChecker() { return DescribeSnapshot(); }

CheckerCollector::CheckerCollector(EngineSources sources, Published<Snapshot>& published)
    : published_(published), engine_(std::move(sources), published) {}

Collection CheckerCollector::Collect(Deadline) {
  const std::shared_ptr<const Snapshot> snapshot = published_.Get();
  if (engine_.failed()) {
    return {{},
            Error{ErrorCode::kSystem,
                  "checker: out of memory; what was known of the servers is lost, and probing "
                  "begins anew in a moment"}};
  }
  // In the first moments nothing is known, and that is no failure.
  if (!snapshot) return {};
  return {RenderSnapshot(snapshot), std::nullopt};
}

}  // namespace lvs::checker
