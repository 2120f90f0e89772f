#include "collectors/connections/collector.h"

#include <chrono>
#include <utility>

#include "collectors/connections/metrics.h"
#include "collectors/connections/present.h"

namespace lvs::connections {

std::vector<const MetricInfo*> DescribeConnections() { return DescribeSnapshot(); }

std::optional<Error> TroubleWithServices(const ipvs::LatestReading* latest,
                                         Clock::duration waited) {
  constexpr std::chrono::seconds kPatience{10};
  if (latest == nullptr && waited > kPatience) {
    return Error{ErrorCode::kTimeout,
                 "connections: there are no services to match the rows with; the collector ipvs is "
                 "off or has not read them yet"};
  }
  if (latest == nullptr || latest->current) return std::nullopt;
  // That is the other collector's trouble, which has its own sentence.
  return Error{latest->error ? latest->error->code : ErrorCode::kSystem,
               "connections: not read while the kernel's services cannot be read"};
}

ConnectionsCollector::ConnectionsCollector(ScannerSources sources, Settings settings,
                                           Published<Snapshot>& published)
    : table_(sources.table),
      published_(published),
      scanner_(std::move(sources), settings, published) {}

Collection ConnectionsCollector::Collect(Deadline) {
  const std::shared_ptr<const ipvs::LatestReading> latest = table_.Get();
  if (auto trouble = TroubleWithServices(latest.get(), Clock::now() - born_)) {
    return {{}, std::move(trouble)};
  }
  std::shared_ptr<const Snapshot> snapshot = published_.Get();
  // Before the end of the first pass nothing is known, and that is no failure.
  if (!snapshot) return {};
  if (snapshot->error) return {{}, snapshot->error};
  if (latest && latest->table) snapshot = OnlyPresent(std::move(snapshot), *latest->table);
  return {RenderSnapshot(snapshot, Clock::now()), std::nullopt};
}

}  // namespace lvs::connections
