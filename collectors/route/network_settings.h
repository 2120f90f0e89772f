// Settings of the network: the files of /proc/sys/net.
#pragma once

#include <cstdint>
#include <string>

#include "collectors/result.h"

namespace lvs::route {

// Reads each file when it is asked for. They belong to the network namespace of the thread that
// reads, and anybody may read them.
class NetworkSettings {
 public:
  // procfs: usually "/proc".
  explicit NetworkSettings(const std::string& procfs) : folder_(procfs + "/sys/net/") {}

  // The number in a file, such as "ipv4/ip_forward". Errors: those of ReadFile; kMalformed when it
  // is no whole number.
  Result<std::int64_t> Read(const std::string& file) const;

  // What holds for an interface: the greater of the files of `all` and of the interface, as the
  // kernel takes arp_ignore, arp_announce and rp_filter (IN_DEV_MAXCONF in linux/inetdevice.h).
  // IPv4 only.
  Result<std::int64_t> Effective(const std::string& setting, const std::string& interface) const;

 private:
  const std::string folder_;
};

}  // namespace lvs::route
