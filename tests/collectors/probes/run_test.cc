#include "collectors/probes/run.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace lvs::probes {
namespace {

TEST(Outcome, HasTheNamesOfTheLabel) {
  EXPECT_STREQ(Name(Outcome::kSuccess), "success");
  EXPECT_STREQ(Name(Outcome::kFailure), "failure");
  EXPECT_STREQ(Name(Outcome::kInconclusive), "inconclusive");
}

TEST(Failed, IsAFailureForWhatTheNetworkOrTheServerDid) {
  const RunResult result = Failed(Reason::kConnectRefused, "10.1.0.1:80: refused");
  EXPECT_EQ(result.outcome, Outcome::kFailure);
  EXPECT_EQ(result.reason, Reason::kConnectRefused);
  EXPECT_EQ(result.detail, "10.1.0.1:80: refused");
}

TEST(Failed, IsInconclusiveForOurOwnTrouble) {
  const RunResult result = Failed(Reason::kLocalFdLimit);
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_EQ(result.reason, Reason::kLocalFdLimit);
  EXPECT_EQ(result.detail, "");
}

TEST(Failed, MakesItsDetailPrintable) {
  EXPECT_EQ(Failed(Reason::kHttpProtocol, "SSH-2.0\r\n" + std::string(300, 'x')).detail,
            "SSH-2.0.." + std::string(191, 'x'));
}

TEST(Printable, KeepsPrintableAsciiAndDotsTheRest) {
  for (int byte = std::numeric_limits<unsigned char>::min();
       byte <= std::numeric_limits<unsigned char>::max(); ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(Printable({&c, 1}), byte >= 0x20 && byte <= 0x7e ? std::string(1, c) : ".") << byte;
  }
}

TEST(Printable, CutsAtTwoHundredBytes) {
  EXPECT_EQ(Printable(""), "");
  EXPECT_EQ(Printable(std::string(200, 'a')), std::string(200, 'a'));
  EXPECT_EQ(Printable(std::string(199, 'a') + "\xC3\xA9"), std::string(199, 'a') + '.');
}

}  // namespace
}  // namespace lvs::probes
