#include "exporter/status_page/view.h"

#include <algorithm>

#include "exporter/connections_index.h"
#include "exporter/health_index.h"

namespace lvs::status {
namespace {

using checker::Disagreement;
using checker::Role;
using checker::ServiceState;
using checker::Verdict;

Level LevelOf(ServiceState state) {
  switch (state) {
    case ServiceState::kOk:
      return Level::kFine;
    case ServiceState::kUnknown:
      return Level::kUnknown;
    case ServiceState::kDegraded:
    case ServiceState::kSpof:
    case ServiceState::kBackup:
      return Level::kWarning;
    case ServiceState::kSorry:
    case ServiceState::kDown:
      break;
  }
  return Level::kCritical;
}

// Draining and maintenance are meant; a spare server that is absent is, too.
Level LevelOf(const BackendView& backend) {
  if (backend.health == nullptr) return Level::kUnknown;
  if (backend.disagreement == Disagreement::kUnhealthyActive) return Level::kCritical;
  if (backend.disagreement || backend.health->flapping) return Level::kWarning;
  switch (backend.health->state) {
    case checker::BackendState::kDown:
      return Level::kWarning;
    case checker::BackendState::kUnknown:
      return Level::kUnknown;
    case checker::BackendState::kUp:
    case checker::BackendState::kDrain:
    case checker::BackendState::kMaintenance:
      break;
  }
  return Level::kFine;
}

// Puts one service after the other together.
class Maker {
 public:
  Maker(const ipvs::Table* table, const checker::Snapshot* snapshot,
        const connections::Snapshot* connections)
      : table_(table), snapshot_(snapshot), index_(snapshot), connections_(connections) {}

  std::optional<std::uint32_t> Find(const ipvs::ServiceKey& key) const {
    return index_.FindService(key);
  }

  // kernel and known: at least one is there.
  ServiceView Make(const ipvs::ServiceKey& key, const ipvs::Service* kernel,
                   std::optional<std::uint32_t> known) const {
    ServiceView service{.key = key, .kernel = kernel};
    if (known) {
      service.planned = &snapshot_->plan->services[*known];
      service.health = &snapshot_->services[*known];
    }
    service.connections = connections_.Find(key);
    AddBackends(service, known);
    service.level = service.health != nullptr ? LevelOf(service.health->state) : Level::kUnknown;
    for (const BackendView& backend : service.backends) {
      service.level = std::max(service.level, backend.level);
    }
    return service;
  }

 private:
  void AddBackends(ServiceView& service, std::optional<std::uint32_t> known) const {
    std::vector<bool> found(known ? service.planned->backend_count : 0);
    if (service.kernel != nullptr) {
      for (const ipvs::Backend& backend : service.kernel->backends) {
        const auto position = known ? index_.FindBackend(*known, backend.key) : std::nullopt;
        if (position) found[*position - service.planned->first_backend] = true;
        service.backends.push_back(MakeBackend(backend.key, &backend, position));
      }
    }
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      const std::uint32_t position = service.planned->first_backend + i;
      if (found[i]) continue;
      const ipvs::BackendKey& key = snapshot_->plan->backends[position].key;
      service.backends.push_back(MakeBackend(key, nullptr, position));
    }
  }

  BackendView MakeBackend(const ipvs::BackendKey& key, const ipvs::Backend* kernel,
                          std::optional<std::uint32_t> position) const {
    BackendView backend{.key = key, .kernel = kernel};
    if (position) {
      backend.planned = &snapshot_->plan->backends[*position];
      backend.health = &snapshot_->backends[*position];
      // Without a table of now nobody can say what it lacks.
      if (table_ != nullptr && snapshot_->plan->table_known) {
        backend.disagreement = DisagreementOf(MemberOf(backend));
      }
    }
    backend.level = LevelOf(backend);
    return backend;
  }

  const ipvs::Table* table_;
  const checker::Snapshot* snapshot_;
  HealthIndex index_;
  ConnectionsIndex connections_;
};

}  // namespace

std::string_view Name(Level level) {
  constexpr std::string_view kNames[] = {"fine", "unknown", "warning", "critical"};
  return kNames[static_cast<std::size_t>(level)];
}

StatusView MakeView(const ipvs::Table* table, const checker::Snapshot* snapshot,
                    const connections::Snapshot* connections) {
  if (connections != nullptr && connections->error) connections = nullptr;
  StatusView view{table, snapshot, connections, {}};
  const Maker maker(table, snapshot, connections);
  std::vector<bool> found(snapshot != nullptr ? snapshot->services.size() : 0);
  if (table != nullptr) {
    for (const ipvs::Service* service : InOrder(*table)) {
      const std::optional<std::uint32_t> known = maker.Find(service->key);
      if (known) found[*known] = true;
      view.services.push_back(maker.Make(service->key, service, known));
    }
  }
  for (std::uint32_t i = 0; i < found.size(); ++i) {
    if (found[i]) continue;
    view.services.push_back(maker.Make(snapshot->plan->services[i].key, nullptr, i));
  }
  return view;
}

checker::Member MemberOf(const BackendView& backend) {
  return {backend.planned->role, backend.health->verdict, backend.health->state,
          backend.kernel != nullptr, backend.kernel != nullptr ? backend.kernel->weight : 0};
}

std::string_view StateName(const ServiceView& service) {
  return service.health != nullptr ? Name(service.health->state) : "unchecked";
}

std::string_view StateName(const BackendView& backend) {
  return backend.health != nullptr ? Name(backend.health->state) : "unchecked";
}

std::string GivenName(const ServiceView& service) {
  if (service.planned == nullptr || service.planned->name == ToString(service.key)) return "";
  return service.planned->name;
}

std::string KernelName(const ipvs::ServiceKey& key) {
  if (key.protocol != ipvs::Protocol::kFwmark) return ToString(key);
  return "mark " + std::to_string(key.fwmark) + " " + Name(key.address.family);
}

std::string AnchorOf(const ipvs::ServiceKey& key) {
  std::string anchor = KernelName(key);
  std::ranges::replace_if(
      anchor, [](char c) { return c == ' ' || c == ':' || c == '/' || c == '[' || c == ']'; }, '-');
  return "service-" + anchor;
}

}  // namespace lvs::status
