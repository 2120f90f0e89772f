#include "collectors/utf8.h"

#include <gtest/gtest.h>

namespace lvs {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

TEST(Utf8, AcceptsEveryLengthOfSequence) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("a\xC2\x80\xE0\xA0\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesOverlongSurrogateTooLargeAndCutSequences) {
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xED\xA0\x80",
                          "\xF4\x90\x80\x80", "\xFF", "\x80", "\xE2\x82", "\xC3"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << bad;
  }
}

TEST(Utf8, ReplacesEachBadByteAndKeepsTheRest) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xFFz"), std::string("a") + kReplacement + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82"), std::string(kReplacement) + kReplacement);
  EXPECT_EQ(ReplaceInvalidUtf8("\xC3\xA9"), "\xC3\xA9");
}

}  // namespace
}  // namespace lvs
