// The standard process_ metrics of the exporter itself, from /proc/self.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/collector.h"

namespace lvs::process {

// One reading of /proc/self. What could not be read is absent.
struct Process {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;  // RLIMIT_NOFILE, soft
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> virtual_memory_max_bytes;  // RLIMIT_AS; 2^64 - 1: no limit
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<double> start_time_seconds;  // since the epoch
  std::optional<std::uint64_t> threads;
};

// Fields of /proc/PID/stat that are used here, in the kernel's units (man 5 proc).
struct Stat {
  std::uint64_t user_ticks = 0;      // (14) utime
  std::uint64_t system_ticks = 0;    // (15) stime
  std::uint64_t threads = 0;         // (20) num_threads
  std::uint64_t start_ticks = 0;     // (22) starttime, since boot
  std::uint64_t virtual_bytes = 0;   // (23) vsize
  std::uint64_t resident_pages = 0;  // (24) rss
};

// text: the file's one line. The command name in it may hold blanks and parentheses.
Result<Stat> ParseStat(std::string_view text);

// Reads this process's own files below procfs ("/proc"). The start time is taken over when it is
// known already: finding it means reading /proc/stat, which is long on machines with many CPUs.
Process ReadProcess(const std::string& procfs, std::optional<double> known_start_time);

// Every metric that ProcessCollector writes.
std::vector<const MetricInfo*> DescribeProcess();

class ProcessCollector : public Collector {
 public:
  explicit ProcessCollector(std::string procfs) : procfs_(std::move(procfs)) {}

  std::string_view name() const override { return "process"; }
  Collection Collect(Deadline deadline) override;

 private:
  const std::string procfs_;
  std::optional<double> start_time_seconds_;  // never changes once known
};

}  // namespace lvs::process
