// The ipvs collector: reads the kernel's table and says what it found.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/ipvs/aggregate.h"
#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/reader.h"
#include "collectors/ipvs/table.h"
#include "collectors/published.h"

namespace lvs::ipvs {

struct CollectorOptions {
  // Sum the metrics of backends over these labels; absent: one series for every backend.
  std::optional<BackendLabelSet> backend_labels;
  bool node_exporter_names = false;  // write the eight node_ipvs_ families too
  bool keep_fresh = false;           // read without being asked: somebody lives on LatestReading
  // The name of a service on the page, never empty; null: ToString of its key.
  std::function<std::string(const ServiceKey&)> name_of = {};
};

// The last table whose services are known, and how the last reading went. Kept for those who do
// not scrape.
struct LatestReading {
  std::shared_ptr<const Table> table;             // null until the first one
  std::chrono::system_clock::time_point read_at;  // of table
  bool current = false;                           // the last reading gave this table
  bool up = false;                                // Table::up of the last reading
  bool was_up = false;                            // of some reading since the start
  std::optional<Error> error;  // of the last reading, which may be later than table
  // How soon after this reading the next one begins at the latest; zero: only when asked for.
  Clock::duration next_after{};
};

// Every metric that IpvsCollector may write, under any options.
std::vector<const MetricInfo*> DescribeIpvs();

// Owned by the thread that calls Collect(); Stop() is for any thread. latest must outlive it;
// anybody may read that.
class IpvsCollector : public Collector {
 public:
  IpvsCollector(std::unique_ptr<Reader> reader, CollectorOptions options,
                Published<LatestReading>& latest);

  std::string_view name() const override { return "ipvs"; }
  Collection Collect(Deadline deadline) override;
  // Every second, but no more than a fiftieth of the time; after one that hung, all the same within
  // five minutes.
  std::optional<Clock::duration> ReadAgainAfter(Clock::duration took) const override;
  void Stop() override { reader_->Stop(); }

 private:
  void Publish(const Reading& reading, const std::optional<Error>& error, Clock::duration took);
  void UpdateLabels(const Table& table);

  const std::unique_ptr<Reader> reader_;
  const CollectorOptions options_;
  const std::string lost_families_;  // what a page from /proc/net/ip_vs lacks, by name
  Published<LatestReading>& latest_;
  std::shared_ptr<const TableLabels> labels_;
};

}  // namespace lvs::ipvs
