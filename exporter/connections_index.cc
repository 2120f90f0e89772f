#include "exporter/connections_index.h"

namespace lvs {

ConnectionsIndex::ConnectionsIndex(const connections::Snapshot* snapshot) {
  if (snapshot == nullptr || snapshot->error) return;
  for (const connections::ServiceSummary& service : snapshot->summary.services) {
    services_.emplace(service.key, &service);
  }
}

const connections::ServiceSummary* ConnectionsIndex::Find(const ipvs::ServiceKey& key) const {
  const auto found = services_.find(key);
  return found == services_.end() ? nullptr : found->second;
}

}  // namespace lvs
