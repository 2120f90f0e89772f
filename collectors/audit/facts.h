// All that the audit of a director looks at, as plain values. What could not be read is absent.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/address.h"
#include "collectors/director/snapshot.h"
#include "collectors/ipvs/table.h"
#include "collectors/netfilter/mark_rule.h"

namespace lvs::audit {

// An interface that is up, and what holds on it: the effective values.
struct HostInterface {
  std::string name;
  int index = 0;
  bool is_silent = false;  // loopback or dummy: nobody else sees its addresses
  bool is_tunnel = false;
  bool speaks_arp = true;  // as route::SpeaksArp
  std::vector<Address> addresses;
  std::optional<std::int64_t> arp_ignore;
  std::optional<std::int64_t> arp_announce;
  std::optional<std::int64_t> rp_filter;
  std::optional<std::int64_t> send_redirects;
};

// By address family.
template <class T>
using ByFamily = std::array<T, 2>;
inline std::size_t Position(AddressFamily family) { return static_cast<std::size_t>(family); }

struct Facts {
  std::shared_ptr<const ipvs::Table> table;            // never null, its services are known
  std::shared_ptr<const director::Snapshot> director;  // null: that collector is off
  ByFamily<std::optional<netfilter::MarkRules>> mark_rules;
  ByFamily<std::optional<std::int64_t>> forwarding;
  std::optional<std::vector<HostInterface>> interfaces;
  // Whether packets to an address are delivered here: the host's own, and those of services,
  // masqueraded backends and what mark rules are for. One that is missing was not looked up.
  std::map<Address, bool> is_local;
  // Addresses to which that does not apply for packets with a mark: policy routing (ip rule fwmark)
  // delivers them here all the same.
  std::set<std::pair<Address, std::uint32_t>> local_by_mark;
  // Over which interface packets to such an address go, by its index.
  std::map<Address, int> way_out;
  std::optional<std::pair<int, int>> kernel;  // major and minor
};

}  // namespace lvs::audit
