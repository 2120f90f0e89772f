#include "exporter/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "tests/support/fake_kernel.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusPage, SaysThatNothingWasReadYet) {
  EXPECT_THAT(StatusPage(nullptr, nullptr, "/metrics"), HasSubstr("has not been read yet"));
}

TEST(StatusPage, ShowsTroubleBesideTheLastTable) {
  ipvs::LatestReading latest;
  auto table = std::make_shared<ipvs::Table>();
  table->services.push_back(fake::Service("10.0.0.1:80/TCP").value());
  latest.table = table;
  latest.error = Error{ErrorCode::kTimeout, "ipvs: too slow"};
  const std::string page = StatusPage(&latest, nullptr, "/metrics");
  EXPECT_THAT(page, HasSubstr("ipvs: too slow"));
  EXPECT_THAT(page, HasSubstr("10.0.0.1:80/TCP"));
  EXPECT_THAT(page, HasSubstr("no backends"));
}

TEST(StatusPage, EscapesEverythingFromOutside) {
  ipvs::LatestReading latest;
  auto table = std::make_shared<ipvs::Table>();
  ipvs::Service service = fake::Service("10.0.0.1:80/TCP").value();
  service.scheduler = "<b>'\"&\xff";
  table->services.push_back(service);
  latest.table = table;
  latest.error = Error{ErrorCode::kSystem, "<script>"};
  const std::string page = StatusPage(&latest, nullptr, "/a\"b");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&#39;&quot;&amp;\xef\xbf\xbd"));
  EXPECT_THAT(page, HasSubstr("href=\"/a&quot;b\""));
}

// The browser takes the hash of what stands between the tags (Content Security Policy Level 3,
// section 2.3.1).
TEST(StatusPage, ThePolicyAllowsThisVeryStyle) {
  const std::string page = StatusPage(nullptr, nullptr, "/metrics");
  const std::size_t begin = page.find("<style>") + 7;
  const std::string style = page.substr(begin, page.find("</style>") - begin);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(style.data()), style.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), digest.size());
  EXPECT_EQ(StatusPagePolicy(), "default-src 'none'; style-src 'sha256-" +
                                    std::string(base64.begin(), base64.end() - 1) + "'");
}

TEST(StatusPage, NeedsNothingFromElsewhere) {
  const std::string page = StatusPage(nullptr, nullptr, "/metrics");
  for (const char* outside : {"http:", "https:", "<script", "<link", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

}  // namespace
}  // namespace lvs
