// Targets that may change together: those of one server, and those of one service.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/checker/plan.h"

namespace lvs::checker {

// An index over the targets of a plan. Immutable once made; does not keep the plan.
class Kin {
 public:
  // So many of a server, and so many of its services, are found at most: in a large pool verdicts
  // come close together by themselves, because the starts of so many targets are.
  static constexpr std::size_t kMostOfServer = 64;
  static constexpr std::size_t kMostOfServices = 64;

  Kin() = default;
  explicit Kin(const Plan& plan);

  // The targets beside this one with the same address, and those of the services that use it, each
  // once. plan: the one that the index was made of.
  std::vector<std::uint32_t> Of(const Plan& plan, std::uint32_t target) const;

 private:
  std::vector<std::uint32_t> by_address_;  // positions of targets, in the order of their addresses
};

}  // namespace lvs::checker
