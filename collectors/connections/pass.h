// One pass over the connection table, inside a budget of CPU time.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "collectors/clock.h"
#include "collectors/connections/row.h"
#include "collectors/connections/settings.h"
#include "collectors/connections/table_file.h"
#include "collectors/result.h"

namespace lvs::connections {

using CpuTime = std::chrono::nanoseconds;

// CPU time that the calling thread has used, in the kernel too (CLOCK_THREAD_CPUTIME_ID).
CpuTime ThreadCpuTime();

// What the next read will cost, from the last ones. Up to Linux 6.13 every read walks the table
// from its beginning, so that reads become dearer one after the other: more slowly than by a
// quarter from the fifth on.
class CostForecast {
 public:
  void Add(CpuTime cost);
  // 0 before the first read.
  CpuTime Next() const;

 private:
  std::array<CpuTime, 8> last_{};
  std::size_t next_ = 0;
};

struct PassLimits {
  CpuTime cpu{};      // ThreadCpuTime() that must not be passed
  Deadline deadline;  // for a thread that gets no processor
};

enum class PassEnd : std::uint8_t {
  kEndOfTable,
  kBudget,   // a limit
  kStopped,  // the program ends
};

struct PassResult {
  PassEnd end = PassEnd::kEndOfTable;
  std::uint64_t rows = 0;
  std::uint64_t skipped_lines = 0;
};

// Reads until the end or a limit; the first read is always made. A read cannot be interrupted:
// it is left out when it would pass the limit by the forecast. cpu_time: ThreadCpuTime, or a
// test's. stop may be set by any thread.
// Errors: those of the source.
Result<PassResult> ReadRows(RowSource& source, const PassLimits& limits,
                            const std::function<CpuTime()>& cpu_time, const std::atomic<bool>& stop,
                            const std::function<void(const Row&)>& on_row);

// What one pass may cost: its share of the interval, so that it need not wait longer for the next
// one, and never more than is set for one.
CpuTime PassBudget(const Settings& settings);

// From the start of a pass that cost so much to the start of the next: the interval, or longer, so
// that the share of a core is kept whatever a pass did cost.
Clock::duration TimeToNextPass(const Settings& settings, CpuTime cost);

}  // namespace lvs::connections
