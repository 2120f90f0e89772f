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

// Runs a collector when asked, one run at a time: whoever asks while one runs gets that run's
// outcome. So a kernel that does not answer costs this thread and nobody else's: those who wait
// give up at their own deadline.
// Owned by the Scraper. Collect() from any thread. The destructor waits for a run to end.
class CollectorThread {
 public:
  // log must outlive this. Trouble is logged when it begins, changes its kind, and ends.
  CollectorThread(std::unique_ptr<Collector> collector, Log& log);
  ~CollectorThread();
  CollectorThread(const CollectorThread&) = delete;
  CollectorThread& operator=(const CollectorThread&) = delete;

  const Collector& collector() const { return *collector_; }

  // deadline is the run's if this call starts one. The outcome is never null.
  std::shared_future<std::shared_ptr<const Outcome>> Collect(Deadline deadline);

  // Lets everybody who waits for the run in progress go, with an error; for shutdown. The run
  // itself goes on until it ends.
  void Abandon();

  // Says in the log, once for a run, that the one in progress came too late for somebody.
  void LogLate();

 private:
  void Loop();
  void Keep(std::shared_ptr<const Outcome> outcome);
  std::shared_ptr<const Outcome> RunOnce(Deadline deadline);
  void LogChange(const std::optional<Error>& error);

  const std::unique_ptr<Collector> collector_;
  Log& log_;
  std::optional<ErrorCode> trouble_;  // of the last run; the thread's own

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  // There is one while a run is due or on.
  std::optional<std::promise<std::shared_ptr<const Outcome>>> promise_;
  std::shared_future<std::shared_ptr<const Outcome>> outcome_;  // of promise_
  std::optional<Deadline> due_;                                 // the next run's
  bool late_logged_ = false;
  bool stop_ = false;

  std::thread thread_;  // last: starts when all else is there
};

}  // namespace lvs
