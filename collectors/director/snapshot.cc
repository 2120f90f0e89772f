#include "collectors/director/snapshot.h"

#include <algorithm>

namespace lvs::director {

bool Carries(const Snapshot& snapshot, const Address& vip) {
  const bool vrrp_says_no =
      snapshot.conclusion.evidence == Evidence::kVrrp && snapshot.conclusion.role != Role::kMaster;
  if (!vrrp_says_no || !snapshot.vips) return true;
  const auto found = std::ranges::find(*snapshot.vips, vip, &Vip::address);
  return found == snapshot.vips->end() || found->on_network_card;
}

}  // namespace lvs::director
