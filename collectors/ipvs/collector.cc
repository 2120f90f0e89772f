#include "collectors/ipvs/collector.h"

#include <utility>

#include "collectors/ipvs/metrics.h"
#include "collectors/ipvs/node_exporter_metrics.h"
#include "collectors/ipvs/reader_metrics.h"

namespace lvs::ipvs {
namespace {

// The families that have no sample, by name.
std::string EmptyFamilies(const Families& families) {
  class CountingSink : public Sink {
   public:
    void Sample(std::string_view, std::string_view, std::string_view, Number) override { ++count; }
    std::size_t count = 0;
  };
  std::string names;
  for (const Family& family : families) {
    CountingSink sink;
    family.write(sink);
    if (sink.count > 0) continue;
    if (!names.empty()) names += ", ";
    names += family.info->name;
  }
  return names;
}

}  // namespace

IpvsCollector::IpvsCollector(std::unique_ptr<Reader> reader, CollectorOptions options,
                             Published<LatestReading>& latest)
    : reader_(std::move(reader)), options_(std::move(options)), latest_(latest) {}

std::vector<const MetricInfo*> DescribeIpvs() {
  std::vector<const MetricInfo*> infos = DescribeTable();
  const auto append = [&infos](const std::vector<const MetricInfo*>& more) {
    infos.insert(infos.end(), more.begin(), more.end());
  };
  append(DescribeReader());
  append(DescribeNodeExporterMetrics());
  return infos;
}

Collection IpvsCollector::Collect(Deadline deadline) {
  const Reading reading = reader_->Read(deadline);
  UpdateLabels(*reading.table);

  std::shared_ptr<const AggregatedBackends> aggregated;
  if (options_.backend_labels) {
    aggregated = std::make_shared<const AggregatedBackends>(
        Aggregate(*reading.table, *options_.backend_labels));
  }
  Collection collection{RenderTable(reading.table, labels_, aggregated), reading.error};
  // Without the capability the page goes on from a file that tells less: say what is lost.
  if (reading.error && reading.error->code == ErrorCode::kNoPermission) {
    collection.error->message +=
        "; without it these are missing: " + EmptyFamilies(collection.families);
  }
  Publish(reading, collection.error);
  RenderReader(reader_->counts(), collection.families);
  if (options_.node_exporter_names) {
    const BackendLabelSet all(std::begin(kBackendLabels), std::end(kBackendLabels));
    RenderNodeExporterMetrics(reading.table, options_.backend_labels.value_or(all),
                              collection.families);
  }
  return collection;
}

void IpvsCollector::Publish(const Reading& reading, const std::optional<Error>& error) {
  const std::shared_ptr<const LatestReading> before = latest_.Get();
  LatestReading latest = before ? *before : LatestReading();
  latest.error = error;
  latest.was_up = latest.was_up || reading.table->up;
  if (reading.table->services_known) {
    latest.table = reading.table;
    latest.read_at = std::chrono::system_clock::now();
  }
  latest_.Set(std::make_shared<const LatestReading>(std::move(latest)));
}

void IpvsCollector::UpdateLabels(const Table& table) {
  if (!labels_ || !labels_->Match(table)) labels_ = std::make_shared<const TableLabels>(table);
}

}  // namespace lvs::ipvs
