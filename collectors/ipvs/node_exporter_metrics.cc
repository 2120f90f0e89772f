#include "collectors/ipvs/node_exporter_metrics.h"

#include "collectors/ipvs/labels.h"

namespace lvs::ipvs {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

// In the order in which node_exporter's page has them: sorted by name.
constexpr std::string_view kNodeLabels[] = {"local_address", "local_mark",     "local_port",
                                            "proto",         "remote_address", "remote_port"};

// node_exporter reads /proc/net/ip_vs_stats, which holds the estimator's totals.
template <std::uint64_t Counters::*kMember>
void AddTotal(const Table& table, Samples& out) {
  if (table.estimator_totals) out.Add((*table.estimator_totals).*kMember);
}

constexpr Column<Table> kTotals[] = {
    {{"node_ipvs_connections_total", kCounter, "The total number of connections made.", {}},
     AddTotal<&Counters::connections>},
    {{"node_ipvs_incoming_bytes_total", kCounter, "The total amount of incoming data.", {}},
     AddTotal<&Counters::incoming_bytes>},
    {{"node_ipvs_incoming_packets_total", kCounter, "The total number of incoming packets.", {}},
     AddTotal<&Counters::incoming_packets>},
    {{"node_ipvs_outgoing_bytes_total", kCounter, "The total amount of outgoing data.", {}},
     AddTotal<&Counters::outgoing_bytes>},
    {{"node_ipvs_outgoing_packets_total", kCounter, "The total number of outgoing packets.", {}},
     AddTotal<&Counters::outgoing_packets>},
};

constexpr Column<AggregatedBackend> kBackends[] = {
    {{"node_ipvs_backend_connections_active", kGauge,
      "The current active connections by local and remote address.", kNodeLabels},
     [](const AggregatedBackend& b, Samples& out) { out.Add(b.sum.active_connections); }},
    {{"node_ipvs_backend_connections_inactive", kGauge,
      "The current inactive connections by local and remote address.", kNodeLabels},
     [](const AggregatedBackend& b, Samples& out) { out.Add(b.sum.inactive_connections); }},
    {{"node_ipvs_backend_weight", kGauge, "The current backend weight by local and remote address.",
      kNodeLabels},
     [](const AggregatedBackend& b, Samples& out) { out.Add(b.sum.weight); }},
};

// The chosen labels that node_exporter knows, in its order.
BackendLabelSet NodeLabels(const BackendLabelSet& chosen) {
  BackendLabelSet labels;
  for (const std::string_view label : kNodeLabels) {
    for (const std::string_view name : chosen) {
      if (name == label) labels.push_back(label);
    }
  }
  return labels;
}

}  // namespace

std::vector<const MetricInfo*> DescribeNodeExporterMetrics() {
  std::vector<const MetricInfo*> infos;
  for (const auto& column : kTotals) infos.push_back(&column.info);
  for (const auto& column : kBackends) infos.push_back(&column.info);
  return infos;
}

void RenderNodeExporterMetrics(const std::shared_ptr<const Table>& table,
                               const BackendLabelSet& labels, Families& families) {
  const auto rows = std::make_shared<const AggregatedBackends>(
      table->services_known ? Aggregate(*table, NodeLabels(labels)) : AggregatedBackends());
  Render(
      kTotals, [table](const auto& visit) { visit(*table, ""); }, families);
  Render(
      kBackends,
      [rows](const auto& visit) {
        for (const AggregatedBackend& row : *rows) visit(row, row.labels);
      },
      families);
}

}  // namespace lvs::ipvs
