// How late the checker's loop was, lately: what tells our own trouble from a server's. Pure.
#pragma once

#include <deque>

#include "collectors/clock.h"

namespace lvs::checker {

// Fed by a timer with a fixed period. Owned by the checker's loop.
class Lateness {
 public:
  // The timer's next beat is due then.
  void Expect(Clock::time_point due) { expected_ = due; }

  // The timer has come. Gives by how much it was late, 0 or more.
  Clock::duration Beat(Clock::time_point now);

  // The greatest lateness seen since the moment, that of a beat that is overdue now included.
  Clock::duration Since(Clock::time_point moment, Clock::time_point now) const;

  // Forgets what was before the moment.
  void Forget(Clock::time_point before);

 private:
  struct Record {
    Clock::time_point at;
    Clock::duration late;
  };

  Clock::time_point expected_ = Clock::time_point::max();
  // Falling lateness from front to back: a record hides all earlier ones that are not greater.
  std::deque<Record> records_;
};

}  // namespace lvs::checker
