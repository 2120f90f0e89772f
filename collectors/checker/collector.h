// The checker collector: owns the engine that probes all the time, and says what it last found.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "collectors/checker/engine.h"
#include "collectors/collector.h"
#include "collectors/published.h"

namespace lvs::checker {

// Every metric that CheckerCollector may write.
std::vector<const MetricInfo*> DescribeChecker();

// Probing begins with the object and ends with Stop() or the object. Collect() never waits for a
// probe: it writes the last snapshot. For the thread that calls Collect(); Stop() is for any.
class CheckerCollector : public Collector {
 public:
  // published must outlive this; anybody may read it.
  CheckerCollector(EngineSources sources, Published<Snapshot>& published);

  std::string_view name() const override { return "checker"; }
  Collection Collect(Deadline deadline) override;
  void Stop() override { engine_.Stop(); }

 private:
  const Published<Snapshot>& published_;
  Engine engine_;
};

}  // namespace lvs::checker
