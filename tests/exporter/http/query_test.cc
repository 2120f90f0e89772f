#include "exporter/http/query.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace lvs {
namespace {

using Parameters = std::vector<QueryParameter>;

Parameters Parsed(std::string_view raw) {
  Result<Parameters> parameters = ParseQuery(raw);
  EXPECT_TRUE(parameters.ok()) << raw;
  return parameters.ok() ? parameters.value() : Parameters{{"refused", ""}};
}

std::string Refusal(std::string_view raw) {
  const Result<Parameters> parameters = ParseQuery(raw);
  EXPECT_FALSE(parameters.ok()) << raw;
  return parameters.ok() ? "" : parameters.error().message;
}

TEST(QueryTest, ParametersAreSplitAndDecodedOnce) {
  EXPECT_EQ(Parsed(""), Parameters{});
  EXPECT_EQ(Parsed("&&"), Parameters{});
  EXPECT_EQ(Parsed("collect[]=ipvs&collect%5B%5D=process"),
            (Parameters{{"collect[]", "ipvs"}, {"collect[]", "process"}}));
  EXPECT_EQ(Parsed("a"), (Parameters{{"a", ""}}));
  EXPECT_EQ(Parsed("=b"), (Parameters{{"", "b"}}));
  EXPECT_EQ(Parsed("a=b=c&"), (Parameters{{"a", "b=c"}}));
  EXPECT_EQ(Parsed("a+b=c+d%2B"), (Parameters{{"a b", "c d+"}}));
  EXPECT_EQ(Parsed("a=%2525"), (Parameters{{"a", "%25"}}));
  EXPECT_EQ(Parsed("a=%c3%A9\xc3\xa9"), (Parameters{{"a", "\xc3\xa9\xc3\xa9"}}));
  EXPECT_EQ(Parsed("a=%26%3D"), (Parameters{{"a", "&="}}));
}

TEST(QueryTest, UnfinishedEscapesAreRefused) {
  for (const char* raw : {"a=%", "a=%4", "a=%4g", "a=%g4", "%", "a=%%41", "a=%u0041", "a=%-1"}) {
    EXPECT_EQ(Refusal(raw), "query: a percent sign is not followed by two hexadecimal digits");
  }
}

TEST(QueryTest, ControlCharactersAndInvalidUtf8AreRefused) {
  for (const char* raw : {"a=%00", "a%0a=b", "a=%1F", "a=%7f", "a=\x01"}) {
    EXPECT_EQ(Refusal(raw), "query: control characters are not allowed");
  }
  for (const char* raw : {"a=%ff", "a=%c3", "%c0%80=b", "a=%ed%a0%80"}) {
    EXPECT_EQ(Refusal(raw), "query: it is not valid UTF-8");
  }
}

TEST(QueryTest, SixtyFourParametersOfTwoHundredFiftySixBytesAreTheLimit) {
  std::string raw;
  for (int i = 0; i < 64; ++i) raw += "a=" + std::string(255, 'b') + "&";
  EXPECT_EQ(Parsed(raw).size(), 64u);
  EXPECT_EQ(Refusal(raw + "a"), "query: more than 64 parameters");
  EXPECT_EQ(Refusal("a=" + std::string(256, 'b')), "query: a parameter is longer than 256 bytes");
  EXPECT_EQ(Refusal(std::string(257, 'b')), "query: a parameter is longer than 256 bytes");
  std::string encoded = "a=";
  for (int i = 0; i < 255; ++i) encoded += "%62";
  EXPECT_EQ(Parsed(encoded), (Parameters{{"a", std::string(255, 'b')}}));
}

TEST(QueryTest, PathsAreDecodedOnceAndKeepTheirPlus) {
  EXPECT_EQ(DecodePath("/%6detrics").value(), "/metrics");
  EXPECT_EQ(DecodePath("/%256detrics").value(), "/%6detrics");
  EXPECT_EQ(DecodePath("/a+b").value(), "/a+b");
  EXPECT_EQ(DecodePath("/metrics%00").error().message, "path: control characters are not allowed");
  EXPECT_EQ(DecodePath("/metrics%2500").value(), "/metrics%00");
  EXPECT_FALSE(DecodePath("/%ff").ok());
  EXPECT_FALSE(DecodePath("/%").ok());
}

TEST(QueryTest, EchoedTextIsCutAndEscaped) {
  EXPECT_EQ(EscapeForEcho("ipvs"), "ipvs");
  EXPECT_EQ(EscapeForEcho("a b\t\n\x7f\xff"), "a b\\x09\\x0a\\x7f\\xff");
  EXPECT_EQ(EscapeForEcho("<script>\"'&\\"), "\\x3cscript\\x3e\\x22\\x27\\x26\\x5c");
  EXPECT_EQ(EscapeForEcho(std::string(100, 'a')), std::string(64, 'a'));
  EXPECT_EQ(EscapeForEcho("abc", 2), "ab");
  EXPECT_EQ(EscapeForEcho(""), "");
}

TEST(QueryTest, CollectionTimeoutLeavesHalfASecondForTheAnswer) {
  using std::chrono::milliseconds;
  EXPECT_EQ(CollectionTimeout("10"), milliseconds(9500));
  EXPECT_EQ(CollectionTimeout("5.000000"), milliseconds(4500));
  EXPECT_EQ(CollectionTimeout(" 1.5\t"), milliseconds(1000));
  EXPECT_EQ(CollectionTimeout("1e1"), milliseconds(9500));
}

TEST(QueryTest, CollectionTimeoutHasBounds) {
  using std::chrono::milliseconds;
  EXPECT_EQ(CollectionTimeout("60.5"), milliseconds(60000));
  EXPECT_EQ(CollectionTimeout("3600"), milliseconds(60000));
  EXPECT_EQ(CollectionTimeout("1e300"), milliseconds(60000));
  EXPECT_EQ(CollectionTimeout("0.6"), milliseconds(100));
  EXPECT_EQ(CollectionTimeout("0.5"), milliseconds(100));
  EXPECT_EQ(CollectionTimeout("1e-300"), milliseconds(100));
}

TEST(QueryTest, UnusableTimeoutsCountAsAbsent) {
  for (const char* header : {"", " ", "0", "-1", "-0.0", "nan", "inf", "-inf", "1e999", "ten",
                             "10s", "10, 10", "0x10", "1 0", "+10"}) {
    EXPECT_EQ(CollectionTimeout(header), std::chrono::milliseconds(4500)) << header;
  }
}

TEST(QueryTest, RandomBytesGiveAnAnswerOrASentence) {
  std::mt19937 random(1);
  constexpr std::string_view kAlphabet = "%%%&=+0123456789abcdefABC[]\x01\x80\xc3\xa9";
  for (int round = 0; round < 20000; ++round) {
    std::string raw(random() % 40, '\0');
    for (char& c : raw) c = kAlphabet[random() % kAlphabet.size()];
    const Result<Parameters> parameters = ParseQuery(raw);
    EXPECT_TRUE(parameters.ok() || !parameters.error().message.empty());
    const Result<std::string> path = DecodePath(raw);
    EXPECT_TRUE(!path.ok() || path.value().size() <= raw.size());
    CollectionTimeout(raw);
    EXPECT_LE(EscapeForEcho(raw).size(), 4 * 64u);
  }
}

}  // namespace
}  // namespace lvs
