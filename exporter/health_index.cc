#include "exporter/health_index.h"

namespace lvs {

HealthIndex::HealthIndex(const checker::Snapshot* snapshot) : snapshot_(snapshot) {
  if (snapshot == nullptr) return;
  for (std::uint32_t i = 0; i < snapshot->services.size(); ++i) {
    services_.emplace(snapshot->plan->services[i].key, i);
  }
}

std::optional<std::uint32_t> HealthIndex::FindService(const ipvs::ServiceKey& key) const {
  const auto found = services_.find(key);
  if (found == services_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint32_t> HealthIndex::FindBackend(std::uint32_t service,
                                                      const ipvs::BackendKey& key) const {
  const checker::PlannedService& planned = snapshot_->plan->services[service];
  for (std::uint32_t i = 0; i < planned.backend_count; ++i) {
    const std::uint32_t position = planned.first_backend + i;
    if (snapshot_->plan->backends[position].key == key) return position;
  }
  return std::nullopt;
}

}  // namespace lvs
