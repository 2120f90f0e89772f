// The rows of a service's table of backends. On a narrow screen each row is a card, where every
// cell carries its column's name.

#include <array>
#include <cstddef>

#include "collectors/ipvs/words.h"
#include "exporter/status_page/condition.h"
#include "exporter/status_page/html.h"
#include "exporter/status_page/services.h"
#include "exporter/status_page/share.h"

namespace lvs::status {
namespace {

enum class Column {
  kBackend,
  kHealth,
  kWeight,
  kShare,
  kActive,
  kInactive,
  kTemplates,
  kTraffic,
};

constexpr std::array<std::string_view, 8> kColumns = {
    "backend", "health", "weight", "share", "active", "inactive", "templates", "traffic so far"};

// What only the script can tell, and what stands there without it.
constexpr std::string_view kShareHead =
    "<th>share<span class=scriptless> so far</span>"
    "<span class=scripted>, last minute</span></th>";

std::string Cell(Column column, std::string_view attributes, const std::string& content) {
  return "<td data-l=\"" + std::string(kColumns[static_cast<std::size_t>(column)]) + "\"" +
         std::string(attributes) + ">" + content + "</td>";
}

// A number in few letters, with all of it behind; "?" where the kernel does not tell.
std::string Number(std::optional<std::uint64_t> number, std::string (*text)(std::uint64_t)) {
  if (!number) return "?";
  const std::string exact = std::to_string(*number);
  const std::string shown = text(*number);
  return shown == exact ? shown : "<span title=\"" + exact + "\">" + shown + "</span>";
}

std::string CountCell(Column column, std::optional<std::uint64_t> number) {
  return Cell(column, " class=n", Number(number, ShortCount));
}

std::optional<std::uint64_t> Of(const std::optional<ipvs::Counters>& counters,
                                std::uint64_t ipvs::Counters::*member) {
  if (!counters) return std::nullopt;
  return (*counters).*member;
}

// Replies of a server that is not behind masquerading do not pass the director: 0 would look like
// an outage.
std::string Outgoing(const ipvs::Backend& backend) {
  const auto bytes = Of(backend.counters, &ipvs::Counters::outgoing_bytes);
  if (backend.forward == ipvs::ForwardMethod::kMasquerade || bytes.value_or(0) != 0) {
    return Number(bytes, ShortBytes);
  }
  return "<span title=\"replies do not pass the director\">&ndash;</span>";
}

std::string TrafficCell(const ipvs::Backend& backend) {
  return Cell(Column::kTraffic, " class=n",
              Number(Of(backend.counters, &ipvs::Counters::connections), ShortCount) +
                  " conn. <small>in " +
                  Number(Of(backend.counters, &ipvs::Counters::incoming_bytes), ShortBytes) +
                  "</small> <small>out " + Outgoing(backend) + "</small>");
}

std::string WeightCell(const BackendView& backend) {
  const std::uint64_t weight = backend.kernel->weight;
  std::string text = std::to_string(weight);
  if (weight == 0) text += " <small>drained</small>";
  const bool drifts = backend.planned != nullptr && backend.planned->expected_weight &&
                      *backend.planned->expected_weight != weight;
  if (drifts) {
    text += " <small>expected: " + std::to_string(*backend.planned->expected_weight) + "</small>";
  }
  return Cell(Column::kWeight, " class=n data-f", text);
}

// A bar of what it gets, with a mark at what it is due.
std::string ShareCell(const std::optional<double>& counted, const std::optional<double>& due) {
  const auto width = [](double share) { return "\"" + std::to_string(share * 100) + "%\""; };
  std::string html = "<svg class=bar aria-hidden=true><rect class=got height=\"100%\" width=" +
                     width(counted.value_or(0)) + "/>";
  if (due) html += "<rect class=due height=\"100%\" width=2 x=" + width(*due) + "/>";
  html += "</svg><span class=part>" + (counted ? Percent(*counted) : "none yet") + "</span>";
  if (due) html += " <small>due: " + Percent(*due) + "</small>";
  return Cell(Column::kShare, " class=share", html);
}

std::string ForwardText(const ipvs::Backend& backend) {
  const std::string_view tunnel = ipvs::TunnelText(backend);
  std::string text(ipvs::ForwardText(backend.forward));
  if (!tunnel.empty()) text += " (" + std::string(tunnel) + ")";
  return text;
}

bool ExpectsAnything(const ServiceView& service) {
  for (const BackendView& backend : service.backends) {
    if (backend.planned != nullptr && backend.planned->expected) return true;
  }
  return false;
}

// "route, backup server, at most 100 connections".
std::string Facts(const ServiceView& service, const BackendView& backend) {
  std::string facts = backend.kernel != nullptr ? ForwardText(*backend.kernel) : "";
  const auto add = [&facts](const std::string& fact) {
    facts += (facts.empty() ? "" : ", ") + fact;
  };
  if (backend.planned != nullptr) {
    const checker::Role role = backend.planned->role;
    if (role != checker::Role::kReal) add(std::string(Name(role)) + " server");
    if (!backend.planned->expected && ExpectsAnything(service)) add("not in the configuration");
  }
  if (backend.kernel != nullptr && backend.kernel->upper_threshold != 0) {
    add("at most " + Counted(backend.kernel->upper_threshold, "connection", "connections"));
  }
  return facts;
}

std::string KernelCells(const BackendView& view, const std::optional<double>& counted,
                        const std::optional<double>& due) {
  const ipvs::Backend& backend = *view.kernel;
  return WeightCell(view) + ShareCell(counted, due) +
         CountCell(Column::kActive, backend.active_connections) +
         CountCell(Column::kInactive, backend.inactive_connections) +
         CountCell(Column::kTemplates, backend.persistence_templates) + TrafficCell(backend);
}

std::string AbsentCell(const BackendView& backend) {
  std::string text = "<td class=absent colspan=6>" + Sign("absent") + "not in the kernel's table";
  if (backend.planned->role != checker::Role::kReal) text += ": it is added when it is needed";
  return text + "</td>";
}

// What the script counts new connections by.
std::string CounterAttribute(const ipvs::Backend* kernel) {
  if (kernel == nullptr || !kernel->counters) return "";
  return " data-c=" + std::to_string(kernel->counters->connections);
}

}  // namespace

std::string BackendColumns() {
  std::string html = "<thead><tr>";
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    const auto column = static_cast<Column>(i);
    const std::string head(kColumns[i]);
    if (column == Column::kShare) {
      html += kShareHead;
    } else if (column == Column::kBackend || column == Column::kHealth) {
      html += "<th>" + head + "</th>";
    } else {
      html += "<th class=n>" + head + "</th>";
    }
  }
  return html + "</tr></thead>";
}

std::string BackendRows(const ServiceView& service, const checker::Snapshot* snapshot,
                        std::size_t count) {
  std::vector<std::optional<double>> counted;
  std::vector<std::optional<double>> due;
  if (service.kernel != nullptr) {
    counted = CountedShares(*service.kernel);
    due = PromisedShares(*service.kernel);
  }
  std::string rows;
  for (const BackendView* backend : FirstBackends(service, count)) {
    const std::string key = ToString(backend->key);
    rows += "<tr class=" + std::string(Name(backend->level)) + " data-k=\"" + key + "\"" +
            CounterAttribute(backend->kernel) + ">";
    rows += Cell(Column::kBackend, "",
                 "<b>" + key + "</b> <small>" + Facts(service, *backend) + "</small>");
    rows += Cell(Column::kHealth, " data-f",
                 Condition(*backend, snapshot) + Checks(*backend, snapshot));
    if (backend->kernel != nullptr) {
      const auto position = static_cast<std::size_t>(backend - service.backends.data());
      rows += KernelCells(*backend, counted[position], due[position]);
    } else {
      rows += AbsentCell(*backend);
    }
    rows += "</tr>\n";
  }
  return rows;
}

}  // namespace lvs::status
