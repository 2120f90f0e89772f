#include "collectors/audit/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "collectors/audit/check_names.h"
#include "collectors/audit/report.h"
#include "tests/support/audit_world.h"
#include "tests/support/ip.h"

namespace lvs::audit {
namespace {

using fake::Host;
using fake::Ip;
using fake::Marks;
using ipvs::ForwardMethod;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// What one check says: "SUBJECT" is "right", "wrong" or "unknown".
std::map<std::string, std::string> Ask(std::string_view check, const Host& host) {
  const Findings findings = LookAt(DirectorChecks(), host.facts());
  std::map<std::string, std::string> said;
  for (const Finding& finding : findings.looked_at) {
    if (finding.check == check) said[finding.subject] = finding.failed ? "wrong" : "right";
  }
  for (const Finding& finding : findings.unknown) {
    if (finding.check == check) said[finding.subject] = "unknown";
  }
  return said;
}

const std::string kMark = "mark 0000000A ipv4";
const std::string kMark6 = "mark 0000000A ipv6";

TEST(MarkWithoutRule, ServiceThatARuleFeedsIsRight) {
  const auto host = Host().MarkService(10).Rules(Marks(10).To("192.168.1.112"));
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair(kMark, "right")));
}

TEST(MarkWithoutRule, ServiceThatNoRuleFeedsIsWrong) {
  const auto host = Host().MarkService(10).Rules(Marks(11).To("192.168.1.112"));
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair(kMark, "wrong")));
}

// A mark service for IPv4 takes no IPv6 packets, nor the reverse.
TEST(MarkWithoutRule, EachFamilyIsLookedAtByItself) {
  const auto host = Host()
                        .MarkService(10)
                        .MarkService(10, AddressFamily::kIpv6)
                        .Rules(Marks(10).To("192.168.1.112"));
  EXPECT_THAT(Ask("mark_without_rule", host),
              ElementsAre(Pair(kMark, "right"), Pair(kMark6, "wrong")));
  const auto other = Host()
                         .MarkService(10)
                         .MarkService(10, AddressFamily::kIpv6)
                         .Rules(Marks(10).To("2001:db8::112"));
  EXPECT_THAT(Ask("mark_without_rule", other),
              ElementsAre(Pair(kMark, "wrong"), Pair(kMark6, "right")));
}

TEST(MarkWithoutRule, RuleForOwnPacketsOnlyFeedsNoClient) {
  const auto host =
      Host().MarkService(10).Rules(Marks(10).To("192.168.1.112").In(netfilter::Hook::kOutput));
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair(kMark, "wrong")));
}

TEST(MarkWithoutRule, RuleThatKeepsOtherBitsMayFeed) {
  const auto host = Host().MarkService(0x10a).Rules(Marks(0x0a, 0xff).To("192.168.1.112"));
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair("mark 0000010A ipv4", "right")));
}

TEST(MarkWithoutRule, ARuleThatCannotBeReadLeavesItOpen) {
  const auto host = Host().MarkService(10).Unclear("a mark from a map");
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair(kMark, "unknown")));
  const auto fed =
      Host().MarkService(10).Rules(Marks(10).To("192.168.1.112")).Unclear("a mark from a map");
  EXPECT_THAT(Ask("mark_without_rule", fed), ElementsAre(Pair(kMark, "right")));
}

TEST(MarkWithoutRule, RulesThatCouldNotBeReadAreNotGreen) {
  EXPECT_THAT(Ask("mark_without_rule", Host().MarkService(10).NoRulesKnown()),
              ElementsAre(Pair(kMark, "unknown")));
}

TEST(RuleWithoutService, MarkThatHasAServiceIsRight) {
  const auto host =
      Host().MarkService(10).Local("192.168.1.112").Rules(Marks(10).To("192.168.1.112"));
  EXPECT_THAT(Ask("rule_without_service", host), ElementsAre(Pair(kMark, "right")));
}

TEST(RuleWithoutService, MarkOfPacketsToThisHostWithoutServiceIsWrong) {
  const auto host = Host().Local("192.168.1.112").Rules(Marks(10).To("192.168.1.112"));
  EXPECT_THAT(Ask("rule_without_service", host), ElementsAre(Pair(kMark, "wrong")));
}

TEST(RuleWithoutService, OneOfTwoMarksOfAVipIsWrong) {
  const auto host = Host()
                        .Service("192.168.1.112:443/TCP")
                        .MarkService(10)
                        .Rules(Marks(10).To("192.168.1.112"))
                        .Rules(Marks(11).To("192.168.1.112"));
  EXPECT_THAT(Ask("rule_without_service", host),
              ElementsAre(Pair(kMark, "right"), Pair("mark 0000000B ipv4", "wrong")));
}

TEST(RuleWithoutService, MarksForOtherThingsAreNoBusinessOfIpvs) {
  const auto host = Host()
                        .Elsewhere("8.8.8.8")
                        .Rules(Marks(10).To("8.8.8.8"))
                        .Rules(Marks(11).To("192.168.0.0", 16))
                        .Rules(Marks(12));
  EXPECT_THAT(Ask("rule_without_service", host), IsEmpty());
}

TEST(VipNotLocal, SaysWhereTheDirectorThatShouldHaveItHasItNot) {
  const auto host = Host()
                        .Service("10.0.0.1:80/TCP")
                        .Service("10.0.0.2:80/TCP")
                        .Service("10.0.0.3:80/TCP")
                        .Local("10.0.0.1")
                        .Elsewhere("10.0.0.2");
  EXPECT_THAT(Ask("vip_not_local", host), UnorderedElementsAre(Pair("10.0.0.1:80/TCP", "right"),
                                                               Pair("10.0.0.2:80/TCP", "wrong"),
                                                               Pair("10.0.0.3:80/TCP", "unknown")));
}

TEST(VipNotLocal, AStandbyNeedsNone) {
  const auto host =
      Host().Service("10.0.0.2:80/TCP").Elsewhere("10.0.0.2").Is(director::Role::kBackup, 2);
  EXPECT_THAT(Ask("vip_not_local", host), IsEmpty());
}

TEST(VipNotLocal, IsOpenWhileTheRoleIs) {
  const auto host =
      Host().Service("10.0.0.2:80/TCP").Elsewhere("10.0.0.2").Is(director::Role::kUnknown, 2);
  EXPECT_THAT(Ask("vip_not_local", host), ElementsAre(Pair("10.0.0.2:80/TCP", "unknown")));
  const auto alone = Host().Service("10.0.0.2:80/TCP").Elsewhere("10.0.0.2").NoDirectorKnown();
  EXPECT_THAT(Ask("vip_not_local", alone), ElementsAre(Pair("10.0.0.2:80/TCP", "unknown")));
}

TEST(VipNotLocal, IsOpenForAMasterOfOneInstanceOnly) {
  const auto host = Host()
                        .Service("10.0.0.2:80/TCP")
                        .Elsewhere("10.0.0.2")
                        .Is(director::Role::kMaster, 2)
                        .Instance(director::VrrpState::kMaster)
                        .Instance(director::VrrpState::kBackup);
  EXPECT_THAT(Ask("vip_not_local", host), ElementsAre(Pair("10.0.0.2:80/TCP", "unknown")));
}

TEST(VipNotLocal, LooksWhereAMarkIsFedFrom) {
  const auto host = Host()
                        .MarkService(10)
                        .MarkService(11)
                        .Rules(Marks(10).To("192.168.1.112"))
                        .Rules(Marks(11).To("192.168.1.113"))
                        .Local("192.168.1.112")
                        .Elsewhere("192.168.1.113");
  EXPECT_THAT(Ask("vip_not_local", host),
              UnorderedElementsAre(Pair(kMark + " to 192.168.1.112", "right"),
                                   Pair("mark 0000000B ipv4 to 192.168.1.113", "wrong")));
}

TEST(IpForward, IsNeededForMasquerading) {
  const auto ask = [](const char* service, const char* backend, std::optional<int> forwarding) {
    return Ask("ip_forward", Host()
                                 .Service(service)
                                 .Backend(backend, ForwardMethod::kMasquerade)
                                 .Forwarding(forwarding));
  };
  EXPECT_THAT(ask("10.0.0.1:80/TCP", "10.1.0.1:80", 1), ElementsAre(Pair("ipv4", "right")));
  EXPECT_THAT(ask("10.0.0.1:80/TCP", "10.1.0.1:80", 0), ElementsAre(Pair("ipv4", "wrong")));
  EXPECT_THAT(ask("10.0.0.1:80/TCP", "10.1.0.1:80", {}), ElementsAre(Pair("ipv4", "unknown")));
  EXPECT_THAT(ask("[2001:db8::1]:80/TCP", "[2001:db8::2]:80", 0),
              ElementsAre(Pair("ipv6", "wrong")));
}

TEST(IpForward, IsNotNeededForOthers) {
  EXPECT_THAT(
      Ask("ip_forward", Host().Service("10.0.0.1:80/TCP").Backend("10.1.0.1:80").Forwarding(0)),
      IsEmpty());
}

TEST(SendRedirects, HurtWhereClientsAndMasqueradedServersShareAnInterface) {
  const auto ask = [](int redirects, int way_out) {
    return Ask("send_redirects", Host()
                                     .Service("10.0.0.1:80/TCP")
                                     .Backend("10.1.0.1:80", ForwardMethod::kMasquerade)
                                     .WayOut("10.1.0.1", way_out)
                                     .Interface("eth0", 2, {"10.0.0.1"})
                                     .SendsRedirects(redirects)
                                     .Interface("eth1", 3, {"10.1.0.254"})
                                     .SendsRedirects(1));
  };
  EXPECT_THAT(ask(1, 2), ElementsAre(Pair("eth0", "wrong")));
  EXPECT_THAT(ask(0, 2), ElementsAre(Pair("eth0", "right")));
  EXPECT_THAT(ask(1, 3), IsEmpty());
}

// A standby that is a real server: the VIP on lo, and two network cards.
Host RealServerAsStandby() {
  return Host()
      .Service("10.0.0.1:80/TCP")
      .Service("[2001:db8::1]:80/TCP")
      .Is(director::Role::kBackup, 2)
      .Interface("lo", 1, {"127.0.0.1", "10.0.0.1", "2001:db8::1"})
      .Silent();
}

TEST(Arp, AVipOnTheLoopbackMustBeKeptToOneself) {
  const auto host = RealServerAsStandby()
                        .Interface("eth0", 2, {"10.0.0.7"})
                        .Arp(0, 0)
                        .Interface("eth1", 3, {"10.5.0.7"})
                        .Arp(1, 2);
  EXPECT_THAT(Ask("arp_ignore", host), UnorderedElementsAre(Pair("10.0.0.1 on eth0", "wrong"),
                                                            Pair("10.0.0.1 on eth1", "right")));
  EXPECT_THAT(Ask("arp_announce", host), UnorderedElementsAre(Pair("10.0.0.1 on eth0", "wrong"),
                                                              Pair("10.0.0.1 on eth1", "right")));
}

TEST(Arp, AnnouncingTheBestLocalAddressIsTwo) {
  const auto host = RealServerAsStandby().Interface("eth0", 2, {"10.0.0.7"}).Arp(1, 1);
  EXPECT_THAT(Ask("arp_ignore", host), ElementsAre(Pair("10.0.0.1 on eth0", "right")));
  EXPECT_THAT(Ask("arp_announce", host), ElementsAre(Pair("10.0.0.1 on eth0", "wrong")));
}

TEST(Arp, AVipOnANetworkCardIsMeantToBeAnswered) {
  const auto host = Host()
                        .Service("10.0.0.1:80/TCP")
                        .Is(director::Role::kMaster, 2)
                        .Interface("eth0", 2, {"10.0.0.1"})
                        .Arp(0, 0);
  EXPECT_THAT(Ask("arp_ignore", host), IsEmpty());
}

TEST(Arp, ASingleDirectorMayHaveItOnTheLoopback) {
  const auto host = Host()
                        .Service("10.0.0.1:80/TCP")
                        .Interface("lo", 1, {"10.0.0.1"})
                        .Silent()
                        .Interface("eth0", 2, {"10.0.0.7"})
                        .Arp(0, 0);
  EXPECT_THAT(Ask("arp_ignore", host), IsEmpty());
}

TEST(Arp, SettingsThatCouldNotBeReadAreNotGreen) {
  EXPECT_THAT(Ask("arp_ignore", RealServerAsStandby().Interface("eth0", 2, {"10.0.0.7"})),
              ElementsAre(Pair("10.0.0.1 on eth0", "unknown")));
  EXPECT_THAT(Ask("arp_ignore", RealServerAsStandby().NoInterfacesKnown()),
              ElementsAre(Pair("", "unknown")));
}

TEST(ReversePath, StrictOnATunnelOfARealServerIsWrong) {
  const auto ask = [](int filter) {
    return Ask("rp_filter",
               RealServerAsStandby().Interface("tunl0", 4, {}).Tunnel().ReversePath(filter));
  };
  EXPECT_THAT(ask(1), ElementsAre(Pair("tunl0", "wrong")));
  EXPECT_THAT(ask(0), ElementsAre(Pair("tunl0", "right")));
  EXPECT_THAT(ask(2), ElementsAre(Pair("tunl0", "right")));
  EXPECT_THAT(
      Ask("rp_filter",
          Host().Service("10.0.0.1:80/TCP").Interface("tunl0", 4, {}).Tunnel().ReversePath(1)),
      IsEmpty())
      << "it is no real server";
}

std::map<std::string, std::string> AskReuse(int mode, int conntrack, std::pair<int, int> kernel) {
  return Ask("conn_reuse_mode", Host()
                                    .Service("10.0.0.1:80/TCP")
                                    .Sysctl("conn_reuse_mode", mode)
                                    .Sysctl("conntrack", conntrack)
                                    .Kernel(kernel));
}

TEST(ConnReuseMode, ZeroGluesClientsToDeadServers) {
  EXPECT_THAT(AskReuse(0, 0, {6, 1}), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(AskReuse(1, 0, {6, 1}), ElementsAre(Pair("", "right")));
}

TEST(ConnReuseMode, WithConntrackOneIsWrongBefore59) {
  EXPECT_THAT(AskReuse(1, 1, {5, 8}), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(AskReuse(1, 1, {5, 9}), ElementsAre(Pair("", "right")));
  EXPECT_THAT(AskReuse(1, 1, {4, 19}), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(AskReuse(2, 1, {5, 8}), ElementsAre(Pair("", "right")));
}

// Those of a setting that must not be 0.
void ExpectNeeded(const std::string& check, const std::string& setting, const Host& host) {
  EXPECT_THAT(Ask(check, Host(host).Sysctl(setting, 0)), ElementsAre(Pair("", "wrong"))) << check;
  EXPECT_THAT(Ask(check, Host(host).Sysctl(setting, 1)), ElementsAre(Pair("", "right"))) << check;
  EXPECT_THAT(Ask(check, host), ElementsAre(Pair("", "unknown"))) << check;
  EXPECT_THAT(Ask(check, Host().Sysctl(setting, 0)), IsEmpty()) << check << ": nothing needs it";
}

TEST(Settings, ThatMustNotBeOff) {
  const auto plain = Host().Service("10.0.0.1:80/TCP");
  ExpectNeeded("expire_nodest_conn", "expire_nodest_conn", plain);
  const auto persistent = Host().Service("10.0.0.1:80/TCP").Persistent();
  ExpectNeeded("expire_quiescent_template", "expire_quiescent_template", persistent);
  const auto own_server = Host()
                              .Service("10.0.0.1:80/TCP")
                              .Backend("10.0.0.7:80")
                              .Local("10.0.0.7")
                              .Is(director::Role::kBackup, 2);
  ExpectNeeded("backup_only", "backup_only", own_server);
}

TEST(Settings, QuiescentTemplatesMatterToPersistentServicesOnly) {
  EXPECT_THAT(Ask("expire_quiescent_template",
                  Host().Service("10.0.0.1:80/TCP").Sysctl("expire_quiescent_template", 0)),
              IsEmpty());
}

TEST(Settings, BackupOnlyMattersToADirectorThatIsItsOwnRealServer) {
  EXPECT_THAT(Ask("backup_only", Host()
                                     .Service("10.0.0.1:80/TCP")
                                     .Backend("10.1.0.1:80")
                                     .Elsewhere("10.1.0.1")
                                     .Is(director::Role::kBackup, 2)
                                     .Sysctl("backup_only", 0)),
              IsEmpty());
}

TEST(PortZero, NeedsPersistence) {
  const auto host = Host()
                        .Service("10.0.0.1:0/TCP")
                        .Service("10.0.0.2:0/TCP")
                        .Persistent()
                        .Service("10.0.0.3:80/TCP")
                        .MarkService(10);
  EXPECT_THAT(
      Ask("port_zero_without_persistence", host),
      UnorderedElementsAre(Pair("10.0.0.1:0/TCP", "wrong"), Pair("10.0.0.2:0/TCP", "right")));
}

TEST(Ftp, PersistenceOnPort21TakesOtherPorts) {
  const auto host = Host()
                        .Service("10.0.0.1:21/TCP")
                        .Persistent()
                        .Service("10.0.0.2:21/TCP")
                        .Service("10.0.0.3:21/UDP")
                        .Persistent();
  EXPECT_THAT(Ask("ftp_persistence", host), UnorderedElementsAre(Pair("10.0.0.1:21/TCP", "wrong"),
                                                                 Pair("10.0.0.2:21/TCP", "right")));
}

TEST(Estimation, OffIsWrong) {
  EXPECT_THAT(Ask("estimation", Host().Estimation(false)), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(Ask("estimation", Host().Estimation(true)), ElementsAre(Pair("", "right")));
  EXPECT_THAT(Ask("estimation", Host()), ElementsAre(Pair("", "unknown")));
}

TEST(Defence, ThatWorksNowIsWrong) {
  const auto host = Host().Sysctl("drop_entry", 2).Sysctl("drop_packet", 1).Sysctl("secure_tcp", 3);
  EXPECT_THAT(Ask("defence_mode", host),
              UnorderedElementsAre(Pair("drop_entry", "wrong"), Pair("drop_packet", "right"),
                                   Pair("secure_tcp", "wrong")));
}

TEST(SloppyTcp, IsNeededWhereOnlyTemplatesAreSynchronised) {
  const auto ask = [](int persist_mode, int sloppy) {
    return Ask("sloppy_tcp", Host()
                                 .Is(director::Role::kMaster, 2)
                                 .Sysctl("sync_persist_mode", persist_mode)
                                 .Sysctl("sloppy_tcp", sloppy));
  };
  EXPECT_THAT(ask(1, 0), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(ask(1, 1), ElementsAre(Pair("", "right")));
  EXPECT_THAT(ask(0, 0), ElementsAre(Pair("", "right")));
  EXPECT_THAT(Ask("sloppy_tcp", Host().Sysctl("sync_persist_mode", 1).Sysctl("sloppy_tcp", 0)),
              IsEmpty())
      << "a single director";
}

TEST(SyncRole, MustBeTheDirectors) {
  using Daemon = ipvs::SyncDaemon::Role;
  const auto ask = [](director::Role role, Daemon daemon) {
    return Ask("sync_role", Host().Is(role, 2).Daemon(daemon));
  };
  EXPECT_THAT(ask(director::Role::kMaster, Daemon::kMaster), ElementsAre(Pair("master", "right")));
  EXPECT_THAT(ask(director::Role::kMaster, Daemon::kBackup), ElementsAre(Pair("backup", "wrong")));
  EXPECT_THAT(ask(director::Role::kBackup, Daemon::kBackup), ElementsAre(Pair("backup", "right")));
  EXPECT_THAT(ask(director::Role::kBackup, Daemon::kMaster), ElementsAre(Pair("master", "wrong")));
  EXPECT_THAT(ask(director::Role::kUnknown, Daemon::kMaster),
              ElementsAre(Pair("master", "unknown")));
  // keepalived leaves the backup daemon to a director in fault.
  EXPECT_THAT(ask(director::Role::kFault, Daemon::kBackup), IsEmpty());
}

TEST(TableSize, LongChainsAreWrong) {
  const auto ask = [](std::uint32_t buckets, std::uint64_t entries) {
    return Ask(
        "connection_table_buckets",
        Host().Buckets(buckets).Service("10.0.0.1:80/TCP").Backend("10.1.0.1:80").Holds(entries));
  };
  EXPECT_THAT(ask(4096, 25 * 4096), ElementsAre(Pair("", "right")));
  EXPECT_THAT(ask(4096, 25 * 4096 + 1), ElementsAre(Pair("", "wrong")));
  EXPECT_THAT(Ask("connection_table_buckets", Host()), ElementsAre(Pair("", "unknown")));
}

TEST(Checks, HaveNamesOfTheirOwnAndEveryFieldFilled) {
  std::set<std::string_view> names;
  for (const auto& check : DirectorChecks()) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
    EXPECT_FALSE(check.reads.empty() || check.wrong.empty() || check.alert.empty()) << check.name;
    EXPECT_NE(check.look, nullptr) << check.name;
  }
  for (const std::string_view name : CheckNames()) names.insert(name);
  EXPECT_EQ(names.size(), CheckNames().size());
}

TEST(FedAddresses, AreTheSingleOnesOfTheMark) {
  Report report;
  for (const auto& rule :
       {Marks(10).To("192.168.1.112"), Marks(10).To("192.168.1.112"),
        Marks(10).To("192.168.1.0", 24), Marks(11).To("192.168.1.113"), Marks(10).To("2001:db8::1"),
        Marks(10).To("192.168.1.114").In(netfilter::Hook::kOutput)}) {
    report.mark_rules.push_back(rule.rule());
  }
  ipvs::ServiceKey service;
  service.protocol = ipvs::Protocol::kFwmark;
  service.fwmark = 10;
  EXPECT_THAT(FedAddresses(report, service), ElementsAre(Ip("192.168.1.112")));
}

}  // namespace
}  // namespace lvs::audit
