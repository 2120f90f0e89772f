#include "collectors/all.h"

#include <set>
#include <utility>

#include "collectors/audit/facts_reader.h"
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
    const auto configuration = exchange.configuration.checker.Get();
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
                             .configuration = exchange.configuration.checker,
                             .on_event = exchange.on_event,
                             .on_note = exchange.on_note,
                             .make_runner = {},
                             .director = [&exchange] { return exchange.director.Get(); },
                             .audit = [&exchange] { return exchange.audit.Get(); }},
      exchange.health);
}

// The addresses of services, of the kernel's table and of the configuration.
std::set<Address> VipsOf(const Exchange& exchange) {
  std::set<Address> vips;
  const auto latest = exchange.table.Get();
  if (latest && latest->table) {
    for (const ipvs::Service& service : latest->table->services) {
      if (service.key.protocol != ipvs::Protocol::kFwmark) vips.insert(service.key.address);
    }
  }
  const auto configuration = exchange.configuration.checker.Get();
  for (const checker::ServiceRule& rule : configuration->services) {
    vips.insert(rule.vips.begin(), rule.vips.end());
    for (const ipvs::ServiceKey& key : checker::DeclaredKeys(rule.match)) {
      if (key.protocol != ipvs::Protocol::kFwmark) vips.insert(key.address);
    }
  }
  return vips;
}

std::unique_ptr<Collector> MakeDirector(const CollectorSettings& settings, Exchange& exchange) {
  return std::make_unique<director::DirectorCollector>(
      director::DirectorSources{.procfs = settings.procfs,
                                .configuration = exchange.configuration.director,
                                .table = exchange.table,
                                .vips = [&exchange] { return VipsOf(exchange); }},
      exchange.director);
}

std::unique_ptr<Collector> MakeAudit(const CollectorSettings& settings, Exchange& exchange) {
  const auto reader = std::make_shared<audit::FactsReader>(settings.procfs);
  return std::make_unique<audit::AuditCollector>(
      audit::AuditorSources{.configuration = exchange.configuration.audit,
                            .table = exchange.table,
                            .director = exchange.director,
                            .has_director = settings.has_director,
                            .read =
                                [reader](auto table, auto director, std::optional<Error>& error) {
                                  return reader->Read(std::move(table), std::move(director), error);
                                },
                            .on_note = exchange.on_note},
      exchange.audit);
}

std::unique_ptr<Collector> MakeRealServer(const CollectorSettings& settings, Exchange& exchange) {
  return std::make_unique<realserver::RealServerCollector>(settings.procfs,
                                                           exchange.configuration.realserver);
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
      {"director", "Say which VIPs are bound here, and what this director is to its pair",
       MakeDirector, director::DescribeDirector},
      {"audit", "Look for mistakes in the set-up of this director, in the background", MakeAudit,
       audit::DescribeAudit},
      {"realserver", "On a real server: how it is set up for its VIPs", MakeRealServer,
       realserver::DescribeRealServer, false},
      {"process", "Export the exporter's own process_ metrics", MakeProcess,
       process::DescribeProcess},
  };
  return all;
}

}  // namespace lvs
