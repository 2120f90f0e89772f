#include "collectors/metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/recording_sink.h"

namespace lvs {
namespace {

using testing::ElementsAre;

TEST(AppendLabel, EscapesBackslashQuoteAndLineFeedOnly) {
  std::string text;
  AppendLabel(text, "a", "back\\slash \"quote\"\nline\ttab");
  EXPECT_EQ(text, "a=\"back\\\\slash \\\"quote\\\"\\nline\ttab\"");
}

TEST(AppendLabel, SeparatesLabelsWithACommaAndWritesEmptyValues) {
  std::string text;
  AppendLabel(text, "a", "1");
  AppendLabel(text, "b", "");
  EXPECT_EQ(text, "a=\"1\",b=\"\"");
}

TEST(AppendLabel, ReplacesInvalidUtf8) {
  std::string text;
  AppendLabel(text, "a", "x\xff\xc3\xa9");
  EXPECT_EQ(text, "a=\"x\xef\xbf\xbd\xc3\xa9\"");
}

TEST(Number, KeepsSixtyFourBits) {
  const Number number = std::uint64_t{18446744073709551615U};
  EXPECT_EQ(number.kind(), Number::Kind::kUnsigned);
  EXPECT_EQ(number.as_unsigned(), 18446744073709551615U);
}

TEST(Number, IsADoubleWhereOneIsWanted) {
  EXPECT_EQ(Number(std::int64_t{-3}).AsDouble(), -3.0);
  EXPECT_EQ(Number(true).AsDouble(), 1.0);
  EXPECT_EQ(Number(0.25).AsDouble(), 0.25);
}

struct Row {
  std::uint32_t value;
};

constexpr std::string_view kRowLabels[] = {"name"};
constexpr Column<Row> kColumns[] = {
    {{"test_plain", MetricType::kGauge, "One sample a row.", kRowLabels},
     [](const Row& row, Samples& out) { out.Add(row.value); }},
    {{"test_by_state", MetricType::kGauge, "Two samples a row.", kRowLabels, {"state"}},
     [](const Row& row, Samples& out) {
       out.Add({"on"}, row.value);
       out.Add({"off"}, row.value + 1);
     }},
};

TEST(Render, GivesOneFamilyForEachColumnWithTheSamplesOfEveryRow) {
  Families families;
  Render(
      kColumns,
      [](const auto& visit) {
        visit(Row{1}, "name=\"a\"");
        visit(Row{5}, "name=\"b\"");
      },
      families);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_THAT(Record(families[0]), ElementsAre("{name=\"a\"} 1", "{name=\"b\"} 5"));
  EXPECT_THAT(Record(families[1]),
              ElementsAre("{name=\"a\",state=\"on\"} 1", "{name=\"a\",state=\"off\"} 2",
                          "{name=\"b\",state=\"on\"} 5", "{name=\"b\",state=\"off\"} 6"));
}

TEST(MetricInfo, LabelsAreThoseOfTheRowAndThenItsOwn) {
  EXPECT_THAT(kColumns[1].info.Labels(), ElementsAre("name", "state"));
}

}  // namespace
}  // namespace lvs
