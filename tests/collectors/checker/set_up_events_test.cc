#include "collectors/checker/set_up_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvs::checker {
namespace {

using director::Evidence;
using director::Role;
using director::VrrpState;
using testing::ElementsAre;
using testing::IsEmpty;

// "SUBJECT FROM > TO" of each.
std::vector<std::string> Lines(const std::vector<Event>& events) {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    lines.push_back(event.service + " " + event.from + " > " + event.to +
                    (event.transition ? "" : " (first)"));
  }
  return lines;
}

director::Snapshot DirectorIs(Role role, std::vector<std::pair<std::string, VrrpState>> instances) {
  director::Snapshot snapshot;
  snapshot.conclusion = {role, Evidence::kVrrp};
  for (const auto& [name, state] : instances) snapshot.instances.push_back({name, {}, state, {}});
  return snapshot;
}

TEST(SetUpEvents, TellRolesAndInstancesWhenTheyChange) {
  SetUpEvents events;
  const auto changes = [&](const director::Snapshot& snapshot) {
    return Lines(events.Changes(snapshot, {}));
  };
  EXPECT_THAT(changes(DirectorIs(Role::kBackup, {{"VI_1", VrrpState::kBackup}})),
              ElementsAre("VRRP instance VI_1  > backup (first)", "director  > backup (first)"));
  EXPECT_THAT(changes(DirectorIs(Role::kBackup, {{"VI_1", VrrpState::kBackup}})), IsEmpty());
  EXPECT_THAT(changes(DirectorIs(Role::kMaster, {{"VI_1", VrrpState::kMaster}})),
              ElementsAre("VRRP instance VI_1 backup > master", "director backup > master"));
}

audit::Report Finds(std::vector<audit::Finding> looked_at,
                    std::vector<audit::Finding> unknown = {}) {
  audit::Report report;
  report.findings = {std::move(looked_at), std::move(unknown)};
  return report;
}

TEST(SetUpEvents, TellFindingsThatBeginAndEnd) {
  SetUpEvents events;
  const auto changes = [&](const audit::Report& report) {
    return Lines(events.Changes(report, {}));
  };
  EXPECT_THAT(changes(Finds({{"ip_forward", "ipv4", false}})), IsEmpty());
  EXPECT_THAT(changes(Finds({{"ip_forward", "ipv4", true}})),
              ElementsAre("ip_forward right > wrong"));
  EXPECT_THAT(changes(Finds({{"ip_forward", "ipv4", true}})), IsEmpty());
  EXPECT_THAT(changes(Finds({{"ip_forward", "ipv4", false}})),
              ElementsAre("ip_forward wrong > right"));
}

TEST(SetUpEvents, AFindingThatCouldNotBeLookedAtStaysWhatItWas) {
  SetUpEvents events;
  events.Changes(Finds({{"ip_forward", "ipv4", true}}), {});
  EXPECT_THAT(Lines(events.Changes(Finds({}, {{"ip_forward", "ipv4", false}}), {})), IsEmpty());
  EXPECT_THAT(Lines(events.Changes(Finds({{"ip_forward", "ipv4", true}}), {})), IsEmpty());
}

TEST(SetUpEvents, WhatIsGoneIsNotWrongAnyMore) {
  SetUpEvents events;
  events.Changes(Finds({{"ip_forward", "ipv4", true}}), {});
  EXPECT_THAT(Lines(events.Changes(Finds({}), {})), ElementsAre("ip_forward wrong > right"));
}

TEST(SetUpEvents, AFindingSaysWhatItMeans) {
  SetUpEvents events;
  const auto told = events.Changes(Finds({{"ip_forward", "ipv4", true}}), {});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].detail, "ipv4: a masqueraded service needs forwarding, which is off");
}

}  // namespace
}  // namespace lvs::checker
