#include "collectors/checker/start_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace lvs::checker {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1000s};

class StartQueueTest : public testing::Test {
 protected:
  StartQueueTest() { queue_.SetLimits({.max_in_flight = 100, .max_rate = 1000}); }

  // The targets that start at a moment.
  std::vector<std::uint32_t> TakeAll(Clock::time_point now, std::size_t in_flight = 0) {
    std::vector<std::uint32_t> taken;
    while (const auto start = queue_.Take(now, in_flight + taken.size())) {
      taken.push_back(start->target);
    }
    return taken;
  }

  StartQueue queue_;
};

TEST_F(StartQueueTest, StartsInTheOrderOfDueTimes) {
  queue_.Add(1, kStart + 2s, Urgency::kNormal);
  queue_.Add(2, kStart + 1s, Urgency::kNormal);
  queue_.Add(3, kStart + 3s, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart), testing::IsEmpty());
  EXPECT_EQ(queue_.WakeAt(kStart, 0), kStart + 1s);
  EXPECT_THAT(TakeAll(kStart + 2s), testing::ElementsAre(2, 1));
  EXPECT_THAT(TakeAll(kStart + 3s), testing::ElementsAre(3));
  EXPECT_EQ(queue_.WakeAt(kStart + 3s, 0), std::nullopt);
}

TEST_F(StartQueueTest, WhatIsInFlightHoldsStartsBack) {
  queue_.SetLimits({.max_in_flight = 2, .max_rate = 1000});
  for (std::uint32_t i = 0; i < 5; ++i) queue_.Add(i, kStart, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart), testing::ElementsAre(0, 1));
  EXPECT_EQ(queue_.WakeAt(kStart, 2), std::nullopt) << "the end of a run wakes it";
  const auto start = queue_.Take(kStart + 1s, 1);
  ASSERT_TRUE(start);
  EXPECT_TRUE(start->throttled);
}

TEST_F(StartQueueTest, TheRateHoldsStartsBack) {
  queue_.SetLimits({.max_in_flight = 100, .max_rate = 2});
  for (std::uint32_t i = 0; i < 5; ++i) queue_.Add(i, kStart, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart), testing::ElementsAre(0, 1)) << "a second's worth at once";
  EXPECT_EQ(queue_.WakeAt(kStart, 0), kStart + 500ms);
  EXPECT_THAT(TakeAll(kStart + 500ms), testing::ElementsAre(2));
  EXPECT_THAT(TakeAll(kStart + 10s), testing::ElementsAre(3, 4)) << "and never more";
}

TEST_F(StartQueueTest, PendingVerdictsGoFirstWhenALimitBites) {
  queue_.SetLimits({.max_in_flight = 1, .max_rate = 1000});
  queue_.Add(1, kStart, Urgency::kNormal);
  queue_.Add(2, kStart + 1s, Urgency::kPending);
  queue_.Add(3, kStart + 2s, Urgency::kPending);
  EXPECT_EQ(queue_.Take(kStart + 2s, 0)->target, 2u);
  EXPECT_EQ(queue_.Take(kStart + 2s, 0)->target, 3u);
  EXPECT_EQ(queue_.Take(kStart + 2s, 0)->target, 1u);
}

TEST_F(StartQueueTest, AStartThatNoLimitHeldBackIsNotThrottled) {
  queue_.Add(1, kStart, Urgency::kNormal);
  EXPECT_FALSE(queue_.Take(kStart + 10s, 0)->throttled) << "late, but not for a limit";
}

TEST_F(StartQueueTest, AddMovesATargetThatWaits) {
  queue_.Add(1, kStart + 5s, Urgency::kNormal);
  queue_.Add(2, kStart + 2s, Urgency::kNormal);
  queue_.Add(1, kStart + 1s, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart + 1s), testing::ElementsAre(1));
  EXPECT_THAT(TakeAll(kStart + 9s), testing::ElementsAre(2)) << "1 is there only once";
  queue_.Add(1, kStart + 10s, Urgency::kNormal);
  queue_.Add(1, kStart + 12s, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart + 11s), testing::IsEmpty());
  EXPECT_THAT(TakeAll(kStart + 12s), testing::ElementsAre(1));
}

TEST_F(StartQueueTest, ClearForgetsTargetsButNotWhatIsUsedUp) {
  queue_.SetLimits({.max_in_flight = 100, .max_rate = 1});
  queue_.Add(1, kStart, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart), testing::ElementsAre(1));
  queue_.Add(2, kStart, Urgency::kNormal);
  queue_.Clear();
  EXPECT_EQ(queue_.WakeAt(kStart, 0), std::nullopt);
  queue_.Add(3, kStart, Urgency::kNormal);
  EXPECT_THAT(TakeAll(kStart), testing::IsEmpty());
}

}  // namespace
}  // namespace lvs::checker
