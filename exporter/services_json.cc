#include "exporter/services_json.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/words.h"
#include "exporter/connections_index.h"
#include "exporter/connections_json.h"
#include "exporter/health_index.h"
#include "exporter/log.h"

namespace lvs {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& object) {
  constexpr int kCompact = -1;
  return object.dump(kCompact, ' ', false, Json::error_handler_t::replace);
}

void AddCounters(Json& object, const std::optional<ipvs::Counters>& counters) {
  if (!counters) return;
  object["connections_total"] = counters->connections;
  object["incoming_packets_total"] = counters->incoming_packets;
  object["outgoing_packets_total"] = counters->outgoing_packets;
  object["incoming_bytes_total"] = counters->incoming_bytes;
  object["outgoing_bytes_total"] = counters->outgoing_bytes;
}

Json ResultAsJson(const checker::RunRecord& record) {
  Json object;
  object["at"] = FormatTime(record.at);
  object["result"] = probes::Name(record.outcome);
  if (record.reason != probes::Reason::kNone) object["reason"] = probes::Name(record.reason);
  object["duration_seconds"] = checker::WholeMicroseconds(record.seconds);
  if (record.detail) object["detail"] = *record.detail;
  return object;
}

Json TargetAsJson(const checker::Target& target, const checker::TargetState& state, bool gating) {
  const checker::Health& health = TopHealth(target, state);
  Json object;
  object["probe"] = target.key.probe;
  object["type"] = probes::Name(target.probe->probe().type);
  object["address"] = ToString(target.key.address);
  object["port"] = target.key.port;
  if (target.key.via) object["via"] = ToString(*target.key.via);
  object["gating"] = gating;
  object["verdict"] = checker::Name(health.verdict);
  object["consecutive_failures"] = health.fail_streak;
  object["consecutive_successes"] = health.ok_streak;
  object["last_results"] = Json::array();
  for (std::size_t i = 0; i < state.history.size(); ++i) {
    object["last_results"].push_back(ResultAsJson(state.history[i]));
  }
  return object;
}

// Says whether the kernel's table has something, where that is known now.
void AddInTable(Json& object, const checker::Snapshot* snapshot, bool in_table) {
  if (snapshot == nullptr || snapshot->plan->table_known) object["in_table"] = in_table;
}

// kernel: null where the table that is shown does not have the backend.
Json HealthAsJson(const checker::Snapshot& snapshot, std::uint32_t backend,
                  const ipvs::Backend* kernel) {
  const checker::PlannedBackend& planned = snapshot.plan->backends[backend];
  const checker::BackendHealth& health = snapshot.backends[backend];
  Json object;
  object["state"] = checker::Name(health.state);
  object["verdict"] = checker::Name(health.verdict);
  if (health.known_since) object["since"] = FormatTime(*health.known_since);
  if (health.verdict == checker::Verdict::kDown) {
    object["reason"] = probes::Name(health.down_reason);
  }
  object["flapping"] = health.flapping;
  object["role"] = checker::Name(planned.role);
  object["expected"] = planned.expected;
  if (snapshot.plan->table_known) {
    const auto disagreement =
        checker::DisagreementOf({planned.role, health.verdict, health.state, kernel != nullptr,
                                 kernel != nullptr ? kernel->weight : 0});
    if (disagreement) object["disagreement"] = checker::Name(*disagreement);
  }
  object["checks"] = Json::array();
  for (const checker::TargetUse& use : planned.targets) {
    object["checks"].push_back(TargetAsJson(snapshot.plan->targets[use.target],
                                            *snapshot.targets[use.target], use.gating));
  }
  return object;
}

Json IdentityAsJson(const ipvs::ServiceKey& service, const ipvs::BackendKey& backend) {
  Json object;
  for (const std::string_view label : {"remote_address", "remote_port"}) {
    object[std::string(label)] = ipvs::BackendLabelValue(label, service, backend);
  }
  return object;
}

Json BackendAsJson(const ipvs::Service& service, const ipvs::Backend& backend,
                   const checker::Snapshot* snapshot) {
  Json object = IdentityAsJson(service.key, backend.key);
  AddInTable(object, snapshot, true);
  object["forward"] = ipvs::ForwardText(backend.forward);
  object["tunnel"] = ipvs::TunnelText(backend);
  object["weight"] = backend.weight;
  object["connections_active"] = backend.active_connections;
  object["connections_inactive"] = backend.inactive_connections;
  if (backend.persistence_templates) {
    object["persistence_templates"] = *backend.persistence_templates;
  }
  if (backend.upper_threshold != 0) {
    object["upper_threshold_connections"] = backend.upper_threshold;
  }
  if (backend.lower_threshold != 0) {
    object["lower_threshold_connections"] = backend.lower_threshold;
  }
  AddCounters(object, backend.counters);
  return object;
}

Json ServiceHead(const ipvs::ServiceKey& key, std::string name, const checker::Snapshot* snapshot,
                 bool in_table) {
  Json object;
  object["name"] = std::move(name);
  for (const std::string_view label : ipvs::kServiceLabels) {
    object[std::string(label)] = ipvs::ServiceLabelValue(label, key);
  }
  AddInTable(object, snapshot, in_table);
  return object;
}

void AddServiceHealth(Json& object, const checker::ServiceHealth& health) {
  object["state"] = checker::Name(health.state);
  if (health.active) object["active"] = *health.active;
}

// Backends of a service that only the checker knows: those not in found, which are positions in its
// plan. The plan's own in_table is of another moment than the table that is shown.
void AddAbsentBackends(Json& backends, const checker::Snapshot& snapshot, std::uint32_t service,
                       const std::set<std::uint32_t>& found) {
  const checker::PlannedService& planned = snapshot.plan->services[service];
  for (std::uint32_t i = 0; i < planned.backend_count; ++i) {
    const std::uint32_t position = planned.first_backend + i;
    if (found.contains(position)) continue;
    Json object = IdentityAsJson(planned.key, snapshot.plan->backends[position].key);
    AddInTable(object, &snapshot, false);
    object["health"] = HealthAsJson(snapshot, position, nullptr);
    backends.push_back(std::move(object));
  }
}

// What the scan found of a backend; null where it does not tell backends apart. position: of the
// backend in the kernel's table, which is the scan's, too, unless the table has changed since.
const connections::BackendSummary* FindBackend(const connections::ServiceSummary* scanned,
                                               const ipvs::BackendKey& key, std::size_t position) {
  if (scanned == nullptr) return nullptr;
  if (position < scanned->backends.size() && scanned->backends[position].key == key) {
    return &scanned->backends[position];
  }
  const auto found = std::ranges::find(scanned->backends, key, &connections::BackendSummary::key);
  return found == scanned->backends.end() ? nullptr : &*found;
}

Json ServiceAsJson(const ipvs::Service& service, const HealthIndex& index,
                   const connections::ServiceSummary* scanned) {
  const checker::Snapshot* snapshot = index.snapshot();
  const std::optional<std::uint32_t> known = index.FindService(service.key);
  Json object = ServiceHead(service.key,
                            known ? snapshot->plan->services[*known].name : ToString(service.key),
                            snapshot, true);
  if (known) AddServiceHealth(object, snapshot->services[*known]);
  object["scheduler"] = service.scheduler;
  object["flags"] = ipvs::FlagsText(service);
  object["persistence"] = ipvs::PersistenceKind(service);
  if (service.persistence_timeout) {
    object["persistence_timeout_seconds"] = *service.persistence_timeout;
  }
  object["netmask"] = ipvs::NetmaskText(service);
  object["pe"] = service.persistence_engine;
  AddCounters(object, service.counters);
  if (scanned != nullptr) AddConnections(object, *scanned);
  Json backends = Json::array();
  std::set<std::uint32_t> found;
  for (std::size_t i = 0; i < service.backends.size(); ++i) {
    const ipvs::Backend& backend = service.backends[i];
    backends.push_back(BackendAsJson(service, backend, snapshot));
    if (const auto* of_backend = FindBackend(scanned, backend.key, i)) {
      AddConnections(backends.back(), *of_backend);
    }
    const auto position = known ? index.FindBackend(*known, backend.key) : std::nullopt;
    if (!position) continue;
    found.insert(*position);
    backends.back()["health"] = HealthAsJson(*snapshot, *position, &backend);
  }
  if (known) AddAbsentBackends(backends, *snapshot, *known, found);
  object["backends"] = std::move(backends);
  return object;
}

Json AbsentServiceAsJson(const checker::Snapshot& snapshot, std::uint32_t service) {
  const checker::PlannedService& planned = snapshot.plan->services[service];
  Json object = ServiceHead(planned.key, planned.name, &snapshot, false);
  AddServiceHealth(object, snapshot.services[service]);
  Json backends = Json::array();
  AddAbsentBackends(backends, snapshot, service, {});
  object["backends"] = std::move(backends);
  return object;
}

Json EventAsJson(const checker::Event& event) {
  Json object;
  object["at"] = FormatTime(event.at);
  object["kind"] = checker::Name(event.kind);
  object["transition"] = event.transition;
  object["service"] = event.service;
  for (const std::string_view label : ipvs::kServiceLabels) {
    object[std::string(label)] = ipvs::ServiceLabelValue(label, event.service_key);
  }
  if (event.backend) object.update(IdentityAsJson(event.service_key, *event.backend));
  object["from"] = event.from;
  object["to"] = event.to;
  if (event.reason != probes::Reason::kNone) {
    const auto layer = probes::LayerOf(event.reason);
    if (layer) object["layer"] = probes::Name(*layer);
    object["reason"] = probes::Name(event.reason);
  }
  if (!event.target.empty()) object["check"] = event.target;
  if (!event.detail.empty()) object["detail"] = event.detail;
  if (event.results.empty()) return object;
  object["last_results"] = Json::array();
  for (const checker::RunRecord& record : event.results) {
    object["last_results"].push_back(ResultAsJson(record));
  }
  return object;
}

Json DiscoveryEntry(const std::string& name, const ipvs::ServiceKey& service,
                    const ipvs::BackendKey& backend) {
  Json labels;
  labels["__meta_ipvs_service"] = name;
  for (const std::string_view label : ipvs::kBackendLabels) {
    labels["__meta_ipvs_" + std::string(label)] = ipvs::BackendLabelValue(label, service, backend);
  }
  Json entry;
  entry["targets"] = {ToString(backend)};
  entry["labels"] = std::move(labels);
  return entry;
}

// Joins lists piece by piece: the objects of a large table would need several times their text.
class ListText {
 public:
  explicit ListText(std::string head) : text_(std::move(head)) { text_ += '['; }

  void Add(const Json& object) {
    text_.append(separator_).append(Dump(object));
    separator_ = ",";
  }
  std::string Finish(std::string_view tail) {
    text_.append("]").append(tail).append("\n");
    return std::move(text_);
  }

 private:
  std::string text_;
  const char* separator_ = "";
};

}  // namespace

std::string ServicesAsJson(const ipvs::LatestReading& latest, const checker::Snapshot* health,
                           const connections::Snapshot* connections) {
  Json head;
  head["up"] = latest.up;
  head["error"] = latest.error ? Json(latest.error->message) : Json();
  head["read_at"] = latest.table ? Json(FormatTime(latest.read_at)) : Json();
  head["connection_table"] = ConnectionTableAsJson(connections);
  std::string text = Dump(head);
  text.pop_back();  // the closing brace: the list comes before it
  ListText list(text + ",\"services\":");
  const HealthIndex index(health);
  const ConnectionsIndex scanned(connections);
  std::set<std::uint32_t> found;  // positions in the plan
  if (latest.table) {
    for (const ipvs::Service* service : InOrder(*latest.table)) {
      if (const auto known = index.FindService(service->key)) found.insert(*known);
      list.Add(ServiceAsJson(*service, index, scanned.Find(service->key)));
    }
  }
  for (std::uint32_t i = 0; health != nullptr && i < health->services.size(); ++i) {
    if (!found.contains(i)) list.Add(AbsentServiceAsJson(*health, i));
  }
  return list.Finish("}");
}

std::string EventsAsJson(const checker::Snapshot* health) {
  ListText list("{\"events\":");
  if (health != nullptr) {
    for (const auto& event : *health->events) list.Add(EventAsJson(*event));
  }
  return list.Finish("}");
}

std::string BackendsForDiscovery(const ipvs::LatestReading& latest,
                                 const checker::Snapshot* health) {
  ListText list("");
  if (health != nullptr) {
    for (const checker::PlannedBackend& backend : health->plan->backends) {
      const checker::PlannedService& service = health->plan->services[backend.service];
      Json entry = DiscoveryEntry(service.name, service.key, backend.key);
      entry["labels"]["__meta_ipvs_role"] = checker::Name(backend.role);
      if (health->plan->table_known) {
        entry["labels"]["__meta_ipvs_in_table"] = backend.in_table ? "true" : "false";
      }
      list.Add(entry);
    }
  } else if (latest.table) {
    for (const ipvs::Service* service : InOrder(*latest.table)) {
      for (const ipvs::Backend& backend : service->backends) {
        list.Add(DiscoveryEntry(ToString(service->key), service->key, backend.key));
      }
    }
  }
  return list.Finish("");
}

}  // namespace lvs
