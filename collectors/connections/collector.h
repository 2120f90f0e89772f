// The connections collector: owns the scanner of the connection table, and says what it last found.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "collectors/clock.h"
#include "collectors/collector.h"
#include "collectors/connections/scanner.h"
#include "collectors/connections/settings.h"
#include "collectors/connections/snapshot.h"
#include "collectors/ipvs/collector.h"
#include "collectors/published.h"
#include "collectors/result.h"

namespace lvs::connections {

// Every metric that ConnectionsCollector may write.
std::vector<const MetricInfo*> DescribeConnections();

// Why there are no services to match rows with now, whatever was read before; absent when there
// are. latest: may be null; waited: for the first one. It is no trouble in the first moments.
std::optional<Error> TroubleWithServices(const ipvs::LatestReading* latest, Clock::duration waited);

// Why no pass has come to anything yet; absent while that is no trouble. known: how long the
// services are known.
std::optional<Error> TroubleWithFirstPass(Clock::duration known, const Settings& settings);

// Reading begins with the object and ends with Stop() or the object. Collect() never waits for it:
// it writes the last snapshot, without what has been deleted since. For the thread that calls
// Collect(); Stop() is for any.
class ConnectionsCollector : public Collector {
 public:
  // published must outlive this; anybody may read it.
  ConnectionsCollector(ScannerSources sources, Settings settings, Published<Snapshot>& published);

  std::string_view name() const override { return "connections"; }
  Collection Collect(Deadline deadline) override;
  void Stop() override { scanner_.Stop(); }
  bool WaitUntilStopped(Deadline deadline) override { return scanner_.WaitUntilStopped(deadline); }

 private:
  const Published<ipvs::LatestReading>& table_;
  const Published<Snapshot>& published_;
  const Settings settings_;
  const Clock::time_point born_ = Clock::now();
  std::optional<Clock::time_point> known_since_;  // services, without a break
  Scanner scanner_;
};

}  // namespace lvs::connections
