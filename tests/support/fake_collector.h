// A collector whose outcome a test decides, and which can be held in the middle of a run.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "collectors/collector.h"

namespace lvs::fake {

inline constexpr MetricInfo kTestValue = {"test_value", MetricType::kGauge, "A value.", {}};

// What the test keeps of a collector that the program owns. Any thread.
class CollectorHandle {
 public:
  // Runs that begin from now on wait for Release().
  void Hold() {
    const std::scoped_lock lock(mutex_);
    held_ = true;
  }
  void Release() {
    {
      const std::scoped_lock lock(mutex_);
      held_ = false;
    }
    changed_.notify_all();
  }
  // As Release(), for this run and all later ones.
  void Stop() {
    ++stops_;
    Release();
  }
  int stops() const { return stops_; }
  // From now on a thread of the collector's own does not end.
  void NeverStops() { never_stops_ = true; }
  bool WaitUntilStopped() const { return !never_stops_; }
  void WaitUntilRunning() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return running_; });
  }
  // What the next runs give.
  void Gives(std::function<Collection()> result) {
    const std::scoped_lock lock(mutex_);
    result_ = std::move(result);
  }
  int runs() const { return runs_; }
  // What the collector wants from now on (Collector::ReadAgainAfter); any thread.
  void WantsToReadAgainAfter(Clock::duration pause) { read_again_after_ = pause; }
  std::optional<Clock::duration> read_again_after() const {
    const Clock::duration pause = read_again_after_;
    return pause < Clock::duration::zero() ? std::nullopt : std::optional(pause);
  }
  // Of the last run.
  Deadline deadline() {
    const std::scoped_lock lock(mutex_);
    return deadline_;
  }
  void SetDeadline(Deadline deadline) {
    const std::scoped_lock lock(mutex_);
    deadline_ = deadline;
  }

  Collection Run() {
    ++runs_;
    std::unique_lock lock(mutex_);
    running_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    running_ = false;
    const auto result = result_;
    lock.unlock();
    return result();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  bool running_ = false;
  Deadline deadline_;
  std::atomic<int> runs_{0};
  std::atomic<int> stops_{0};
  std::atomic<bool> never_stops_{false};
  std::atomic<Clock::duration> read_again_after_{Clock::duration(-1)};  // below 0: never
  std::function<Collection()> result_ = [this] {
    const auto run = static_cast<std::uint64_t>(runs());
    return Collection{{{&kTestValue, [run](Sink& sink) { sink.Sample("", "", "", run); }}}, {}};
  };
};

class TestCollector : public Collector {
 public:
  TestCollector(std::string name, std::shared_ptr<CollectorHandle> handle)
      : name_(std::move(name)), handle_(std::move(handle)) {}
  std::string_view name() const override { return name_; }
  Collection Collect(Deadline deadline) override {
    handle_->SetDeadline(deadline);
    return handle_->Run();
  }
  std::optional<Clock::duration> ReadAgainAfter(Clock::duration) const override {
    return handle_->read_again_after();
  }
  void Stop() override { handle_->Stop(); }
  bool WaitUntilStopped(Deadline) override { return handle_->WaitUntilStopped(); }

 private:
  const std::string name_;
  const std::shared_ptr<CollectorHandle> handle_;
};

}  // namespace lvs::fake
