#include "exporter/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Write(const Families& families, Format format) {
  std::string page;
  std::string buffer;
  WritePage(families, format, buffer, [&page](std::string_view piece) { page += piece; });
  return page;
}

// A family with one sample without labels.
Family Single(const MetricInfo& info, Number value) {
  return {&info, [value](Sink& sink) { sink.Sample("", "", "", value); }};
}

Family WithLabels(const MetricInfo& info, std::string labels, std::string more, Number value) {
  return {&info, [=](Sink& sink) { sink.Sample("", labels, more, value); }};
}

constexpr MetricInfo kBytes = {"test_bytes_total", MetricType::kCounter, "Some \"bytes\".\\", {}};
constexpr MetricInfo kGauge = {"test_value", MetricType::kGauge, "A value.", {}};
constexpr MetricInfo kSeconds = {"test_wait_seconds", MetricType::kGauge, "A time.", {}};

TEST(WritePage, TextKeepsTheTotalInTheFamilyName) {
  EXPECT_EQ(Write({Single(kBytes, std::uint64_t{5})}, Format::kText004),
            "# HELP test_bytes_total Some \"bytes\".\\\\\n"
            "# TYPE test_bytes_total counter\n"
            "test_bytes_total 5\n");
}

TEST(WritePage, OpenMetricsStripsTheTotalNamesTheUnitEscapesQuotesAndEnds) {
  EXPECT_EQ(Write({Single(kBytes, std::uint64_t{5})}, Format::kOpenMetrics100),
            "# TYPE test_bytes counter\n"
            "# UNIT test_bytes bytes\n"
            "# HELP test_bytes Some \\\"bytes\\\".\\\\\n"
            "test_bytes_total 5\n"
            "# EOF\n");
}

TEST(WritePage, UnitIsTheLastPartOfTheNameOnly) {
  EXPECT_THAT(Write({Single(kSeconds, 1.5)}, Format::kOpenMetrics100),
              HasSubstr("# UNIT test_wait_seconds seconds\n"));
  EXPECT_THAT(Write({Single(kGauge, 1.5)}, Format::kOpenMetrics100), Not(HasSubstr("UNIT")));
}

TEST(WritePage, AnEmptyPageIsStillAValidOne) {
  EXPECT_EQ(Write({}, Format::kText004), "");
  EXPECT_EQ(Write({}, Format::kOpenMetrics100), "# EOF\n");
}

TEST(WritePage, AFamilyWithoutSamplesLeavesNoMetadata) {
  EXPECT_EQ(Write({{&kGauge, [](Sink&) {}}}, Format::kText004), "");
}

TEST(WritePage, FamiliesOfOneNameStandTogetherUnderOneHeader) {
  const std::string page = Write({WithLabels(kGauge, "a=\"1\"", "", true), Single(kSeconds, 2.0),
                                  WithLabels(kGauge, "a=\"2\"", "", true)},
                                 Format::kText004);
  EXPECT_THAT(page, HasSubstr("test_value{a=\"1\"} 1\ntest_value{a=\"2\"} 1\n"));
  EXPECT_EQ(page.find("# TYPE test_value"), page.rfind("# TYPE test_value"));
}

TEST(WritePage, JoinsLabelsOfTheRowAndItsOwn) {
  EXPECT_THAT(Write({WithLabels(kGauge, "a=\"1\"", "b=\"2\"", true)}, Format::kText004),
              HasSubstr("test_value{a=\"1\",b=\"2\"} 1\n"));
  EXPECT_THAT(Write({WithLabels(kGauge, "", "b=\"2\"", true)}, Format::kText004),
              HasSubstr("test_value{b=\"2\"} 1\n"));
}

TEST(WritePage, WritesNumbersInFull) {
  const auto written = [](Number value) {
    const std::string page = Write({Single(kGauge, value)}, Format::kText004);
    const std::string line = page.substr(page.find("\ntest_value ") + sizeof "\ntest_value " - 1);
    return line.substr(0, line.size() - 1);
  };
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1795358282.37), "1795358282.37");
  EXPECT_EQ(written(std::nan("")), "NaN");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(written(-std::numeric_limits<double>::denorm_min()), "-5e-324");
  EXPECT_EQ(written(std::numeric_limits<double>::lowest()), "-1.7976931348623157e+308");
}

// Longer than any piece, and many of them: nothing may be lost or cut at the seams.
TEST(WritePage, PiecesJoinToTheSamePageWhateverTheirSize) {
  const std::string long_label = "a=\"" + std::string(300000, 'x') + "\"";
  const Family many = {&kGauge, [&](Sink& sink) {
                         for (std::uint64_t i = 0; i < 40000; ++i) {
                           sink.Sample("", i == 20000 ? long_label : "a=\"short\"", "", i);
                         }
                       }};
  std::string page;
  std::string buffer;
  std::size_t pieces = 0;
  WritePage({many}, Format::kText004, buffer, [&](std::string_view piece) {
    EXPECT_THAT(piece, Not(SizeIs(0)));
    ++pieces;
    page += piece;
  });
  EXPECT_GT(pieces, 3U);
  std::size_t at = page.find("test_value{");
  for (std::uint64_t i = 0; i < 40000; ++i) {
    const std::string line =
        "test_value{" + (i == 20000 ? long_label : "a=\"short\"") + "} " + std::to_string(i) + "\n";
    ASSERT_EQ(page.compare(at, line.size(), line), 0) << "sample " << i;
    at += line.size();
  }
  EXPECT_EQ(at, page.size());
}

}  // namespace
}  // namespace lvs
