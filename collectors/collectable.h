// Any of our collectors as a prometheus::Collectable, for programs that serve their metrics with
// prometheus-cpp.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "collectors/collector.h"

namespace lvs {

// Our families as prometheus-cpp's. Counters above 2^53 lose their last digits there: its values
// are doubles.
std::vector<prometheus::MetricFamily> ToPrometheus(const Families& families);

// Owns the collector. Collect() may be called by any thread; calls wait for each other. It never
// throws: what fails is missing, as the collector's own families (ipvs_up) say.
class CollectorAsCollectable : public prometheus::Collectable {
 public:
  CollectorAsCollectable(std::unique_ptr<Collector> collector, std::chrono::milliseconds timeout)
      : collector_(std::move(collector)), timeout_(timeout) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  mutable std::mutex mutex_;  // collectors are for one thread at a time
  const std::unique_ptr<Collector> collector_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace lvs
