#include "collectors/ipvs/metrics.h"

#include <algorithm>
#include <string>

#include "collectors/ipvs/words.h"

namespace lvs::ipvs {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

std::uint64_t WeightedBackends(const Service& service) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(service.backends, [](const Backend& b) { return b.weight > 0; }));
}

template <std::uint64_t Counters::*kMember, class Row>
void AddCounter(const Row& row, Samples& out) {
  if (row.counters) out.Add((*row.counters).*kMember);
}

template <std::uint64_t Counters::*kMember>
void AddTotal(const Table& table, Samples& out) {
  if (table.totals) out.Add((*table.totals).*kMember);
}

// Of the director as a whole.
constexpr Column<Table> kTableColumns[] = {
    {{"ipvs_up", kGauge, "Whether the kernel's IPVS table could be read over netlink.", kNoLabels},
     [](const Table& t, Samples& out) { out.Add(t.up); }},
    {{"ipvs_info", kGauge, "Version of IPVS in the kernel; always 1.", kNoLabels, {"version"}},
     [](const Table& t, Samples& out) {
       if (t.info) out.Add({t.info->version}, true);
     }},
    {{"ipvs_connection_table_buckets", kGauge,
      "Buckets of the kernel's connection hash table; grows and shrinks from Linux 7.1 on.",
      kNoLabels},
     [](const Table& t, Samples& out) {
       if (t.info && t.info->connection_table_buckets) out.Add(*t.info->connection_table_buckets);
     }},
    {{"ipvs_timeout_seconds",
      kGauge,
      "Idle timeout of connections, as set with ipvsadm --set.",
      kNoLabels,
      {"state"}},
     [](const Table& t, Samples& out) {
       if (!t.timeouts) return;
       out.Add({"tcp"}, t.timeouts->tcp);
       out.Add({"tcp_fin"}, t.timeouts->tcp_fin);
       out.Add({"udp"}, t.timeouts->udp);
     }},
    {{"ipvs_connections_total", kCounter,
      "Connections scheduled by this director, deleted services included; live, not reset by "
      "ipvsadm -Z.",
      kNoLabels},
     AddTotal<&Counters::connections>},
    {{"ipvs_incoming_packets_total", kCounter, "Packets from clients, deleted services included.",
      kNoLabels},
     AddTotal<&Counters::incoming_packets>},
    {{"ipvs_outgoing_packets_total", kCounter,
      "Packets to clients, deleted services included; replies of direct routing and tunnels do not "
      "pass the director.",
      kNoLabels},
     AddTotal<&Counters::outgoing_packets>},
    {{"ipvs_incoming_bytes_total", kCounter,
      "Bytes from clients with their IP headers, deleted services included.", kNoLabels},
     AddTotal<&Counters::incoming_bytes>},
    {{"ipvs_outgoing_bytes_total", kCounter,
      "Bytes to clients with their IP headers, deleted services included; replies of direct "
      "routing "
      "and tunnels do not pass the director.",
      kNoLabels},
     AddTotal<&Counters::outgoing_bytes>},
    {{"ipvs_sync_daemon_running",
      kGauge,
      "1 for every connection synchronisation daemon that runs; a role that does not run has no "
      "series.",
      kNoLabels,
      {"role", "interface", "sync_id"}},
     [](const Table& t, Samples& out) {
       if (!t.sync_daemons) return;
       for (const SyncDaemon& daemon : *t.sync_daemons) {
         const bool is_master = daemon.role == SyncDaemon::Role::kMaster;
         out.Add(
             {is_master ? "master" : "backup", daemon.interface, std::to_string(daemon.sync_id)},
             true);
       }
     }},
    {{"ipvs_sync_receive_drops_total", kCounter,
      "Synchronisation datagrams lost because the backup daemon's sockets were full; starts again "
      "with the daemon.",
      kNoLabels},
     [](const Table& t, Samples& out) {
       if (t.sync_receive_drops) out.Add(*t.sync_receive_drops);
     }},
    {{"ipvs_sysctl",
      kGauge,
      "Settings under /proc/sys/net/ipv4/vs by file name; sync_threshold is split into "
      "sync_threshold and sync_period.",
      kNoLabels,
      {"name"}},
     [](const Table& t, Samples& out) {
       for (const Sysctl& sysctl : t.sysctls) out.Add({sysctl.name}, sysctl.value);
     }},
    {{"ipvs_estimation_enabled", kGauge,
      "Whether the kernel sums up the counters of services and backends; 0 freezes them.",
      kNoLabels},
     [](const Table& t, Samples& out) {
       if (t.estimation_enabled) out.Add(*t.estimation_enabled);
     }},
};

struct NamedService {
  const Service& service;
  const std::string& name;
};

constexpr Column<NamedService> kServiceInfoColumns[] = {
    {{"ipvs_service_info",
      kGauge,
      "Configuration of a virtual service; always 1.",
      kServiceLabels,
      {"scheduler", "flags", "persistence", "netmask", "pe", "name"}},
     [](const NamedService& named, Samples& out) {
       const Service& s = named.service;
       out.Add({s.scheduler, FlagsText(s), PersistenceKind(s), NetmaskText(s), s.persistence_engine,
                named.name},
               true);
     }},
};

constexpr Column<Service> kServiceColumns[] = {
    {{"ipvs_service_persistence_timeout_seconds", kGauge,
      "How long a client stays bound to its backend after its last connection; persistent services "
      "only.",
      kServiceLabels},
     [](const Service& s, Samples& out) {
       if (s.persistence_timeout) out.Add(*s.persistence_timeout);
     }},
    {kServiceBackends,
     [](const Service& s, Samples& out) {
       out.Add({"configured"}, std::uint64_t{s.backends.size()});
       out.Add({"weighted"}, WeightedBackends(s));
     }},
    {{"ipvs_service_connections_total", kCounter,
      "Connections scheduled for a service by this director; up to 2 s old.", kServiceLabels},
     AddCounter<&Counters::connections>},
    {{"ipvs_service_incoming_packets_total", kCounter,
      "Packets from clients to a service; up to 2 s old.", kServiceLabels},
     AddCounter<&Counters::incoming_packets>},
    {{"ipvs_service_outgoing_packets_total", kCounter,
      "Packets from a service to clients; stays 0 for direct routing and tunnels.", kServiceLabels},
     AddCounter<&Counters::outgoing_packets>},
    {{"ipvs_service_incoming_bytes_total", kCounter,
      "Bytes from clients to a service with their IP headers; up to 2 s old.", kServiceLabels},
     AddCounter<&Counters::incoming_bytes>},
    {{"ipvs_service_outgoing_bytes_total", kCounter,
      "Bytes from a service to clients with their IP headers; stays 0 for direct routing and "
      "tunnels.",
      kServiceLabels},
     AddCounter<&Counters::outgoing_bytes>},
};

// Those that may be summed over several backends.
constexpr Column<Backend> kBackendColumns[] = {
    {{"ipvs_backend_weight", kGauge, "Configured weight; 0 means quiesced: no new clients.",
      kBackendLabels},
     [](const Backend& b, Samples& out) { out.Add(b.weight); }},
    {{"ipvs_backend_connections_active", kGauge,
      "Established TCP and SCTP connections bound to a backend (ActiveConn).", kBackendLabels},
     [](const Backend& b, Samples& out) { out.Add(b.active_connections); }},
    {{"ipvs_backend_connections_inactive", kGauge,
      "All other connections bound to a backend, among them every UDP one (InActConn).",
      kBackendLabels},
     [](const Backend& b, Samples& out) { out.Add(b.inactive_connections); }},
    {{"ipvs_backend_persistence_templates", kGauge,
      "Persistence templates bound to a backend: clients that will come back to it.",
      kBackendLabels},
     [](const Backend& b, Samples& out) {
       if (b.persistence_templates) out.Add(*b.persistence_templates);
     }},
    {{"ipvs_backend_connections_total", kCounter,
      "Connections scheduled to a backend by this director; up to 2 s old.", kBackendLabels},
     AddCounter<&Counters::connections>},
    {{"ipvs_backend_incoming_packets_total", kCounter,
      "Packets from clients to a backend; up to 2 s old.", kBackendLabels},
     AddCounter<&Counters::incoming_packets>},
    {{"ipvs_backend_outgoing_packets_total", kCounter,
      "Packets from a backend to clients; stays 0 for direct routing and tunnels.", kBackendLabels},
     AddCounter<&Counters::outgoing_packets>},
    {{"ipvs_backend_incoming_bytes_total", kCounter,
      "Bytes from clients to a backend with their IP headers; up to 2 s old.", kBackendLabels},
     AddCounter<&Counters::incoming_bytes>},
    {{"ipvs_backend_outgoing_bytes_total", kCounter,
      "Bytes from a backend to clients with their IP headers; stays 0 for direct routing and "
      "tunnels.",
      kBackendLabels},
     AddCounter<&Counters::outgoing_bytes>},
};

// Those that say something about one backend only.
constexpr Column<Backend> kBackendDetailColumns[] = {
    {{"ipvs_backend_info",
      kGauge,
      "Configuration of a backend; always 1.",
      kBackendLabels,
      {"forward", "tunnel", "tunnel_port", "tunnel_flags"}},
     [](const Backend& b, Samples& out) {
       const std::string port = b.tunnel_port != 0 ? std::to_string(b.tunnel_port) : "";
       out.Add({ForwardText(b.forward), TunnelText(b), port, TunnelFlagsText(b)}, true);
     }},
    {{"ipvs_backend_upper_threshold_connections", kGauge,
      "Connections at which a backend counts as overloaded and gets no new ones; absent when not "
      "set.",
      kBackendLabels},
     [](const Backend& b, Samples& out) {
       if (b.upper_threshold != 0) out.Add(b.upper_threshold);
     }},
    {{"ipvs_backend_lower_threshold_connections", kGauge,
      "Connections below which an overloaded backend gets new ones again; absent when not set: "
      "three quarters of the upper threshold.",
      kBackendLabels},
     [](const Backend& b, Samples& out) {
       if (b.lower_threshold != 0) out.Add(b.lower_threshold);
     }},
};

}  // namespace

std::vector<const MetricInfo*> DescribeTable() {
  return Describe(kTableColumns, kServiceInfoColumns, kServiceColumns, kBackendColumns,
                  kBackendDetailColumns);
}

Families RenderTable(const std::shared_ptr<const Table>& table,
                     const std::shared_ptr<const TableLabels>& labels,
                     const std::shared_ptr<const std::vector<std::string>>& names,
                     const std::shared_ptr<const AggregatedBackends>& aggregated) {
  const auto the_table = [table](const auto& visit) { visit(*table, ""); };
  const auto services = [table, labels](const auto& visit) {
    for (std::size_t i = 0; i < table->services.size(); ++i) {
      visit(table->services[i], labels->service(i));
    }
  };
  const auto named = [table, labels, names](const auto& visit) {
    for (std::size_t i = 0; i < table->services.size(); ++i) {
      visit(NamedService{table->services[i], (*names)[i]}, labels->service(i));
    }
  };
  const auto backends = [table, labels](const auto& visit) {
    for (std::size_t i = 0; i < table->services.size(); ++i) {
      const std::vector<Backend>& of_service = table->services[i].backends;
      for (std::size_t j = 0; j < of_service.size(); ++j) {
        visit(of_service[j], labels->backend(i, j));
      }
    }
  };
  const auto sums = [aggregated](const auto& visit) {
    for (const AggregatedBackend& row : *aggregated) visit(row.sum, row.labels);
  };

  Families families;
  Render(kTableColumns, the_table, families);
  Render(kServiceInfoColumns, named, families);
  Render(kServiceColumns, services, families);
  if (aggregated) {
    Render(kBackendColumns, sums, families);
  } else {
    Render(kBackendColumns, backends, families);
    Render(kBackendDetailColumns, backends, families);
  }
  return families;
}

}  // namespace lvs::ipvs
