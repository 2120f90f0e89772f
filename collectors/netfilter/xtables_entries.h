// The rules of one table of iptables-legacy or ip6tables-legacy as the kernel gives them: one after
// the other, each with its matches and its target, and chains told by offsets
// (linux/netfilter_ipv4/ip_tables.h and linux/netfilter_ipv6/ip6_tables.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "collectors/address.h"
#include "collectors/bytes.h"
#include "collectors/netfilter/chains.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// A table and where its base chains begin, of those that matter.
struct XtablesTable {
  AddressFamily family = AddressFamily::kIpv4;
  std::string name;                                   // "mangle"
  bool first_packets = false;                         // as in Chain
  std::array<std::optional<std::uint32_t>, 3> hooks;  // by Hook: offset of the first rule
};

// What the entries (of IPT_SO_GET_ENTRIES, IP6T_SO_GET_ENTRIES) say about marks. Pure.
// Errors (kMalformed): a length or an offset that does not fit, a jump into nowhere.
Result<Ruleset> DecodeEntries(const XtablesTable& table, Bytes entries);

}  // namespace lvs::netfilter
