#include "collectors/checker/kin.h"

#include <algorithm>
#include <numeric>

namespace lvs::checker {
namespace {

// Those of the services that use the target, one service after the other, some of them more than
// once.
void AddOfServices(const Plan& plan, std::uint32_t target, std::vector<std::uint32_t>& kin) {
  const std::size_t most = kin.size() + Kin::kMostOfServices;
  for (const std::uint32_t user : plan.targets[target].users) {
    const PlannedService& service = plan.services[plan.backends[user].service];
    for (std::uint32_t i = 0; i < service.backend_count; ++i) {
      for (const TargetUse& use : plan.backends[service.first_backend + i].targets) {
        if (kin.size() == most) return;
        kin.push_back(use.target);
      }
    }
  }
}

}  // namespace

Kin::Kin(const Plan& plan) : by_address_(plan.targets.size()) {
  std::iota(by_address_.begin(), by_address_.end(), 0);
  std::ranges::stable_sort(by_address_, {},
                           [&](std::uint32_t i) { return plan.targets[i].key.address; });
}

std::vector<std::uint32_t> Kin::Of(const Plan& plan, std::uint32_t target) const {
  const auto address_of = [&](std::uint32_t i) { return plan.targets[i].key.address; };
  const Address& address = plan.targets[target].key.address;
  std::vector<std::uint32_t> kin;
  for (auto i = std::ranges::lower_bound(by_address_, address, {}, address_of);
       i != by_address_.end() && address_of(*i) == address && kin.size() < kMostOfServer; ++i) {
    kin.push_back(*i);
  }
  AddOfServices(plan, target, kin);
  std::ranges::sort(kin);
  kin.erase(std::unique(kin.begin(), kin.end()), kin.end());
  std::erase(kin, target);
  return kin;
}

}  // namespace lvs::checker
