#include "collectors/probes/chunked_body.h"

#include <gtest/gtest.h>

#include <string>

namespace lvs::probes {
namespace {

// The data in it, then "." when it ended or "!" when it is broken, then what was not taken.
std::string Decoded(std::string_view coded) {
  ChunkedBody body;
  std::string text;
  while (!coded.empty() && !body.done() && !body.broken()) text += body.Next(coded);
  if (body.done()) text += ".";
  if (body.broken()) text += "!";
  return text + std::string(coded);
}

TEST(ChunkedBody, JoinsChunks) {
  EXPECT_EQ(Decoded("3\r\nall\r\n4\r\n ok!\r\n0\r\n\r\n"), "all ok!.");
}

TEST(ChunkedBody, SizeIsHexadecimal) {
  EXPECT_EQ(Decoded("00A\r\n0123456789\r\n0\r\n\r\n"), "0123456789.");
}

TEST(ChunkedBody, ExtensionsAndTrailerAreSkipped) {
  EXPECT_EQ(Decoded("2;name=\"value\"\r\nok\r\n0;last\r\nX: y\r\nZ:\r\n\r\n"), "ok.");
  EXPECT_EQ(Decoded("2  \r\nok\r\n0\r\n\r\n"), "ok.");
}

TEST(ChunkedBody, LeavesWhatFollows) { EXPECT_EQ(Decoded("0\r\n\r\nHTTP"), ".HTTP"); }

TEST(ChunkedBody, UnfinishedIsNeitherDoneNorBroken) {
  for (const char* begun :
       {"", "5", "5\r", "5\r\n", "5\r\nab", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n"}) {
    EXPECT_EQ(Decoded(begun).find_first_of(".!"), std::string::npos) << begun;
  }
}

TEST(ChunkedBody, RefusesWhatIsNotTheCoding) {
  for (const char* wrong : {"\r\n", "x", "-1\r\n", "1\nx", "1\r\nxy", "1\r\nx\ry", "1;a\n",
                            "0\r\n\n", "0\r\n\rx", "11111111111111111\r\n"}) {
    EXPECT_NE(Decoded(wrong).find('!'), std::string::npos) << wrong;
  }
}

}  // namespace
}  // namespace lvs::probes
