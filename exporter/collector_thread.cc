#include "exporter/collector_thread.h"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace lvs {
namespace {

std::shared_ptr<const Outcome> FailedOutcome(const Collector& collector, std::string_view reason) {
  auto outcome = std::make_shared<Outcome>();
  outcome->collection.error =
      Error{ErrorCode::kSystem, std::string(collector.name()) + ": " + std::string(reason)};
  return outcome;
}

// Exceptions are for libraries; here they become values.
Collection CollectSafely(Collector& collector, Deadline deadline) {
  try {
    return collector.Collect(deadline);
  } catch (const std::exception& e) {
    return {{}, Error{ErrorCode::kSystem, std::string(collector.name()) + ": " + e.what()}};
  }
}

}  // namespace

CollectorThread::CollectorThread(std::unique_ptr<Collector> collector, Log& log)
    : collector_(std::move(collector)),
      log_(log),
      stopping_outcome_(FailedOutcome(*collector_, "the exporter is stopping")),
      no_memory_outcome_(FailedOutcome(*collector_, "out of memory")),
      thread_([this] { Loop(); }) {}

CollectorThread::~CollectorThread() {
  Stop();
  thread_.join();
}

FutureOutcome CollectorThread::Collect(Deadline deadline) {
  const std::scoped_lock lock(mutex_);
  if (promise_) return outcome_;
  if (stopping_) {
    Promise promise;
    promise.set_value(stopping_outcome_);
    return promise.get_future().share();
  }
  Open(deadline);
  wake_.notify_one();
  return outcome_;
}

// Whoever comes now shares this run. Without memory it is put off.
void CollectorThread::OpenByItself() {
  try {
    Open(Clock::now());
  } catch (const std::bad_alloc&) {
    again_ = Clock::now() + std::chrono::seconds(1);
  }
}

void CollectorThread::Open(Deadline deadline) {
  promise_.emplace();
  outcome_ = promise_->get_future().share();
  due_ = std::max(deadline, Clock::now() + kLeastRun);
  late_logged_ = false;
}

void CollectorThread::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    due_.reset();
    if (promise_) promise_->set_value(stopping_outcome_);
    promise_.reset();
  }
  collector_->Stop();
  wake_.notify_one();
}

bool CollectorThread::WaitUntilStopped(Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_until(lock, deadline, [this] { return stopped_; })) return false;
  }
  return collector_->WaitUntilStopped(deadline);
}

void CollectorThread::LogLate() {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || std::exchange(late_logged_, true)) return;
  }
  log_.Warn("collector was not done by the scrape's deadline",
            {{"collector", std::string(collector_->name())}});
}

void CollectorThread::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    WaitForWork(lock);
    if (stopping_) break;
    if (!due_) continue;
    const Deadline deadline = *std::exchange(due_, std::nullopt);
    lock.unlock();
    const auto start = Clock::now();
    std::shared_ptr<const Outcome> outcome = RunOnce(deadline);
    const auto end = Clock::now();
    lock.lock();
    const std::optional<Clock::duration> pause = collector_->ReadAgainAfter(end - start);
    again_ = pause ? std::optional(end + *pause) : std::nullopt;
    if (promise_) promise_->set_value(std::move(outcome));
    promise_.reset();
  }
  stopped_ = true;
  wake_.notify_all();
}

// Returns when a run is due, asked for or not, or at the end.
void CollectorThread::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return due_.has_value() || stopping_; };
  if (!again_) {
    wake_.wait(lock, has_work);
  } else if (!wake_.wait_until(lock, *again_, has_work)) {
    OpenByItself();
  }
}

// Thread entry for every run: nothing is thrown from here.
std::shared_ptr<const Outcome> CollectorThread::RunOnce(Deadline deadline) {
  try {
    const auto start = Clock::now();
    auto outcome = std::make_shared<Outcome>();
    outcome->collection = CollectSafely(*collector_, deadline);
    outcome->seconds = std::chrono::duration<double>(Clock::now() - start).count();
    LogChange(outcome->collection.error);
    return outcome;
  } catch (...) {
    return no_memory_outcome_;
  }
}

void CollectorThread::LogChange(const std::optional<Error>& error) {
  const std::optional<ErrorCode> now = error ? std::optional(error->code) : std::nullopt;
  if (now == trouble_) return;
  const LogField collector{"collector", std::string(collector_->name())};
  if (error) {
    log_.Warn("collector failed", {collector, {"err", error->message}});
  } else {
    log_.Info("collector works again", {collector});
  }
  trouble_ = now;
}

}  // namespace lvs
