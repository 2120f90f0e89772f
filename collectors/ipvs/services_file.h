// The services as /proc/net/ip_vs tells them to everybody.
#pragma once

#include <string_view>
#include <vector>

#include "collectors/ipvs/table.h"
#include "collectors/result.h"

namespace lvs::ipvs {

// /proc/net/ip_vs: all that can be known of services without CAP_NET_ADMIN.
struct ProcServices {
  Info info;
  std::vector<Service> services;  // as the file lists them
};

// Absent in the services, because the file does not tell: counters, templates, the persistence
// timeout (in jiffies, whose length is not told), scheduler flags, thresholds, tunnel details.
// A bypass backend looks like masquerade. A mark service is told without its address family, which
// is taken from its backends; one without backends is left out, and so are services of a protocol
// that this program does not know.
// Format: ip_vs_info_seq_show() of net/netfilter/ipvs/ip_vs_ctl.c, seen on Linux 6.1. Errors are
// kMalformed and name the line.
Result<ProcServices> ParseServices(std::string_view text);

}  // namespace lvs::ipvs
