// The connections collector: owns the scanner of the connection table, and says what it last found.
#pragma once

#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/connections/scanner.h"
#include "collectors/connections/settings.h"
#include "collectors/connections/snapshot.h"
#include "collectors/published.h"

namespace lvs::connections {

// Every metric that ConnectionsCollector may write.
std::vector<const MetricInfo*> DescribeConnections();

// Reading begins with the object and ends with Stop() or the object. Collect() never waits for it:
// it writes the last snapshot. For the thread that calls Collect(); Stop() is for any.
class ConnectionsCollector : public Collector {
 public:
  // published must outlive this; anybody may read it.
  ConnectionsCollector(ScannerSources sources, Settings settings, Published<Snapshot>& published);

  std::string_view name() const override { return "connections"; }
  Collection Collect(Deadline deadline) override;
  void Stop() override { scanner_.Stop(); }

 private:
  const Published<Snapshot>& published_;
  Scanner scanner_;
};

}  // namespace lvs::connections
