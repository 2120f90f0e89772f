#include "collectors/connections/present.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/connections_world.h"
#include "tests/support/sessions.h"

namespace lvs::connections {
namespace {

using fake::On;
using fake::Services;
using enum ipvs::Protocol;

std::shared_ptr<const Snapshot> Sessions() {
  return std::make_shared<const Snapshot>(SessionsOfAll());
}

TEST(OnlyPresent, IsTheSameWhileNothingIsDeleted) {
  const auto snapshot = Sessions();
  EXPECT_EQ(OnlyPresent(snapshot, *TableWithSessions()), snapshot);
}

TEST(OnlyPresent, IsTheSameWhereSomethingWasAdded) {
  const auto snapshot = Sessions();
  Services now;
  now.table() = *TableWithSessions();
  now.Backend("192.168.1.199", 80).Plain(On(kTcp, "192.168.1.200", 80));
  EXPECT_EQ(OnlyPresent(snapshot, now.table()), snapshot);
}

TEST(OnlyPresent, IsTheSameWithoutServicesToLeaveOut) {
  const auto totals = std::make_shared<const Snapshot>();
  EXPECT_EQ(OnlyPresent(totals, *TableWithSessions()), totals);
}

TEST(OnlyPresent, LeavesOutDeletedServices) {
  const auto snapshot = Sessions();
  const Services now = Services()
                           .Plain(On(kTcp, "192.168.1.200", 80))
                           .Plain(On(kTcp, "192.168.1.111", 80))
                           .Backend("192.168.1.102", 80);
  const auto present = OnlyPresent(snapshot, now.table());
  ASSERT_EQ(present->summary.services.size(), 1U);
  EXPECT_EQ(present->summary.services[0].key, On(kTcp, "192.168.1.111", 80));
  EXPECT_EQ(present->summary.services[0].backends.size(), 1U);
  EXPECT_EQ(present->rows, snapshot->rows);
}

TEST(OnlyPresent, LeavesOutDeletedBackends) {
  const Services now = Services()
                           .Persistent(On(kTcp, "192.168.1.116", 80))
                           .Backend("192.168.1.103", 80)
                           .Plain(On(kTcp, "192.168.1.111", 80))
                           .Backend("192.168.1.102", 80);
  const auto present = OnlyPresent(Sessions(), now.table());
  ASSERT_EQ(present->summary.services.size(), 2U);
  ASSERT_EQ(present->summary.services[0].backends.size(), 1U);
  EXPECT_EQ(ToString(present->summary.services[0].backends[0].key), "192.168.1.103:80");
}

TEST(OnlyPresent, AServiceThatTheTableHasInAnotherPlaceIsStillThere) {
  const Services now = Services()
                           .Plain(On(kTcp, "192.168.1.111", 80))
                           .Backend("192.168.1.102", 80)
                           .Persistent(On(kTcp, "192.168.1.116", 80))
                           .Backend("192.168.1.102", 80)
                           .Backend("192.168.1.103", 80, 0);
  EXPECT_EQ(OnlyPresent(Sessions(), now.table())->summary.services.size(), 2U);
}

}  // namespace
}  // namespace lvs::connections
