#include "collectors/all.h"

#include "collectors/ipvs/reader.h"
#include "collectors/netlink/kernel.h"
#include "collectors/process/process.h"

namespace lvs {
namespace {

std::unique_ptr<Collector> MakeIpvs(const CollectorSettings& settings, Exchange& exchange) {
  auto transport = std::make_unique<netlink::KernelTransport>("IPVS", 1);
  auto reader = std::make_unique<ipvs::Reader>(std::move(transport), settings.procfs);
  ipvs::CollectorOptions options = settings.ipvs;
  options.name_of = [&exchange](const ipvs::ServiceKey& key) {
    const auto configuration = exchange.configuration.Get();
    const checker::ServiceRule* rule =
        configuration ? checker::RuleFor(*configuration, key) : nullptr;
    return rule != nullptr && !rule->name.empty() ? rule->name : ipvs::ToString(key);
  };
  return std::make_unique<ipvs::IpvsCollector>(std::move(reader), std::move(options),
                                               exchange.table);
}

std::unique_ptr<Collector> MakeConnections(const CollectorSettings& settings, Exchange& exchange) {
  return std::make_unique<connections::ConnectionsCollector>(
      connections::ScannerSources::Real(exchange.table, settings.procfs), settings.connections,
      exchange.connections);
}

std::unique_ptr<Collector> MakeChecker(const CollectorSettings&, Exchange& exchange) {
  return std::make_unique<checker::CheckerCollector>(
      checker::EngineSources{.table = exchange.table,
                             .configuration = exchange.configuration,
                             .on_event = exchange.on_event,
                             .on_note = exchange.on_note,
                             .make_runner = {}},
      exchange.health);
}

std::unique_ptr<Collector> MakeProcess(const CollectorSettings& settings, Exchange&) {
  return std::make_unique<process::ProcessCollector>(settings.procfs);
}

}  // namespace

const std::vector<CollectorEntry>& AllCollectors() {
  static const std::vector<CollectorEntry> all = {
      {"ipvs", "Read the kernel's IPVS table", MakeIpvs, ipvs::DescribeIpvs},
      {"connections", "Read the kernel's connection table in the background", MakeConnections,
       connections::DescribeConnections},
      {"checker", "Probe the real servers and say what is up, and why not", MakeChecker,
       checker::DescribeChecker},
      {"process", "Export the exporter's own process_ metrics", MakeProcess,
       process::DescribeProcess},
  };
  return all;
}

}  // namespace lvs
