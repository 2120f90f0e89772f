// What the firewall does to packet marks before IPVS looks at them, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"

namespace lvs::netfilter {

// Where in the path of a packet a rule works, of the places that come before IPVS. IPVS looks at
// the mark of a packet that arrives in the hook LOCAL_IN with priority 99, at that of one of this
// host's own in LOCAL_OUT with priority -98 (ip_vs_ops4 in net/netfilter/ipvs/ip_vs_core.c).
enum class Hook : std::uint8_t {
  kPrerouting,
  kInput,   // before priority 99: the table mangle's chain INPUT does feed IPVS
  kOutput,  // before priority -98
};

// "prerouting", "input" or "output".
constexpr const char* Name(Hook hook) {
  switch (hook) {
    case Hook::kPrerouting:
      return "prerouting";
    case Hook::kInput:
      return "input";
    case Hook::kOutput:
      break;
  }
  return "output";
}

struct Network {
  Address address;             // the bits behind the prefix are zero
  unsigned prefix_length = 0;  // 32 or 128: a single host

  bool operator==(const Network&) const = default;
};

// "192.0.2.0/24"; a single host without its prefix length.
std::string ToString(const Network& network);

// Both ends included.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool operator==(const PortRange&) const = default;
};

// One way in which packets get a mark: those of the family that come through the hook and have the
// destination, protocol and destination port that are given (absent: any). Each rule is taken for
// itself: a rule that ends a chain for some packets, or that changes the mark again, is not
// considered, except one that lets no packet at all pass on.
struct MarkRule {
  AddressFamily family = AddressFamily::kIpv4;
  Hook hook = Hook::kPrerouting;
  std::optional<Network> destination;
  std::optional<std::uint8_t> protocol;  // IPPROTO_TCP and its like
  std::optional<PortRange> destination_ports;
  // The new mark is (old & ~mask) ^ mark; for a packet that comes without one it is `mark`.
  std::uint32_t mark = 0;
  std::uint32_t mask = 0xffffffff;
  // There are more conditions (source, interface, negation, state, rate...): it feeds at most a
  // part of that traffic.
  bool narrowed = false;

  bool operator==(const MarkRule&) const = default;
};

// All of a rule set.
struct MarkRules {
  std::vector<MarkRule> rules;
  // One sentence for each rule, up to a bound, that sets a mark which cannot be told from the rule
  // set alone (from a map, from conntrack, by a target that is not known, at ingress of a device),
  // and for each bound that was reached. While there is one, "no rule sets this mark" is not known.
  std::vector<std::string> unclear;
};

}  // namespace lvs::netfilter
