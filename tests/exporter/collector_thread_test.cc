#include "exporter/collector_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/captured_log.h"
#include "tests/support/fake_collector.h"

namespace lvs {
namespace {

using testing::HasSubstr;

const Deadline kFarAway = Clock::now() + std::chrono::hours(1);

class CollectorThreadTest : public testing::Test {
 protected:
  CapturedLog log_;
  std::shared_ptr<fake::CollectorHandle> handle_ = std::make_shared<fake::CollectorHandle>();
  std::optional<CollectorThread> thread_{
      std::in_place, std::make_unique<fake::TestCollector>("test", handle_), log_.log()};

  std::string LogLines() {
    thread_.reset();
    return log_.Lines();
  }
};

TEST_F(CollectorThreadTest, WhoAsksDuringARunGetsThatRun) {
  handle_->Hold();
  const auto first = thread_->Collect(kFarAway);
  handle_->WaitUntilRunning();
  const auto second = thread_->Collect(kFarAway);
  handle_->Release();
  EXPECT_EQ(first.get(), second.get());
  EXPECT_EQ(handle_->runs(), 1);
}

TEST_F(CollectorThreadTest, WhoAsksLaterGetsANewRun) {
  const auto first = thread_->Collect(kFarAway).get();
  const auto second = thread_->Collect(kFarAway).get();
  EXPECT_NE(first, second);
  EXPECT_EQ(handle_->runs(), 2);
}

TEST_F(CollectorThreadTest, RunsByItselfAsLongAsTheCollectorWants) {
  handle_->WantsToReadAgainAfter(std::chrono::milliseconds(1));
  thread_->Collect(kFarAway).get();
  while (handle_->runs() < 5) std::this_thread::yield();
  handle_->Hold();
  handle_->WaitUntilRunning();
  const int runs = handle_->runs();
  const auto shared = thread_->Collect(kFarAway);  // joins the run that nobody asked for
  handle_->WantsToReadAgainAfter(Clock::duration(-1));
  handle_->Release();
  shared.get();
  EXPECT_EQ(handle_->runs(), runs);
  thread_->Collect(kFarAway).get();
  EXPECT_EQ(handle_->runs(), runs + 1);
}

TEST_F(CollectorThreadTest, EndsWhileItWaitsForItsNextOwnRun) {
  handle_->WantsToReadAgainAfter(std::chrono::hours(1));
  thread_->Collect(kFarAway).get();
  thread_.reset();
}

TEST_F(CollectorThreadTest, AnExceptionBecomesAnError) {
  handle_->Gives([]() -> Collection { throw std::runtime_error("broken"); });
  const auto outcome = thread_->Collect(kFarAway).get();
  ASSERT_TRUE(outcome->collection.error.has_value());
  EXPECT_EQ(outcome->collection.error->message, "test: broken");
}

TEST_F(CollectorThreadTest, TroubleIsLoggedWhenItBeginsChangesItsKindAndEnds) {
  const auto gives = [&](std::optional<Error> error) {
    handle_->Gives([error] { return Collection{{}, error}; });
    for (int i = 0; i < 3; ++i) thread_->Collect(kFarAway).get();
  };
  gives(std::nullopt);
  gives(Error{ErrorCode::kTimeout, "test: too slow"});
  gives(Error{ErrorCode::kTimeout, "test: too slow again"});
  gives(Error{ErrorCode::kNoPermission, "test: not allowed"});
  gives(std::nullopt);
  EXPECT_EQ(LogLines(),
            "level=warn msg=\"collector failed\" collector=test err=\"test: too slow\"\n"
            "level=warn msg=\"collector failed\" collector=test err=\"test: not allowed\"\n"
            "level=info msg=\"collector works again\" collector=test\n");
}

TEST_F(CollectorThreadTest, ALateRunIsLoggedOnce) {
  handle_->Hold();
  const auto run = thread_->Collect(kFarAway);
  for (int i = 0; i < 3; ++i) thread_->LogLate();
  handle_->Release();
  run.wait();
  EXPECT_EQ(LogLines(),
            "level=warn msg=\"collector was not done by the scrape's deadline\" collector=test\n");
}

TEST_F(CollectorThreadTest, ARunGetsItsLeastTimeHoweverHastyTheFirstToAsk) {
  const Deadline before = Clock::now();
  thread_->Collect(before).wait();
  EXPECT_GE(handle_->deadline(), before + CollectorThread::kLeastRun);
  thread_->Collect(kFarAway).wait();
  EXPECT_EQ(handle_->deadline(), kFarAway);
}

TEST_F(CollectorThreadTest, StopLetsWaitersGoWakesTheRunAndStartsNothingNew) {
  handle_->Hold();
  const auto run = thread_->Collect(kFarAway);
  handle_->WaitUntilRunning();
  thread_->Stop();
  ASSERT_TRUE(run.get()->collection.error.has_value());
  EXPECT_EQ(run.get()->collection.error->message, "test: the exporter is stopping");
  const auto later = thread_->Collect(kFarAway);
  EXPECT_EQ(later.get()->collection.error->message, "test: the exporter is stopping");
  EXPECT_EQ(handle_->runs(), 1);
}

// Nobody but Stop() lets the run go here.
TEST_F(CollectorThreadTest, TheDestructorWakesARunThatWaits) {
  handle_->Hold();
  const auto run = thread_->Collect(kFarAway);
  handle_->WaitUntilRunning();
  thread_.reset();
  EXPECT_EQ(handle_->stops(), 1);
}

}  // namespace
}  // namespace lvs
