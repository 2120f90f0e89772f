// Matches and targets of iptables, as far as they matter for packet marks. The legacy tables and
// the rules that iptables-nft makes have the same ones (linux/netfilter/xt_*.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/bytes.h"
#include "collectors/netfilter/chains.h"

namespace lvs::netfilter {

// Adds to conditions what a match demands: destination ports of tcp, udp, sctp and multiport
// (revisions 0 and 1); nothing for comment; `narrowed` for all else, also for an inversion, for an
// unknown revision and for an info that is too short. info may be padded at its end.
void RequireMatch(std::string_view name, std::uint8_t revision, Bytes info, Conditions& conditions);

// What a target does to the mark of a packet.
struct MarkEffect {
  enum class Kind : std::uint8_t { kNone, kSet, kUnclear };

  Kind kind = Kind::kNone;
  std::uint32_t mark = 0;        // of kSet, as in MarkRule
  std::uint32_t mask = 0;        // of kSet
  const char* reason = nullptr;  // of kUnclear: a literal
};

// MARK in its revisions 0 and 1 (Linux before 2.6.37, net/netfilter/xt_MARK.c) and 2: kSet. What
// marks with something that the rule does not tell (CONNMARK --restore-mark, HMARK, TPROXY with a
// mark, SET --map-set), a MARK that cannot be read, or the mark of ebtables-nft: kUnclear.
MarkEffect EffectOf(std::string_view target, std::uint8_t revision, Bytes info);

}  // namespace lvs::netfilter
