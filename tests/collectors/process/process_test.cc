#include "collectors/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/recording_sink.h"

namespace lvs::process {
namespace {

using testing::SizeIs;

TEST(ParseStat, ReadsFieldsBehindACommandNameWithBlanksAndParentheses) {
  const Result<Stat> stat =
      ParseStat("42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 101 102 13 14 15 16 7 18 999 4096 25 26 27\n");
  ASSERT_TRUE(stat.ok()) << stat.error().message;
  EXPECT_EQ(stat.value().user_ticks, 101U);
  EXPECT_EQ(stat.value().system_ticks, 102U);
  EXPECT_EQ(stat.value().threads, 7U);
  EXPECT_EQ(stat.value().start_ticks, 999U);
  EXPECT_EQ(stat.value().virtual_bytes, 4096U);
  EXPECT_EQ(stat.value().resident_pages, 25U);
}

TEST(ParseStat, RefusesEveryCutLine) {
  const std::string line = "42 (name) S 1 2 3 4 5 6 7 8 9 10 101 102 13 14 15 16 7 18 999 4096 25";
  for (std::size_t size = 0; size < line.size() - 1; ++size) {
    const Result<Stat> stat = ParseStat(std::string_view(line).substr(0, size));
    EXPECT_FALSE(stat.ok()) << size;
  }
}

TEST(ParseStat, NamesTheFieldThatIsNoNumber) {
  const Result<Stat> stat =
      ParseStat("42 (name) S 1 2 3 4 5 6 7 8 9 10 x 102 13 14 15 16 7 18 999 4096 25");
  ASSERT_FALSE(stat.ok());
  EXPECT_EQ(stat.error().message, "process: field 14 of stat is not a number");
}

TEST(ReadProcess, KnowsThisProcess) {
  const Process process = ReadProcess("/proc", std::nullopt);
  EXPECT_GE(process.threads.value_or(0), 1U);  // a sanitizer may have one of its own
  EXPECT_GT(process.resident_memory_bytes.value_or(0), 1000000U);
  EXPECT_GT(process.start_time_seconds.value_or(0), 1e9);
  EXPECT_GE(process.open_fds.value_or(0), 3U);
}

TEST(ReadProcess, CountsOneMoreOpenFile) {
  const Process before = ReadProcess("/proc", 1.0);
  const int fd = dup(0);
  const Process after = ReadProcess("/proc", 1.0);
  close(fd);
  EXPECT_EQ(after.open_fds.value_or(0), before.open_fds.value_or(0) + 1);
}

TEST(ProcessCollector, SaysWhatIsMissingWithoutProc) {
  ProcessCollector collector("/nowhere");
  const Collection collection = collector.Collect(Clock::now());
  ASSERT_TRUE(collection.error.has_value());
  EXPECT_EQ(collection.error->message, "process: /nowhere/self/stat could not be read");
  EXPECT_THAT(Record(collection.families, "process_resident_memory_bytes"), SizeIs(0));
  EXPECT_THAT(Record(collection.families, "process_max_fds"), SizeIs(1));
}

}  // namespace
}  // namespace lvs::process
