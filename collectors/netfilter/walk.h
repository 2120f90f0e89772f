// From a rule set to the marks that it sets.
#pragma once

#include <cstddef>

#include "collectors/address.h"
#include "collectors/netfilter/chains.h"
#include "collectors/netfilter/mark_rule.h"

namespace lvs::netfilter {

// The bounds of Walk. What lies behind one is said in MarkRules::unclear.
struct WalkLimits {
  std::size_t depth = 16;              // jumps within jumps: the kernel's NFT_JUMP_STACK_SIZE
  std::size_t work = 5'000'000;        // rules and ranges looked at, again for every way to them
  std::size_t mark_rules = 200'000;    // in the result
  std::size_t networks_per_rule = 64;  // that one range of addresses may become
  std::size_t sentences = 100;         // in the result; a last one tells how many are left out
};

// Goes from every base chain through its jumps and collects the marks that are set on the way, with
// the conditions of the whole way. Rules behind one that no packet passes are left out. A rule with
// several destinations, protocols or ports gives a MarkRule for every combination; in a chain that
// sees both address families it is looked at for the one that is asked for. Pure.
MarkRules Walk(const Ruleset& ruleset, AddressFamily family, const WalkLimits& limits = {});

// Appends what is in more, within the bounds of Walk.
void Append(MarkRules& rules, MarkRules more, const WalkLimits& limits = {});

}  // namespace lvs::netfilter
