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
  std::vector<std::uint32_t> kin;
  const auto of_server =
      std::ranges::equal_range(by_address_, plan.targets[target].key.address, {},
                               [&](std::uint32_t i) { return plan.targets[i].key.address; });
  kin.assign(of_server.begin(),
             of_server.begin() + std::min<std::ptrdiff_t>(kMostOfServer, of_server.size()));
  AddOfServices(plan, target, kin);
  std::ranges::sort(kin);
  kin.erase(std::ranges::unique(kin).begin(), kin.end());
  std::erase(kin, target);
  return kin;
}

}  // namespace lvs::checker
