// What IPVS tells through /proc: parsers, which are pure, and the class that reads the files.
//
// Formats are those of net/netfilter/ipvs/ip_vs_ctl.c and net/ipv4/udp.c, seen on Linux 6.1. Text
// is anything until parsed; an error is kMalformed and names the line (counted from 1) and what was
// expected there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/kept_file.h"
#include "collectors/ipvs/services_file.h"
#include "collectors/ipvs/settings.h"
#include "collectors/ipvs/table.h"
#include "collectors/result.h"

namespace lvs::ipvs {

// /proc/net/ip_vs_stats_percpu.
struct TotalCounters {
  Counters live;       // sum of the rows of all CPUs
  Counters estimator;  // the row "~"
};
Result<TotalCounters> ParseTotals(std::string_view text);

// The datagrams that the receiving sockets of the backup daemons among the given ones have lost:
// the last column ("drops") of /proc/net/udp and /proc/net/udp6, of sockets whose local address is
// the multicast group and whose port is one of the 64 (MAX_SYNC_PORTS is the most that the setting
// sync_ports allows) from the daemon's on. Give the file that belongs to family; daemons with a
// group of the other one do not count.
Result<std::uint64_t> ParseSyncReceiveDrops(std::string_view text, AddressFamily family,
                                            std::span<const SyncDaemon> daemons);

// Reads the files below one procfs. Keeps about thirty descriptors; one owner, one thread. They
// belong to the network namespace of the thread that read first.
class ProcFiles {
 public:
  // root: usually "/proc", without a final slash.
  explicit ProcFiles(std::string root);

  // Whether the kernel has IPVS in this network namespace now. When not, all descriptors are
  // closed.
  bool ModuleLoaded();

  Result<ProcServices> ReadServices() const;

  // kNotFound on kernels before 2.6.39.
  Result<TotalCounters> ReadTotals();

  // As SettingFiles::Read.
  std::optional<bool> ReadSettings(std::vector<Sysctl>& sysctls) { return settings_.Read(sysctls); }

  // Of the backup daemons among the given ones; absent when there are none.
  Result<std::optional<std::uint64_t>> ReadSyncReceiveDrops(
      std::span<const SyncDaemon> daemons) const;

 private:
  const std::string root_;
  const std::string services_path_;
  KeptFile totals_;
  SettingFiles settings_;
  std::string buffer_;
};

}  // namespace lvs::ipvs
