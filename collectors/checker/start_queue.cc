#include "collectors/checker/start_queue.h"

#include <algorithm>
#include <chrono>

namespace lvs::checker {

void StartQueue::Clear() {
  waiting_ = {};
  pending_.clear();
  normal_.clear();
}

void StartQueue::Add(std::uint32_t target, Clock::time_point due, Urgency urgency) {
  if (target >= order_of_.size()) order_of_.resize(target + 1);
  order_of_[target] = ++added_;
  waiting_.push({due, target, urgency, added_});
}

std::optional<StartQueue::Start> StartQueue::Take(Clock::time_point now, std::size_t in_flight) {
  MoveDue(now);
  Refill(now);
  if (!HasReady()) return std::nullopt;
  if (in_flight >= limits_.max_in_flight || tokens_ < 1) {
    held_back_ = now;
    return std::nullopt;
  }
  tokens_ -= 1;
  std::deque<Entry>& ready = FirstReady();
  const Entry entry = ready.front();
  ready.pop_front();
  return Start{entry.target, entry.due, held_back_ && *held_back_ >= entry.due};
}

std::optional<Clock::time_point> StartQueue::WakeAt(Clock::time_point now,
                                                    std::size_t in_flight) const {
  if (!HasReady()) {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.top().due;
  }
  if (in_flight >= limits_.max_in_flight) return std::nullopt;
  const std::chrono::duration<double> wait(std::max(0.0, 1 - tokens_) / limits_.max_rate);
  return now + std::chrono::ceil<Clock::duration>(wait);
}

void StartQueue::MoveDue(Clock::time_point now) {
  while (!waiting_.empty() && waiting_.top().due <= now) {
    const Entry entry = waiting_.top();
    waiting_.pop();
    if (WasMoved(entry)) continue;
    (entry.urgency == Urgency::kPending ? pending_ : normal_).push_back(entry);
  }
}

void StartQueue::Refill(Clock::time_point now) {
  const double most = std::max(1.0, limits_.max_rate);
  if (!refilled_) tokens_ = most;
  const std::chrono::duration<double> passed = now - refilled_.value_or(now);
  tokens_ = std::min(most, tokens_ + passed.count() * limits_.max_rate);
  refilled_ = now;
}

}  // namespace lvs::checker
