#include "collectors/director/role.h"

#include <gtest/gtest.h>

#include <vector>

namespace lvs::director {
namespace {

using ipvs::SyncDaemon;

std::vector<VrrpInstance> InStates(const std::vector<VrrpState>& states) {
  std::vector<VrrpInstance> instances;
  for (const VrrpState state : states) instances.push_back({"VI", {}, state, {}});
  return instances;
}

Role ByVrrp(const std::vector<VrrpState>& states) {
  // VIPs and daemons say the contrary, and do not count.
  const Conclusion conclusion = Conclude({.instances = InStates(states),
                                          .vips = VipPlace::kOnCard,
                                          .sync_role = SyncDaemon::Role::kMaster,
                                          .directors = 2});
  EXPECT_EQ(conclusion.evidence, Evidence::kVrrp);
  return conclusion.role;
}

TEST(Role, IsWhatVrrpSays) {
  EXPECT_EQ(ByVrrp({VrrpState::kMaster}), Role::kMaster);
  EXPECT_EQ(ByVrrp({VrrpState::kBackup}), Role::kBackup);
  EXPECT_EQ(ByVrrp({VrrpState::kFault}), Role::kFault);
  EXPECT_EQ(ByVrrp({VrrpState::kInit}), Role::kUnknown);
}

TEST(Role, OfSeveralInstancesTheBestCounts) {
  EXPECT_EQ(ByVrrp({VrrpState::kFault, VrrpState::kMaster, VrrpState::kBackup}), Role::kMaster);
  EXPECT_EQ(ByVrrp({VrrpState::kFault, VrrpState::kBackup}), Role::kBackup);
  EXPECT_EQ(ByVrrp({VrrpState::kInit, VrrpState::kFault}), Role::kFault);
}

// Only one of two instances has told its state since the exporter was started.
TEST(Role, WhereVrrpIsNotKnownWholeAVipOnANetworkCardDecides) {
  const auto by_vips = [](VipPlace place) {
    return Conclude({.instances = InStates({VrrpState::kBackup}),
                     .instances_are_all = false,
                     .vips = place,
                     .directors = 2});
  };
  EXPECT_EQ(by_vips(VipPlace::kOnCard), (Conclusion{Role::kMaster, Evidence::kVip}));
  EXPECT_EQ(by_vips(VipPlace::kElsewhere), (Conclusion{Role::kBackup, Evidence::kVrrp}));
  EXPECT_EQ(by_vips(VipPlace::kSilent), (Conclusion{Role::kBackup, Evidence::kVrrp}));
}

TEST(Role, IsMixedWhereOnlySomeInstancesAreMaster) {
  EXPECT_FALSE(HasMixedRoles({}));
  EXPECT_FALSE(HasMixedRoles(InStates({VrrpState::kMaster, VrrpState::kMaster})));
  EXPECT_FALSE(HasMixedRoles(InStates({VrrpState::kBackup, VrrpState::kFault})));
  EXPECT_TRUE(HasMixedRoles(InStates({VrrpState::kMaster, VrrpState::kBackup})));
}

TEST(Role, ASingleDirectorIsMaster) {
  EXPECT_EQ(Conclude({}), (Conclusion{Role::kMaster, Evidence::kAlone}));
  EXPECT_EQ(Conclude({.vips = VipPlace::kElsewhere}),
            (Conclusion{Role::kMaster, Evidence::kAlone}));
}

TEST(Role, FollowsTheVipsWhereKeepalivedCannotBeAsked) {
  const auto by_vips = [](VipPlace place) { return Conclude({.vips = place, .directors = 2}); };
  EXPECT_EQ(by_vips(VipPlace::kOnCard), (Conclusion{Role::kMaster, Evidence::kVip}));
  EXPECT_EQ(by_vips(VipPlace::kElsewhere), (Conclusion{Role::kBackup, Evidence::kVip}));
  EXPECT_EQ(by_vips(VipPlace::kUnknown), (Conclusion{Role::kUnknown, Evidence::kNone}));
}

// A standby that is a real server, too, has the VIP on its loopback.
TEST(Role, TheSyncDaemonDecidesWhereVipsAreOnlyOnTheLoopback) {
  const auto by_daemon = [](std::optional<SyncDaemon::Role> role) {
    return Conclude({.vips = VipPlace::kSilent, .sync_role = role, .directors = 2}).role;
  };
  EXPECT_EQ(by_daemon(SyncDaemon::Role::kBackup), Role::kBackup);
  EXPECT_EQ(by_daemon(SyncDaemon::Role::kMaster), Role::kMaster);
  EXPECT_EQ(by_daemon(std::nullopt), Role::kMaster) << "the VIPs are routed here";
}

TEST(Role, TheDaemonDoesNotCountWhereAVipIsOnANetworkCard) {
  EXPECT_EQ(
      Conclude({.vips = VipPlace::kOnCard, .sync_role = SyncDaemon::Role::kBackup, .directors = 2})
          .role,
      Role::kMaster);
}

}  // namespace
}  // namespace lvs::director
