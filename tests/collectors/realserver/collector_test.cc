#include "collectors/realserver/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

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
