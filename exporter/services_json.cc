#include "exporter/services_json.h"

#include <nlohmann/json.hpp>

#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/words.h"
#include "exporter/log.h"

namespace lvs {
namespace {

using Json = nlohmann::ordered_json;

void AddCounters(Json& object, const std::optional<ipvs::Counters>& counters) {
  if (!counters) return;
  object["connections_total"] = counters->connections;
  object["incoming_packets_total"] = counters->incoming_packets;
  object["outgoing_packets_total"] = counters->outgoing_packets;
  object["incoming_bytes_total"] = counters->incoming_bytes;
  object["outgoing_bytes_total"] = counters->outgoing_bytes;
}

Json BackendAsJson(const ipvs::Service& service, const ipvs::Backend& backend) {
  Json object;
  for (const std::string_view label : {"remote_address", "remote_port"}) {
    object[std::string(label)] = ipvs::BackendLabelValue(label, service, backend);
  }
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

Json ServiceAsJson(const ipvs::Service& service) {
  Json object;
  object["name"] = ToString(service.key);
  for (const std::string_view label : ipvs::kServiceLabels) {
    object[std::string(label)] = ipvs::ServiceLabelValue(label, service.key);
  }
  object["scheduler"] = service.scheduler;
  object["flags"] = ipvs::FlagsText(service);
  object["persistence"] = ipvs::PersistenceKind(service);
  if (service.persistence_timeout) {
    object["persistence_timeout_seconds"] = *service.persistence_timeout;
  }
  object["netmask"] = ipvs::NetmaskText(service);
  object["pe"] = service.persistence_engine;
  AddCounters(object, service.counters);
  object["backends"] = Json::array();
  for (const ipvs::Backend& backend : service.backends) {
    object["backends"].push_back(BackendAsJson(service, backend));
  }
  return object;
}

std::string Dump(const Json& object) {
  constexpr int kCompact = -1;
  return object.dump(kCompact, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string ServicesAsJson(const ipvs::LatestReading& latest) {
  Json head;
  head["up"] = latest.up;
  head["error"] = latest.error ? Json(latest.error->message) : Json();
  head["read_at"] = FormatTime(latest.read_at);
  std::string text = Dump(head);
  text.pop_back();  // the closing brace: the list comes before it
  text += ",\"services\":[";
  // Service by service: the objects of a large table would need several times its text.
  const char* separator = "";
  for (const ipvs::Service* service : InOrder(*latest.table)) {
    text.append(separator).append(Dump(ServiceAsJson(*service)));
    separator = ",";
  }
  return text + "]}\n";
}

}  // namespace lvs
