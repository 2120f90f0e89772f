#include "exporter/status_page.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "collectors/ipvs/words.h"
#include "collectors/utf8.h"
#include "exporter/build_info.h"
#include "exporter/health_index.h"
#include "exporter/log.h"

namespace lvs {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--dim:#777}
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.3rem;margin:0}
nav a{margin-right:1rem}
.bad{border-left:4px solid #c33;padding:.4rem .8rem;background:#c331}
.dim{color:var(--dim)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.2rem .7rem .2rem 0;white-space:nowrap}
thead th{font-weight:600;border-bottom:1px solid var(--line)}
.n{text-align:right;font-variant-numeric:tabular-nums}
tr.service th{padding-top:.9rem;border-bottom:1px solid var(--line)}
tr.service th span{font-weight:400}
tr.idle td{color:var(--dim)}
b.up,b.ok{color:#2a7d2a}
b.down,b.sorry{color:#c33}
b.spof,b.degraded,b.backup,b.drain,b.maintenance{color:#b36b00}
h2{font-size:1.05rem;margin:1.4rem 0 .3rem}
)";

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : ReplaceInvalidUtf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Cell(std::uint64_t number) { return "<td class=n>" + std::to_string(number) + "</td>"; }

std::string Cell(const std::optional<std::uint64_t>& number) {
  return number ? Cell(*number) : "<td class=n>?</td>";
}

std::string Cell(std::string_view text) { return "<td>" + Escape(text) + "</td>"; }

std::optional<std::uint64_t> Of(const std::optional<ipvs::Counters>& counters,
                                std::uint64_t ipvs::Counters::*member) {
  if (!counters) return std::nullopt;
  return (*counters).*member;
}

std::string ForwardName(const ipvs::Backend& backend) {
  std::string name(ipvs::ForwardText(backend.forward));
  const std::string_view tunnel = ipvs::TunnelText(backend);
  return tunnel.empty() ? name : name + " (" + std::string(tunnel) + ")";
}

// Replies of a server that is not behind masquerading do not pass the director: 0 would look like
// an outage.
std::string OutgoingCell(const ipvs::Backend& backend) {
  const auto bytes = Of(backend.counters, &ipvs::Counters::outgoing_bytes);
  if (backend.forward == ipvs::ForwardMethod::kMasquerade || bytes.value_or(0) != 0) {
    return Cell(bytes);
  }
  return "<td class=n title=\"replies do not pass the director\">&ndash;</td>";
}

std::string WeightCell(const ipvs::Backend& backend) {
  return backend.weight != 0 ? Cell(backend.weight) : "<td class=n>0, drained</td>";
}

// Marks as people type them, with the hexadecimal digits of the page behind.
std::string ServiceName(const ipvs::ServiceKey& key) {
  if (key.protocol != ipvs::Protocol::kFwmark) return ToString(key);
  return "mark " + std::to_string(key.fwmark) + " " + Name(key.address.family);
}

// A state's name in its colour; names are words of our own.
std::string StateText(std::string_view state) {
  return "<b class=" + std::string(state) + ">" + std::string(state) + "</b>";
}

std::string ReasonText(probes::Reason reason) {
  const auto layer = probes::LayerOf(reason);
  return (layer ? std::string(Name(*layer)) + " " : "") + std::string(Name(reason));
}

// "3 failures" of the target that has most, while a streak against the verdict is pending.
std::string StreakText(const checker::Snapshot& snapshot, const checker::PlannedBackend& backend) {
  std::uint32_t failures = 0;
  std::uint32_t successes = 0;
  for (const checker::TargetUse& use : backend.targets) {
    const checker::Health& health =
        TopHealth(snapshot.plan->targets[use.target], *snapshot.targets[use.target]);
    if (health.verdict != checker::Verdict::kDown) {
      failures = std::max(failures, health.fail_streak);
    } else {
      successes = std::max(successes, health.ok_streak);
    }
  }
  if (failures > 0) return ", failing: " + std::to_string(failures) + " in a row";
  if (successes > 0) return ", recovering: " + std::to_string(successes) + " in a row";
  return "";
}

// "down l4 connect_refused since 2026-11-22T14:05:00.000Z".
std::string HealthCell(const HealthIndex& index, std::optional<std::uint32_t> position) {
  if (!position) return "<td class=dim>not checked</td>";
  const checker::Snapshot& snapshot = *index.snapshot();
  const checker::PlannedBackend& backend = snapshot.plan->backends[*position];
  const checker::BackendHealth& health = snapshot.backends[*position];
  std::string cell = "<td>" + StateText(Name(health.state));
  if (backend.role != checker::Role::kReal) cell += " (" + std::string(Name(backend.role)) + ")";
  if (health.verdict == checker::Verdict::kDown) cell += " " + ReasonText(health.down_reason);
  cell += StreakText(snapshot, backend);
  if (health.flapping) cell += ", flapping";
  if (health.known_since) {
    cell += " <span class=dim>since " + FormatTime(*health.known_since) + "</span>";
  }
  return cell + "</td>";
}

// A backend that the kernel does not show.
std::string AbsentBackendRow(const HealthIndex& index, std::uint32_t position) {
  const checker::PlannedBackend& backend = index.snapshot()->plan->backends[position];
  return "<tr class=idle>" + Cell(ToString(backend.key)) + HealthCell(index, position) +
         "<td colspan=8>not in the kernel's table</td></tr>\n";
}

std::string AbsentBackendRows(const HealthIndex& index, std::uint32_t service) {
  std::string rows;
  const checker::Plan& plan = *index.snapshot()->plan;
  const checker::PlannedService& planned = plan.services[service];
  for (std::uint32_t i = 0; i < planned.backend_count; ++i) {
    const std::uint32_t position = planned.first_backend + i;
    if (!plan.backends[position].in_table) rows += AbsentBackendRow(index, position);
  }
  return rows;
}

std::string BackendRow(const ipvs::Backend& backend, const std::string& health_cell) {
  std::string row = backend.weight == 0 ? "<tr class=idle>" : "<tr>";
  row += Cell(ToString(backend.key)) + health_cell + Cell(ForwardName(backend));
  row += WeightCell(backend) + Cell(backend.active_connections);
  row += Cell(backend.inactive_connections) + Cell(backend.persistence_templates);
  row += Cell(Of(backend.counters, &ipvs::Counters::connections));
  row += Cell(Of(backend.counters, &ipvs::Counters::incoming_bytes));
  row += OutgoingCell(backend);
  return row + "</tr>\n";
}

// "rr", "sh (sh-port)", "wlc, ppc for 300 s".
std::string ServiceDetails(const ipvs::Service& service) {
  std::string details = service.scheduler;
  if (const std::string flags = ipvs::FlagsText(service); !flags.empty()) {
    details += " (" + flags + ")";
  }
  if (const std::string_view kind = ipvs::PersistenceKind(service); kind != "none") {
    details += ", persistent: " + std::string(kind);
    if (service.persistence_timeout) {
      details += " for " + std::to_string(*service.persistence_timeout) + " s";
    }
  }
  if (service.backends.empty()) details += ", no backends";
  return details;
}

// The name that the configuration gives comes first, then what the kernel calls it.
std::string ServiceHead(const HealthIndex& index, const ipvs::ServiceKey& key,
                        std::optional<std::uint32_t> known, const std::string& details) {
  std::string head = "<tr class=service><th colspan=10>";
  const std::string kernel_name = ServiceName(key);
  if (!known) return head + Escape(kernel_name) + " <span class=dim>" + Escape(details);
  const checker::Snapshot& snapshot = *index.snapshot();
  const checker::ServiceHealth& health = snapshot.services[*known];
  const std::string& name = snapshot.plan->services[*known].name;
  if (name != ToString(key)) head += Escape(name) + " ";
  head += Escape(kernel_name) + " " + StateText(Name(health.state)) + " <span class=dim>";
  head += Escape(details);
  if (health.active) head += *health.active ? ", carried here" : ", VIP not on this host";
  return head;
}

std::string ServiceRows(const ipvs::Service& service, const HealthIndex& index) {
  const std::optional<std::uint32_t> known = index.FindService(service.key);
  std::string rows =
      ServiceHead(index, service.key, known, ServiceDetails(service)) + "</span></th></tr>\n";
  for (const ipvs::Backend& backend : service.backends) {
    const auto position = known ? index.FindBackend(*known, backend.key) : std::nullopt;
    rows += BackendRow(backend, HealthCell(index, position));
  }
  if (known) rows += AbsentBackendRows(index, *known);
  return rows;
}

// A service that the configuration declares and the kernel does not show.
std::string AbsentServiceRows(const HealthIndex& index, std::uint32_t service) {
  const ipvs::ServiceKey& key = index.snapshot()->plan->services[service].key;
  return ServiceHead(index, key, service, "not in the kernel's table") + "</span></th></tr>\n" +
         AbsentBackendRows(index, service);
}

std::string EventRow(const checker::Event& event) {
  std::string change = Escape(event.from.empty() ? event.to : event.from + " \u2192 " + event.to);
  if (event.kind == checker::Event::Kind::kTable) change = "kernel table: " + change;
  if (event.kind == checker::Event::Kind::kArp) {
    change = "ARP: " + change + " " + Escape(event.detail);
  }
  if (event.reason != probes::Reason::kNone) change += " " + ReasonText(event.reason);
  return "<tr>" + Cell(FormatTime(event.at)) + Cell(event.service) +
         Cell(event.backend ? ToString(*event.backend) : "") + "<td>" + change + "</td></tr>\n";
}

std::string LastEvents(const checker::Snapshot* health) {
  constexpr std::size_t kShown = 20;
  if (health == nullptr || health->events->empty()) return "";
  std::string html = "<h2>Last changes</h2>\n<div class=scroll><table><tbody>\n";
  for (std::size_t i = 0; i < std::min(kShown, health->events->size()); ++i) {
    html += EventRow(*(*health->events)[i]);
  }
  return html + "</tbody></table></div>\n";
}

std::string Trouble(const ipvs::LatestReading* latest) {
  if (latest == nullptr) return "<p class=bad>The IPVS table has not been read yet.</p>\n";
  if (latest->error) return "<p class=bad>" + Escape(latest->error->message) + "</p>\n";
  return "";
}

std::string Reading(const ipvs::LatestReading& latest) {
  std::string html = "<p class=dim>IPVS";
  if (latest.table->info) html += " " + Escape(latest.table->info->version);
  return html + ", " + std::to_string(latest.table->services.size()) + " services, read at " +
         FormatTime(latest.read_at) + ".</p>\n";
}

// table: null when none was read yet.
std::string ServicesTable(const ipvs::Table* table, const HealthIndex& index) {
  std::string html =
      "<div class=scroll><table><thead><tr><th>backend</th><th>health</th><th>forward</th><th "
      "class=n>weight</th>"
      "<th class=n>active</th><th class=n>inactive</th><th class=n>templates</th>"
      "<th class=n>connections</th><th class=n>bytes in</th><th class=n>bytes out</th></tr></thead>"
      "<tbody>\n";
  if (table != nullptr) {
    for (const ipvs::Service* service : InOrder(*table)) html += ServiceRows(*service, index);
  }
  const checker::Snapshot* health = index.snapshot();
  for (std::uint32_t i = 0; health != nullptr && i < health->services.size(); ++i) {
    if (!health->plan->services[i].in_table) html += AbsentServiceRows(index, i);
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string StatusPage(const ipvs::LatestReading* latest, const checker::Snapshot* health,
                       const std::string& telemetry_path) {
  std::string html = "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n";
  html +=
      "<meta name=viewport content=\"width=device-width\">\n"
      "<meta http-equiv=refresh content=5>\n"
      "<title>ipvs_exporter</title>\n";
  html.append("<style>").append(kStyle).append("</style></head><body>\n");
  html += "<h1>ipvs_exporter <span class=dim>" + Escape(ThisBuild().version) + "</span></h1>\n";
  html += "<nav><a href=\"" + Escape(telemetry_path) +
          "\">metrics</a><a href=/api/v1/services>services as JSON</a>"
          "<a href=/api/v1/events>events as JSON</a>"
          "<a href=/-/healthy>healthy</a><a href=/-/ready>ready</a></nav>\n";
  html += Trouble(latest);
  const ipvs::Table* table = latest != nullptr ? latest->table.get() : nullptr;
  if (table != nullptr) html += Reading(*latest);
  if (table != nullptr || health != nullptr) html += ServicesTable(table, HealthIndex(health));
  html += LastEvents(health);
  return html + "</body></html>\n";
}

// A test compares it with the style above, and says what it should be.
std::string StatusPagePolicy() {
  return "default-src 'none'; style-src 'sha256-dxZGjTQWKPNNVTLbaJq2ZCnXrXIwJ5UTuOEyqW+qN6o='";
}

}  // namespace lvs
