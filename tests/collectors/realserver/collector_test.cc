#include "collectors/realserver/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "collectors/realserver/checks.h"
#include "collectors/realserver/metrics.h"
#include "tests/support/network_namespaces.h"
#include "tests/support/recording_sink.h"

namespace lvs::realserver {
namespace {

using namespace std::chrono_literals;
using fake::Ip;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const route::Interface kLo = {.index = 1, .name = "lo", .loopback = true, .up = true};
const route::Interface kEth = {.index = 2, .name = "eth0", .up = true};
const route::Interface kTunl = {.index = 3, .name = "tunl0", .kind = "ipip", .up = true};

TEST(FindVips, AreAllOnTheLoopbackAndTunnelsThatAreNotTheHostsOwn) {
  const std::vector<route::InterfaceAddress> addresses = {
      {Ip("127.0.0.1"), 1, 8},     {Ip("::1"), 1, 128},       {Ip("10.0.0.1"), 1, 32},
      {Ip("2001:db8::1"), 1, 128}, {Ip("10.0.0.2"), 2, 24},   {Ip("10.0.0.3"), 3, 32},
      {Ip("fe80::1"), 3, 64},      {Ip("169.254.0.1"), 3, 16}};
  EXPECT_THAT(FindVips({}, {kLo, kEth, kTunl}, addresses),
              ElementsAre(Vip{Ip("10.0.0.1"), "lo", 32, true, false},
                          Vip{Ip("2001:db8::1"), "lo", 128, true, false},
                          Vip{Ip("10.0.0.3"), "tunl0", 32, false, true}));
}

// As while the prefix is being mended: the new address is added before the old one goes.
TEST(FindVips, AreOneForEachInterfaceWithTheShortestPrefix) {
  const Vip expected = {Ip("192.168.1.111"), "lo", 24, true, false};
  const route::InterfaceAddress wide = {Ip("192.168.1.111"), 1, 24};
  const route::InterfaceAddress whole = {Ip("192.168.1.111"), 1, 32};
  const route::InterfaceAddress on_card = {Ip("192.168.1.111"), 2, 24};
  for (const auto& addresses : {std::vector{wide, whole}, {whole, wide}}) {
    EXPECT_THAT(FindVips({}, {kLo, kEth}, addresses), ElementsAre(expected));
    EXPECT_THAT(FindVips({Ip("192.168.1.111")}, {kLo, kEth}, addresses), ElementsAre(expected));
  }
  EXPECT_THAT(FindVips({Ip("192.168.1.111")}, {kLo, kEth}, {whole, on_card}),
              ElementsAre(Vip{Ip("192.168.1.111"), "lo", 32, true, false},
                          Vip{Ip("192.168.1.111"), "eth0", 24, false, false}));
}

TEST(FindVips, AreNotTheAddressesOfATunnelsOwnLink) {
  struct Case {
    route::InterfaceAddress address;
    bool is_vip;
  };
  for (const Case& c : {Case{{Ip("10.0.0.3"), 3, 32}, true},
                        {{Ip("2001:db8::3"), 3, 128}, true},
                        {{Ip("172.16.0.1"), 3, 30}, false},
                        {{Ip("172.16.0.1"), 3, 31}, false},
                        {{Ip("2001:db8::3"), 3, 64}, false},
                        {{Ip("172.16.0.1"), 3, 32, true}, false},
                        {{Ip("2001:db8::3"), 3, 128, true}, false}}) {
    const std::string text =
        ToString(c.address.address) + "/" + std::to_string(c.address.prefix_length);
    EXPECT_EQ(FindVips({}, {kTunl}, {c.address}).size(), c.is_vip ? 1u : 0u) << text;
    EXPECT_EQ(FindVips({c.address.address}, {kTunl}, {c.address})[0].interface, "tunl0") << text;
  }
}

TEST(FindInterfaces, AreThoseThatAreUp) {
  const route::Interface down = {.index = 4, .name = "eth1"};
  const auto found = FindInterfaces({}, {kLo, kEth, kTunl, down}, {});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_TRUE(found[0].is_silent);
  EXPECT_EQ(found[1].name, "eth0");
  EXPECT_TRUE(found[1].speaks_arp);
  EXPECT_TRUE(found[2].is_tunnel);
}

TEST(FindInterfaces, PortsOfABondSpeakNoArp) {
  const route::Interface bond = {.index = 4, .name = "bond0", .kind = "bond", .up = true};
  const route::Interface port = {.index = 5, .name = "eth1", .up = true, .master = 4};
  const auto found = FindInterfaces({}, {bond, port}, {});
  EXPECT_TRUE(found[0].speaks_arp);
  EXPECT_FALSE(found[1].speaks_arp);
}

TEST(FindInterfaces, OwnAddressOfATunnelIsNoVipAndNotEverybodys) {
  const std::vector<Vip> vips = {{Ip("10.0.0.3"), "tunl0", 32, false, true}};
  struct Case {
    route::InterfaceAddress address;
    bool is_own;
  };
  for (const Case& c : {Case{{Ip("10.0.0.3"), 3, 32}, false},
                        {{Ip("fe80::1"), 3, 64}, false},
                        {{Ip("172.16.0.1"), 3, 30}, true},
                        {{Ip("172.16.0.1"), 2, 30}, false}}) {
    EXPECT_EQ(FindInterfaces(vips, {kTunl}, {c.address})[0].has_own_address, c.is_own)
        << ToString(c.address.address) << " on " << c.address.interface;
  }
}

TEST(FindVips, ThatAreWantedAreLookedForEverywhere) {
  EXPECT_THAT(FindVips({Ip("10.0.0.2"), Ip("10.0.0.9")}, {kLo, kEth},
                       {{Ip("10.0.0.1"), 1, 32}, {Ip("10.0.0.2"), 2, 24}}),
              ElementsAre(Vip{Ip("10.0.0.2"), "eth0", 24, false, false},
                          Vip{Ip("10.0.0.9"), "", 0, false, false}));
}

std::vector<std::string> Failed(const Facts& facts) {
  return Record(RenderFacts(std::make_shared<const Facts>(facts)), "ipvs_audit_failed");
}

Facts RightHost() {
  return {.vips = {{Ip("10.0.0.1"), "lo", 32, true, false}},
          .interfaces = {{"lo", true, false, 0, 0, 0},
                         {"eth0", false, false, 1, 2, 1},
                         {"tunl0", false, true, 1, 2, 0}}};
}

TEST(RealServerChecks, FindNothingWhereAllIsRight) {
  EXPECT_THAT(Failed(RightHost()), Not(Contains(testing::EndsWith("} 1"))));
  EXPECT_THAT(Failed(RightHost()), testing::SizeIs(5));
}

TEST(RealServerChecks, FindEachMistake) {
  Facts facts = RightHost();
  facts.vips.push_back({.address = Ip("10.0.0.9"), .interface = ""});
  EXPECT_THAT(Failed(facts), Contains("{check=\"realserver_vip_missing\",subject=\"10.0.0.9\"} 1"));
  facts = RightHost();
  facts.vips[0].prefix_length = 24;
  EXPECT_THAT(Failed(facts),
              Contains("{check=\"realserver_vip_prefix\",subject=\"10.0.0.1 on lo\"} 1"));
  facts = RightHost();
  facts.interfaces[1].arp_ignore = 0;
  EXPECT_THAT(Failed(facts), Contains("{check=\"realserver_arp_ignore\",subject=\"eth0\"} 1"));
  facts = RightHost();
  facts.interfaces[1].arp_announce = 1;
  EXPECT_THAT(Failed(facts), Contains("{check=\"realserver_arp_announce\",subject=\"eth0\"} 1"));
  facts = RightHost();
  facts.interfaces[2].rp_filter = 1;
  EXPECT_THAT(Failed(facts), Contains("{check=\"realserver_rp_filter\",subject=\"tunl0\"} 1"));
}

TEST(RealServerChecks, OnlySomeValuesKeepVipsFromArp) {
  struct Case {
    std::int64_t value;
    bool ignores;
    bool announces_none;
  };
  for (const Case& c : {Case{0, false, false},
                        {1, true, false},
                        {2, true, true},
                        {3, false, false},
                        {4, false, false},
                        {7, false, false},
                        {8, true, false},
                        {9, false, false}}) {
    Facts facts = RightHost();
    facts.interfaces[1].arp_ignore = c.value;
    facts.interfaces[1].arp_announce = c.value;
    const std::string end = ",subject=\"eth0\"} ";
    EXPECT_THAT(Failed(facts),
                AllOf(Contains("{check=\"realserver_arp_ignore\"" + end + (c.ignores ? "0" : "1")),
                      Contains("{check=\"realserver_arp_announce\"" + end +
                               (c.announces_none ? "0" : "1"))))
        << c.value;
  }
}

TEST(RealServerChecks, LookForArpOnlyWhereItIsSpoken) {
  Facts facts = RightHost();
  facts.interfaces[1].arp_ignore = 0;
  facts.interfaces[1].arp_announce = 0;
  facts.interfaces[1].speaks_arp = false;
  EXPECT_THAT(Failed(facts), Not(Contains(testing::HasSubstr("realserver_arp_"))));
}

TEST(RealServerChecks, LookAtTunnelsThatVipsMayComeOutOf) {
  struct Case {
    const char* name;
    bool has_own_address;
    std::vector<Vip> vips;
    bool is_looked_at;
  };
  const Vip on_lo = {Ip("10.0.0.1"), "lo", 32, true, false};
  const auto on = [](const char* tunnel, const char* address) {
    return Vip{Ip(address), tunnel, 32, false, true};
  };
  for (const Case& c : {Case{"tunl0", false, {on_lo}, true},
                        {"gre0", false, {on_lo}, true},
                        {"ip6tnl0", false, {on_lo}, true},
                        {"tunl0", true, {on_lo}, false},
                        {"tunl0", true, {on_lo, on("tunl0", "10.0.0.3")}, true},
                        {"gre1", false, {on_lo}, false},
                        {"gre1", true, {on_lo, on("tunl0", "10.0.0.3")}, false},
                        {"gre1", true, {on("gre1", "10.0.0.3")}, true},
                        {"gre1", false, {on("gre1", "2001:db8::3")}, false}}) {
    Facts facts = RightHost();
    facts.vips = c.vips;
    facts.interfaces[2].name = c.name;
    facts.interfaces[2].rp_filter = 1;
    facts.interfaces[2].has_own_address = c.has_own_address;
    const std::string line =
        "{check=\"realserver_rp_filter\",subject=\"" + std::string(c.name) + "\"} 1";
    const auto failed = Failed(facts);
    EXPECT_EQ(std::ranges::count(failed, line), c.is_looked_at ? 1 : 0)
        << c.name << " with " << c.vips.size() << " VIPs";
  }
}

TEST(RealServerChecks, WhatCouldNotBeReadIsCountedAndNotGreen) {
  Facts facts = RightHost();
  facts.interfaces[1].arp_ignore.reset();
  const auto families = RenderFacts(std::make_shared<const Facts>(facts));
  EXPECT_THAT(Record(families, "ipvs_audit_failed"),
              Not(Contains(testing::HasSubstr("realserver_arp_ignore"))));
  EXPECT_THAT(Record(families, "ipvs_audit_unknown"),
              AllOf(Contains("{check=\"realserver_arp_ignore\"} 1"),
                    Contains("{check=\"realserver_arp_announce\"} 0")));
}

TEST(RealServerChecks, AskNothingOfAHostWithoutVips) {
  Facts facts = RightHost();
  facts.vips.clear();
  facts.interfaces.pop_back();
  EXPECT_THAT(Failed(facts), IsEmpty());
}

TEST(RealServerCollector, ReadsARealHost) {
  auto made = fake::NetworkNamespaces::Make({"rs"});
  if (!made.ok()) GTEST_SKIP() << made.error().message;
  fake::NetworkNamespaces& network = *made.value();
  network.Ip("rs", "addr add 192.168.1.102/24 dev eth0 nodad\naddr add 10.0.0.1/32 dev lo");
  network.Set("rs", "ipv4/conf/all/arp_ignore", "1");
  Published<Configuration> configuration;
  configuration.Set(std::make_shared<const Configuration>());
  network.On("rs", [&] {
    RealServerCollector collector("/proc", configuration);
    const Collection collection = collector.Collect(Clock::now() + 5s);
    EXPECT_FALSE(collection.error);
    EXPECT_THAT(Record(collection.families, "ipvs_realserver_vip_bound"),
                ElementsAre("{address=\"10.0.0.1\",interface=\"lo\"} 1"));
    EXPECT_THAT(Record(collection.families, "ipvs_realserver_vip_prefix_length"),
                ElementsAre("{address=\"10.0.0.1\",interface=\"lo\"} 32"));
    EXPECT_THAT(Record(collection.families, "ipvs_realserver_arp_ignore"),
                Contains("{interface=\"eth0\"} 1"));
    EXPECT_THAT(Record(collection.families, "ipvs_audit_failed"),
                AllOf(Contains("{check=\"realserver_arp_ignore\",subject=\"eth0\"} 0"),
                      Contains("{check=\"realserver_arp_announce\",subject=\"eth0\"} 1")));
    return 0;
  });
}

}  // namespace
}  // namespace lvs::realserver
