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

std::optional<Error> TroubleWithFirstPass(Clock::duration known, const Settings& settings) {
  constexpr std::chrono::seconds kPatience{30};
  if (known <= 3 * settings.interval + kPatience) return std::nullopt;
  return Error{ErrorCode::kTimeout,
               "connections: the first read of the connection table does not come to an end"};
}

ConnectionsCollector::ConnectionsCollector(ScannerSources sources, Settings settings,
                                           Published<Snapshot>& published)
    : table_(sources.table),
      published_(published),
      settings_(settings),
      scanner_(std::move(sources), settings, published) {}

Collection ConnectionsCollector::Collect(Deadline) {
  const Clock::time_point now = Clock::now();
  const std::shared_ptr<const ipvs::LatestReading> latest = table_.Get();
  std::shared_ptr<const Snapshot> snapshot = published_.Get();
  Collection collection;
  collection.error = TroubleWithServices(latest.get(), now - born_);
  if (collection.error || !latest) {
    known_since_.reset();
  } else if (!known_since_) {
    known_since_ = now;
  }
  if (!snapshot) {
    // Before the end of the first pass nothing is known, and for a while that is no failure.
    if (known_since_) collection.error = TroubleWithFirstPass(now - *known_since_, settings_);
    return collection;
  }
  if (!collection.error) collection.error = snapshot->error;
  if (!collection.error) {
    const auto present = latest ? OnlyPresent(snapshot, *latest->table) : snapshot;
    collection.families = RenderSnapshot(present, now);
  }
  const Families counters = RenderCounters(snapshot);
  collection.families.insert(collection.families.end(), counters.begin(), counters.end());
  return collection;
}

}  // namespace lvs::connections
