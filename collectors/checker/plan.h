// What there is to check: the configuration and the kernel's table put together into services,
// their backends, and the targets that tell whether those work. Pure and immutable once made.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/checker/configuration.h"
#include "collectors/checker/verdicts.h"
#include "collectors/clock.h"
#include "collectors/ipvs/table.h"

namespace lvs::checker {

// Identity of a target: what makes a series of a probe unique. Services that share a server and
// name the same probe share its target.
struct TargetKey {
  std::string probe;
  Address address;
  std::uint16_t port = 0;      // 0 for icmp
  std::optional<Address> via;  // the VIP, for dr

  auto operator<=>(const TargetKey&) const = default;
};

// "page 192.168.1.102:443", "vip 192.168.1.102:80 via 192.168.1.111": how log lines name it.
std::string ToString(const TargetKey& key);

struct Target {
  TargetKey key;
  ProbePointer probe;
  std::string labels;  // label text of kProbeLabels
  std::vector<std::array<std::uint8_t, 6>> accept_macs;
  // All backends that it serves are behind masquerading.
  bool masqueraded = false;
  // Backends that use it, by position in Plan::backends.
  std::vector<std::uint32_t> users;
};

// The labels that name a target.
inline constexpr std::string_view kProbeLabels[] = {"probe", "type", "address", "port", "via"};

struct TargetUse {
  std::uint32_t target = 0;  // position in Plan::targets
  bool gating = true;        // its verdict counts for the backend
};

struct PlannedBackend {
  ipvs::BackendKey key;
  std::uint32_t service = 0;  // position in Plan::services
  std::string labels;         // label text of ipvs::kBackendLabels
  Role role = Role::kReal;
  bool maintenance = false;
  bool expected = false;  // the configuration speaks of it
  std::optional<std::uint64_t> expected_weight;
  bool in_table = false;
  std::uint64_t weight = 0;  // the kernel's; 0 when not in the table
  ipvs::ForwardMethod forward = ipvs::ForwardMethod::kRoute;
  // Since when it is missing in the table; absent while it is there, or never was.
  std::optional<Clock::time_point> absent_since;
  std::vector<TargetUse> targets;  // in the configuration's order
};

struct PlannedService {
  ipvs::ServiceKey key;
  std::string name;    // the configuration's, else the key's
  std::string labels;  // label text of ipvs::kServiceLabels
  bool in_table = false;
  std::vector<Address> vips;  // where clients reach it; empty for a mark of unknown addresses
  QuorumRules quorum;
  std::uint32_t first_backend = 0;  // position in Plan::backends
  std::uint32_t backend_count = 0;
};

struct Plan {
  std::shared_ptr<const Configuration> configuration;
  // Whether the kernel's table could ever be read; if not, in_table says nothing.
  bool table_known = false;
  std::vector<PlannedService> services;
  std::vector<PlannedBackend> backends;  // those of a service one after the other
  std::vector<Target> targets;
  // What cannot be probed and why, one sentence each: a port is missing, an address is unknown.
  std::vector<std::string> notes;
  // When the next retained backend is forgotten.
  std::optional<Clock::time_point> next_expiry;
};

// previous: the plan before, null for the first; its backends that left the table are retained for
// the configuration's time. table: null when there is none, then only what the configuration
// declares is known.
std::shared_ptr<const Plan> MakePlan(std::shared_ptr<const Configuration> configuration,
                                     const ipvs::Table* table, const Plan* previous,
                                     Clock::time_point now);

// Whether a plan made from one table would be the same with the other: the same services and
// backends in the same order, with the same weights and forward methods.
bool SameForPlan(const ipvs::Table& a, const ipvs::Table& b);

}  // namespace lvs::checker
