// A rule set, whichever interface of the kernel it was read from: chains of rules, reduced to what
// matters for packet marks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/address.h"
#include "collectors/netfilter/mark_rule.h"
#include "collectors/netfilter/ranges.h"

namespace lvs::netfilter {

// What must be true of a packet, all of it. Absent: anything will do; no ranges: nothing does.
struct Conditions {
  // The most ranges of one kind. A condition that needs more is dropped and `narrowed` said.
  static constexpr std::size_t kMaxRanges = 1024;

  std::optional<AddressFamily> family;
  std::optional<Ranges<Address>> destinations;  // of one family or both
  std::optional<Ranges<std::uint8_t>> protocols;
  std::optional<Ranges<std::uint16_t>> ports;  // of the destination, host order
  bool narrowed = false;                       // and more, which is not told here

  // Any packet does.
  bool none() const;
  // No packet does.
  bool impossible() const;
  // All ranges: the measure for the work that comparing takes.
  std::size_t size() const;

  // Adds a condition. The ranges may come in any order and overlap.
  void RequireFamily(AddressFamily required);
  void RequireDestinations(Ranges<Address> ranges);
  void RequireProtocols(Ranges<std::uint8_t> ranges);
  void RequirePorts(Ranges<std::uint16_t> ranges);
  void Require(const Conditions& others);
};

// One rule, or, where a rule does several things, one of them.
struct Rule {
  enum class Action : std::uint8_t {
    kMark,     // sets the mark and goes on
    kUnclear,  // sets a mark that cannot be told, for the reason given, and goes on
    kJump,     // to the target, and back at its end
    kGoto,     // to the target, and then back to where this chain was called from
    kJumpMap,  // to one of the targets, by a map
    kReturn,   // to where this chain was called from
    kEnd,      // accept, drop and the like: no more rules of this base chain
  };

  Conditions conditions;
  Action action = Action::kEnd;
  std::uint64_t number = 0;  // as its tool shows it: the handle, or the place in the chain from 1
  std::uint32_t mark = 0;    // as in MarkRule
  std::uint32_t mask = 0;
  const char* reason = nullptr;      // of kUnclear: a literal, "a mark from a map"
  std::vector<std::size_t> targets;  // places in Ruleset::chains
};

struct Chain {
  std::string name;                     // for sentences: "nft ip mangle PREROUTING"
  std::optional<Hook> hook;             // of a base chain before IPVS
  std::optional<AddressFamily> family;  // whose packets the chain sees; absent: both
  bool first_packets = false;  // of type nat: it sees the first packet of a connection only
  bool below_ip = false;       // of a base chain: at ingress of a device, or of a bridge
  std::vector<Rule> rules;
};

struct Ruleset {
  std::vector<Chain> chains;
  const char* numbers = "rule";      // what Rule::number counts: "rule" or "handle"
  std::vector<std::string> unclear;  // what could not be read
};

// A name from the kernel as a sentence can bear it: with anything but printable ASCII as '?'.
std::string Printable(std::string_view name);

}  // namespace lvs::netfilter
