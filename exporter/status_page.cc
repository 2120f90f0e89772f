#include "exporter/status_page.h"

#include <string_view>

#include "collectors/ipvs/words.h"
#include "collectors/utf8.h"
#include "exporter/build_info.h"
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

std::string BackendName(const ipvs::Backend& backend) {
  const std::string address = ToString(backend.key.address);
  const bool ipv6 = backend.key.address.family == AddressFamily::kIpv6;
  if (backend.key.port == 0) return address;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(backend.key.port);
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

std::string BackendRow(const ipvs::Backend& backend) {
  std::string row = backend.weight == 0 ? "<tr class=idle>" : "<tr>";
  row += Cell(BackendName(backend)) + Cell(ForwardName(backend));
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

std::string ServiceRows(const ipvs::Service& service) {
  std::string rows = "<tr class=service><th colspan=9>" + Escape(ServiceName(service.key)) +
                     " <span class=dim>" + Escape(ServiceDetails(service)) + "</span></th></tr>\n";
  for (const ipvs::Backend& backend : service.backends) rows += BackendRow(backend);
  return rows;
}

std::string Trouble(const ipvs::LatestReading* latest) {
  if (latest == nullptr) return "<p class=bad>The IPVS table has not been read yet.</p>\n";
  if (latest->error) return "<p class=bad>" + Escape(latest->error->message) + "</p>\n";
  return "";
}

std::string ServicesTable(const ipvs::LatestReading& latest) {
  std::string html = "<p class=dim>IPVS";
  if (latest.table->info) html += " " + Escape(latest.table->info->version);
  html += ", " + std::to_string(latest.table->services.size()) + " services, read at " +
          FormatTime(latest.read_at) + ".</p>\n";
  html +=
      "<div class=scroll><table><thead><tr><th>backend</th><th>forward</th><th class=n>weight</th>"
      "<th class=n>active</th><th class=n>inactive</th><th class=n>templates</th>"
      "<th class=n>connections</th><th class=n>bytes in</th><th class=n>bytes out</th></tr></thead>"
      "<tbody>\n";
  for (const ipvs::Service* service : InOrder(*latest.table)) html += ServiceRows(*service);
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string StatusPage(const ipvs::LatestReading* latest, const std::string& telemetry_path) {
  std::string html = "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n";
  html += "<meta name=viewport content=\"width=device-width\">\n<title>ipvs_exporter</title>\n";
  html.append("<style>").append(kStyle).append("</style></head><body>\n");
  html += "<h1>ipvs_exporter <span class=dim>" + Escape(ThisBuild().version) + "</span></h1>\n";
  html += "<nav><a href=\"" + Escape(telemetry_path) +
          "\">metrics</a><a href=/api/v1/services>services as JSON</a>"
          "<a href=/-/healthy>healthy</a><a href=/-/ready>ready</a></nav>\n";
  html += Trouble(latest);
  if (latest != nullptr && latest->table) html += ServicesTable(*latest);
  return html + "</body></html>\n";
}

// A test compares it with the style above, and says what it should be.
std::string StatusPagePolicy() {
  return "default-src 'none'; style-src 'sha256-8lX45DGEUHRdPg2R2iYLbYeCi976Lllmiazhkt8AOPU='";
}

}  // namespace lvs
