// Reads the tables of iptables-legacy and ip6tables-legacy.
#pragma once

#include <string>

#include "collectors/address.h"
#include "collectors/netfilter/mark_rule.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// The marks that the legacy tables of the calling thread's network namespace set for packets of one
// family. All tables are read that have a chain before IPVS: MARK works in each of them
// (net/netfilter/xt_mark.c, Linux 6.1), although mangle is its place.
//
// Reads PROCFS/thread-self/net/ip_tables_names (or ip6_) first: asking for a table that is not
// there would make it, and load its module (xt_request_find_table_lock in
// net/netfilter/x_tables.c). No such file: no legacy tables at all, which is no error. It is 0440
// and root's.
//
// Needs CAP_NET_ADMIN. Errors name the step: kNoPermission, kInterrupted (the table changed at each
// of three tries), kMalformed, kSystem.
Result<MarkRules> ReadXtables(const std::string& procfs, AddressFamily family);

}  // namespace lvs::netfilter
