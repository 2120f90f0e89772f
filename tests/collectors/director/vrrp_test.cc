#include "collectors/director/vrrp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace lvs::director {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

VrrpReport Report(std::string name, VrrpState state) { return {std::move(name), {}, state}; }

// What a line says: "VI_1 master", "nothing", "error".
std::string Said(const std::string& line) {
  const auto report = ParseNotifyLine(line);
  if (!report.ok()) return "error";
  if (!report.value()) return "nothing";
  const auto& state = report.value()->state;
  return report.value()->name + " " + (state ? std::string(Name(*state)) : "gone");
}

// Lines as keepalived 2.2.7 wrote them.
TEST(NotifyLine, TellsTheStateOfAnInstance) {
  EXPECT_EQ(Said("INSTANCE \"VI_1\" MASTER 150"), "VI_1 master");
  EXPECT_EQ(Said("INSTANCE \"VI_1\" BACKUP 100"), "VI_1 backup");
  EXPECT_EQ(Said("INSTANCE \"VI_1\" FAULT 150"), "VI_1 fault");
  EXPECT_EQ(Said("INSTANCE \"VI_1\" STOP 150"), "VI_1 init");
  EXPECT_EQ(Said("INSTANCE \"VI_2\" DELETED 120"), "VI_2 gone");
}

TEST(NotifyLine, OfAPriorityTellsNoOtherState) {
  EXPECT_EQ(Said("INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 150"), "VI_1 master");
  EXPECT_EQ(Said("INSTANCE \"VI_1\" MASTER_PRIORITY 120"), "VI_1 master");
  EXPECT_EQ(Said("INSTANCE \"VI_1\" BACKUP_PRIORITY 90"), "VI_1 backup");
}

TEST(NotifyLine, OfOtherThingsSaysNothing) {
  EXPECT_EQ(Said("GROUP \"VG_1\" MASTER 0"), "nothing");
  EXPECT_EQ(Said("VS [192.168.1.111]:tcp:80 UP"), "nothing");
  EXPECT_EQ(Said("RS [192.168.1.102]:tcp:80 [192.168.1.111]:tcp:80 DOWN"), "nothing");
}

TEST(NotifyLine, ThatIsNoneIsAnError) {
  for (const char* const line :
       {"", "INSTANCE", "INSTANCE VI_1 MASTER 100", "INSTANCE \"", "INSTANCE \"\" MASTER 1",
        "INSTANCE \"VI_1\"", "INSTANCE \"VI_1\" HAPPY 100", "TANCE \"VI_1\" MASTER 100", "\0x"}) {
    EXPECT_EQ(Said(line), "error") << line;
  }
}

const std::string kFile =
    R"([{"data":{"iname":"VI_1","vrid":51,"state":2,"wantstate":2},"stats":{"become_master":1}},)"
    R"({"data":{"iname":"VI_2","vrid":52,"state":3}}])";

TEST(VrrpJson, TellsAllInstances) {
  const auto reports = ParseVrrpJson(kFile);
  ASSERT_TRUE(reports.ok()) << reports.error().message;
  EXPECT_THAT(reports.value(), ElementsAre(VrrpReport{"VI_1", 51, VrrpState::kMaster},
                                           VrrpReport{"VI_2", 52, VrrpState::kFault}));
}

TEST(VrrpJson, MayHaveTheInstancesUnderVrrp) {
  const auto reports = ParseVrrpJson("{\"vrrp\":" + kFile + ",\"track_process\":[]}");
  ASSERT_TRUE(reports.ok()) << reports.error().message;
  EXPECT_THAT(reports.value(), SizeIs(2));
}

TEST(VrrpJson, KnowsStoppedAndDeletedInstances) {
  const auto reports = ParseVrrpJson(
      R"([{"data":{"iname":"A","state":98}},{"data":{"iname":"B","state":97,"vrid":999}}])");
  ASSERT_TRUE(reports.ok()) << reports.error().message;
  EXPECT_THAT(reports.value(), ElementsAre(VrrpReport{"A", {}, VrrpState::kInit},
                                           VrrpReport{"B", {}, std::nullopt}));
}

// keepalived 2.2.7 renames the file before it writes it.
TEST(VrrpJson, EveryBeginningOfAFileIsAnErrorAndNothingElse) {
  for (std::size_t length = 0; length < kFile.size(); ++length) {
    EXPECT_FALSE(ParseVrrpJson(kFile.substr(0, length)).ok()) << length;
  }
}

TEST(VrrpJson, ThatIsSomethingElseIsAnError) {
  for (const char* const text :
       {"{}", "3", "[3]", "[{}]", R"([{"data":3}])", R"([{"data":{"iname":"A"}}])",
        R"([{"data":{"state":2}}])", R"([{"data":{"iname":3,"state":2}}])",
        R"([{"data":{"iname":"A","state":"MASTER"}}])", R"([{"data":{"iname":"A","state":55}}])",
        R"([{"data":{"iname":"A","state":-1}}])",
        "[{\"data\":{\"iname\":\"\xff\",\"state\":2}}]"}) {
    EXPECT_FALSE(ParseVrrpJson(text).ok()) << text;
  }
}

TEST(VrrpJson, BearsRandomBytes) {
  std::minstd_rand random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = kFile;
    for (int damage = 0; damage < 3; ++damage) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    if (const auto reports = ParseVrrpJson(text); reports.ok()) {
      EXPECT_LE(reports.value().size(), 2u);
    }
  }
}

TEST(Vrrp, TheFirstWordIsNoTransition) {
  Vrrp vrrp;
  EXPECT_THAT(vrrp.instances(), IsEmpty());
  vrrp.Tell(Report("VI_1", VrrpState::kBackup));
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", {}, VrrpState::kBackup, {0, 0, 0, 0}}));
}

TEST(Vrrp, CountsTransitionsByWhereTheyLead) {
  Vrrp vrrp;
  for (const VrrpState state : {VrrpState::kBackup, VrrpState::kMaster, VrrpState::kMaster,
                                VrrpState::kBackup, VrrpState::kFault, VrrpState::kMaster}) {
    vrrp.Tell(Report("VI_1", state));
  }
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", {}, VrrpState::kMaster, {0, 1, 2, 1}}));
}

TEST(Vrrp, TheFileBringsTheIdAndLinesKeepIt) {
  Vrrp vrrp;
  vrrp.TellAll({{"VI_1", 51, VrrpState::kBackup}});
  vrrp.Tell(Report("VI_1", VrrpState::kMaster));
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", 51, VrrpState::kMaster, {0, 0, 1, 0}}));
}

TEST(Vrrp, AnInstanceThatTheFileLacksIsGone) {
  Vrrp vrrp;
  vrrp.Tell(Report("VI_1", VrrpState::kFault));
  vrrp.TellAll({{"VI_2", 52, VrrpState::kBackup}});
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_2", 52, VrrpState::kBackup, {0, 0, 0, 0}}));
  vrrp.Tell({"VI_2", {}, std::nullopt});
  EXPECT_THAT(vrrp.instances(), IsEmpty());
}

TEST(Vrrp, AnExpectedInstanceThatIsGoneIsInInit) {
  Vrrp vrrp;
  vrrp.Expect({{"VI_1", 51}});
  EXPECT_THAT(vrrp.instances(), IsEmpty()) << "nothing was told yet";
  vrrp.TellAll({});
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", 51, VrrpState::kInit, {0, 0, 0, 0}}));
}

TEST(Vrrp, WhenKeepalivedStopsAllItsInstancesAreInInit) {
  Vrrp vrrp;
  vrrp.Expect({{"VI_2", 52}});
  vrrp.Tell(Report("VI_1", VrrpState::kMaster));
  vrrp.Stop();
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", {}, VrrpState::kInit, {1, 0, 0, 0}},
                          VrrpInstance{"VI_2", 52, VrrpState::kInit, {0, 0, 0, 0}}));
}

TEST(Vrrp, WhatIsForgottenIsNotToldAndKeepsItsCounters) {
  Vrrp vrrp;
  vrrp.Tell(Report("VI_1", VrrpState::kBackup));
  vrrp.Tell(Report("VI_1", VrrpState::kMaster));
  vrrp.Forget();
  EXPECT_THAT(vrrp.instances(), IsEmpty());
  vrrp.Tell(Report("VI_1", VrrpState::kBackup));
  EXPECT_THAT(vrrp.instances(),
              ElementsAre(VrrpInstance{"VI_1", {}, VrrpState::kBackup, {0, 0, 1, 0}}));
}

}  // namespace
}  // namespace lvs::director
