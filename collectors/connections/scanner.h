// Reads the connection table in the background, again and again, and publishes what it found.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "collectors/clock.h"
#include "collectors/connections/pass.h"
#include "collectors/connections/settings.h"
#include "collectors/connections/snapshot.h"
#include "collectors/connections/table_file.h"
#include "collectors/ipvs/collector.h"
#include "collectors/published.h"
#include "collectors/result.h"

namespace lvs::connections {

// The world as the scanner sees it. Functions are called on its thread.
struct ScannerSources {
  const Published<ipvs::LatestReading>& table;  // outlives the scanner
  std::function<Result<std::unique_ptr<RowSource>>()> open;
  std::function<std::optional<std::uint64_t>()> entry_count;
  std::function<ClassifierRules()> rules;
  std::function<CpuTime()> cpu_time = ThreadCpuTime;
  // How long a pass waits for a new table when the latest one is not of the last moments.
  Clock::duration patience = std::chrono::seconds(30);

  // The kernel's files. procfs: usually "/proc".
  static ScannerSources Real(const Published<ipvs::LatestReading>& table,
                             const std::string& procfs);
};

// Owns one thread, which begins with the object and ends with Stop() or the object. It waits for
// the first table of services; every pass is matched with the latest one, which must be of the last
// moments where that can be had, for its totals stand for what the pass finds; none is made while
// the last reading of it has failed. Nobody ever waits for a pass: others read what was published
// last.
// Owned by the collector. Stop() and WaitUntilStopped() may be called by any thread.
class Scanner {
 public:
  // published must outlive this; it is null until the first pass is done or has failed.
  Scanner(ScannerSources sources, Settings settings, Published<Snapshot>& published);
  // Waits for a read that is on, which the kernel does not interrupt.
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  // Ends a pass after the read that is on, and the thread, without waiting for it.
  void Stop();

  // After Stop(): whether the thread has ended by the deadline. It does not while a read hangs.
  bool WaitUntilStopped(Deadline deadline);

 private:
  void Loop();
  // One attempt; gives how long after its start the next one is due.
  Clock::duration Step(Clock::time_point start);
  bool WaitsForNewer(const ipvs::LatestReading& latest, Clock::time_point now);
  Clock::duration Scan(const ipvs::Table& table, Clock::time_point start);
  void Fail(Error error);
  void Publish(Snapshot snapshot);
  void WaitUntil(Deadline deadline);

  const ScannerSources sources_;
  const Settings settings_;
  Published<Snapshot>& published_;
  // The thread's own.
  ScanCounters counters_;
  std::optional<Clock::time_point> waits_since_;  // for a newer table

  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  // for waiting only
  bool stopped_ = false;
  std::condition_variable wake_;

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace lvs::connections
