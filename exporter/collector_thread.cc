#include "exporter/collector_thread.h"

#include <exception>
#include <string>
#include <utility>

namespace lvs {
namespace {

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
    : collector_(std::move(collector)), log_(log), thread_([this] { Loop(); }) {}

CollectorThread::~CollectorThread() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::shared_future<std::shared_ptr<const Outcome>> CollectorThread::Collect(Deadline deadline) {
  const std::scoped_lock lock(mutex_);
  if (!promise_) {
    late_logged_ = false;
    promise_.emplace();
    outcome_ = promise_->get_future().share();
    due_ = deadline;
    wake_.notify_one();
  }
  return outcome_;
}

void CollectorThread::Abandon() {
  const std::scoped_lock lock(mutex_);
  due_.reset();
  auto outcome = std::make_shared<Outcome>();
  outcome->collection.error =
      Error{ErrorCode::kTimeout, std::string(collector_->name()) + ": the exporter is stopping"};
  Keep(std::move(outcome));
}

// Hands the outcome to those who wait, if they still do. With mutex_ held.
void CollectorThread::Keep(std::shared_ptr<const Outcome> outcome) {
  if (!promise_) return;
  promise_->set_value(std::move(outcome));
  promise_.reset();
}

void CollectorThread::LogLate() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(late_logged_, true)) return;
  log_.Warn("collector was not done by the scrape's deadline",
            {{"collector", std::string(collector_->name())}});
}

void CollectorThread::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return due_.has_value() || stop_; });
    if (!due_) return;  // a run that is due is still done: somebody waits for it
    const Deadline deadline = *std::exchange(due_, std::nullopt);
    lock.unlock();
    std::shared_ptr<const Outcome> outcome = RunOnce(deadline);
    lock.lock();
    Keep(std::move(outcome));
  }
}

std::shared_ptr<const Outcome> CollectorThread::RunOnce(Deadline deadline) {
  const auto start = Clock::now();
  auto outcome = std::make_shared<Outcome>();
  outcome->collection = CollectSafely(*collector_, deadline);
  outcome->seconds = std::chrono::duration<double>(Clock::now() - start).count();
  LogChange(outcome->collection.error);
  return outcome;
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
