// Where the scan of the connection table knows what the kernel's table shows.
#pragma once

#include <map>

#include "collectors/connections/snapshot.h"

namespace lvs {

// Looks services up by their keys.
class ConnectionsIndex {
 public:
  // The snapshot must outlive it; it may be null, then nothing is found.
  explicit ConnectionsIndex(const connections::Snapshot* snapshot);

  // Null where there is nothing.
  const connections::ServiceSummary* Find(const ipvs::ServiceKey& key) const;

 private:
  std::map<ipvs::ServiceKey, const connections::ServiceSummary*> services_;
};

}  // namespace lvs
