// What the director collector is told, as plain values with every default filled in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"

namespace lvs::director {

// How keepalived can be asked for its VRRP state. Empty paths: not that way.
struct KeepalivedSettings {
  // Whether it must run here; absent: where one of notify_fifo, json_file and instances is given,
  // and from when it was first seen running.
  std::optional<bool> expected;
  std::string pid_file = "/run/keepalived.pid";
  // Of its vrrp_notify_fifo. Made when it is not there, so that keepalived finds one that we may
  // read.
  std::string notify_fifo;
  // What it writes at the signal SIGRTMIN + 2 of its Debian build (--signum=JSON).
  std::string json_file;
  bool send_signal = false;  // ask for a new one; needs its user, or CAP_KILL
  // VRRP instances that must exist, by name, with their virtual router id.
  std::map<std::string, unsigned> instances;
};

struct Configuration {
  unsigned directors = 1;          // of this pair or cluster, this one included
  std::vector<Address> vips = {};  // that the active director must have beside those of services
  std::optional<bool> sync_daemon =
      {};  // whether one must run; absent: where there are more directors
  KeepalivedSettings keepalived = {};
};

}  // namespace lvs::director
