// What this director is at one moment, as plain values: the last look, for all who want to know.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"
#include "collectors/director/role.h"
#include "collectors/director/vrrp.h"

namespace lvs::director {

// A virtual address that clients use, and where this host has it.
struct Vip {
  Address address;
  std::vector<std::string> interfaces;  // that have it, by name
  // One of them is neither the loopback nor a dummy: others on the link are answered.
  bool on_network_card = false;
  // Packets for it are delivered here: by an address, or by a local route. Absent: could not look.
  std::optional<bool> is_local;
};

struct Snapshot {
  // Absent when the addresses of this host could not be read.
  std::optional<std::vector<Vip>> vips;  // in the order of their addresses
  std::vector<VrrpInstance> instances;   // empty where keepalived cannot be asked
  std::optional<bool> keepalived_up;     // absent: not expected here
  Conclusion conclusion;
  unsigned directors = 1;             // of the pair, this one included
  bool sync_daemon_expected = false;  // of either role
};

// Whether this director carries the traffic for an address that is local here. One that is only on
// the loopback or a dummy is so on standby directors and real servers, too: there VRRP decides.
bool Carries(const Snapshot& snapshot, const Address& vip);

}  // namespace lvs::director
