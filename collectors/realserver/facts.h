// How a real server is set up, as plain values. What could not be read is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"

namespace lvs::realserver {

// An interface that is up. Settings are the effective values: the greater of `all` and its own.
struct HostInterface {
  std::string name;
  bool is_silent = false;  // loopback or dummy
  bool is_tunnel = false;
  std::optional<std::int64_t> arp_ignore;
  std::optional<std::int64_t> arp_announce;
  std::optional<std::int64_t> rp_filter;
  bool speaks_arp = true;        // as route::SpeaksArp
  bool has_own_address = false;  // of a tunnel: beside VIPs and those that every host may have
};

// A virtual address, and one place where this host has it. If it has it there more than once, with
// several prefixes, the shortest: that is the one that may be wrong.
struct Vip {
  Address address;
  std::string interface;  // empty: it is wanted, and nowhere
  unsigned prefix_length = 0;
  bool is_silent = false;  // of the interface
  bool is_tunnel = false;

  bool operator==(const Vip&) const = default;
};

struct Facts {
  std::vector<Vip> vips;
  std::vector<HostInterface> interfaces;
};

}  // namespace lvs::realserver
