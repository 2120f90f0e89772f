#include "exporter/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusPage, SaysThatNothingWasReadYet) {
  EXPECT_THAT(StatusPage(nullptr, "/metrics"), HasSubstr("has not been read yet"));
}

TEST(StatusPage, ShowsTroubleBesideTheLastTable) {
  ipvs::LatestReading latest;
  auto table = std::make_shared<ipvs::Table>();
  table->services.push_back(fake::Service("10.0.0.1:80/TCP").value());
  latest.table = table;
  latest.error = Error{ErrorCode::kTimeout, "ipvs: too slow"};
  const std::string page = StatusPage(&latest, "/metrics");
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
  const std::string page = StatusPage(&latest, "/a\"b");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&#39;&quot;&amp;\xef\xbf\xbd"));
  EXPECT_THAT(page, HasSubstr("href=\"/a&quot;b\""));
}

TEST(StatusPage, NeedsNothingFromElsewhere) {
  const std::string page = StatusPage(nullptr, "/metrics");
  for (const char* outside : {"http:", "https:", "<script", "<link", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

}  // namespace
}  // namespace lvs
