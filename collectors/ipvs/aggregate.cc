#include "collectors/ipvs/aggregate.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "collectors/ipvs/labels.h"
#include "collectors/metric.h"

namespace lvs::ipvs {
namespace {

std::string LabelNames() {
  std::string names;
  for (const std::string_view label : kBackendLabels) {
    if (!names.empty()) names += ", ";
    names += label;
  }
  return names;
}

Counters operator+(const Counters& a, const Counters& b) {
  return {a.connections + b.connections, a.incoming_packets + b.incoming_packets,
          a.outgoing_packets + b.outgoing_packets, a.incoming_bytes + b.incoming_bytes,
          a.outgoing_bytes + b.outgoing_bytes};
}

template <class T>
std::optional<T> Sum(const std::optional<T>& a, const std::optional<T>& b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

void AddTo(Backend& sum, const Backend& backend) {
  sum.weight += backend.weight;
  sum.active_connections += backend.active_connections;
  sum.inactive_connections += backend.inactive_connections;
  sum.persistence_templates = Sum(sum.persistence_templates, backend.persistence_templates);
  sum.counters = Sum(sum.counters, backend.counters);
}

Backend Zero() {
  Backend zero;
  zero.persistence_templates = 0;
  zero.counters = Counters{};
  return zero;
}

}  // namespace

Result<BackendLabelSet> ParseBackendLabels(std::string_view list) {
  std::vector<std::string_view> wanted;
  if (list.ends_with(',')) return Error{ErrorCode::kInvalidInput, "ends with a comma"};
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (std::ranges::find(kBackendLabels, name) == std::end(kBackendLabels)) {
      return Error{ErrorCode::kInvalidInput, "unknown backend label \"" + std::string(name) +
                                                 "\", expected some of " + LabelNames()};
    }
    if (std::ranges::find(wanted, name) != wanted.end()) {
      return Error{ErrorCode::kInvalidInput,
                   "backend label \"" + std::string(name) + "\" is given twice"};
    }
    wanted.push_back(name);
  }
  BackendLabelSet in_order;
  for (const std::string_view label : kBackendLabels) {
    if (std::ranges::find(wanted, label) != wanted.end()) in_order.push_back(label);
  }
  return in_order;
}

AggregatedBackends Aggregate(const Table& table, const BackendLabelSet& labels) {
  AggregatedBackends rows;
  std::unordered_map<std::string, std::size_t> row_of_labels;
  for (const Service& service : table.services) {
    for (const Backend& backend : service.backends) {
      std::string text;
      for (const std::string_view label : labels) {
        AppendLabel(text, label, BackendLabelValue(label, service.key, backend.key));
      }
      const auto [entry, is_new] = row_of_labels.try_emplace(text, rows.size());
      if (is_new) rows.push_back({text, Zero()});
      AddTo(rows[entry->second].sum, backend);
    }
  }
  return rows;
}

}  // namespace lvs::ipvs
