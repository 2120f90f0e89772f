#include "collectors/connections/scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <new>
#include <string>
#include <thread>

#include "tests/support/connections_world.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/scripted_rows.h"

namespace lvs::connections {
namespace {

using namespace std::chrono_literals;
using fake::On;
using fake::Services;
using testing::HasSubstr;

using SnapshotPointer = std::shared_ptr<const Snapshot>;

// Without a budget: what a pass costs on this machine must not matter.
constexpr Settings kFast = {.interval = 1ms, .budget = 1e9, .level = Level::kService};
constexpr Settings kOnce = {.interval = 1h, .budget = 1, .level = Level::kService};

Services Web(std::uint64_t connections) {
  return Services()
      .Plain(On(ipvs::Protocol::kTcp, "10.0.0.1", 80))
      .Backend("10.1.0.1", 80)
      .Holds(connections, 0);
}

class TheScanner : public testing::Test {
 protected:
  void PublishTable(const Services& services, std::chrono::seconds age = 0s) {
    auto latest = std::make_shared<ipvs::LatestReading>();
    latest->table = services.Share();
    latest->current = latest->up = true;
    latest->read_at = std::chrono::system_clock::now() - age;
    table_.Set(latest);
  }
  void PublishFailure(ErrorCode code) {
    auto latest = std::make_shared<ipvs::LatestReading>();
    latest->error = Error{code, "ipvs: something"};
    table_.Set(latest);
  }

  // Real files below procfs_.
  std::unique_ptr<Scanner> ScanFiles(const Settings& settings = kFast) {
    return std::make_unique<Scanner>(ScannerSources::Real(table_, procfs_.root()), settings,
                                     published_);
  }

  std::unique_ptr<Scanner> Scan(std::function<Result<std::unique_ptr<RowSource>>()> open,
                                const Settings& settings = kFast) {
    ScannerSources sources = ScannerSources::Real(table_, procfs_.root());
    sources.open = std::move(open);
    return std::make_unique<Scanner>(std::move(sources), settings, published_);
  }

  // The first snapshot that is as wanted; null when there is none for a long time.
  SnapshotPointer WaitFor(const std::function<bool(const Snapshot&)>& wanted) {
    const Deadline deadline = Clock::now() + 30s;
    while (Clock::now() < deadline) {
      const SnapshotPointer snapshot = published_.Get();
      if (snapshot && wanted(*snapshot)) return snapshot;
      std::this_thread::sleep_for(1ms);
    }
    ADD_FAILURE() << "nothing like that was published";
    return nullptr;
  }
  SnapshotPointer WaitForReading() {
    return WaitFor([](const Snapshot& s) { return !s.error; });
  }
  SnapshotPointer WaitForError() {
    return WaitFor([](const Snapshot& s) { return s.error.has_value(); });
  }

  static std::string Rows(int n) {
    std::string text = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n";
    for (int i = 0; i < n; ++i) text += fake::ScriptedRows::kRow;
    return text;
  }

  fake::Procfs procfs_;
  Published<ipvs::LatestReading> table_;
  Published<Snapshot> published_;
};

TEST_F(TheScanner, TellsWhatIsInTheFile) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(3000) + "junk\n");
  PublishTable(Web(3000));
  const auto scanner = ScanFiles(kOnce);
  const SnapshotPointer snapshot = WaitForReading();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->rows, 3000U);
  EXPECT_FALSE(snapshot->summary.truncated);
  EXPECT_TRUE(snapshot->origins_known);
  ASSERT_EQ(snapshot->summary.services.size(), 1U);
  EXPECT_EQ((*snapshot->summary.services[0].states)[Position(State::kEstablished)], 3000U);
  EXPECT_EQ(snapshot->counters.complete, 1U);
  EXPECT_EQ(snapshot->counters.skipped_lines, 1U);
  EXPECT_GT(snapshot->counters.cpu_seconds, 0.0);
  EXPECT_EQ(snapshot->interval, Clock::duration(1h));
  EXPECT_GE(snapshot->took, 0s);
}

TEST_F(TheScanner, ReadsAgainAndCountsItsPasses) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(1));
  PublishTable(Web(1));
  const auto scanner = ScanFiles();
  const SnapshotPointer third = WaitFor([](const Snapshot& s) { return s.counters.complete >= 3; });
  ASSERT_TRUE(third);
  EXPECT_EQ(third->counters.truncated + third->counters.failed, 0U);
}

TEST_F(TheScanner, WaitsForTheFirstTableOfServices) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(5));
  std::atomic<int> opened = 0;
  const std::string root = procfs_.root();
  const auto scanner = Scan([&opened, root] {
    ++opened;
    return TableFile::Open(root);
  });
  std::this_thread::yield();
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(published_.Get(), nullptr);
  PublishTable(Web(5));
  ASSERT_TRUE(WaitForReading());
  EXPECT_GT(opened, 0);
}

TEST_F(TheScanner, WaitsForATableOfTheLastMoments) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(5));
  PublishTable(Web(7), 10s);
  std::atomic<int> opened = 0;
  const std::string root = procfs_.root();
  const auto scanner = Scan(
      [&opened, root] {
        ++opened;
        return TableFile::Open(root);
      },
      kOnce);
  std::this_thread::yield();
  EXPECT_EQ(opened, 0);
  PublishTable(Services());
  const SnapshotPointer snapshot = WaitForReading();
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->summary.services.empty()) << "those of the new table";
}

TEST_F(TheScanner, TakesAnOldTableWhereNoNewOneComes) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(5));
  PublishTable(Web(5), 10s);
  ScannerSources sources = ScannerSources::Real(table_, procfs_.root());
  sources.patience = 1ms;
  const Scanner scanner(std::move(sources), kOnce, published_);
  EXPECT_TRUE(WaitForReading());
}

TEST_F(TheScanner, AFileInAnotherFormatIsAFailedPass) {
  procfs_.Write("net/ip_vs_conn_sync", "Proto From To\n6 192.0.2.1:1 10.0.0.1:80\n");
  PublishTable(Web(1));
  const auto scanner = ScanFiles(kOnce);
  const SnapshotPointer failed = WaitForError();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error->code, ErrorCode::kMalformed);
  EXPECT_EQ(failed->counters.failed, 1U);
  EXPECT_EQ(failed->counters.skipped_lines, 2U);
}

TEST_F(TheScanner, WithoutTheModuleSaysSoAndComesBackWithIt) {
  PublishTable(Web(2));
  const auto scanner = ScanFiles();
  const SnapshotPointer failed = WaitForError();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error->code, ErrorCode::kModuleAbsent);
  EXPECT_TRUE(failed->summary.services.empty());
  procfs_.Write("net/ip_vs_conn_sync", Rows(2));
  const SnapshotPointer read = WaitForReading();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rows, 2U);
  EXPECT_GE(read->counters.failed, 1U);
}

TEST_F(TheScanner, WhileTheServicesCannotBeReadMakesNoPass) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(2));
  std::atomic<int> opened = 0;
  const std::string root = procfs_.root();
  PublishFailure(ErrorCode::kTimeout);
  const auto scanner = Scan([&opened, root] {
    ++opened;
    return TableFile::Open(root);
  });
  std::this_thread::yield();
  EXPECT_EQ(opened, 0);
  PublishTable(Web(2));
  EXPECT_TRUE(WaitForReading());
}

TEST_F(TheScanner, AFileThatFailsIsAFailedPass) {
  PublishTable(Web(100));
  fake::CpuClock clock;
  const auto scanner = Scan([&clock]() -> Result<std::unique_ptr<RowSource>> {
    auto rows = std::make_unique<fake::ScriptedRows>(1000, clock, [](std::size_t) { return 0ns; });
    rows->FailAt(3);
    return std::unique_ptr<RowSource>(std::move(rows));
  });
  const SnapshotPointer failed = WaitForError();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->error->message, "table: I/O error");
  EXPECT_GE(failed->counters.failed, 1U);
}

TEST_F(TheScanner, PastItsBudgetTellsEstimatesAndPaysForWhatItUsed) {
  PublishTable(Web(100'000));
  fake::CpuClock clock;  // only the scanner's thread touches it
  ScannerSources sources = ScannerSources::Real(table_, procfs_.root());
  sources.cpu_time = [&clock] { return clock.now; };
  sources.open = [&clock]() -> Result<std::unique_ptr<RowSource>> {
    // A first read that costs twice the budget, as nobody can foresee.
    return std::unique_ptr<RowSource>(
        std::make_unique<fake::ScriptedRows>(100'000, clock, [](std::size_t) { return 120s; }));
  };
  const Scanner scanner(std::move(sources),
                        {.interval = 1h, .budget = 60.0 / 3600, .level = Level::kService},
                        published_);
  const SnapshotPointer snapshot = WaitForReading();
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->summary.truncated);
  EXPECT_EQ(snapshot->counters.truncated, 1U);
  EXPECT_NEAR(*snapshot->summary.coverage, 62 / 100'000.0, 1e-9);
  EXPECT_EQ((*snapshot->summary.services[0].states)[Position(State::kEstablished)], 100'000U);
  EXPECT_EQ(std::chrono::round<std::chrono::seconds>(snapshot->interval), 7200s);
  EXPECT_DOUBLE_EQ(snapshot->counters.cpu_seconds, 120.0);
}

TEST_F(TheScanner, TakesTheSizeOfTheTableFromTheKernelWhereItTellsIt) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(500));
  procfs_.Write("net/ip_vs_status", "Conns:\t2000\n");
  PublishTable(Services());
  const auto scanner = ScanFiles();
  const SnapshotPointer snapshot = WaitForReading();
  ASSERT_TRUE(snapshot);
  EXPECT_TRUE(snapshot->summary.truncated) << "the file ended far too early";
  EXPECT_EQ(snapshot->summary.coverage, 0.25);
  EXPECT_EQ(snapshot->summary.orphan_connections.value()[0], 2000U);
}

TEST_F(TheScanner, StopsInTheMiddleOfAPassAndPublishesNothingOfIt) {
  PublishTable(Web(1));
  fake::CpuClock clock;
  std::promise<void> reading;
  std::unique_ptr<Scanner> scanner;
  std::promise<void> stopped;
  scanner = Scan(
      [&]() -> Result<std::unique_ptr<RowSource>> {
        // Without an end.
        auto rows =
            std::make_unique<fake::ScriptedRows>(SIZE_MAX, clock, [](std::size_t) { return 0ns; });
        rows->At(2, [&] {
          reading.set_value();
          stopped.get_future().wait();
        });
        return std::unique_ptr<RowSource>(std::move(rows));
      },
      kOnce);
  reading.get_future().wait();
  scanner->Stop();
  stopped.set_value();
  scanner.reset();  // would hang if the pass went on
  EXPECT_EQ(published_.Get(), nullptr);
}

TEST_F(TheScanner, HasNotStoppedWhileAReadHangs) {
  PublishTable(Web(1));
  fake::CpuClock clock;
  std::promise<void> reading;
  std::promise<void> let_go;
  const auto scanner = Scan(
      [&]() -> Result<std::unique_ptr<RowSource>> {
        auto rows =
            std::make_unique<fake::ScriptedRows>(SIZE_MAX, clock, [](std::size_t) { return 0ns; });
        rows->At(0, [&] {
          reading.set_value();
          let_go.get_future().wait();
        });
        return std::unique_ptr<RowSource>(std::move(rows));
      },
      kOnce);
  reading.get_future().wait();
  scanner->Stop();
  EXPECT_FALSE(scanner->WaitUntilStopped(Clock::now() + 20ms));
  let_go.set_value();
  EXPECT_TRUE(scanner->WaitUntilStopped(Clock::now() + 30s));
}

TEST_F(TheScanner, StopsWhileItWaits) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(1));
  PublishTable(Web(1));
  auto scanner = ScanFiles(kOnce);
  ASSERT_TRUE(WaitForReading());
  scanner.reset();  // would hang for an hour
}

TEST_F(TheScanner, SurvivesAMomentWithoutMemory) {
  procfs_.Write("net/ip_vs_conn_sync", Rows(1));
  PublishTable(Web(1));
  std::atomic<bool> no_memory = true;
  const std::string root = procfs_.root();
  const auto scanner = Scan([&no_memory, root] {
    if (no_memory) throw std::bad_alloc();
    return TableFile::Open(root);
  });
  const SnapshotPointer failed = WaitForError();
  ASSERT_TRUE(failed);
  EXPECT_THAT(failed->error->message, HasSubstr("out of memory"));
  no_memory = false;
  EXPECT_TRUE(WaitForReading());
}

}  // namespace
}  // namespace lvs::connections
