// What the scanner knows at one moment, finished and constant: what its thread hands to all others.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "collectors/clock.h"
#include "collectors/connections/summary.h"
#include "collectors/result.h"

namespace lvs::connections {

// Since the start of the program.
struct ScanCounters {
  std::uint64_t complete = 0;   // passes that read the whole table
  std::uint64_t truncated = 0;  // passes that read a part
  std::uint64_t failed = 0;     // passes that came to nothing
  std::uint64_t skipped_lines = 0;
  double cpu_seconds = 0;  // of the scanner's thread, up to the snapshot
};

struct Snapshot {
  // Why there is no reading now; what follows is then left at its defaults, but for the counters.
  std::optional<Error> error;
  std::chrono::system_clock::time_point at;  // end of the pass
  Clock::time_point steady;                  // the same moment
  Clock::duration took{};                    // start to end
  Clock::duration interval{};                // start to the start of the next pass
  std::uint64_t rows = 0;
  bool origins_known = true;  // false: only /proc/net/ip_vs_conn could be read
  Summary summary;
  ScanCounters counters;
};

}  // namespace lvs::connections
