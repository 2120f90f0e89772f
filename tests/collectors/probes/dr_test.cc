// The DR proof between hosts of a network of its own: every row of what a server can have wrong.
#include "collectors/probes/dr.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/probes/tcp_packet.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using fake::Ip;
using fake::NetworkNamespaces;
using std::chrono::milliseconds;

constexpr std::uint16_t kPort = 80;

// director .1, server .2, another host .3, and the VIP .100. The server has no VIP yet.
class DrProberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = NetworkNamespaces::Make({"director", "server", "other"});
    if (!made.ok()) GTEST_SKIP() << "Asks real hosts: " << made.error().message;
    network_ = std::move(made.value());
    int number = 1;
    for (const char* host : {"director", "server", "other"}) {
      const std::string n = std::to_string(number++);
      network_->Ip(host, "addr add 192.168.1." + n + "/24 dev eth0\naddr add fd00::" + n +
                             "/64 dev eth0 nodad");
      network_->Set(host, "ipv4/conf/all/arp_ignore", "1");
      network_->Set(host, "ipv4/conf/all/arp_announce", "2");
    }
    probe_.name = "vip";
    probe_.type = ProbeType::kDr;
    prober_.emplace(loop_, routes_);
  }

  // As a real server of `route` has it: on lo, so that only the director's frames bring it here.
  void GiveVip(const std::string& host) {
    network_->Ip(host, "addr add 192.168.1.100/32 dev lo\naddr add fd00::100/128 dev lo nodad");
  }
  void GiveVipAndDaemon(const std::string& host) {
    GiveVip(host);
    daemons_.push_back(network_->Listen(host, "192.168.1.100", kPort));
    daemons_.push_back(network_->Listen(host, "fd00::100", kPort));
  }

  RunRequest Request(const std::string& server, const std::string& vip) {
    auto prepared = PreparedProbe::Prepare(probe_);
    EXPECT_TRUE(prepared.ok());
    RunRequest request;
    request.probe = prepared.value();
    request.address = Ip(server);
    request.via = Ip(vip);
    request.port = kPort;
    request.start = Clock::now();
    return request;
  }

  RunResult Run(const RunRequest& request) {
    std::optional<RunResult> result;
    asio::co_spawn(loop_, prober_->Run(request, accept_macs_),
                   [&result](std::exception_ptr, RunResult run) { result = std::move(run); });
    loop_.restart();
    loop_.run();
    EXPECT_TRUE(result.has_value()) << "the loop had nothing to do before the run's end";
    return result.value_or(RunResult{});
  }
  RunResult Prove() { return Run(Request("192.168.1.2", "192.168.1.100")); }
  RunResult ProveIpv6() { return Run(Request("fd00::2", "fd00::100")); }

  std::unique_ptr<NetworkNamespaces> network_;
  std::vector<Descriptor> daemons_;
  Probe probe_;
  std::vector<route::Mac> accept_macs_;
  route::RouteReader routes_;
  asio::io_context loop_{1};
  std::optional<DrProber> prober_;
};

TEST_F(DrProberTest, CorrectServerIsASuccess) {
  GiveVipAndDaemon("server");
  const RunResult result = Prove();
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << Name(result.reason) << ": " << result.detail;
  EXPECT_TRUE(result.phases.connect.has_value());
  EXPECT_GT(result.total, Clock::duration::zero());
}

TEST_F(DrProberTest, CorrectIpv6ServerIsASuccess) {
  GiveVipAndDaemon("server");
  const RunResult result = ProveIpv6();
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << Name(result.reason) << ": " << result.detail;
}

// The usual case: the director holds the VIP too, and its kernel drops the answers as martians.
TEST_F(DrProberTest, DirectorThatHoldsTheVipSeesTheAnswers) {
  GiveVipAndDaemon("server");
  network_->Set("director", "ipv4/conf/all/rp_filter", "1");
  network_->Ip("director",
               "addr add 192.168.1.100/32 dev eth0\naddr add fd00::100/128 dev eth0 nodad");
  const RunResult result = Prove();
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << Name(result.reason) << ": " << result.detail;
  const RunResult ipv6 = ProveIpv6();
  EXPECT_EQ(ipv6.outcome, Outcome::kSuccess) << Name(ipv6.reason) << ": " << ipv6.detail;
}

TEST_F(DrProberTest, VipIsNeverAskedFrom) {
  GiveVipAndDaemon("server");
  network_->Ip("director",
               "addr add 192.168.1.100/24 dev eth0\n"
               "route add 192.168.1.2/32 dev eth0 src 192.168.1.100");
  const RunResult result = Prove();
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << Name(result.reason) << ": " << result.detail;
}

TEST_F(DrProberTest, NoHalfOpenConnectionStaysOnTheServer) {
  GiveVipAndDaemon("server");
  ASSERT_EQ(Prove().outcome, Outcome::kSuccess);
  EXPECT_FALSE(network_->Try("server", "ss -Htn state syn-recv | grep -q .")) << "half open";
}

TEST_F(DrProberTest, ServerWithoutTheVipIsSilent) {
  probe_.timeout = milliseconds(200);
  const RunResult result = Prove();
  EXPECT_EQ(result.outcome, Outcome::kFailure);
  EXPECT_EQ(result.reason, Reason::kDrNoReply) << result.detail;
  EXPECT_EQ(ProveIpv6().reason, Reason::kDrNoReply);
}

TEST_F(DrProberTest, ForwardingServerIsFoundOutAndNamed) {
  GiveVipAndDaemon("other");  // without TTL 1 this one would answer
  network_->Set("server", "ipv4/ip_forward", "1");
  network_->Ip("server", "route add 192.168.1.100/32 via 192.168.1.3");
  const RunResult result = Prove();
  EXPECT_EQ(result.reason, Reason::kDrForwarded);
  EXPECT_EQ(result.detail, "routed on by 192.168.1.2 (02:00:00:00:00:02)");
}

TEST_F(DrProberTest, ForwardingIpv6ServerIsFoundOut) {
  GiveVipAndDaemon("other");
  network_->Set("server", "ipv6/conf/all/forwarding", "1");
  network_->Ip("server", "route add fd00::100/128 via fd00::3");
  const RunResult result = ProveIpv6();
  EXPECT_EQ(result.reason, Reason::kDrForwarded);
  EXPECT_EQ(result.detail, "routed on by fd00::2 (02:00:00:00:00:02)");
}

TEST_F(DrProberTest, RedirectIsForwarding) {
  // Only a server that ignores the TTL would send one for our SYN: here the probe is told so.
  probe_.socket.ttl = 64;
  network_->Set("server", "ipv4/ip_forward", "1");
  network_->Set("server", "ipv4/conf/all/send_redirects", "1");
  network_->Set("server", "ipv4/conf/eth0/send_redirects", "1");
  network_->Ip("server", "route add 192.168.1.100/32 via 192.168.1.3");
  const RunResult result = Prove();
  EXPECT_EQ(result.reason, Reason::kDrForwarded);
  EXPECT_EQ(result.detail, "redirected by 192.168.1.2 (02:00:00:00:00:02)");
}

TEST_F(DrProberTest, HolderBehindTheServerHasTheWrongMac) {
  probe_.socket.ttl = 64;
  GiveVipAndDaemon("other");
  network_->Set("server", "ipv4/ip_forward", "1");
  network_->Set("server", "ipv4/conf/all/send_redirects", "0");
  network_->Set("server", "ipv4/conf/eth0/send_redirects", "0");
  network_->Ip("server", "route add 192.168.1.100/32 via 192.168.1.3");
  const RunResult result = Prove();
  EXPECT_EQ(result.reason, Reason::kDrWrongMac);
  EXPECT_EQ(result.detail,
            "02:00:00:00:00:03 answers for the VIP, the server is 02:00:00:00:00:02");
  accept_macs_ = {network_->MacOf("other")};
  EXPECT_EQ(Prove().outcome, Outcome::kSuccess) << "one more card of the server";
}

TEST_F(DrProberTest, DaemonOnItsOwnAddressOnlyIsAClosedPort) {
  GiveVip("server");
  daemons_.push_back(network_->Listen("server", "192.168.1.2", kPort));
  EXPECT_EQ(Prove().reason, Reason::kDrPortClosed);
  EXPECT_EQ(ProveIpv6().reason, Reason::kDrPortClosed);
}

TEST_F(DrProberTest, PacketFilterOnTheVipIsAClosedPort) {
  GiveVipAndDaemon("server");
  if (!network_->Try("server",
                     "iptables-legacy -A INPUT -p tcp -d 192.168.1.100 -j REJECT "
                     "--reject-with icmp-port-unreachable")) {
    GTEST_SKIP() << "Needs iptables-legacy and a kernel with the target REJECT.";
  }
  const RunResult result = Prove();
  EXPECT_EQ(result.reason, Reason::kDrPortClosed);
  EXPECT_EQ(result.detail, "an ICMP error from 192.168.1.100 (02:00:00:00:00:02)");
}

TEST_F(DrProberTest, AddressNobodyHasIsUnresolved) {
  probe_.timeout = milliseconds(200);
  const RunResult result = Run(Request("192.168.1.77", "192.168.1.100"));
  EXPECT_EQ(result.outcome, Outcome::kFailure);
  EXPECT_EQ(result.reason, Reason::kDrNeighbourUnresolved);
  EXPECT_EQ(Run(Request("fd00::77", "fd00::100")).reason, Reason::kDrNeighbourUnresolved);
}

TEST_F(DrProberTest, FailedNeighbourIsTriedAgain) {
  network_->Set("director", "ipv4/neigh/eth0/retrans_time_ms", "10");
  network_->Ip("server", "link set eth0 down");
  probe_.timeout = milliseconds(200);
  ASSERT_EQ(Prove().reason, Reason::kDrNeighbourUnresolved);
  network_->Ip("server", "link set eth0 up");
  GiveVipAndDaemon("server");
  probe_.timeout = milliseconds(2000);
  EXPECT_EQ(Prove().outcome, Outcome::kSuccess);
}

TEST_F(DrProberTest, ServersThatAreNotOnTheLinkAreRefused) {
  network_->Ip("director", "route add 10.0.0.0/8 via 192.168.1.2");
  const RunResult gateway = Run(Request("10.0.0.1", "192.168.1.100"));
  EXPECT_EQ(gateway.reason, Reason::kDrNotAdjacent);
  EXPECT_EQ(gateway.detail, "behind the gateway 192.168.1.2");
  EXPECT_EQ(Run(Request("192.168.1.1", "192.168.1.100")).detail, "the server is this host");
  EXPECT_EQ(Run(Request("127.0.0.1", "192.168.1.100")).reason, Reason::kDrNotAdjacent);
  EXPECT_EQ(Run(Request("172.16.0.1", "192.168.1.100")).reason, Reason::kDrNotAdjacent);
  network_->Ip("director", "route add 10.1.0.0/16 dev lo");
  EXPECT_EQ(Run(Request("10.1.0.1", "192.168.1.100")).detail, "the server is not on an Ethernet");
}

TEST_F(DrProberTest, ServersThatARouteRefusesAreNotAdjacent) {
  network_->Ip("director",
               "route add unreachable 10.1.0.0/16\nroute add prohibit 10.2.0.0/16\n"
               "route add blackhole 10.3.0.0/16\nroute add blackhole fd03::/64");
  for (const char* server : {"10.1.0.1", "10.2.0.1", "10.3.0.1"}) {
    EXPECT_EQ(Run(Request(server, "192.168.1.100")).reason, Reason::kDrNotAdjacent) << server;
  }
  const RunResult ipv6 = Run(Request("fd03::1", "fd00::100"));
  EXPECT_EQ(ipv6.reason, Reason::kDrNotAdjacent);
  EXPECT_EQ(ipv6.detail, "route: look up fd03::1: a blackhole route drops it");
}

TEST_F(DrProberTest, LostSynIsRepeated) {
  GiveVipAndDaemon("server");
  ASSERT_EQ(Prove().outcome, Outcome::kSuccess) << "resolves the neighbour";
  if (!network_->Try("server",
                     "iptables-legacy -t raw -A PREROUTING -p tcp -m statistic --mode nth "
                     "--every 2 --packet 0 -j DROP")) {
    GTEST_SKIP() << "Needs iptables-legacy and a kernel with the match statistic.";
  }
  probe_.timeout = milliseconds(500);
  EXPECT_EQ(Prove().outcome, Outcome::kSuccess);
}

TEST_F(DrProberTest, ManyRunsAtOnceKeepTheirAnswersApart) {
  GiveVipAndDaemon("server");
  GiveVip("other");
  probe_.timeout = milliseconds(1000);
  std::vector<std::optional<RunResult>> results(300);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const char* const server = i % 2 == 0 ? "192.168.1.2" : "192.168.1.3";
    asio::co_spawn(
        loop_, prober_->Run(Request(server, "192.168.1.100"), {}),
        [&result = results[i]](std::exception_ptr, RunResult run) { result = std::move(run); });
  }
  loop_.run();
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].has_value());
    EXPECT_EQ(results[i]->reason, i % 2 == 0 ? Reason::kNone : Reason::kDrPortClosed) << i;
  }
}

TEST_F(DrProberTest, InterfaceThatWasDownIsUsedAgain) {
  GiveVipAndDaemon("server");
  ASSERT_EQ(Prove().outcome, Outcome::kSuccess);
  network_->Ip("director",
               "link set eth0 down\nlink set eth0 up\naddr replace fd00::1/64 dev eth0 nodad");
  EXPECT_EQ(Prove().outcome, Outcome::kSuccess);
}

TEST_F(DrProberTest, InterfaceThatIsMadeAnewIsUsed) {
  GiveVipAndDaemon("server");
  network_->Ip("director", "link add link eth0 name v0 type macvlan mode bridge\nlink set v0 up");
  const char* const addresses = "addr add 192.168.2.1/24 dev v0";
  network_->Ip("director", addresses);
  network_->Ip("server", "addr add 192.168.2.2/24 dev eth0");
  const RunResult first = Run(Request("192.168.2.2", "192.168.1.100"));
  ASSERT_EQ(first.outcome, Outcome::kSuccess) << Name(first.reason) << ": " << first.detail;
  network_->Ip("director",
               "link del v0\nlink add link eth0 name v0 type macvlan mode bridge\nlink set v0 up");
  network_->Ip("director", addresses);
  EXPECT_EQ(Run(Request("192.168.2.2", "192.168.1.100")).outcome, Outcome::kSuccess);
}

TEST_F(DrProberTest, WhatCannotBeAskedIsSaid) {
  RunRequest request = Request("192.168.1.2", "192.168.1.100");
  request.via.reset();
  EXPECT_EQ(Run(request).reason, Reason::kLocalConfig);
  EXPECT_EQ(Run(Request("192.168.1.2", "fd00::100")).reason, Reason::kLocalConfig);
  probe_.socket.netns = "blue";
  EXPECT_EQ(Prove().reason, Reason::kLocalConfig);
}

TEST_F(DrProberTest, WithoutTheCapabilityItIsLocalPermission) {
  RunResult result;
  fake::WithoutCapNetRaw([&] { result = Prove(); });
  EXPECT_EQ(result.reason, Reason::kLocalPermission);
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
}

TEST_F(DrProberTest, LoopMayGoWhileRunsWait) {
  auto loop = std::make_unique<asio::io_context>(1);
  auto prober = std::make_unique<DrProber>(*loop, routes_);
  for (const char* server : {"192.168.1.2", "192.168.1.77", "fd00::2"}) {
    const char* const vip = server[0] == 'f' ? "fd00::100" : "192.168.1.100";
    asio::co_spawn(*loop, prober->Run(Request(server, vip), {}),
                   [](std::exception_ptr, const RunResult&) { FAIL() << "no run may end"; });
  }
  loop->poll();
  prober.reset();
  loop->poll();
  loop.reset();
}

// From one step to the next, as many as there are: resolving, asked, repeated and answered.
TEST_F(DrProberTest, LoopMayGoAtAnyStep) {
  GiveVipAndDaemon("server");
  probe_.timeout = milliseconds(40);
  for (int steps = 0; steps < 30; ++steps) {
    std::vector<std::optional<RunResult>> results(3);
    auto loop = std::make_unique<asio::io_context>(1);
    auto prober = std::make_unique<DrProber>(*loop, routes_);
    std::size_t next = 0;
    for (const char* server : {"192.168.1.2", "192.168.1.3", "192.168.1.77"}) {
      asio::co_spawn(*loop, prober->Run(Request(server, "192.168.1.100"), {}),
                     [&result = results[next++]](std::exception_ptr, RunResult run) {
                       result = std::move(run);
                     });
    }
    for (int i = 0; i < steps; ++i) loop->run_one_for(milliseconds(100));
    prober.reset();
    loop.reset();
  }
}

}  // namespace
}  // namespace lvs::probes
