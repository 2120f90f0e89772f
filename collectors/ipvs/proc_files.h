// What IPVS tells through /proc: parsers, which are pure, and the class that reads the files.
//
// Formats are those of net/netfilter/ipvs/ip_vs_ctl.c and net/ipv4/udp.c, seen on Linux 6.1. Text is
// anything until parsed; an error is kMalformed and names the line (counted from 1) and what was
// expected there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/kept_file.h"
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
Result<ProcServices> ParseServices(std::string_view text);

// /proc/net/ip_vs_stats_percpu.
struct TotalCounters {
  Counters live;       // sum of the rows of all CPUs
  Counters estimator;  // the row "~"
};
Result<TotalCounters> ParseTotals(std::string_view text);

// The datagrams that the receiving sockets of the backup daemons among the given ones have lost: the
// last column ("drops") of /proc/net/udp and /proc/net/udp6, of sockets whose local address is the
// multicast group and whose port is one of the 64 (MAX_SYNC_PORTS is the most that the setting
// sync_ports allows) from the daemon's on. Give the file that belongs to family; daemons with a
// group of the other one do not count.
Result<std::uint64_t> ParseSyncReceiveDrops(std::string_view text, AddressFamily family,
                                            std::span<const SyncDaemon> daemons);

// Every name that a setting may have: the closed set of values of the name label.
std::vector<std::string_view> SysctlNames();

// Reads the files below one procfs. Keeps about thirty descriptors; one owner, one thread. They
// belong to the network namespace of the thread that read first.
class ProcFiles {
 public:
  // root: usually "/proc", without a final slash.
  explicit ProcFiles(std::string root);
  ~ProcFiles();

  // Whether the kernel has IPVS in this network namespace now. When not, all descriptors are closed.
  bool ModuleLoaded();

  Result<ProcServices> ReadServices() const;

  // kNotFound on kernels before 2.6.39.
  Result<TotalCounters> ReadTotals();

  // The settings, from /proc/sys/net/ipv4/vs, overwriting sysctls but keeping its memory. One that
  // is missing or is not a number is left out: an older kernel, or an option that was not built.
  // Returns whether the estimator runs. False means that every service and backend counter stands
  // still: run_estimation (since 5.16) is 0, or est_cpulist (since 6.2) is empty. Absent when no
  // setting could be read.
  std::optional<bool> ReadSettings(std::vector<Sysctl>& sysctls);

  // Of the backup daemons among the given ones; absent when there are none.
  Result<std::optional<std::uint64_t>> ReadSyncReceiveDrops(
      std::span<const SyncDaemon> daemons) const;

 private:
  struct SettingFile;

  void OpenSettings();
  bool ReadOpenSettings(std::vector<Sysctl>& sysctls, std::optional<bool>& estimation_enabled);

  const std::string root_;
  const std::string services_path_;
  KeptFile totals_;
  std::vector<SettingFile> setting_files_;  // those that exist
  std::optional<KeptFile> estimation_cpus_;
  std::string buffer_;
};

}  // namespace lvs::ipvs
