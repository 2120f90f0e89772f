// Where the checker's snapshot knows what the kernel's table shows.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "collectors/checker/snapshot.h"
#include "collectors/ipvs/table.h"

namespace lvs {

// Looks services and backends up by their keys. The snapshot must outlive it; it may be null, then
// nothing is found.
class HealthIndex {
 public:
  explicit HealthIndex(const checker::Snapshot* snapshot);

  const checker::Snapshot* snapshot() const { return snapshot_; }

  // Positions in the snapshot.
  std::optional<std::uint32_t> FindService(const ipvs::ServiceKey& key) const;
  std::optional<std::uint32_t> FindBackend(std::uint32_t service,
                                           const ipvs::BackendKey& key) const;

 private:
  const checker::Snapshot* snapshot_;
  std::map<ipvs::ServiceKey, std::uint32_t> services_;
};

}  // namespace lvs
