#include "exporter/configuration/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace lvs {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsAWholeNumberWithAUnit) {
  EXPECT_EQ(ParseDuration("200ms"), 200ms);
  EXPECT_EQ(ParseDuration("5s"), 5s);
  EXPECT_EQ(ParseDuration("10m"), 10min);
  EXPECT_EQ(ParseDuration("1h"), 1h);
  EXPECT_EQ(ParseDuration("0s"), 0s);
  EXPECT_EQ(ParseDuration("878400h"), 878400h);
}

TEST(Duration, IsNothingElse) {
  for (const char* text :
       {"", "5", "s", "5 s", " 5s", "5s ", "1.5s", "-5s", "+5s", "05s", "5S", "5sec", "5d", "1m30s",
        "0x5s", "1e3s", "878401h", "99999999999999999999s", "18446744073709551615h"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(Duration, IsWrittenAsShortAsCanBe) {
  for (const char* text : {"0s", "1ms", "1500ms", "17s", "90s", "2m", "1h", "25h"}) {
    EXPECT_EQ(DurationText(*ParseDuration(text)), text);
  }
  EXPECT_EQ(DurationText(3'600'000ms), "1h");
}

TEST(Size, IsANumberOfBytesOrHasAUnit) {
  EXPECT_EQ(ParseSize("4096"), 4096U);
  EXPECT_EQ(ParseSize("64KiB"), 65536U);
  EXPECT_EQ(ParseSize("1MiB"), 1048576U);
  for (const char* text : {"", "KiB", "1KB", "1kib", "1.5MiB", "-1", "1 MiB", "17592186044416MiB",
                           "18446744073709551616"}) {
    EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  }
}

TEST(Whole, HasNoSignAndNoLeadingZeros) {
  EXPECT_EQ(ParseWhole("0"), 0U);
  EXPECT_EQ(ParseWhole("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", "00", "080", "-1", "+1", "1 ", "1.0", "18446744073709551616"}) {
    EXPECT_EQ(ParseWhole(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace lvs
