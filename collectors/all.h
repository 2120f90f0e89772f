// The list of all collectors: add yours here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/audit/collector.h"
#include "collectors/checker/collector.h"
#include "collectors/collector.h"
#include "collectors/connections/collector.h"
#include "collectors/director/collector.h"
#include "collectors/ipvs/collector.h"
#include "collectors/metric.h"
#include "collectors/published.h"
#include "collectors/realserver/collector.h"

namespace lvs {

struct CollectorSettings {
  std::string procfs = "/proc";
  ipvs::CollectorOptions ipvs;
  connections::Settings connections;
  bool has_director = true;  // the collector director is on
};

// What the configuration file says, or the defaults; the program publishes it before a collector
// exists, and again after each reload.
struct Configurations {
  Published<checker::Configuration> checker;
  Published<director::Configuration> director;
  Published<audit::Configuration> audit;
  Published<realserver::Configuration> realserver;
};

// What collectors tell each other and the rest of the program. Outlives them all.
struct Exchange {
  Configurations configuration;
  Published<ipvs::LatestReading> table;          // by the ipvs collector
  Published<connections::Snapshot> connections;  // by the connections collector
  Published<checker::Snapshot> health;           // by the checker collector
  Published<director::Snapshot> director;        // by the director collector
  Published<audit::Report> audit;                // by the audit collector
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
  bool on_by_default = true;
};

// In the page's order.
const std::vector<CollectorEntry>& AllCollectors();

}  // namespace lvs
