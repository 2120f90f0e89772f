#include "exporter/status_page/hosts.h"

#include <algorithm>
#include <map>

namespace lvs::status {
namespace {

bool IsRealServer(const BackendView& backend) {
  return backend.health != nullptr && backend.planned->role == checker::Role::kReal;
}

bool IsDown(const BackendView& backend) {
  return backend.health->state == checker::BackendState::kDown;
}

// Hosts that are down in some service, with all of those.
std::map<Address, DownHost> DownSomewhere(const StatusView& view) {
  std::map<Address, DownHost> hosts;
  for (const ServiceView& service : view.services) {
    for (const BackendView& backend : service.backends) {
      if (!IsRealServer(backend) || !IsDown(backend)) continue;
      DownHost& host = hosts[backend.key.address];
      host.address = backend.key.address;
      if (host.first == nullptr) host.first = &backend;
      if (host.services.empty() || host.services.back() != &service) {
        host.services.push_back(&service);
      }
    }
  }
  return hosts;
}

}  // namespace

std::vector<DownHost> DownHosts(const StatusView& view) {
  std::map<Address, DownHost> hosts = DownSomewhere(view);
  std::erase_if(hosts, [](const auto& entry) { return entry.second.services.size() < 2; });
  if (hosts.empty()) return {};
  for (const ServiceView& service : view.services) {
    for (const BackendView& backend : service.backends) {
      if (IsRealServer(backend) && !IsDown(backend)) hosts.erase(backend.key.address);
    }
  }
  std::vector<DownHost> down;
  for (auto& [address, host] : hosts) down.push_back(std::move(host));
  return down;
}

bool IsExplainedBy(const std::vector<DownHost>& hosts, const ServiceView& service) {
  if (hosts.empty() || service.health == nullptr) return false;
  const checker::ServiceState state = service.health->state;
  if (state != checker::ServiceState::kOk && state != checker::ServiceState::kDegraded) {
    return false;
  }
  return std::ranges::all_of(service.backends, [&](const BackendView& backend) {
    return backend.level == Level::kFine ||
           std::ranges::binary_search(hosts, backend.key.address, {}, &DownHost::address);
  });
}

}  // namespace lvs::status
