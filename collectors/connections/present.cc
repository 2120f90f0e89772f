#include "collectors/connections/present.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace lvs::connections {
namespace {

using BackendId = std::pair<ipvs::ServiceKey, ipvs::BackendKey>;

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

// What there is now, as far as the snapshot's level needs it.
class Present {
 public:
  Present(const ipvs::Table& table, Level level) {
    for (const ipvs::Service& service : table.services) {
      services_.insert(service.key);
      if (level < Level::kBackend) continue;
      for (const ipvs::Backend& backend : service.backends) {
        backends_.emplace(service.key, backend.key);
      }
    }
  }

  bool Has(const ServiceSummary& service) const { return services_.contains(service.key); }
  bool Has(const ServiceSummary& service, const BackendSummary& backend) const {
    return backends_.contains(BackendId(service.key, backend.key));
  }
  bool HasAllOf(const ServiceSummary& service) const {
    return Has(service) && std::ranges::all_of(service.backends, [&](const BackendSummary& b) {
             return Has(service, b);
           });
  }

 private:
  std::set<ipvs::ServiceKey> services_;
  std::set<BackendId> backends_;
};

}  // namespace

std::shared_ptr<const Snapshot> OnlyPresent(std::shared_ptr<const Snapshot> snapshot,
                                            const ipvs::Table& table) {
  const std::vector<ServiceSummary>& seen = snapshot->summary.services;
  if (seen.empty() || IsTableOf(*snapshot, table)) return snapshot;
  const Present present(table, snapshot->summary.level);
  if (std::ranges::all_of(seen, [&](const auto& service) { return present.HasAllOf(service); })) {
    return snapshot;
  }
  auto left = std::make_shared<Snapshot>(*snapshot);
  std::vector<ServiceSummary>& services = left->summary.services;
  std::erase_if(services, [&](const ServiceSummary& service) { return !present.Has(service); });
  for (ServiceSummary& service : services) {
    std::erase_if(service.backends,
                  [&](const BackendSummary& backend) { return !present.Has(service, backend); });
  }
  return left;
}

}  // namespace lvs::connections
