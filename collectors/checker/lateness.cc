#include "collectors/checker/lateness.h"

#include <algorithm>

namespace lvs::checker {

Clock::duration Lateness::Beat(Clock::time_point now) {
  const Clock::duration late = std::max(now - expected_, Clock::duration::zero());
  while (!records_.empty() && records_.back().late <= late) records_.pop_back();
  records_.push_back({now, late});
  return late;
}

Clock::duration Lateness::Since(Clock::time_point moment, Clock::time_point now) const {
  const Clock::duration overdue = now > expected_ ? now - expected_ : Clock::duration::zero();
  const auto first =
      std::ranges::find_if(records_, [&](const Record& r) { return r.at >= moment; });
  return first == records_.end() ? overdue : std::max(overdue, first->late);
}

void Lateness::Forget(Clock::time_point before) {
  while (!records_.empty() && records_.front().at < before) records_.pop_front();
}

}  // namespace lvs::checker
