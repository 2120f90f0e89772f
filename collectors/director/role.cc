#include "collectors/director/role.h"

#include <algorithm>

namespace lvs::director {
namespace {

Role RoleByVrrp(const std::vector<VrrpInstance>& instances) {
  const auto any_is = [&](VrrpState state) {
    return std::ranges::find(instances, state, &VrrpInstance::state) != instances.end();
  };
  if (any_is(VrrpState::kMaster)) return Role::kMaster;
  if (any_is(VrrpState::kBackup)) return Role::kBackup;
  if (any_is(VrrpState::kFault)) return Role::kFault;
  return Role::kUnknown;
}

Role RoleByVips(const RoleFacts& facts) {
  switch (facts.vips) {
    case VipPlace::kUnknown:
      break;
    case VipPlace::kElsewhere:
      return Role::kBackup;
    case VipPlace::kSilent:
      return facts.sync_role == ipvs::SyncDaemon::Role::kBackup ? Role::kBackup : Role::kMaster;
    case VipPlace::kOnCard:
      return Role::kMaster;
  }
  return Role::kUnknown;
}

}  // namespace

std::string_view Name(Role role) {
  switch (role) {
    case Role::kMaster:
      return "master";
    case Role::kBackup:
      return "backup";
    case Role::kFault:
      return "fault";
    case Role::kUnknown:
      break;
  }
  return "unknown";
}

std::string_view Name(Evidence evidence) {
  switch (evidence) {
    case Evidence::kVrrp:
      return "vrrp";
    case Evidence::kVip:
      return "vip";
    case Evidence::kAlone:
      return "alone";
    case Evidence::kNone:
      break;
  }
  return "none";
}

bool HasMixedRoles(const std::vector<VrrpInstance>& instances) {
  const auto masters = std::ranges::count(instances, VrrpState::kMaster, &VrrpInstance::state);
  return masters > 0 && static_cast<std::size_t>(masters) < instances.size();
}

Conclusion Conclude(const RoleFacts& facts) {
  const bool may_be_another = !facts.instances_are_all && facts.vips == VipPlace::kOnCard;
  if (!facts.instances.empty() && !may_be_another) {
    return {RoleByVrrp(facts.instances), Evidence::kVrrp};
  }
  if (facts.directors == 1) return {Role::kMaster, Evidence::kAlone};
  return {RoleByVips(facts), facts.vips == VipPlace::kUnknown ? Evidence::kNone : Evidence::kVip};
}

}  // namespace lvs::director
