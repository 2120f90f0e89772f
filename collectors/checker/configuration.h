// What the checker is told, as plain values with every default filled in. Made by the program's
// configuration reader, or by default: then everything in the kernel's table is probed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"
#include "collectors/checker/verdicts.h"
#include "collectors/ipvs/table.h"
#include "collectors/probes/prepared.h"

namespace lvs::checker {

// Probes are shared: rules and backends that name the same probe hold the same object.
using ProbePointer = std::shared_ptr<const probes::PreparedProbe>;

// A backend that the configuration speaks of; the kernel need not show it.
struct ExpectedBackend {
  Address address;
  std::optional<std::uint16_t> port;    // absent: the service's
  std::optional<std::uint64_t> weight;  // expected one; absent: any
  Role role = Role::kReal;
  bool maintenance = false;
  // Hardware addresses from which its dr replies may come, beside its own.
  std::vector<std::array<std::uint8_t, 6>> accept_macs;
  std::optional<std::vector<ProbePointer>> probes;  // absent: the service's
};

// Which services a rule is for: those that have everything that is given.
struct ServiceMatch {
  std::optional<Address> address;
  std::optional<std::uint16_t> port;
  std::optional<ipvs::Protocol> protocol;
  std::optional<std::uint32_t> mark;
  std::optional<AddressFamily> family;
};

// The services that a rule with this match declares by naming them: one with address, port and
// protocol, or those of a mark, which without a family are two. Empty: it only selects.
std::vector<ipvs::ServiceKey> DeclaredKeys(const ServiceMatch& match);

// The first rule that matches a service is its rule.
struct ServiceRule {
  ServiceMatch match;
  std::string name;  // empty: none given
  // Addresses that clients use, for a mark service, whose key has none. Others: their own.
  std::vector<Address> vips;
  std::optional<std::vector<ProbePointer>> probes;  // absent: the default ones
  QuorumRules quorum;
  std::vector<ExpectedBackend> backends;
};

enum class MetricsLevel : std::uint8_t { kMinimal, kStandard, kFull };

struct Limits {
  // Absent: automatic.
  std::optional<std::size_t> max_in_flight;
  std::optional<double> max_start_rate;  // runs a second
  std::size_t max_per_address = 16;      // runs past connect for one server address
};

struct Configuration {
  MetricsLevel metrics_level = MetricsLevel::kStandard;
  FlapRules flap;
  std::chrono::milliseconds absent_retention{3'600'000};
  std::chrono::milliseconds arp_leak_interval{30'000};  // 0: off
  Limits limits;
  // For a backend that no rule gives probes: with a TCP port, and any other.
  ProbePointer default_tcp;
  ProbePointer default_icmp;
  std::vector<ServiceRule> services;

  // What holds without a file.
  static Configuration Default();
};

// The rule for a service, null when there is none.
const ServiceRule* RuleFor(const Configuration& configuration, const ipvs::ServiceKey& key);

}  // namespace lvs::checker
