#include "exporter/status_page/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/status_page/status_page.h"
#include "tests/support/sessions.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string PageWith(const connections::Snapshot* snapshot) {
  ipvs::LatestReading latest;
  latest.table = TableWithSessions();
  latest.up = latest.was_up = latest.current = true;
  return StatusPage({&latest, nullptr, snapshot}, "/metrics");
}

TEST(StatusPageSessions, TellsOfConnectionsAndTemplates) {
  const connections::Snapshot snapshot = SessionsOfAll();
  const std::string page = PageWith(&snapshot);
  EXPECT_THAT(page, HasSubstr("Connection table: 9 entries read "));
  EXPECT_THAT(page, HasSubstr("<p class=sessions>Connections: 2 ESTABLISHED, 1 FIN_WAIT. "
                              "4 persistence templates, half of them end within 60 s unless their "
                              "clients come back. 1 more template leads to a backend that is not "
                              "there any more. <b>2 templates lead to a backend of weight 0</b>, "
                              "so that those clients still come to it.</p>"));
  EXPECT_THAT(page, HasSubstr("<p class=sessions>Connections: 1 ESTABLISHED. </p>"));
}

TEST(StatusPageSessions, SaysWhatIsAnEstimate) {
  const connections::Snapshot snapshot = SessionsOfAHalf();
  const std::string page = PageWith(&snapshot);
  EXPECT_THAT(page, HasSubstr("4 entries read "));
  EXPECT_THAT(page, HasSubstr(", which is 50 % of it; numbers are estimates."));
  EXPECT_THAT(page, HasSubstr("These are estimates from 50 % of the table."));
}

TEST(StatusPageSessions, IsSilentWithoutAScan) {
  connections::Snapshot failed;
  failed.error = Error{ErrorCode::kNoPermission, "the file may not be read"};
  for (const connections::Snapshot* snapshot :
       {static_cast<const connections::Snapshot*>(nullptr),
        static_cast<const connections::Snapshot*>(&failed)}) {
    EXPECT_THAT(PageWith(snapshot), Not(HasSubstr("class=sessions>")));
    EXPECT_THAT(PageWith(snapshot), Not(HasSubstr("Connection table:")));
  }
}

}  // namespace
}  // namespace lvs
