// The exporter's metrics about itself: few, kept in a prometheus-cpp registry, written on the page
// by the same writer as everything else.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metric.h"
#include "exporter/build_info.h"

namespace lvs {

// Owned by main. All members may be used by any thread.
class OwnMetrics {
 public:
  explicit OwnMetrics(const BuildInfo& build);

  void RequestStarted();

  // route: from the program's own list, or "other".
  void RequestFinished(std::string_view route, int status);

  // The configuration was read, at the start or by a reload.
  void ConfigurationRead(bool accepted);

  // What the registry holds now. log_lines_dropped: since the start.
  Families Read(std::uint64_t log_lines_dropped);

  static std::vector<const MetricInfo*> Describe();

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Gauge& requests_in_flight_;
  prometheus::Counter& log_lines_dropped_;
  prometheus::Gauge& reload_successful_;
  prometheus::Gauge& reload_success_time_;
  std::mutex read_mutex_;  // two readers must not both add the same dropped lines
};

// Families of a prometheus-cpp registry (counters and gauges) as ours. infos gives the row of each
// name; a family without a row is a programming error and is left out.
Families FromRegistry(const std::vector<prometheus::MetricFamily>& families,
                      const std::vector<const MetricInfo*>& infos);

}  // namespace lvs
