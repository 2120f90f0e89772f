#include "collectors/checker/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

using fake::Ip;
using fake::KernelTable;
using fake::Mark;
using fake::Prepared;
using fake::ProbeOf;
using fake::Tcp;
using namespace std::chrono_literals;
using probes::ProbeType;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Clock::time_point kStart{1000s};

class PlanTest : public testing::Test {
 protected:
  std::shared_ptr<const Plan> Make(const ipvs::Table* table) {
    plan_ = MakePlan(std::make_shared<const Configuration>(configuration_),
                     {table, table != nullptr}, plan_.get(), now_, Verdicts());
    return plan_;
  }
  // Of the plan's backends: those of verdicts_, all others unknown.
  std::vector<Verdict> Verdicts() const {
    std::vector<Verdict> verdicts;
    for (std::size_t i = 0; plan_ != nullptr && i < plan_->backends.size(); ++i) {
      const auto known = verdicts_.find(plan_->backends[i].key.address);
      verdicts.push_back(known == verdicts_.end() ? Verdict::kUnknown : known->second);
    }
    return verdicts;
  }
  std::shared_ptr<const Plan> Make(const KernelTable& table) { return Make(&table.table()); }

  // A rule for one service, at the end of the list.
  ServiceRule& Rule(const ipvs::ServiceKey& key) {
    ServiceRule rule;
    if (key.protocol == ipvs::Protocol::kFwmark) {
      rule.match.mark = key.fwmark;
    } else {
      rule.match.address = key.address;
      rule.match.port = key.port;
      rule.match.protocol = key.protocol;
    }
    configuration_.services.push_back(rule);
    return configuration_.services.back();
  }

  std::vector<std::string> Targets() const {
    std::vector<std::string> names;
    for (const Target& target : plan_->targets) names.push_back(ToString(target.key));
    return names;
  }
  std::vector<std::string> Backends() const {
    std::vector<std::string> names;
    for (const PlannedBackend& backend : plan_->backends) {
      names.push_back(ipvs::ToString(backend.key) + (backend.in_table ? "" : " absent"));
    }
    return names;
  }

  Configuration configuration_ = Configuration::Default();
  Clock::time_point now_ = kStart;
  std::shared_ptr<const Plan> plan_;
  std::map<Address, Verdict> verdicts_;
};

ExpectedBackend Expected(const std::string& address, Role role = Role::kReal) {
  ExpectedBackend backend;
  backend.address = Ip(address);
  backend.role = role;
  return backend;
}

TEST_F(PlanTest, WithoutAFileTcpPortsAreConnectedTo) {
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 8080));
  EXPECT_THAT(Targets(), ElementsAre("tcp 192.168.1.102:8080"));
  EXPECT_TRUE(plan_->backends[0].targets[0].gating);
}

TEST_F(PlanTest, WithoutAFileAllElseIsPinged) {
  ipvs::ServiceKey udp = Tcp("192.168.1.111", 53);
  udp.protocol = ipvs::Protocol::kUdp;
  Make(KernelTable()
           .Service(udp)
           .Backend("192.168.1.102", 53)
           .Service(Mark(10))
           .Backend("192.168.1.103", 0)
           .Service(Tcp("192.168.1.111", 0))
           .Backend("192.168.1.104", 0));
  EXPECT_THAT(Targets(), testing::UnorderedElementsAre("icmp 192.168.1.102", "icmp 192.168.1.103",
                                                       "icmp 192.168.1.104"));
  for (const PlannedBackend& backend : plan_->backends) EXPECT_TRUE(backend.targets[0].gating);
}

TEST_F(PlanTest, AServerOfManyServicesIsOneTarget) {
  KernelTable table;
  for (std::uint16_t i = 1; i <= 50; ++i) {
    table.Service(Tcp("192.168.1." + std::to_string(i), 80)).Backend("192.168.1.102", 80);
  }
  Make(table);
  EXPECT_THAT(Targets(), ElementsAre("tcp 192.168.1.102:80"));
  EXPECT_THAT(plan_->targets[0].users, SizeIs(50));
  EXPECT_THAT(plan_->backends, SizeIs(50));
}

TEST_F(PlanTest, ARuleGivesNameProbesAndQuorum) {
  ServiceRule& rule = Rule(Tcp("192.168.1.111", 80));
  rule.name = "shop";
  rule.quorum = {2, 1};
  rule.probes = {Prepared(ProbeOf("alive", ProbeType::kIcmp)),
                 Prepared(ProbeOf("page", ProbeType::kHttp))};
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80));
  EXPECT_EQ(plan_->services[0].name, "shop");
  EXPECT_EQ(plan_->services[0].quorum.quorum, 2u);
  EXPECT_THAT(Targets(), ElementsAre("alive 192.168.1.102", "page 192.168.1.102:80"));
  EXPECT_FALSE(plan_->backends[0].targets[0].gating) << "icmp gates only alone";
  EXPECT_TRUE(plan_->backends[0].targets[1].gating);
}

TEST_F(PlanTest, AnIcmpThatIsTheOnlyProbeGates) {
  Rule(Tcp("192.168.1.111", 80)).probes = {Prepared(ProbeOf("alive", ProbeType::kIcmp))};
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80));
  EXPECT_TRUE(plan_->backends[0].targets[0].gating);
}

TEST_F(PlanTest, TheFirstRuleThatMatchesHolds) {
  Rule(Tcp("192.168.1.111", 80)).name = "first";
  Rule(Tcp("192.168.1.111", 80)).name = "second";
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)));
  EXPECT_EQ(plan_->services[0].name, "first");
}

TEST_F(PlanTest, DeclaredServicesAndTheirServersAreKnownWithoutTheKernel) {
  ServiceRule& rule = Rule(Tcp("192.168.1.111", 443));
  rule.backends = {Expected("192.168.1.102"), Expected("192.168.1.110", Role::kBackup)};
  Make(nullptr);
  ASSERT_THAT(plan_->services, SizeIs(1));
  EXPECT_FALSE(plan_->services[0].in_table);
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:443 absent", "192.168.1.110:443 absent"));
  EXPECT_EQ(plan_->backends[1].role, Role::kBackup);
  EXPECT_THAT(Targets(), SizeIs(2));
}

TEST_F(PlanTest, AnExpectedServerOfTheTableIsOneBackend) {
  ServiceRule& rule = Rule(Tcp("192.168.1.111", 80));
  rule.backends = {Expected("192.168.1.102")};
  rule.backends[0].weight = 7;
  rule.backends[0].maintenance = true;
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80, 3));
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:80"));
  EXPECT_TRUE(plan_->backends[0].expected);
  EXPECT_TRUE(plan_->backends[0].maintenance);
  EXPECT_EQ(plan_->backends[0].expected_weight, 7u);
  EXPECT_EQ(plan_->backends[0].weight, 3u);
}

TEST_F(PlanTest, WhatLeavesTheTableIsRetained) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  Make(KernelTable().Service(key).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
  now_ += 10s;
  Make(KernelTable().Service(key).Backend("192.168.1.103", 80));
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.103:80", "192.168.1.102:80 absent"));
  EXPECT_EQ(plan_->next_expiry, now_ + configuration_.absent_retention);
  now_ += 1h - 1s;
  Make(KernelTable().Service(key).Backend("192.168.1.103", 80));
  EXPECT_THAT(Backends(), SizeIs(2));
  now_ += 1s;
  Make(KernelTable().Service(key).Backend("192.168.1.103", 80));
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.103:80"));
  EXPECT_EQ(plan_->next_expiry, std::nullopt);
}

// After absent_retention its alert ended, while it was as down as before.
TEST_F(PlanTest, WhatIsDownIsRetainedForADayOrUntilItIsUp) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  const KernelTable empty = KernelTable().Service(key);
  Make(KernelTable(empty).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
  Make(empty);
  verdicts_ = {{Ip("192.168.1.102"), Verdict::kDown}, {Ip("192.168.1.103"), Verdict::kDown}};
  now_ += 1h;
  Make(empty);
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:80 absent", "192.168.1.103:80 absent"));
  EXPECT_THAT(plan_->kept_down, ElementsAre(0, 1));
  EXPECT_EQ(plan_->next_expiry, kStart + 24h);
  verdicts_ = {{Ip("192.168.1.103"), Verdict::kUp}};  // and .102 unknown: no reason to forget it
  Make(empty);
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:80 absent"));
  verdicts_ = {{Ip("192.168.1.102"), Verdict::kDown}};
  now_ = kStart + 24h;
  Make(empty);
  EXPECT_THAT(Backends(), IsEmpty());
  EXPECT_EQ(plan_->next_expiry, std::nullopt);
}

TEST_F(PlanTest, WhatIsUnknownWhenItsTimeIsOverIsForgotten) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  Make(KernelTable().Service(key).Backend("192.168.1.102", 80));
  Make(KernelTable().Service(key));
  now_ += 1h;
  Make(KernelTable().Service(key));
  EXPECT_THAT(Backends(), IsEmpty());
}

TEST_F(PlanTest, NothingIsRetainedWhereTheConfigurationWantsNone) {
  configuration_.absent_retention = 0s;
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  Make(KernelTable().Service(key).Backend("192.168.1.102", 80));
  verdicts_ = {{Ip("192.168.1.102"), Verdict::kDown}};
  Make(KernelTable().Service(key));
  EXPECT_THAT(Backends(), IsEmpty());
}

TEST_F(PlanTest, OnlySoManyAreRetainedBecauseTheyAreDown) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  KernelTable full = KernelTable().Service(key);
  for (std::size_t i = 0; i < kMostKeptDown + 5; ++i) {
    const std::string address = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    full.Backend(address, 80);
    verdicts_[Ip(address)] = Verdict::kDown;
  }
  Make(full);
  Make(KernelTable().Service(key));
  now_ += 2h;
  Make(KernelTable().Service(key));
  EXPECT_THAT(plan_->backends, SizeIs(kMostKeptDown));
}

TEST_F(PlanTest, WhatComesBackIsNoLongerAbsent) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  const KernelTable whole = KernelTable().Service(key).Backend("192.168.1.102", 80);
  Make(whole);
  Make(KernelTable().Service(key));
  Make(whole);
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:80"));
  EXPECT_EQ(plan_->backends[0].absent_since, std::nullopt);
}

TEST_F(PlanTest, AnExpectedServerIsKnownForEver) {
  const ipvs::ServiceKey key = Tcp("192.168.1.111", 80);
  Rule(key).backends = {Expected("192.168.1.102")};
  Make(KernelTable().Service(key).Backend("192.168.1.102", 80));
  now_ += 100h;
  Make(KernelTable().Service(key));
  now_ += 100h;
  Make(KernelTable().Service(key));
  EXPECT_THAT(Backends(), ElementsAre("192.168.1.102:80 absent"));
}

TEST_F(PlanTest, AServiceThatIsGoneIsGone) {
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80));
  Make(KernelTable());
  EXPECT_THAT(plan_->services, IsEmpty());
  EXPECT_THAT(plan_->backends, IsEmpty());
}

TEST_F(PlanTest, DrIsProvedForRoutedServersThroughTheVip) {
  Rule(Tcp("192.168.1.111", 80)).probes = {Prepared(ProbeOf("vip", ProbeType::kDr))};
  Make(KernelTable()
           .Service(Tcp("192.168.1.111", 80))
           .Backend("192.168.1.102", 80)
           .Backend("192.168.1.103", 80, 1, ipvs::ForwardMethod::kMasquerade));
  EXPECT_THAT(Targets(), ElementsAre("vip 192.168.1.102:80 via 192.168.1.111"));
  EXPECT_EQ(
      plan_->targets[0].labels,
      "probe=\"vip\",type=\"dr\",address=\"192.168.1.102\",port=\"80\",via=\"192.168.1.111\"");
}

// It was called down with dr_no_reply: nobody has the VIP behind masquerading or a tunnel.
TEST_F(PlanTest, AnAbsentServerOfAServiceThatIsNotRoutedIsNotProvedByDr) {
  for (const auto forward : {ipvs::ForwardMethod::kMasquerade, ipvs::ForwardMethod::kTunnel}) {
    configuration_.services.clear();
    plan_ = nullptr;
    ServiceRule& rule = Rule(Tcp("192.168.1.111", 80));
    rule.probes = {Prepared(ProbeOf("page", ProbeType::kTcp)),
                   Prepared(ProbeOf("vip", ProbeType::kDr))};
    rule.backends = {Expected("192.168.1.110", Role::kBackup)};
    const KernelTable table =
        KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80, 1, forward);
    Make(table);
    EXPECT_THAT(Targets(), ElementsAre("page 192.168.1.102:80", "page 192.168.1.110:80"));
    Make(table);
    EXPECT_THAT(Targets(), SizeIs(2)) << "nor with the plan before in mind";
    Make(KernelTable().Service(Tcp("192.168.1.111", 80)));
    EXPECT_THAT(Targets(), SizeIs(2)) << "nor when the others have been removed";
  }
}

TEST_F(PlanTest, AnAbsentServerIsProvedByDrWhereOthersAreRoutedOrNothingIsKnown) {
  ServiceRule& rule = Rule(Tcp("192.168.1.111", 80));
  rule.probes = {Prepared(ProbeOf("vip", ProbeType::kDr))};
  rule.backends = {Expected("192.168.1.110", Role::kBackup)};
  const std::string backup = "vip 192.168.1.110:80 via 192.168.1.111";
  Make(nullptr);
  EXPECT_THAT(Targets(), ElementsAre(backup));
  Make(KernelTable()
           .Service(Tcp("192.168.1.111", 80))
           .Backend("192.168.1.102", 80, 1, ipvs::ForwardMethod::kMasquerade)
           .Backend("192.168.1.103", 80));
  EXPECT_THAT(Targets(), ElementsAre("vip 192.168.1.103:80 via 192.168.1.111", backup));
}

TEST_F(PlanTest, AMarkNeedsItsAddressesForDr) {
  ServiceRule& rule = Rule(Mark(10));
  probes::Probe probe = ProbeOf("vip", ProbeType::kDr);
  probe.port = 80;
  rule.probes = {Prepared(probe)};
  const KernelTable table = KernelTable().Service(Mark(10)).Backend("192.168.1.102", 0);
  Make(table);
  EXPECT_THAT(Targets(), IsEmpty());
  EXPECT_THAT(plan_->notes, Contains(HasSubstr("the addresses of the mark are not configured")));
  configuration_.services[0].vips = {Ip("192.168.1.111"), Ip("192.168.1.112")};
  Make(table);
  EXPECT_THAT(Targets(), ElementsAre("vip 192.168.1.102:80 via 192.168.1.111",
                                     "vip 192.168.1.102:80 via 192.168.1.112"));
}

TEST_F(PlanTest, AProbeThatFindsNoPortIsNotRunAndSaysSo) {
  Rule(Mark(10)).probes = {Prepared(ProbeOf("page", ProbeType::kTcp))};
  Make(KernelTable().Service(Mark(10)).Backend("192.168.1.102", 0));
  EXPECT_THAT(Targets(), IsEmpty());
  EXPECT_THAT(plan_->notes,
              ElementsAre("probe page is not run for 192.168.1.102 of mark 0000000A ipv4: it has "
                          "no port and the probe gives none (port)"));
}

// The configuration names no service of the mark, so that nobody has refused it at load.
TEST_F(PlanTest, AProbeWithTheMarkOfAServiceOfTheKernelIsNotRunAndSaysSo) {
  probes::Probe probe = ProbeOf("page", ProbeType::kTcp);
  probe.socket.mark = 10;
  Rule(Tcp("192.168.1.111", 80)).probes = {Prepared(probe)};
  const auto web = [](KernelTable table) {
    return table.Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80);
  };
  Make(web(KernelTable()));
  EXPECT_THAT(Targets(), ElementsAre("page 192.168.1.102:80"));
  EXPECT_THAT(plan_->notes, IsEmpty());
  Make(web(KernelTable().Service(Mark(10))));
  EXPECT_THAT(Targets(), IsEmpty());
  EXPECT_THAT(plan_->notes,
              ElementsAre("probe page is not run for 192.168.1.102:80 of 192.168.1.111:80/TCP: its "
                          "mark is that of the service mark 0000000A ipv4, whose servers would get "
                          "it"));
  ipvs::ServiceKey ipv6 = Mark(10);
  ipv6.address.family = AddressFamily::kIpv6;
  Make(web(KernelTable().Service(ipv6)));
  EXPECT_THAT(Targets(), SizeIs(1)) << "the mark of the other family's packets";
}

TEST_F(PlanTest, MasqueradedIsWhatHasNoOtherWay) {
  Make(KernelTable()
           .Service(Tcp("192.168.1.111", 80))
           .Backend("192.168.1.102", 80, 1, ipvs::ForwardMethod::kMasquerade)
           .Backend("192.168.1.103", 80, 1, ipvs::ForwardMethod::kMasquerade)
           .Service(Tcp("192.168.1.112", 80))
           .Backend("192.168.1.103", 80));
  ASSERT_THAT(Targets(), ElementsAre("tcp 192.168.1.102:80", "tcp 192.168.1.103:80"));
  EXPECT_TRUE(plan_->targets[0].masqueraded);
  EXPECT_FALSE(plan_->targets[1].masqueraded);
}

TEST_F(PlanTest, AServiceOfTwoRulesIsPlannedOnceAndTheHiddenRuleIsTold) {
  configuration_.services.emplace_back();  // matches everything
  Rule(Tcp("192.168.1.111", 80)).name = "shop";
  Make(KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80));
  EXPECT_THAT(plan_->services, SizeIs(1));
  EXPECT_THAT(plan_->notes, ElementsAre("the rule for 192.168.1.111:80/TCP is never used: one "
                                        "before it matches the service"));
}

TEST_F(PlanTest, AMarkWithoutAFamilyIsTheServiceThatTheKernelHas) {
  ServiceRule& rule = Rule(Mark(10));
  rule.backends = {Expected("2001:db8::102")};
  ipvs::ServiceKey ipv6 = Mark(10);
  ipv6.address.family = AddressFamily::kIpv6;
  Make(KernelTable().Service(ipv6).Backend("2001:db8::102", 0));
  EXPECT_THAT(plan_->services, SizeIs(1));
  EXPECT_THAT(Backends(), ElementsAre("2001:db8::102"));
  Make(KernelTable()
           .Service(ipv6)
           .Backend("2001:db8::102", 0)
           .Service(Mark(10))
           .Backend("192.168.1.102", 0));
  EXPECT_THAT(Backends(), testing::UnorderedElementsAre("2001:db8::102", "192.168.1.102"));
}

TEST_F(PlanTest, ADeclaredMarkTakesTheFamilyOfItsServers) {
  Rule(Mark(10)).backends = {Expected("2001:db8::102")};
  Make(nullptr);
  ASSERT_THAT(plan_->services, SizeIs(1));
  EXPECT_EQ(plan_->services[0].key.address.family, AddressFamily::kIpv6);
  EXPECT_THAT(Backends(), ElementsAre("2001:db8::102 absent"));
}

TEST_F(PlanTest, ABackendForWhichNothingCountsIsTold) {
  probes::Probe probe = ProbeOf("page", ProbeType::kTcp);
  probe.gating = false;
  Rule(Tcp("192.168.1.111", 80)).probes = {Prepared(probe)};
  const KernelTable table =
      KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80);
  Make(table);
  EXPECT_THAT(plan_->notes, Contains(HasSubstr("its health stays unknown")));
  configuration_.services[0].probes = std::vector<ProbePointer>();
  Make(table);
  EXPECT_THAT(plan_->notes, IsEmpty()) << "no probes on purpose";
}

TEST_F(PlanTest, NewWeightsNeedNoNewPlan) {
  const auto table = [](std::uint64_t weight) {
    return KernelTable()
        .Service(Tcp("192.168.1.112", 80))
        .Backend("192.168.1.102", 80)
        .Service(Tcp("192.168.1.111", 80))
        .Backend("192.168.1.102", 80)
        .Backend("192.168.1.103", 80, weight);
  };
  Make(table(1));
  const auto reweighed = WithWeights(*plan_, table(7).table());
  plan_ = nullptr;
  const auto anew = Make(table(7));
  ASSERT_EQ(reweighed->backends.size(), anew->backends.size());
  for (std::size_t i = 0; i < anew->backends.size(); ++i) {
    EXPECT_EQ(reweighed->backends[i].labels, anew->backends[i].labels);
    EXPECT_EQ(reweighed->backends[i].weight, anew->backends[i].weight);
  }
}

TEST(SameMembers, SeesWhoIsThereAndNeitherWeightsNorCounters) {
  const auto table = [](std::uint64_t weight) {
    return KernelTable().Service(Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80, weight);
  };
  ipvs::Table busy = table(1).table();
  busy.services[0].backends[0].active_connections = 5;
  EXPECT_TRUE(SameMembers(table(1).table(), busy));
  EXPECT_TRUE(SameWeights(table(1).table(), busy));
  EXPECT_TRUE(SameMembers(table(1).table(), table(2).table()));
  EXPECT_FALSE(SameWeights(table(1).table(), table(2).table()));
  EXPECT_FALSE(SameMembers(table(1).table(), table(1).Backend("192.168.1.103", 80).table()));
  EXPECT_FALSE(SameMembers(table(1).table(), KernelTable().table()));
}

}  // namespace
}  // namespace lvs::checker
