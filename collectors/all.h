// The list of all collectors: add yours here.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/ipvs/collector.h"
#include "collectors/metric.h"
#include "collectors/published.h"

namespace lvs {

struct CollectorSettings {
  std::string procfs = "/proc";
  ipvs::CollectorOptions ipvs;
};

// A collector as the program sees it before it exists.
struct CollectorEntry {
  std::string_view name;  // of --collector.NAME
  std::string_view help;  // what it does, for --help
  // latest: where the ipvs collector publishes the last table for those who do not scrape.
  std::unique_ptr<Collector> (*make)(const CollectorSettings& settings,
                                     Published<ipvs::LatestReading>& latest);
  // Every metric it may ever write; the pointers live as long as the program.
  std::vector<const MetricInfo*> (*describe)();
};

// In the page's order. All are on by default.
const std::vector<CollectorEntry>& AllCollectors();

}  // namespace lvs
