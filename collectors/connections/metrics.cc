#include "collectors/connections/metrics.h"

#include <algorithm>

#include "collectors/ipvs/labels.h"

namespace lvs::connections {
namespace {

using ipvs::kBackendLabels;
using ipvs::kServiceLabels;

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

struct ScanRow {
  const Snapshot& snapshot;
  double age;  // seconds
};

struct ServiceRow {
  const ServiceSummary& service;
};

struct BackendRow {
  const ipvs::ServiceKey& service;
  const BackendSummary& backend;
};

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

template <class Counts>
bool AnyOf(const Counts& counts) {
  return std::ranges::any_of(counts, [](std::uint64_t count) { return count > 0; });
}

// Those that a protocol's connections can have are written even when they are 0.
bool IsStateOf(ProtocolClass protocol, State state) {
  switch (protocol) {
    case ProtocolClass::kTcp:
      return state <= State::kSynAck;
    case ProtocolClass::kUdp:
      return state == State::kUdp;
    case ProtocolClass::kSctp:
      return state == State::kNone || state == State::kEstablished ||
             (state >= State::kInit1 && state <= State::kClosed);
    case ProtocolClass::kOther:
      break;
  }
  return false;
}

// A mark has connections of any protocol, nearly always of TCP or UDP.
bool IsStateOf(const ipvs::ServiceKey& service, State state) {
  if (service.protocol == ipvs::Protocol::kFwmark) {
    return IsStateOf(ProtocolClass::kTcp, state) || IsStateOf(ProtocolClass::kUdp, state);
  }
  return IsStateOf(ClassOf(static_cast<std::uint8_t>(service.protocol)), state);
}

void AddStates(const ipvs::ServiceKey& service, const std::optional<StateCounts>& states,
               Samples& out) {
  if (!states) return;
  for (std::size_t i = 0; i < kStates; ++i) {
    const State state = static_cast<State>(i);
    if ((*states)[i] > 0 || IsStateOf(service, state)) out.Add({Word(state)}, (*states)[i]);
  }
}

// Origins that the file tells are written even when they are 0.
bool IsTold(const Snapshot& snapshot, std::size_t origin) {
  return (origin == Position(Origin::kUnknown)) != snapshot.origins_known;
}

void AddTableConnections(const ScanRow& row, Samples& out) {
  const auto& connections = row.snapshot.summary.connections;
  if (!connections) return;
  std::size_t at = 0;
  for (std::size_t protocol = 0; protocol < kProtocols; ++protocol) {
    for (std::size_t state = 0; state < kStates; ++state) {
      const bool is_state =
          IsStateOf(static_cast<ProtocolClass>(protocol), static_cast<State>(state));
      for (std::size_t origin = 0; origin < kOrigins; ++origin, ++at) {
        const std::uint64_t count = connections->all[at];
        if (count == 0 && !(is_state && IsTold(row.snapshot, origin))) continue;
        out.Add({kProtocolNames[protocol], kStateWords[state], kOriginNames[origin]}, count);
      }
    }
  }
}

void AddTableTemplates(const ScanRow& row, Samples& out) {
  for (std::size_t type = 0; type < kTemplateTypes; ++type) {
    const auto& templates = row.snapshot.summary.templates[type];
    if (!templates) continue;
    std::size_t at = 0;
    for (const std::string_view status : kTemplateStatusNames) {
      for (std::size_t origin = 0; origin < kOrigins; ++origin, ++at) {
        const std::uint64_t count = templates->all[at];
        if (count == 0 && !IsTold(row.snapshot, origin)) continue;
        out.Add({kTemplateTypeNames[type], status, kOriginNames[origin]}, count);
      }
    }
  }
}

constexpr Column<ScanRow> kTableColumns[] = {
    {{"ipvs_table_connections",
      kGauge,
      "Entries of the connection table without persistence templates, by protocol, the kernel's "
      "word for the state, and whether this director made them or learnt them by synchronisation; "
      "from a background read, see ipvs_connections_scan_age_seconds. Absent where there are some "
      "and fewer than 30 were in the part of the table that was read.",
      kNoLabels,
      {"proto", "state", "origin"}},
     AddTableConnections},
    {{"ipvs_table_orphan_connections",
      kGauge,
      "Connections whose backend or service is not in the kernel's list: with expire_nodest_conn=0 "
      "their packets are dropped until they time out; from a background read. Those that may "
      "belong "
      "to a mark service, which the table does not show, are not among them.",
      kNoLabels,
      {"origin"}},
     [](const ScanRow& r, Samples& out) {
       const auto& orphans = r.snapshot.summary.orphan_connections;
       if (!orphans) return;
       for (std::size_t origin = 0; origin < kOrigins; ++origin) {
         const std::uint64_t count = (*orphans)[origin];
         if (count > 0 || IsTold(r.snapshot, origin)) out.Add({kOriginNames[origin]}, count);
       }
     }},
    {{"ipvs_table_persistence_templates",
      kGauge,
      "Persistence templates by kind, status and origin. orphan: the backend or service is gone, "
      "or a synchronised one is bound to nothing; invalidated: its client has come back and was "
      "bound anew; from a background read. A type is absent like ipvs_table_connections.",
      kNoLabels,
      {"type", "status", "origin"}},
     AddTableTemplates},
};

constexpr Column<ServiceRow> kServiceColumns[] = {
    {{"ipvs_service_connection_states",
      kGauge,
      "Connections of a service's backends by the kernel's word for the state; from a background "
      "read. Absent where there are some and fewer than 30 were in the part of the table that was "
      "read, and where the table does not tell whose they are: it does not show marks, so those of "
      "mark "
      "services that share a real server cannot be told apart.",
      kServiceLabels,
      {"state"}},
     [](const ServiceRow& r, Samples& out) { AddStates(r.service.key, r.service.states, out); }},
    {{"ipvs_service_persistence_templates",
      kGauge,
      "Persistence templates of a service by kind; orphan: those whose backend is no longer in it; "
      "from a background read. Absent where there are some and fewer than 30 were in the part of "
      "the table that was read. Invalidated ones have lost their port and count for no service "
      "where several on their address may be meant.",
      kServiceLabels,
      {"type"}},
     [](const ServiceRow& r, Samples& out) {
       if (!r.service.templates) return;
       const TypeCounts& types = r.service.templates->types;
       const TemplateType own = TemplateTypeOf(r.service.key);
       for (std::size_t i = 0; i < kTemplateTypes; ++i) {
         const bool expected = i == Position(own) || i == Position(TemplateType::kOrphan);
         if (types[i] == 0 && !(r.service.persistent && expected)) continue;
         out.Add({kTemplateTypeNames[i]}, types[i]);
       }
     }},
    {{"ipvs_service_drained_persistence_templates",
      kGauge,
      "Persistence templates of a service that lead to backends of weight 0. Clients of assured "
      "and unassured ones still come to them, those of invalidated ones have been moved; from a "
      "background read. Absent like ipvs_service_persistence_templates.",
      kServiceLabels,
      {"status"}},
     [](const ServiceRow& r, Samples& out) {
       if (!r.service.drained || !(r.service.persistent || AnyOf(*r.service.drained))) return;
       for (std::size_t i = 0; i < kTemplateStatuses; ++i) {
         out.Add({kTemplateStatusNames[i]}, (*r.service.drained)[i]);
       }
     }},
    {{"ipvs_service_persistence_template_remaining_seconds", MetricType::kHistogram,
      "How long the persistence templates of a service still last unless their clients come back, "
      "orphans left out; from a background read. Absent like ipvs_service_persistence_templates.",
      kServiceLabels},
     [](const ServiceRow& r, Samples& out) {
       if (!r.service.templates) return;
       const RemainingCounts& remaining = r.service.templates->remaining;
       if (!r.service.persistent && !AnyOf(remaining.buckets)) return;
       out.AddHistogram(kRemainingBounds, remaining.buckets, remaining.sum);
     }},
};

constexpr Column<BackendRow> kBackendColumns[] = {
    {{"ipvs_backend_connection_states",
      kGauge,
      "Connections of a backend by the kernel's word for the state; from a background read, only "
      "with --collector.connections.level=backend. Absent like ipvs_service_connection_states, and "
      "where backends of one service share an address and the table does not tell them apart.",
      kBackendLabels,
      {"state"}},
     [](const BackendRow& r, Samples& out) { AddStates(r.service, r.backend.states, out); }},
};

constexpr Column<ScanRow> kScanColumns[] = {
    {{"ipvs_connections_scan_duration_seconds", kGauge,
      "How long the last background read of the connection table took.", kNoLabels},
     [](const ScanRow& r, Samples& out) { out.Add(Seconds(r.snapshot.took)); }},
    {{"ipvs_connections_scan_age_seconds", kGauge,
      "Time since the end of the last background read of the connection table: how old its numbers "
      "are.",
      kNoLabels},
     [](const ScanRow& r, Samples& out) { out.Add(r.age); }},
    {{"ipvs_connections_scan_interval_seconds", kGauge,
      "From the start of the last background read to the next one: the interval that is set, or "
      "longer where a read cost more than its budget.",
      kNoLabels},
     [](const ScanRow& r, Samples& out) { out.Add(Seconds(r.snapshot.interval)); }},
    {{"ipvs_connections_scan_rows", kGauge,
      "Entries of the connection table that the last background read saw.", kNoLabels},
     [](const ScanRow& r, Samples& out) { out.Add(r.snapshot.rows); }},
    {{"ipvs_connections_scan_coverage_ratio", kGauge,
      "Share of the connection table that the last background read saw; absent when it was cut "
      "short and nothing tells how long the table is, and when it saw nothing.",
      kNoLabels},
     [](const ScanRow& r, Samples& out) {
       if (r.snapshot.summary.coverage) out.Add(*r.snapshot.summary.coverage);
     }},
    {{"ipvs_connections_scan_truncated", kGauge,
      "1 when the last background read saw only a part of the connection table: the numbers from "
      "it are estimates.",
      kNoLabels},
     [](const ScanRow& r, Samples& out) { out.Add(r.snapshot.summary.truncated); }},
};

constexpr Column<ScanCounters> kCounterColumns[] = {
    {{"ipvs_connections_scans_total",
      kCounter,
      "Background reads of the connection table by result.",
      kNoLabels,
      {"result"}},
     [](const ScanCounters& counters, Samples& out) {
       out.Add({"complete"}, counters.complete);
       out.Add({"truncated"}, counters.truncated);
       out.Add({"failed"}, counters.failed);
     }},
    {{"ipvs_connections_scan_skipped_lines_total", kCounter,
      "Lines of the connection table that could not be understood.", kNoLabels},
     [](const ScanCounters& counters, Samples& out) { out.Add(counters.skipped_lines); }},
    {{"ipvs_connections_scan_cpu_seconds_total", kCounter,
      "CPU time of the thread that reads the connection table, in the kernel included.", kNoLabels},
     [](const ScanCounters& counters, Samples& out) { out.Add(counters.cpu_seconds); }},
};

}  // namespace

std::vector<const MetricInfo*> DescribeSnapshot() {
  return Describe(kTableColumns, kServiceColumns, kBackendColumns, kScanColumns, kCounterColumns);
}

Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot, Clock::time_point now) {
  const double age = std::max(0.0, Seconds(now - snapshot->steady));
  const auto scan = [snapshot, age](const auto& visit) { visit(ScanRow{*snapshot, age}, ""); };
  const auto services = [snapshot](const auto& visit) {
    for (const ServiceSummary& service : snapshot->summary.services) {
      visit(ServiceRow{service}, service.labels);
    }
  };
  const auto backends = [snapshot](const auto& visit) {
    for (const ServiceSummary& service : snapshot->summary.services) {
      for (const BackendSummary& backend : service.backends) {
        visit(BackendRow{service.key, backend}, backend.labels);
      }
    }
  };
  const Level level = snapshot->summary.level;
  Families families;
  Render(kTableColumns, scan, families);
  if (level >= Level::kService) Render(kServiceColumns, services, families);
  if (level >= Level::kBackend) Render(kBackendColumns, backends, families);
  Render(kScanColumns, scan, families);
  return families;
}

Families RenderCounters(const std::shared_ptr<const Snapshot>& snapshot) {
  Families families;
  Render(
      kCounterColumns, [snapshot](const auto& visit) { visit(snapshot->counters, ""); }, families);
  return families;
}

}  // namespace lvs::connections
