// Settings of the network: the files of /proc/sys/net.
#pragma once

#include <cstdint>
#include <string>

#include "collectors/result.h"

namespace lvs::route {

// Whether these values keep an address of another interface, such as a VIP on the loopback, from
// ARP (arp_ignore() and arp_solicit() in net/ipv4/arp.c, Linux 6.1). arp_ignore: 1 and 2 answer for
// addresses of the interface only, 8 for none; 3 spares those of scope host, which a VIP need not
// have; all else answers as 0 does. arp_announce: what is neither 1 nor 2 announces as 0 does, and
// 1 may announce a VIP of the same network.
constexpr bool IgnoresArpForOthers(std::int64_t arp_ignore) {
  return arp_ignore == 1 || arp_ignore == 2 || arp_ignore == 8;
}
constexpr bool AnnouncesNoOthers(std::int64_t arp_announce) { return arp_announce == 2; }

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
