#include "collectors/ipvs/collector.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "collectors/ipvs/metrics.h"
#include "collectors/ipvs/node_exporter_metrics.h"
#include "collectors/ipvs/reader_metrics.h"
#include "collectors/ipvs/services_file.h"

namespace lvs::ipvs {
namespace {

// What can be known without CAP_NET_ADMIN at best: every kind of service and backend that the file
// tells, and the other files.
std::shared_ptr<const Table> TableOfTheFile() {
  constexpr std::string_view kFile =
      "IP Virtual Server version 1.2.1 (size=4096)\n"
      "Prot LocalAddress:Port Scheduler Flags\n"
      "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
      "TCP  0A000001:0050 wlc persistent 30000 FFFFFFFF\n"
      "  -> 0A010001:0050      Tunnel  1      0          0\n";
  Result<ProcServices> services = ParseServices(kFile);
  assert(services.ok() && "a constant in the parser's format");
  auto table = std::make_shared<Table>();
  table->services_known = true;
  table->info = std::move(services.value().info);
  table->services = std::move(services.value().services);
  table->totals.emplace();
  table->estimation_enabled = true;
  table->sysctls = {{"conntrack", 0}};
  return table;
}

std::shared_ptr<const std::vector<std::string>> NamesOf(const Table& table,
                                                        const CollectorOptions& options) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (const Service& service : table.services) {
    names->push_back(options.name_of ? options.name_of(service.key) : ToString(service.key));
  }
  return names;
}

Families RenderAll(const std::shared_ptr<const Table>& table,
                   const std::shared_ptr<const TableLabels>& labels,
                   const CollectorOptions& options) {
  std::shared_ptr<const AggregatedBackends> aggregated;
  if (options.backend_labels) {
    aggregated =
        std::make_shared<const AggregatedBackends>(Aggregate(*table, *options.backend_labels));
  }
  return RenderTable(table, labels, NamesOf(*table, options), aggregated);
}

bool HasSamples(const Family& family) {
  class CountingSink : public Sink {
   public:
    void Sample(std::string_view, std::string_view, std::string_view, Number) override { ++count; }
    std::size_t count = 0;
  };
  CountingSink sink;
  family.write(sink);
  return sink.count > 0;
}

// The families that /proc/net/ip_vs cannot give, whatever is in it: "a, b, c".
std::string LostFamilies(const CollectorOptions& options) {
  const std::shared_ptr<const Table> table = TableOfTheFile();
  const auto labels = std::make_shared<const TableLabels>(*table);
  std::string names;
  for (const Family& family : RenderAll(table, labels, options)) {
    if (HasSamples(family)) continue;
    if (!names.empty()) names += ", ";
    names += family.info->name;
  }
  return names;
}

bool ServicesAreFromTheFile(const Reading& reading) {
  return reading.table->services_known && !reading.table->up && reading.error &&
         reading.error->code == ErrorCode::kNoPermission;
}

}  // namespace

IpvsCollector::IpvsCollector(std::unique_ptr<Reader> reader, CollectorOptions options,
                             Published<LatestReading>& latest)
    : reader_(std::move(reader)),
      options_(std::move(options)),
      lost_families_(LostFamilies(options_)),
      latest_(latest) {}

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
  const Clock::time_point start = Clock::now();
  const Reading reading = reader_->Read(deadline);
  UpdateLabels(*reading.table);

  Collection collection{RenderAll(reading.table, labels_, options_), reading.error};
  // The page goes on from a file that tells less: say what is lost.
  if (ServicesAreFromTheFile(reading)) {
    collection.error->message += "; missing are " + lost_families_;
  }
  Publish(reading, collection.error, Clock::now() - start);
  RenderReader(reader_->counts(), collection.families);
  if (options_.node_exporter_names) {
    const BackendLabelSet all(std::begin(kBackendLabels), std::end(kBackendLabels));
    RenderNodeExporterMetrics(reading.table, options_.backend_labels.value_or(all),
                              collection.families);
  }
  return collection;
}

std::optional<Clock::duration> IpvsCollector::ReadAgainAfter(Clock::duration took) const {
  if (!options_.keep_fresh) return std::nullopt;
  return std::clamp<Clock::duration>(50 * took, std::chrono::seconds(1), std::chrono::minutes(5));
}

void IpvsCollector::Publish(const Reading& reading, const std::optional<Error>& error,
                            Clock::duration took) {
  const std::shared_ptr<const LatestReading> before = latest_.Get();
  LatestReading latest = before ? *before : LatestReading();
  latest.error = error;
  latest.next_after = ReadAgainAfter(took).value_or(Clock::duration::zero());
  latest.up = reading.table->up;
  latest.was_up = latest.was_up || latest.up;
  latest.current = reading.table->services_known;
  if (latest.current) {
    latest.table = reading.table;
    latest.read_at = std::chrono::system_clock::now();
  }
  latest_.Set(std::make_shared<const LatestReading>(std::move(latest)));
}

void IpvsCollector::UpdateLabels(const Table& table) {
  if (!labels_ || !labels_->Match(table)) labels_ = std::make_shared<const TableLabels>(table);
}

}  // namespace lvs::ipvs
