#include "collectors/connections/present.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace lvs::connections {
namespace {

using BackendId = std::pair<ipvs::ServiceKey, ipvs::BackendKey>;

struct Members {
  std::set<ipvs::ServiceKey> services;
  std::set<BackendId> backends;
};

// Whether the pass met just these services and backends, in this order: as nearly always.
bool IsTableOf(const Snapshot& snapshot, const ipvs::Table& table) {
  return std::ranges::equal(
      snapshot.summary.services, table.services, [](const auto& seen, const auto& now) {
        const bool told = !seen.backends.empty();  // at Level::kBackend
        return seen.key == now.key &&
               (!told || std::ranges::equal(seen.backends, now.backends, {}, &BackendSummary::key,
                                            &ipvs::Backend::key));
      });
}

Members MembersOf(const ipvs::Table& table) {
  Members members;
  for (const ipvs::Service& service : table.services) {
    members.services.insert(service.key);
    for (const ipvs::Backend& backend : service.backends) {
      members.backends.emplace(service.key, backend.key);
    }
  }
  return members;
}

}  // namespace

std::shared_ptr<const Snapshot> OnlyPresent(std::shared_ptr<const Snapshot> snapshot,
                                            const ipvs::Table& table) {
  if (IsTableOf(*snapshot, table)) return snapshot;
  const Members members = MembersOf(table);
  auto present = std::make_shared<Snapshot>(*snapshot);
  std::vector<ServiceSummary>& services = present->summary.services;
  std::erase_if(services, [&](const ServiceSummary& service) {
    return !members.services.contains(service.key);
  });
  for (ServiceSummary& service : services) {
    std::erase_if(service.backends, [&](const BackendSummary& backend) {
      return !members.backends.contains(BackendId(service.key, backend.key));
    });
  }
  return present;
}

}  // namespace lvs::connections
