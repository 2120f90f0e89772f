#include "collectors/audit/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "collectors/audit/check_names.h"
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
std::map<std::string, std::string> Ask(std::string_view check, const Facts& facts) {
  const Findings findings = LookAt(DirectorChecks(), facts);
  std::map<std::string, std::string> said;
  for (const Finding& finding : findings.looked_at) {
    if (finding.check == check) said[finding.subject] = finding.failed ? "wrong" : "right";
  }
  for (const Finding& finding : findings.unknown) {
    if (finding.check == check) said[finding.subject] = "unknown";
  }
  return said;
}

std::map<std::string, std::string> Ask(std::string_view check, const Host& host) {
  return Ask(check, host.facts());
}

// A host whose director was told more of than a Host can be.
Facts With(const Host& host, const std::function<void(director::Snapshot&)>& change) {
  Facts facts = host.facts();
  director::Snapshot director = *facts.director;
  change(director);
  facts.director = std::make_shared<const director::Snapshot>(director);
  return facts;
}

Facts ByVip(const Host& host) {
  return With(host, [](director::Snapshot& director) {
    director.conclusion.evidence = director::Evidence::kVip;
  });
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

// Rules that keep bits of the mark a packet had, for a service of mark 0000000A.
TEST(MarkWithoutRule, EveryBitOfTheMarkMustBeSetBySomeRule) {
  const auto vip = [](std::uint32_t mark, std::uint32_t mask = 0xffffffff) {
    return Marks(mark, mask).To("192.168.1.112");
  };
  const auto other = [](std::uint32_t mark, std::uint32_t mask = 0xffffffff) {
    return Marks(mark, mask).To("192.168.1.113");
  };
  const struct {
    const char* what;
    std::vector<Marks> rules;
    const char* said;
  } kRows[] = {
      {"all bits, others kept", {vip(0x0a, 0xff)}, "right"},
      {"a bit that nobody sets", {vip(0x02, 0x02)}, "wrong"},
      {"a bit too much", {vip(0x0b, 0xff)}, "wrong"},
      {"one by one", {vip(0x02, 0x02), vip(0x08, 0x08)}, "right"},
      {"for different addresses", {vip(0x02, 0x02), other(0x08, 0x08)}, "wrong"},
      {"whole, then more", {vip(0x02), vip(0x08, 0x08)}, "right"},
      {"for all packets, then more", {Marks(0x02), vip(0x08, 0x08)}, "right"},
      {"--and-mark 0xff behind a greater", {vip(0x10a), vip(0, 0xffffff00)}, "right"},
      {"--and-mark for all packets", {vip(0x10a), Marks(0, 0xffffff00)}, "right"},
      {"three steps", {vip(0x102), vip(0x08, 0x08), Marks(0, 0xffffff00)}, "right"},
      {"clears what nobody sets", {Marks(0, 0xf0000)}, "wrong"},
      {"clears a bit of another mark", {vip(0x40000), Marks(0, 0xf0000)}, "wrong"},
      {"--and-mark alone", {vip(0, 0xffffff00)}, "wrong"},
      {"--xor-mark of other bits", {vip(0x0f, 0)}, "wrong"},
      {"--xor-mark of a packet without", {vip(0x0a, 0)}, "right"},
      {"--xor-mark of a marked packet", {vip(0x0f), vip(0x05, 0)}, "right"},
  };
  for (const auto& row : kRows) {
    Host host = Host().MarkService(10);
    for (const Marks& marks : row.rules) host.Rules(marks);
    EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair(kMark, row.said))) << row.what;
  }
}

TEST(MarkWithoutRule, WhatIsKeptOfAMarkThatNobodyCanTellIsOpen) {
  const auto host = Host()
                        .MarkService(0x10a)
                        .Rules(Marks(0x0a, 0xff).To("192.168.1.112"))
                        .Unclear("a mark from conntrack");
  EXPECT_THAT(Ask("mark_without_rule", host), ElementsAre(Pair("mark 0000010A ipv4", "unknown")));
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

TEST(RuleWithoutService, MarkThatALaterRuleMakesAServicesIsRight) {
  const auto host = Host()
                        .Service("192.168.1.112:443/TCP")
                        .MarkService(10)
                        .Rules(Marks(0x10a).To("192.168.1.112"))
                        .Rules(Marks(0, 0xffffff00));
  EXPECT_THAT(Ask("rule_without_service", host), ElementsAre(Pair("mark 0000010A ipv4", "right")));
}

TEST(RuleWithoutService, ABitOfAServicesMarkIsRight) {
  const auto host = Host()
                        .Service("192.168.1.112:443/TCP")
                        .MarkService(10)
                        .Rules(Marks(0x08, 0x08).To("192.168.1.112"))
                        .Rules(Marks(0x04, 0x04).To("192.168.1.112"));
  EXPECT_THAT(Ask("rule_without_service", host), ElementsAre(Pair("mark 00000004 ipv4", "wrong"),
                                                             Pair("mark 00000008 ipv4", "right")));
}

TEST(RuleWithoutService, RulesForOwnPacketsAreNotLookedAt) {
  const auto host = Host()
                        .Local("192.168.1.112")
                        .Rules(Marks(10).To("192.168.1.112").In(netfilter::Hook::kOutput));
  EXPECT_THAT(Ask("rule_without_service", host), IsEmpty());
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

// Two VIPs and a third of which nothing is known.
Host OneVipHere() {
  return Host()
      .Service("10.0.0.1:80/TCP")
      .Service("10.0.0.2:80/TCP")
      .Service("10.0.0.3:80/TCP")
      .Local("10.0.0.1")
      .Elsewhere("10.0.0.2")
      .Is(director::Role::kMaster, 2);
}

TEST(VipNotLocal, DirectorsThatShareTheWorkHaveNotAllOfThem) {
  const auto by_vrrp =
      OneVipHere().Instance(director::VrrpState::kMaster).Instance(director::VrrpState::kBackup);
  for (const Facts& facts : {by_vrrp.facts(), ByVip(OneVipHere())}) {
    EXPECT_THAT(Ask("vip_not_local", facts),
                ElementsAre(Pair("10.0.0.1:80/TCP", "right"), Pair("10.0.0.3:80/TCP", "unknown")));
  }
}

TEST(VipNotLocal, MasterOfAllInstancesHasAllOfThem) {
  const auto host =
      OneVipHere().Instance(director::VrrpState::kMaster).Instance(director::VrrpState::kMaster);
  EXPECT_THAT(Ask("vip_not_local", host),
              ElementsAre(Pair("10.0.0.1:80/TCP", "right"), Pair("10.0.0.2:80/TCP", "wrong"),
                          Pair("10.0.0.3:80/TCP", "unknown")));
}

TEST(VipNotLocal, AddressesWhoseMarksAreOnlyClearedAreNoVips) {
  const auto host = Host()
                        .MarkService(10)
                        .Rules(Marks(10).To("192.168.1.112"))
                        .Rules(Marks(0, 0xf0000).To("192.168.1.113"))
                        .Local("192.168.1.112")
                        .Elsewhere("192.168.1.113");
  EXPECT_THAT(Ask("vip_not_local", host), ElementsAre(Pair(kMark + " to 192.168.1.112", "right")));
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

// ip rule fwmark 10, as on a director without VIPs: that is no way for packets with another mark.
TEST(VipNotLocal, PolicyRoutingMayDeliverWhatIsMarked) {
  const auto host = Host()
                        .Service("192.168.1.112:80/TCP")
                        .MarkService(10)
                        .MarkService(11)
                        .Rules(Marks(10).To("192.168.1.112"))
                        .Rules(Marks(11).To("192.168.1.112"))
                        .Elsewhere("192.168.1.112")
                        .LocalByMark("192.168.1.112", 10);
  EXPECT_THAT(Ask("vip_not_local", host),
              UnorderedElementsAre(Pair("192.168.1.112:80/TCP", "wrong"),
                                   Pair(kMark + " to 192.168.1.112", "right"),
                                   Pair("mark 0000000B ipv4 to 192.168.1.112", "wrong")));
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

TEST(SendRedirects, ServersThatNoPacketLeavesForHaveNone) {
  const auto host = Host()
                        .Service("10.0.0.1:80/TCP")
                        .Interface("eth0", 2, {"10.0.0.1"})
                        .SendsRedirects(1)
                        .Backend("10.1.0.1:80", ForwardMethod::kMasquerade);
  EXPECT_THAT(Ask("send_redirects", host), ElementsAre(Pair("", "unknown"))) << "never asked";
  EXPECT_THAT(Ask("send_redirects", Host(host).Local("10.1.0.1")), IsEmpty());
  EXPECT_THAT(Ask("send_redirects", Host(host).Local("10.1.0.1").WayOut("10.1.0.1", 1)), IsEmpty())
      << "by a local route";
  EXPECT_THAT(Ask("send_redirects", Host(host).Elsewhere("10.1.0.1")), IsEmpty()) << "no route";
  EXPECT_THAT(Ask("send_redirects", Host(host).Elsewhere("10.1.0.1").WayOut("10.1.0.1", 2)),
              ElementsAre(Pair("eth0", "wrong")));
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

// What the kernel does by each value: arp_ignore() and arp_solicit() of net/ipv4/arp.c.
TEST(Arp, OnlySomeValuesKeepIt) {
  const auto ask = [](const char* check, int ignore, int announce) {
    return Ask(check,
               RealServerAsStandby().Interface("eth0", 2, {"10.0.0.7"}).Arp(ignore, announce))
        .at("10.0.0.1 on eth0");
  };
  for (const int value : {1, 2, 8}) EXPECT_EQ(ask("arp_ignore", value, 0), "right") << value;
  for (const int value : {0, 3, 4, 5, 6, 7, 9, -1}) {
    EXPECT_EQ(ask("arp_ignore", value, 2), "wrong") << value;
  }
  EXPECT_EQ(ask("arp_announce", 0, 2), "right");
  for (const int value : {0, 1, 3, -1}) EXPECT_EQ(ask("arp_announce", 1, value), "wrong") << value;
}

TEST(Arp, IsNoMatterOfAnInterfaceThatSpeaksNone) {
  const auto host = RealServerAsStandby()
                        .Interface("bond0", 2, {"10.0.0.7"})
                        .Arp(1, 2)
                        .Interface("eth0", 3, {})
                        .Arp(0, 0)
                        .SpeaksNoArp();
  EXPECT_THAT(Ask("arp_ignore", host), ElementsAre(Pair("10.0.0.1 on bond0", "right")));
  EXPECT_THAT(Ask("arp_announce", host), ElementsAre(Pair("10.0.0.1 on bond0", "right")));
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
  const auto ask = [](const char* server, const char* local, ForwardMethod forward) {
    const auto said = Ask("backup_only", Host()
                                             .Service("10.0.0.1:80/TCP")
                                             .Backend(server, forward)
                                             .Local(local)
                                             .Is(director::Role::kBackup, 2)
                                             .Sysctl("backup_only", 0));
    return said.empty() ? "" : said.at("");
  };
  const struct {
    const char* server;
    const char* local;
    ForwardMethod forward;
    const char* said;
  } kRows[] = {
      {"10.0.0.7:80", "10.0.0.7", ForwardMethod::kRoute, "wrong"},
      {"10.0.0.7:80", "10.0.0.7", ForwardMethod::kTunnel, "wrong"},
      {"10.0.0.7:80", "10.0.0.7", ForwardMethod::kLocal, "wrong"},
      {"10.0.0.7:80", "10.0.0.7", ForwardMethod::kMasquerade, ""},
      {"10.0.0.8:80", "10.0.0.7", ForwardMethod::kRoute, ""},
      // A sorry server.
      {"127.0.0.1:80", "127.0.0.1", ForwardMethod::kRoute, ""},
      {"127.9.9.9:80", "127.9.9.9", ForwardMethod::kLocal, ""},
      {"[::1]:80", "::1", ForwardMethod::kRoute, ""},
      {"[2001:db8::7]:80", "2001:db8::7", ForwardMethod::kRoute, "wrong"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ask(row.server, row.local, row.forward), row.said)
        << row.server << " by " << static_cast<int>(row.forward);
  }
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

// One that follows another instance than the one by which this director is master.
TEST(SyncRole, IsOpenToDirectorsThatShareTheWork) {
  using Daemon = ipvs::SyncDaemon::Role;
  const auto shared = Host()
                          .Is(director::Role::kMaster, 2)
                          .Instance(director::VrrpState::kMaster)
                          .Instance(director::VrrpState::kBackup);
  const auto alike = Host()
                         .Is(director::Role::kMaster, 2)
                         .Instance(director::VrrpState::kMaster)
                         .Instance(director::VrrpState::kMaster);
  for (const Daemon daemon : {Daemon::kMaster, Daemon::kBackup}) {
    EXPECT_THAT(Ask("sync_role", Host(shared).Daemon(daemon)), IsEmpty());
  }
  EXPECT_THAT(Ask("sync_role", shared), IsEmpty()) << "not even where daemons are not known";
  EXPECT_THAT(Ask("sync_role", Host(alike).Daemon(Daemon::kBackup)),
              ElementsAre(Pair("backup", "wrong")));
}

TEST(SyncRole, IsOpenWhereSomeVipsAreHereAndNobodyTellsOfInstances) {
  const auto ask = [](const std::vector<bool>& on_network_card) {
    const Host host = Host().Is(director::Role::kMaster, 2).Daemon(ipvs::SyncDaemon::Role::kBackup);
    return Ask("sync_role", With(host, [&](director::Snapshot& director) {
                 director.conclusion.evidence = director::Evidence::kVip;
                 director.vips.emplace();
                 for (const bool is_shown : on_network_card) {
                   director.vips->push_back({Ip("10.0.0.1"), {}, is_shown, is_shown});
                 }
               }));
  };
  EXPECT_THAT(ask({true, false}), IsEmpty());
  EXPECT_THAT(ask({true, true}), ElementsAre(Pair("backup", "wrong")));
}

// An instance that keepalived has not told of may be the one that the daemon follows.
TEST(SyncRole, IsOpenWhereTheVipsOverruleTheInstances) {
  const Host host = Host()
                        .Is(director::Role::kMaster, 2)
                        .Instance(director::VrrpState::kBackup)
                        .Daemon(ipvs::SyncDaemon::Role::kBackup);
  EXPECT_THAT(Ask("sync_role", ByVip(host)), IsEmpty());
}

TEST(SyncRole, OneOfTwoDaemonsFits) {
  for (const director::Role role : {director::Role::kMaster, director::Role::kBackup}) {
    Facts facts = Host().Is(role, 2).facts();
    ipvs::Table table = *facts.table;
    table.sync_daemons.emplace(2);
    table.sync_daemons->back().role = ipvs::SyncDaemon::Role::kBackup;
    facts.table = std::make_shared<const ipvs::Table>(table);
    EXPECT_THAT(Ask("sync_role", facts),
                UnorderedElementsAre(Pair("master", "right"), Pair("backup", "right")));
  }
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

TEST(FedAddresses, AreTheSingleOnesOfTheMarkOnceAndInOrder) {
  const auto facts = Host()
                         .MarkService(10)
                         .Rules(Marks(10).To("192.168.1.115"))
                         .Rules(Marks(10).To("192.168.1.112"))
                         .Rules(Marks(10).To("192.168.1.112"))
                         .Rules(Marks(10).To("192.168.1.0", 24))
                         .Rules(Marks(11).To("192.168.1.113"))
                         .Rules(Marks(10).To("2001:db8::1"))
                         .Rules(Marks(10).To("192.168.1.114").In(netfilter::Hook::kOutput))
                         .Rules(Marks(0, 0xf0000).To("192.168.1.116"))
                         .facts();
  const MarkKey ipv4(AddressFamily::kIpv4, 10);
  const MarkKey ipv6(AddressFamily::kIpv6, 10);
  const MarkKey without_service(AddressFamily::kIpv4, 11);
  EXPECT_THAT(FedAddresses(facts),
              ElementsAre(Pair(ipv4, ElementsAre(Ip("192.168.1.112"), Ip("192.168.1.115"))),
                          Pair(without_service, ElementsAre(Ip("192.168.1.113"))),
                          Pair(ipv6, ElementsAre(Ip("2001:db8::1")))));
}

}  // namespace
}  // namespace lvs::audit
