#include "collectors/connections/pass.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/scripted_rows.h"

namespace lvs::connections {
namespace {

using namespace std::chrono_literals;
using fake::ScriptedRows;

class Pass : public testing::Test {
 protected:
  ScriptedRows Table(std::size_t rows, std::function<CpuTime(std::size_t)> cost) {
    return {rows, clock_, std::move(cost)};
  }

  Result<PassResult> Read(RowSource& source, CpuTime budget, Deadline deadline = Deadline::max()) {
    return ReadRows(
        source, {.cpu = clock_.now + budget, .deadline = deadline}, [this] { return clock_.now; },
        stop_, [this](const Row&) { ++rows_; });
  }

  // A read up to Linux 6.13: it walks everything before its place.
  static CpuTime Quadratic(std::size_t n) { return 20us + n * 10us; }

  fake::CpuClock clock_{.now = 7s};
  std::atomic<bool> stop_ = false;
  std::uint64_t rows_ = 0;
};

TEST_F(Pass, ReadsATableThatFitsToItsEnd) {
  auto table = Table(1000, [](std::size_t) { return 100us; });
  const auto read = Read(table, 1s);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().end, PassEnd::kEndOfTable);
  EXPECT_EQ(read.value().rows, 1000U);
  EXPECT_EQ(read.value().skipped_lines, 0U);
  EXPECT_EQ(rows_, 1000U);
}

TEST_F(Pass, AnEmptyTableIsReadToItsEnd) {
  auto table = Table(0, [](std::size_t) { return 100us; });
  EXPECT_EQ(Read(table, 1s).value().end, PassEnd::kEndOfTable);
}

TEST_F(Pass, StopsBeforeTheBudgetIsOverrunWhereReadsCostTheSame) {
  auto table = Table(1'000'000, [](std::size_t) { return 1ms; });
  const auto read = Read(table, 100ms);
  EXPECT_EQ(read.value().end, PassEnd::kBudget);
  EXPECT_LE(clock_.now, 7s + 100ms);
  EXPECT_GE(clock_.now, 7s + 98ms) << "and not long before";
}

TEST_F(Pass, StopsBeforeTheBudgetIsOverrunWhereReadsBecomeDearer) {
  for (const CpuTime budget : {1ms, 10ms, 100ms, 900ms, 5'000ms}) {
    const CpuTime start = clock_.now;
    auto table = Table(100'000'000, Quadratic);
    EXPECT_EQ(Read(table, budget).value().end, PassEnd::kBudget);
    EXPECT_LE(clock_.now - start, budget);
    EXPECT_GE(clock_.now - start, budget * 8 / 10);
  }
}

TEST_F(Pass, ReadsThatAreDearNowAndThenAreForeseenOnceSeen) {
  auto table = Table(1'000'000, [](std::size_t n) { return n % 5 == 4 ? 10ms : 1ms; });
  EXPECT_EQ(Read(table, 100ms).value().end, PassEnd::kBudget);
  EXPECT_LE(clock_.now, 7s + 100ms);
}

TEST_F(Pass, TheFirstReadIsMadeWhateverItCosts) {
  auto table = Table(1'000'000, [](std::size_t) { return 3s; });
  const auto read = Read(table, 1ms);
  EXPECT_EQ(read.value().end, PassEnd::kBudget);
  EXPECT_EQ(read.value().rows, ScriptedRows::kRowsPerRead);
}

TEST_F(Pass, AThreadThatGetsNoProcessorEndsAtItsDeadline) {
  auto table = Table(1'000'000, [](std::size_t) { return 1us; });
  EXPECT_EQ(Read(table, 1s, Clock::now() - 1ms).value().end, PassEnd::kBudget);
  EXPECT_EQ(rows_, ScriptedRows::kRowsPerRead);
}

TEST_F(Pass, StopsInTheMiddle) {
  auto table = Table(1'000'000, [](std::size_t) { return 1us; });
  table.At(3, [this] { stop_ = true; });
  EXPECT_EQ(Read(table, 1s).value().end, PassEnd::kStopped);
  EXPECT_EQ(rows_, 4 * ScriptedRows::kRowsPerRead);
}

TEST_F(Pass, AnErrorOfTheFileEndsIt) {
  auto table = Table(1'000'000, [](std::size_t) { return 1us; });
  table.FailAt(2);
  const auto read = Read(table, 1s);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "table: I/O error");
}

TEST(Budget, OfAPassIsItsShareOfTheInterval) {
  EXPECT_EQ(PassBudget({.interval = 60s, .budget = 0.015, .level = {}}), 900ms);
  EXPECT_EQ(PassBudget({.interval = 1s, .budget = 1, .level = {}}), 1s);
}

TEST(Budget, OfAPassIsNoBurstHoweverLongTheInterval) {
  EXPECT_EQ(PassBudget({.interval = 1h, .budget = 0.015, .level = {}}), 1s);
  EXPECT_EQ(PassBudget({.interval = 1h, .budget = 0.015, .level = {}, .longest_pass = 1min}), 54s);
}

TEST(Budget, OfTheThreadIsKeptByWaitingLongerAfterADearPass) {
  const Settings settings = {.interval = 60s, .budget = 0.015, .level = {}};
  EXPECT_EQ(TimeToNextPass(settings, 0s), 60s);
  EXPECT_EQ(TimeToNextPass(settings, 900ms), 60s);
  EXPECT_EQ(TimeToNextPass(settings, 3s), 200s);
}

TEST(Budget, ByDefaultIsBelowTwoPercentOfACore) {
  const Settings settings;
  for (const CpuTime cost : {0ms, 1ms, 900ms, 10'000ms}) {
    const std::chrono::duration<double> share = cost;
    EXPECT_LT(share / TimeToNextPass(settings, cost), 0.02);
  }
}

TEST(ThreadCpuTime, IsTheThreadsOwn) {
  const CpuTime before = ThreadCpuTime();
  volatile std::uint64_t sum = 0;
  while (ThreadCpuTime() - before < 1ms) sum = sum + 1;
  EXPECT_GT(sum, 0U);
}

}  // namespace
}  // namespace lvs::connections
