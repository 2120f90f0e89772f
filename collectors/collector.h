// A source of metrics: what it can tell, and what it tells now.
#pragma once

#include <optional>
#include <string_view>

#include "collectors/clock.h"
#include "collectors/metric.h"
#include "collectors/result.h"

namespace lvs {

// One reading. Families that could not be read are not in it; an error says why the reading is not
// what was asked for, even where some families are there.
struct Collection {
  Families families;
  std::optional<Error> error;
};

class Collector {
 public:
  virtual ~Collector() = default;

  // The name of --collector.NAME and of the collector label.
  virtual std::string_view name() const = 0;

  // Reads its source once. Called by one thread at a time; never takes much longer than deadline.
  virtual Collection Collect(Deadline deadline) = 0;

  // How long after a reading the collector wants to read again when nobody asks, because others
  // than scrapes live on what it publishes; absent: never. took: how long the last one took.
  virtual std::optional<Clock::duration> ReadAgainAfter(Clock::duration took) const {
    static_cast<void>(took);
    return std::nullopt;
  }

  // For the end of the program: makes a Collect() in progress, and every later one, return soon
  // with an error instead of waiting for its source. From any thread, once. Does nothing where
  // Collect() does not wait.
  virtual void Stop() {}

  // After Stop(): whether the collector's own threads have ended by the deadline, so that its
  // destructor will not wait for them. True where there are none.
  virtual bool WaitUntilStopped(Deadline deadline) {
    static_cast<void>(deadline);
    return true;
  }
};

}  // namespace lvs
