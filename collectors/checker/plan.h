// What there is to check: the configuration and the kernel's table put together into services,
// their backends, and the targets that tell whether those work. Pure and immutable once made.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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
  // How packets go to it, or last went; absent: it has never been in the table.
  std::optional<ipvs::ForwardMethod> forward;
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
  // Whether the kernel's table is known now. If not, in_table and weight are what they last were.
  bool table_known = false;
  std::vector<PlannedService> services;
  std::vector<PlannedBackend> backends;  // those of a service one after the other
  std::vector<Target> targets;
  // What cannot be probed and why, one sentence each: a port is missing, an address is unknown.
  std::vector<std::string> notes;
  // When the next retained backend is forgotten.
  std::optional<Clock::time_point> next_expiry;
  // Retained backends that outlast absent_retention because they are down, by position, rising. One
  // that comes up is forgotten in the next plan.
  std::vector<std::uint32_t> kept_down;
};

// The limits on Plan::kept_down: how many, and how long after they left the table.
inline constexpr std::size_t kMostKeptDown = 1000;
inline constexpr auto kDownRetention = std::chrono::hours(24);

// The kernel's table as a plan sees it.
struct TableView {
  const ipvs::Table* table = nullptr;  // the last that was read; null: none, ever
  bool is_known = false;               // false: it could not be read for a while
};

// previous: the plan before, null for the first; its backends that left the table are retained for
// the configuration's time, and longer while they are down (kDownRetention). verdicts: of its
// backends, by position; empty: none is known. Without a table only what the configuration declares
// is known.
std::shared_ptr<const Plan> MakePlan(std::shared_ptr<const Configuration> configuration,
                                     TableView view, const Plan* previous, Clock::time_point now,
                                     std::span<const Verdict> verdicts = {});

// Whether plans made from both tables have the same members: the same services and backends in the
// same order, reached in the same way.
bool SameMembers(const ipvs::Table& a, const ipvs::Table& b);
// For tables with the same members: whether the weights are the same.
bool SameWeights(const ipvs::Table& a, const ipvs::Table& b);

// plan, made from a table with the same members, with the weights of this one. Far cheaper than
// making it anew, for those who re-weight all the time.
std::shared_ptr<const Plan> WithWeights(const Plan& plan, const ipvs::Table& table);

}  // namespace lvs::checker
