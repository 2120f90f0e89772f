// The list of all collectors: add yours here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/checker/collector.h"
#include "collectors/collector.h"
#include "collectors/connections/collector.h"
#include "collectors/ipvs/collector.h"
#include "collectors/metric.h"
#include "collectors/published.h"

namespace lvs {

struct CollectorSettings {
  std::string procfs = "/proc";
  ipvs::CollectorOptions ipvs;
  connections::Settings connections;
};

// What collectors tell each other and the rest of the program. Outlives them all.
struct Exchange {
  // What the configuration file says, or the defaults; the program publishes it before a collector
  // exists, and again after each reload.
  Published<checker::Configuration> configuration;
  Published<ipvs::LatestReading> table;          // by the ipvs collector
  Published<connections::Snapshot> connections;  // by the connections collector
  Published<checker::Snapshot> health;           // by the checker collector
  // The checker's, see checker::EngineSources.
  std::function<void(const checker::Event&)> on_event;
  std::function<void(const std::string&)> on_note;
};

// A collector as the program sees it before it exists.
struct CollectorEntry {
  std::string_view name;  // of --collector.NAME
  std::string_view help;  // what it does, for --help
  std::unique_ptr<Collector> (*make)(const CollectorSettings& settings, Exchange& exchange);
  // Every metric it may ever write; the pointers live as long as the program.
  std::vector<const MetricInfo*> (*describe)();
};

// In the page's order. All are on by default.
const std::vector<CollectorEntry>& AllCollectors();

}  // namespace lvs
