// Looks at the set-up of this director in the background, again and again, and publishes the
// report.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "collectors/audit/configuration.h"
#include "collectors/audit/facts.h"
#include "collectors/audit/report.h"
#include "collectors/clock.h"
#include "collectors/director/snapshot.h"
#include "collectors/ipvs/collector.h"
#include "collectors/published.h"

namespace lvs::audit {

// What the auditor lives on. All of it outlives it.
struct AuditorSources {
  const Published<Configuration>& configuration;  // never null
  const Published<ipvs::LatestReading>& table;
  const Published<director::Snapshot>& director;
  bool has_director = true;  // the director collector is on: wait for its first snapshot
  // Reads the rest; called on the auditor's thread, for the thread's network namespace.
  std::function<Facts(std::shared_ptr<const ipvs::Table>, std::shared_ptr<const director::Snapshot>,
                      std::optional<Error>&)>
      read;
  // Told once for each sentence what may not be looked at, on the auditor's thread. May be empty.
  std::function<void(const std::string&)> on_note = {};
};

// A report on these facts: all checks, without what the configuration accepts. Pure.
Report MakeReport(const Facts& facts, const Configuration& configuration);

// Owns one thread, which begins with the object and ends with Stop() or the object. A look takes as
// long as the kernel needs for its rules; nobody ever waits for it. Owned by the collector. Stop()
// may be called by any thread.
class Auditor {
 public:
  Auditor(AuditorSources sources, Published<Report>& published);
  ~Auditor();
  Auditor(const Auditor&) = delete;
  Auditor& operator=(const Auditor&) = delete;

  void Stop();

 private:
  void Loop();
  Clock::duration Step();
  // What is not permitted, or not there, is counted as unknown and told once; all else fails the
  // reading.
  std::optional<Error> TakeNote(std::optional<Error> error);
  void WaitFor(Clock::duration pause);

  const AuditorSources sources_;
  Published<Report>& published_;
  std::set<std::string> told_notes_;  // the thread's own
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  // for the wait only
  std::condition_variable wake_;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace lvs::audit
