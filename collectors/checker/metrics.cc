#include "collectors/checker/metrics.h"

#include <algorithm>
#include <string>

#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/metrics.h"

namespace lvs::checker {
namespace {

using ipvs::kBackendLabels;
using ipvs::kServiceLabels;
using probes::Outcome;
using probes::ProbeType;

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;
constexpr auto kHistogram = MetricType::kHistogram;

struct TargetRow {
  const Target& target;
  const TargetState& state;

  const probes::Probe& probe() const { return target.probe->probe(); }
};

struct BackendRow {
  const Plan& plan;
  const PlannedBackend& backend;
  const BackendHealth& health;
  Clock::time_point now;
};

struct ServiceRow {
  const Plan& plan;
  const ServiceHealth& health;
};

double Timestamp(WallTime time) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return static_cast<double>(milliseconds.count()) / 1000;
}

double Seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }

std::string HexOf(const std::array<std::uint8_t, 32>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

void AddPhase(Samples& out, std::string_view phase, const std::optional<float>& seconds) {
  if (seconds) out.Add({phase}, WholeMicroseconds(*seconds));
}

bool IsIcmp(const TargetRow& row) { return row.probe().type == ProbeType::kIcmp; }

constexpr Column<TargetRow> kMinimalColumns[] = {
    {{"ipvs_check_up",
      kGauge,
      "Verdict on a target by layer, after the thresholds: 1 up, 0 down; absent until known.",
      kProbeLabels,
      {"layer"}},
     [](const TargetRow& r, Samples& out) {
       const auto layers = probes::LayersOf(r.probe().type);
       for (std::size_t i = 0; i < layers.size(); ++i) {
         const Verdict verdict = r.state.layers[i].verdict;
         if (verdict == Verdict::kUnknown) continue;
         out.Add({probes::Name(layers[i])}, verdict == Verdict::kUp);
       }
     }},
    {{"ipvs_check_results_total",
      kCounter,
      "Runs of a target by result; inconclusive ones ended through our own fault and change no "
      "verdict.",
      kProbeLabels,
      {"result"}},
     [](const TargetRow& r, Samples& out) {
       for (const Outcome o : {Outcome::kSuccess, Outcome::kFailure, Outcome::kInconclusive}) {
         out.Add({probes::Name(o)}, r.state.results[static_cast<std::size_t>(o)]);
       }
     }},
    {{"ipvs_check_last_run_timestamp_seconds", kGauge,
      "When the last run of a target ended, whatever its result.", kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (r.state.last_run != WallTime()) out.Add(Timestamp(r.state.last_run));
     }},
    {{"ipvs_check_interval_seconds", kGauge,
      "The longest regular time between two runs of a target: the larger of interval and "
      "down_interval.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       out.Add(Seconds(std::max(r.probe().interval, r.probe().down_interval)));
     }},
};

constexpr Column<TargetRow> kStandardColumns[] = {
    {{"ipvs_check_consecutive_failures", kGauge, "Failed runs in a row.", kProbeLabels},
     [](const TargetRow& r, Samples& out) { out.Add(TopHealth(r.target, r.state).fail_streak); }},
    {{"ipvs_check_consecutive_successes", kGauge, "Successful runs in a row.", kProbeLabels},
     [](const TargetRow& r, Samples& out) { out.Add(TopHealth(r.target, r.state).ok_streak); }},
    {{"ipvs_check_duration_seconds", MetricType::kSummary, "How long conclusive runs took.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       out.AddSumAndCount(r.state.duration_seconds,
                          r.state.results[static_cast<std::size_t>(Outcome::kSuccess)] +
                              r.state.results[static_cast<std::size_t>(Outcome::kFailure)]);
     }},
    {{"ipvs_check_phase_seconds",
      kGauge,
      "How long the steps of the last conclusive run took; a step that did not finish is absent.",
      kProbeLabels,
      {"phase"}},
     [](const TargetRow& r, Samples& out) {
       const probes::Phases& phases = r.state.phases;
       AddPhase(out, "connect", phases.connect);
       AddPhase(out, "tls", phases.tls);
       AddPhase(out, "write", phases.write);
       AddPhase(out, "first_byte", phases.first_byte);
       AddPhase(out, "body", phases.body);
       AddPhase(out, "total", r.state.total);
     }},
    {{"ipvs_check_http_status_code", kGauge, "HTTP status of the last conclusive run.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (r.state.http_status) out.Add(std::uint64_t{*r.state.http_status});
     }},
    {{"ipvs_check_tls_not_after_timestamp_seconds",
      kGauge,
      "When the certificate, or the first one of its chain, expires; known even when verification "
      "fails.",
      kProbeLabels,
      {"position"}},
     [](const TargetRow& r, Samples& out) {
       if (!r.state.certificate) return;
       const probes::CertificateFacts& facts = *r.state.certificate;
       const auto seconds = [](std::chrono::sys_seconds time) {
         return std::int64_t{time.time_since_epoch().count()};
       };
       out.Add({"leaf"}, seconds(facts.leaf_not_after));
       out.Add({"chain_earliest"}, seconds(facts.chain_earliest_not_after));
     }},
    {{"ipvs_check_tls_verified", kGauge,
      "Whether the certificate passed verification, also where the probe does not ask for it.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (r.state.certificate) out.Add(r.state.certificate->verified);
     }},
    {{"ipvs_check_icmp_round_trip_seconds", kGauge, "Round trip of the last echo that came back.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (r.state.round_trip) out.Add(WholeMicroseconds(*r.state.round_trip));
     }},
    {{"ipvs_check_icmp_sent_total", kCounter, "Echo requests sent to the server.", kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (IsIcmp(r)) out.Add(r.state.icmp_sent);
     }},
    {{"ipvs_check_icmp_received_total", kCounter, "Echo replies received, duplicates excluded.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (IsIcmp(r)) out.Add(r.state.icmp_received);
     }},
};

constexpr Column<TargetRow> kFullColumns[] = {
    {{"ipvs_check_failures_total",
      kCounter,
      "Failed and inconclusive runs by reason, since each reason was first seen.",
      kProbeLabels,
      {"layer", "reason"}},
     [](const TargetRow& r, Samples& out) {
       for (const auto& [reason, count] : r.state.failures) {
         const auto layer = probes::LayerOf(reason);
         out.Add({layer ? probes::Name(*layer) : "", probes::Name(reason)}, count);
       }
     }},
    {{"ipvs_check_tls_info",
      kGauge,
      "TLS version of the last handshake; always 1.",
      kProbeLabels,
      {"version"}},
     [](const TargetRow& r, Samples& out) {
       if (r.state.certificate) out.Add({r.state.certificate->version}, true);
     }},
    {{"ipvs_check_tls_certificate_info",
      kGauge,
      "The certificate of the last full handshake; always 1.",
      kProbeLabels,
      {"sha256", "issuer"}},
     [](const TargetRow& r, Samples& out) {
       if (!r.state.certificate) return;
       out.Add({HexOf(r.state.certificate->leaf_sha256), r.state.certificate->issuer}, true);
     }},
    {{"ipvs_check_http_body_bytes", kGauge, "Body that was read in the last conclusive run.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (r.state.http_body_bytes) out.Add(*r.state.http_body_bytes);
     }},
    {{"ipvs_check_icmp_duplicates_total", kCounter, "Echo replies that came more than once.",
      kProbeLabels},
     [](const TargetRow& r, Samples& out) {
       if (IsIcmp(r)) out.Add(r.state.icmp_duplicates);
     }},
};

constexpr Column<BackendRow> kBackendColumns[] = {
    {{"ipvs_backend_up", kGauge,
      "Verdict of the checker on a backend: 1 up, 0 down; absent until known.", kBackendLabels},
     [](const BackendRow& r, Samples& out) {
       if (r.health.verdict != Verdict::kUnknown) out.Add(r.health.verdict == Verdict::kUp);
     }},
    {{"ipvs_backend_health_state",
      kGauge,
      "State of a backend; exactly one is 1.",
      kBackendLabels,
      {"state"}},
     [](const BackendRow& r, Samples& out) {
       for (const BackendState state : kBackendStates) {
         out.Add({Name(state)}, r.health.state == state);
       }
     }},
    {{"ipvs_backend_transitions_total",
      kCounter,
      "Changes of a backend's verdict; the first verdict is none.",
      kBackendLabels,
      {"to"}},
     [](const BackendRow& r, Samples& out) {
       out.Add({"up"}, r.health.transitions_up);
       out.Add({"down"}, r.health.transitions_down);
     }},
    {{"ipvs_backend_last_transition_timestamp_seconds", kGauge,
      "When the verdict last changed; absent until it did.", kBackendLabels},
     [](const BackendRow& r, Samples& out) {
       if (r.health.last_transition) out.Add(Timestamp(*r.health.last_transition));
     }},
    {{"ipvs_backend_down_reason",
      kGauge,
      "Why a backend is down, by its lowest failing layer; always 1, and only while it is down.",
      kBackendLabels,
      {"layer", "reason"}},
     [](const BackendRow& r, Samples& out) {
       if (r.health.verdict != Verdict::kDown) return;
       const auto layer = probes::LayerOf(r.health.down_reason);
       out.Add({layer ? probes::Name(*layer) : "", probes::Name(r.health.down_reason)}, true);
     }},
    {{"ipvs_backend_down_seconds_total", kCounter,
      "Time that a backend has been in state down since the exporter knows it.", kBackendLabels},
     [](const BackendRow& r, Samples& out) { out.Add(DownSeconds(r.health, r.now)); }},
    {{"ipvs_backend_flapping", kGauge,
      "1 from flap_threshold transitions inside flap_window until one window without any.",
      kBackendLabels},
     [](const BackendRow& r, Samples& out) { out.Add(r.health.flapping); }},
    {{"ipvs_backend_role",
      kGauge,
      "What a backend is for, as the configuration says; always 1.",
      kBackendLabels,
      {"role"}},
     [](const BackendRow& r, Samples& out) { out.Add({Name(r.backend.role)}, true); }},
    {{"ipvs_backend_in_table", kGauge,
      "Whether the kernel's table has the backend; absent while the table cannot be read. A "
      "removed one stays known for absent_retention, a day while it is down, or for ever when it "
      "is expected.",
      kBackendLabels},
     [](const BackendRow& r, Samples& out) {
       if (r.plan.table_known) out.Add(r.backend.in_table);
     }},
    {{"ipvs_backend_expected", kGauge, "Whether the configuration speaks of the backend.",
      kBackendLabels},
     [](const BackendRow& r, Samples& out) { out.Add(r.backend.expected); }},
    {{"ipvs_backend_expected_weight", kGauge,
      "Weight that the configuration expects, where it does.", kBackendLabels},
     [](const BackendRow& r, Samples& out) {
       if (r.backend.expected_weight) out.Add(*r.backend.expected_weight);
     }},
    {{"ipvs_backend_disagreement",
      kGauge,
      "1 where verdict and kernel table disagree: up but not in the table, up but with weight 0, "
      "or down but with a weight.",
      kBackendLabels,
      {"kind"}},
     [](const BackendRow& r, Samples& out) {
       if (!r.plan.table_known) return;
       const auto found = DisagreementOf(MemberOf(r.backend, r.health));
       for (const Disagreement kind : kDisagreements) out.Add({Name(kind)}, found == kind);
     }},
};

constexpr Column<BackendRow> kCheckInfoColumns[] = {
    {{"ipvs_backend_check_info",
      kGauge,
      "Joins a backend to its targets; always 1. gating: the target's verdict counts for the "
      "backend.",
      kBackendLabels,
      {"probe", "type", "address", "port", "via", "gating"}},
     [](const BackendRow& r, Samples& out) {
       for (const TargetUse& use : r.backend.targets) {
         const Target& target = r.plan.targets[use.target];
         const TargetKey& key = target.key;
         out.Add({key.probe, probes::Name(target.probe->probe().type), lvs::ToString(key.address),
                  std::to_string(key.port), key.via ? lvs::ToString(*key.via) : std::string(),
                  use.gating ? "true" : "false"},
                 true);
       }
     }},
};

// Shared with the ipvs collector, which lists it.
constexpr Column<ServiceRow> kSharedServiceColumns[] = {
    {ipvs::kServiceBackends,
     [](const ServiceRow& r, Samples& out) {
       if (!r.plan.table_known) return;
       for (const Standing standing : kStandings) {
         out.Add({Name(standing)}, r.health.standings[static_cast<std::size_t>(standing)]);
       }
     }},
};

constexpr Column<ServiceRow> kServiceColumns[] = {
    {{"ipvs_service_state",
      kGauge,
      "What a service has left; exactly one is 1. spof: one usable real server of several.",
      kServiceLabels,
      {"state"}},
     [](const ServiceRow& r, Samples& out) {
       for (const ServiceState state : kServiceStates) {
         out.Add({Name(state)}, r.health.state == state);
       }
     }},
    {{"ipvs_service_active", kGauge,
      "Whether this director carries the service's traffic: a VIP is local here, and VRRP does not "
      "say otherwise. A mark has the VIPs of the configuration, else those of the rules that feed "
      "it, "
      "else it goes with the director's role; absent where nothing tells.",
      kServiceLabels},
     [](const ServiceRow& r, Samples& out) {
       if (r.health.active) out.Add(*r.health.active);
     }},
    {{"ipvs_service_check_duration_seconds", kHistogram,
      "How long the conclusive runs took that count for a service's backends.", kServiceLabels},
     [](const ServiceRow& r, Samples& out) {
       out.AddHistogram(kDurationBounds, r.health.durations.counts, r.health.durations.sum);
     }},
    {{"ipvs_service_distinct_certificates", kGauge,
      "Different certificates among the real servers of a service; absent without TLS probes.",
      kServiceLabels},
     [](const ServiceRow& r, Samples& out) {
       if (r.health.distinct_certificates) out.Add(*r.health.distinct_certificates);
     }},
};

constexpr Column<Snapshot> kSnapshotColumns[] = {
    {{"ipvs_backend_arp_leak",
      kGauge,
      "1 where a real server answers ARP or neighbour solicitations for a VIP (arp_ignore), or "
      "announces it (arp_announce); over IPv6 the VIP is on its network card. An unknown hardware "
      "address has an empty remote_address.",
      kNoLabels,
      {"local_address", "remote_address", "interface", "kind"}},
     [](const Snapshot& s, Samples& out) {
       for (const probes::ArpLeak& row : s.arp) {
         out.Add({lvs::ToString(row.vip), row.server ? lvs::ToString(*row.server) : std::string(),
                  row.interface, Name(row.kind)},
                 row.leaking);
       }
     }},
    {{"ipvs_checker_in_flight", kGauge, "Runs of probes that are on.", kNoLabels},
     [](const Snapshot& s, Samples& out) { out.Add(s.loop.in_flight); }},
    {{"ipvs_checker_lag_seconds", kHistogram,
      "How late the checker's loop served a timer that is due every 100 ms.", kNoLabels},
     [](const Snapshot& s, Samples& out) {
       out.AddHistogram(kDelayBounds, s.loop.lag.counts, s.loop.lag.sum);
     }},
    {{"ipvs_checker_start_delay_seconds", kHistogram,
      "How late runs started, held back by limits included.", kNoLabels},
     [](const Snapshot& s, Samples& out) {
       out.AddHistogram(kDelayBounds, s.loop.start_delay.counts, s.loop.start_delay.sum);
     }},
    {{"ipvs_checker_skipped_total",
      kCounter,
      "Runs that were due and left out: the loop was late, or a limit held them back.",
      kNoLabels,
      {"reason"}},
     [](const Snapshot& s, Samples& out) {
       out.Add({"late"}, s.loop.skipped_late);
       out.Add({"throttled"}, s.loop.skipped_throttled);
     }},
};

}  // namespace

std::vector<const MetricInfo*> DescribeSnapshot() {
  return Describe(kServiceColumns, kBackendColumns, kCheckInfoColumns, kMinimalColumns,
                  kStandardColumns, kFullColumns, kSnapshotColumns);
}

Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot) {
  const auto services = [snapshot](const auto& visit) {
    const Plan& plan = *snapshot->plan;
    for (std::size_t i = 0; i < plan.services.size(); ++i) {
      visit(ServiceRow{plan, snapshot->services[i]}, plan.services[i].labels);
    }
  };
  const auto backends = [snapshot](const auto& visit) {
    const Plan& plan = *snapshot->plan;
    for (std::size_t i = 0; i < plan.backends.size(); ++i) {
      visit(BackendRow{plan, plan.backends[i], snapshot->backends[i], snapshot->steady},
            plan.backends[i].labels);
    }
  };
  const auto targets = [snapshot](const auto& visit) {
    const Plan& plan = *snapshot->plan;
    for (std::size_t i = 0; i < plan.targets.size(); ++i) {
      visit(TargetRow{plan.targets[i], *snapshot->targets[i]}, plan.targets[i].labels);
    }
  };
  const auto whole = [snapshot](const auto& visit) { visit(*snapshot, ""); };

  const MetricsLevel level = snapshot->plan->configuration->metrics_level;
  Families families;
  Render(kSharedServiceColumns, services, families);
  Render(kServiceColumns, services, families);
  Render(kBackendColumns, backends, families);
  if (level >= MetricsLevel::kStandard) Render(kCheckInfoColumns, backends, families);
  Render(kMinimalColumns, targets, families);
  if (level >= MetricsLevel::kStandard) Render(kStandardColumns, targets, families);
  if (level >= MetricsLevel::kFull) Render(kFullColumns, targets, families);
  Render(kSnapshotColumns, whole, families);
  return families;
}

}  // namespace lvs::checker
