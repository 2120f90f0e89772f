#include "collectors/checker/lateness.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lvs::checker {
namespace {

using namespace std::chrono_literals;

constexpr Clock::time_point kStart{1000s};

// Beats every 100 ms, each late by so much.
Lateness After(std::initializer_list<Clock::duration> beats) {
  Lateness lateness;
  Clock::time_point due = kStart;
  for (const Clock::duration late : beats) {
    due += 100ms;
    lateness.Expect(due);
    EXPECT_EQ(lateness.Beat(due + late), late);
  }
  lateness.Expect(due + 100ms);
  return lateness;
}

TEST(Lateness, IsTheGreatestSinceAMoment) {
  const Lateness lateness = After({1ms, 50ms, 2ms, 20ms, 0ms});
  const Clock::time_point now = kStart + 510ms;
  EXPECT_EQ(lateness.Since(kStart, now), 50ms);
  EXPECT_EQ(lateness.Since(kStart + 260ms, now), 20ms);
  EXPECT_EQ(lateness.Since(kStart + 430ms, now), 0ms);
}

TEST(Lateness, CountsABeatThatHasNotComeYet) {
  const Lateness lateness = After({0ms});
  EXPECT_EQ(lateness.Since(kStart + 150ms, kStart + 180ms), 0ms);
  EXPECT_EQ(lateness.Since(kStart + 150ms, kStart + 5s), 5s - 200ms) << "the loop stood still";
}

TEST(Lateness, ForgetsWhatIsTooOld) {
  Lateness lateness = After({50ms, 1ms});
  lateness.Forget(kStart + 160ms);
  EXPECT_EQ(lateness.Since(kStart, kStart + 201ms), 1ms);
}

TEST(Lateness, ABeatThatComesEarlyIsNotLate) {
  Lateness lateness;
  lateness.Expect(kStart);
  EXPECT_EQ(lateness.Beat(kStart - 1ms), 0ms);
}

}  // namespace
}  // namespace lvs::checker
