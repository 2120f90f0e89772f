// What a director is to its pair, concluded from the best evidence there is. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collectors/director/vrrp.h"
#include "collectors/ipvs/table.h"

namespace lvs::director {

enum class Role : std::uint8_t { kMaster, kBackup, kFault, kUnknown };
inline constexpr Role kRoles[] = {Role::kMaster, Role::kBackup, Role::kFault, Role::kUnknown};
// "master", "backup", "fault", "unknown".
std::string_view Name(Role role);

// What a role is concluded from, best first.
enum class Evidence : std::uint8_t {
  kVrrp,   // keepalived says so
  kVip,    // the VIPs are local here, or are not
  kAlone,  // there is no other director
  kNone
};
inline constexpr Evidence kEvidence[] = {Evidence::kVrrp, Evidence::kVip, Evidence::kAlone,
                                         Evidence::kNone};
// "vrrp", "vip", "alone", "none".
std::string_view Name(Evidence evidence);

struct Conclusion {
  Role role = Role::kUnknown;
  Evidence evidence = Evidence::kNone;

  bool operator==(const Conclusion&) const = default;
};

// Where the VIPs are, the most telling of them.
enum class VipPlace : std::uint8_t {
  kUnknown,  // there is no VIP, or we could not look
  kElsewhere,
  kSilent,  // delivered here, but on no network card: so it is on a standby, or where VIPs are
            // routed
  kOnCard
};

// Whether some instances are master and others are not, as on directors that share the work: what
// goes with one instance (the sync daemon, a VIP) does not follow from the role.
bool HasMixedRoles(const std::vector<VrrpInstance>& instances);

// What the conclusion rests on.
struct RoleFacts {
  std::vector<VrrpInstance> instances = {};  // empty: keepalived cannot be asked
  bool instances_are_all = true;             // none of those that are expected is missing
  VipPlace vips = VipPlace::kUnknown;
  // The one role of the connection sync daemon that runs; absent: none, both, or not known.
  std::optional<ipvs::SyncDaemon::Role> sync_role = {};
  unsigned directors = 1;
};

// With VRRP: master if any instance is master, else backup if any is, else fault if any is, else
// unknown (stopped, or before its election). Where it does not tell of all instances and a VIP is
// on a network card, that decides. Without VRRP a single director is master; one of several is so
// if a VIP is on a network card, backup if all VIPs are elsewhere, and between the two what its
// sync daemon is, else master.
Conclusion Conclude(const RoleFacts& facts);

}  // namespace lvs::director
