// The checker's event loop: starts the runs when they are due, inside the limits, and publishes
// what came of them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "collectors/audit/report.h"
#include "collectors/checker/configuration.h"
#include "collectors/checker/snapshot.h"
#include "collectors/clock.h"
#include "collectors/director/snapshot.h"
#include "collectors/ipvs/collector.h"
#include "collectors/probes/runner.h"
#include "collectors/published.h"

namespace boost::asio {
class io_context;
}

namespace lvs::checker {

// What the engine reads and whom it tells. All of it outlives the engine.
struct EngineSources {
  const Published<ipvs::LatestReading>& table;
  // Never null when the engine starts. A new one is taken over within a second.
  const Published<Configuration>& configuration;
  // Called on the loop's thread for every event; must not wait. May be empty.
  std::function<void(const Event&)> on_event;
  // The same for what cannot be probed and why, once for each sentence. May be empty.
  std::function<void(const std::string&)> on_note;
  // Makes what runs the probes; empty for the real one.
  std::function<std::unique_ptr<probes::Runner>(boost::asio::io_context&, route::RouteReader&)>
      make_runner;
  // How long the last table holds while no further one is read; more where it is read rarely.
  Clock::duration table_patience = std::chrono::seconds(15);
  // How long it rests when memory was missing, before it begins anew.
  Clock::duration rest = std::chrono::seconds(10);
  // What this director is to its pair, and how it is set up; null while nobody knows. May be empty.
  std::function<std::shared_ptr<const director::Snapshot>()> director = {};
  std::function<std::shared_ptr<const audit::Report>()> audit = {};
};

// Owns the one thread of the checker, which starts with the first and ends with the last line of
// the engine's life. Snapshots are published at most five times a second. When memory is missing
// all that is known is half done: then null is published, and after a rest everything begins anew.
class Engine {
 public:
  // published must outlive this.
  Engine(EngineSources sources, Published<Snapshot>& published);
  // Ends the loop; runs that are in flight are dropped with their sockets.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Ends the loop soon, without waiting for it. Any thread.
  void Stop();

  // Whether it rests because memory was missing. Any thread.
  bool failed() const { return failed_; }

 private:
  class Loop;

  void Run();
  void RunOnce();
  bool Rest();

  const EngineSources sources_;
  Published<Snapshot>& published_;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards the next two
  std::condition_variable wake_;
  Loop* loop_ = nullptr;  // on the thread's stack, while there is one
  bool stopping_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace lvs::checker
