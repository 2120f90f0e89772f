// A collector and the one thread that runs it.
#pragma once

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "collectors/collector.h"
#include "exporter/log.h"

namespace lvs {

// What one run of a collector gave, and how long it took.
struct Outcome {
  Collection collection;
  double seconds = 0;
};

// Never null once it is there.
using FutureOutcome = std::shared_future<std::shared_ptr<const Outcome>>;

// Runs a collector when asked, one run at a time: whoever asks while one runs gets that run's
// outcome. So a kernel that does not answer costs this thread and nobody else's: those who wait
// give up at their own deadline. After the first run it runs by itself as often as the collector
// wants (Collector::ReadAgainAfter).
// Owned by the Scraper. All members may be called by any thread. The destructor waits for a run to
// end, which Stop() makes soon.
class CollectorThread {
 public:
  // log must outlive this. Trouble is logged when it begins, changes its kind, and ends.
  CollectorThread(std::unique_ptr<Collector> collector, Log& log);
  ~CollectorThread();
  CollectorThread(const CollectorThread&) = delete;
  CollectorThread& operator=(const CollectorThread&) = delete;

  const Collector& collector() const { return *collector_; }

  // deadline: the asker's. A run gets at least kLeastRun, because it may be shared with others who
  // can wait longer.
  FutureOutcome Collect(Deadline deadline);
  static constexpr std::chrono::milliseconds kLeastRun{4500};

  // Lets everybody who waits go, with an error, and makes every later Collect() end at once; for
  // shutdown.
  void Stop();

  // After Stop(): whether this thread and the collector's own have nothing more to do by the
  // deadline, so that the destructor will not wait.
  bool WaitUntilStopped(Deadline deadline);

  // Says in the log, once for a run, that the one in progress came too late for somebody.
  void LogLate();

 private:
  using Promise = std::promise<std::shared_ptr<const Outcome>>;

  void Loop();
  // With mutex_ held.
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  void OpenByItself();
  void Open(Deadline deadline);
  std::shared_ptr<const Outcome> RunOnce(Deadline deadline);
  void LogChange(const std::optional<Error>& error);

  const std::unique_ptr<Collector> collector_;
  Log& log_;
  // Made beforehand, for when there may be no memory to make them.
  const std::shared_ptr<const Outcome> stopping_outcome_;
  const std::shared_ptr<const Outcome> no_memory_outcome_;
  std::optional<ErrorCode> trouble_;  // of the last run; the thread's own

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  // There is one while a run is due or on.
  std::optional<Promise> promise_;
  FutureOutcome outcome_;        // of promise_
  std::optional<Deadline> due_;  // the next run's
  // When the collector wants to run by itself; absent: not at all, or nobody has asked yet.
  std::optional<Clock::time_point> again_;
  bool late_logged_ = false;
  bool stopping_ = false;
  bool stopped_ = false;  // Loop() has ended

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace lvs
