// What the ARP watch sees, as events: leaks that begin or end.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "collectors/checker/plan.h"
#include "collectors/checker/snapshot.h"
#include "collectors/probes/arp_watch.h"

namespace lvs::checker {

// What to watch for a plan: its VIPs with the real servers that have them, too, because the kernel
// routes packets to them (forward method route).
std::vector<probes::ArpWatch::Subject> ArpSubjects(const Plan& plan);

// Remembers the leaks that were told. Owned by the checker's loop.
class ArpEvents {
 public:
  // rows: all that the watch sees now. Leaks that have begun since the last call, then those that
  // have ended, as of now.
  std::vector<Event> Changes(const std::vector<probes::ArpLeak>& rows, WallTime now);

 private:
  using Key = std::tuple<Address, std::optional<Address>, std::string, probes::ArpLeak::Kind>;

  std::map<Key, probes::ArpLeak> leaks_;
};

}  // namespace lvs::checker
