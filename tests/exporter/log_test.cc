#include "exporter/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace lvs {
namespace {

const spdlog::log_clock::time_point kTime{std::chrono::milliseconds(1795358282790)};

TEST(FormatLogLine, LogfmtQuotesWhatIsNoPlainWord) {
  EXPECT_EQ(FormatLogLine(LogFormat::kLogfmt, kTime, "info", "two words",
                          {{"plain", "x-1"}, {"empty", ""}, {"equals", "a=b"}}),
            "ts=2026-11-22T14:38:02.790Z level=info msg=\"two words\" plain=x-1 empty=\"\" "
            "equals=\"a=b\"");
}

TEST(FormatLogLine, StaysOneLineWhateverComesFromOutside) {
  const std::string line = FormatLogLine(LogFormat::kLogfmt, kTime, "warn", "x",
                                         {{"err", "a\nlevel=error \"q\" \x1b[31m \xff"}});
  EXPECT_EQ(line,
            "ts=2026-11-22T14:38:02.790Z level=warn msg=x "
            "err=\"a\\nlevel=error \\\"q\\\" \\u001b[31m \xef\xbf\xbd\"");
}

TEST(FormatLogLine, JsonIsJson) {
  const std::string line =
      FormatLogLine(LogFormat::kJson, kTime, "warn", "a \"b\"\n", {{"k", "\x01 \xff \\"}});
  const auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["ts"], "2026-11-22T14:38:02.790Z");
  EXPECT_EQ(parsed["level"], "warn");
  EXPECT_EQ(parsed["msg"], "a \"b\"\n");
  EXPECT_EQ(parsed["k"], "\x01 \xef\xbf\xbd \\");
}

TEST(Log, WritesWhatIsQueuedBeforeItEndsAndNothingBelowItsLevel) {
  std::ostringstream out;
  {
    Log log(spdlog::level::warn, LogFormat::kLogfmt,
            std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    log.Debug("one");
    log.Info("two");
    log.Warn("three");
    log.Error("four", {{"k", "v"}});
  }
  EXPECT_THAT(out.str(), testing::MatchesRegex("ts=[^\n]* level=warn msg=three\n"
                                               "ts=[^\n]* level=error msg=four k=v\n"));
}

// A sink that does not go on until it is told to.
class StuckSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::mutex gate;

  std::vector<std::string> lines;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::scoped_lock wait(gate);
    lines.emplace_back(message.payload.data(), message.payload.size());
  }
  void flush_() override {}
};

TEST(Log, DropsTheOldestAndCountsWhenNobodyReads) {
  auto sink = std::make_shared<StuckSink>();
  Log log(spdlog::level::info, LogFormat::kLogfmt, sink);
  sink->gate.lock();
  for (int i = 0; i < 5000; ++i) log.Info("line");
  EXPECT_GT(log.dropped(), 0U);
  sink->gate.unlock();
}

// Thousands of servers that died together were told in part, and nothing told that.
TEST(Log, SaysOnceHowManyLinesWereLost) {
  auto sink = std::make_shared<StuckSink>();
  Log log(spdlog::level::info, LogFormat::kLogfmt, sink);
  sink->gate.lock();
  for (int i = 0; i < 5000; ++i) log.Info("line");
  const std::uint64_t dropped = log.dropped();
  sink->gate.unlock();
  log.Flush();
  std::vector<std::string> said;
  for (const std::string& line : sink->lines) {
    if (line.find("msg=line") == std::string::npos) said.push_back(line);
  }
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], testing::MatchesRegex("ts=[^ ]* level=warn msg=\"log lines were lost: .*\" "
                                             "lines=" +
                                             std::to_string(dropped)));
}

}  // namespace
}  // namespace lvs
