// Which target starts next: a queue by due time behind the limits on what may be in flight and on
// how many runs start in a second. Pure: time comes as an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "collectors/clock.h"

namespace lvs::checker {

struct StartLimits {
  std::size_t max_in_flight = 1;
  double max_rate = 100;  // starts a second, > 0; up to a second's worth may start at once
};

// Who goes first when a limit holds several back: a target whose verdict is about to be decided.
enum class Urgency : std::uint8_t { kNormal, kPending };

// Owned by the checker's loop. now never goes back.
class StartQueue {
 public:
  void SetLimits(const StartLimits& limits) { limits_ = limits; }

  // Forgets every target, but not what the limits have used up.
  void Clear();

  // A target is in the queue at most once: one that waits already is moved. One that is due may not
  // be added again before Take has given it.
  void Add(std::uint32_t target, Clock::time_point due, Urgency urgency);

  struct Start {
    std::uint32_t target = 0;
    Clock::time_point due;
    bool throttled = false;  // a limit held starts back after it was due
  };
  // Takes the target that starts now; absent: none is due or a limit holds it back.
  std::optional<Start> Take(Clock::time_point now, std::size_t in_flight);

  // When to ask Take again; absent: only when a run has ended or a target was added.
  std::optional<Clock::time_point> WakeAt(Clock::time_point now, std::size_t in_flight) const;

 private:
  struct Entry {
    Clock::time_point due;
    std::uint32_t target = 0;
    Urgency urgency = Urgency::kNormal;
    std::uint64_t order = 0;  // of Add: who came first goes first

    bool operator>(const Entry& other) const {
      return std::pair(due, order) > std::pair(other.due, other.order);
    }
  };

  bool WasMoved(const Entry& entry) const { return entry.order != order_of_[entry.target]; }
  void MoveDue(Clock::time_point now);
  void Refill(Clock::time_point now);
  std::deque<Entry>& FirstReady() { return pending_.empty() ? normal_ : pending_; }
  bool HasReady() const { return !pending_.empty() || !normal_.empty(); }

  StartLimits limits_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> waiting_;
  std::vector<std::uint64_t> order_of_;  // by target: of the entry in waiting_ that holds
  std::deque<Entry> pending_;            // due, by urgency
  std::deque<Entry> normal_;
  std::uint64_t added_ = 0;  // 0 is no entry's order
  double tokens_ = 1;
  std::optional<Clock::time_point> refilled_;
  std::optional<Clock::time_point> held_back_;  // when a limit last did
};

}  // namespace lvs::checker
