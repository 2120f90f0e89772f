#include "exporter/connections_json.h"

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "exporter/log.h"

namespace lvs {
namespace {

using Json = nlohmann::ordered_json;
using connections::Position;
using connections::TemplateType;

// Those that are not 0, by their names.
Json NamedCounts(std::span<const std::string_view> names, std::span<const std::uint64_t> counts) {
  Json object = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) object[std::string(names[i])] = counts[i];
  }
  return object;
}

std::uint64_t Sum(std::span<const std::uint64_t> counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

// Templates by the seconds that they have left, without empty ranges.
Json RemainingAsJson(const connections::RemainingCounts& remaining) {
  Json list = Json::array();
  for (std::size_t i = 0; i < remaining.buckets.size(); ++i) {
    if (remaining.buckets[i] == 0) continue;
    Json range;
    if (i > 0) range["over_seconds"] = connections::kRemainingBounds[i - 1];
    if (i < connections::kRemainingBounds.size()) {
      range["up_to_seconds"] = connections::kRemainingBounds[i];
    }
    range["templates"] = remaining.buckets[i];
    list.push_back(std::move(range));
  }
  return list;
}

Json TypesAsJson(const connections::Summary& summary) {
  Json object;
  for (std::size_t type = 0; type < connections::kTemplateTypes; ++type) {
    const auto& counts = summary.templates[type];
    if (counts) object[std::string(connections::kTemplateTypeNames[type])] = Sum(counts->all);
  }
  return object;
}

}  // namespace

Json ConnectionTableAsJson(const connections::Snapshot* snapshot) {
  if (snapshot == nullptr) return Json();
  Json object;
  object["error"] = snapshot->error ? Json(snapshot->error->message) : Json();
  if (snapshot->error) return object;
  const connections::Summary& summary = snapshot->summary;
  object["scanned_at"] = FormatTime(snapshot->at);
  object["duration_seconds"] = std::chrono::duration<double>(snapshot->took).count();
  object["rows"] = snapshot->rows;
  object["truncated"] = summary.truncated;
  object["coverage_ratio"] = summary.coverage ? Json(*summary.coverage) : Json();
  if (summary.connections) object["connections"] = Sum(summary.connections->all);
  if (summary.orphan_connections) object["orphan_connections"] = Sum(*summary.orphan_connections);
  object["persistence_templates"] = TypesAsJson(summary);
  return object;
}

void AddConnections(Json& service, const connections::ServiceSummary& summary) {
  if (summary.states) {
    service["connection_states"] = NamedCounts(connections::kStateWords, *summary.states);
  }
  if (!summary.templates || (!summary.persistent && Sum(summary.templates->types) == 0)) return;
  Json templates;
  templates["types"] = NamedCounts(connections::kTemplateTypeNames, summary.templates->types);
  templates["remaining"] = RemainingAsJson(summary.templates->remaining);
  if (summary.drained) {
    templates["on_drained_backends"] =
        NamedCounts(connections::kTemplateStatusNames, *summary.drained);
  }
  service["persistence_templates"] = std::move(templates);
}

void AddConnections(Json& backend, const connections::BackendSummary& summary) {
  if (!summary.states) return;
  backend["connection_states"] = NamedCounts(connections::kStateWords, *summary.states);
}

}  // namespace lvs
