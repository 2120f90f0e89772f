// The ping over real raw sockets, between hosts of a network of its own.
#include "collectors/probes/icmp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collectors/probes/icmp_packet.h"
#include "collectors/probes/packet.h"
#include "collectors/probes/raw_socket.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using fake::Ip;
using fake::NetworkNamespaces;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class IcmpProberTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = NetworkNamespaces::Make({"director", "rs"});
    if (!made.ok()) GTEST_SKIP() << "Pings real hosts: " << made.error().message;
    network_ = std::move(made.value());
    network_->Ip("director",
                 "addr add 192.168.1.1/24 dev eth0\naddr add fd00::1/64 dev eth0 nodad");
    network_->Ip("rs", "addr add 192.168.1.2/24 dev eth0\naddr add fd00::2/64 dev eth0 nodad");
    probe_.name = "alive";
    probe_.type = ProbeType::kIcmp;
    prober_.emplace(loop_);
  }

  RunRequest Request(const std::string& address) {
    auto prepared = PreparedProbe::Prepare(probe_);
    EXPECT_TRUE(prepared.ok());
    RunRequest request;
    request.probe = prepared.value();
    request.address = Ip(address);
    request.start = Clock::now();
    return request;
  }

  void Start(const std::string& address, std::optional<RunResult>& result) {
    asio::co_spawn(loop_, prober_->Run(Request(address)),
                   [&result](std::exception_ptr, RunResult run) { result = std::move(run); });
  }

  RunResult Ping(const std::string& address) {
    std::optional<RunResult> result;
    Start(address, result);
    loop_.restart();
    loop_.run();
    EXPECT_TRUE(result.has_value()) << "the loop had nothing to do before the run's end";
    return result.value_or(RunResult{});
  }

  // A raw socket on the host, for answers that no kernel gives.
  Descriptor RawSocket(const std::string& host) {
    return network_->On(host, [] {
      Descriptor made(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
      const timeval patience = {.tv_sec = 5, .tv_usec = 0};  // a lost request fails the test
      setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      return made;
    });
  }

  // The first echo request that arrives; the loop has sent it already or does so meanwhile.
  static std::vector<std::byte> NextRequest(const Descriptor& socket) {
    std::array<std::byte, 2048> buffer;
    while (true) {
      const ssize_t length = recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (length < 28) return std::vector<std::byte>(64);
      const Bytes packet = Bytes(buffer).first(static_cast<std::size_t>(length)).subspan(20);
      if (U8At(packet, 0) == ICMP_ECHO) return {packet.begin(), packet.end()};
    }
  }

  static void SendTo(const Descriptor& socket, const std::string& address, Bytes packet) {
    sockaddr_storage to;
    const socklen_t length = ToSocketAddress(Ip(address), 0, 0, to);
    EXPECT_EQ(sendto(socket.get(), packet.data(), packet.size(), 0,
                     reinterpret_cast<const sockaddr*>(&to), length),
              static_cast<ssize_t>(packet.size()));
  }

  // The echo reply that a kernel would give to the request.
  static std::vector<std::byte> ReplyTo(std::vector<std::byte> request) {
    request[0] = std::byte{ICMP_ECHOREPLY};
    return WithChecksum(std::move(request));
  }

  static std::vector<std::byte> WithChecksum(std::vector<std::byte> message) {
    message[2] = message[3] = std::byte{0};
    const std::uint16_t checksum = InternetChecksum(message);
    message[2] = std::byte(checksum >> 8);
    message[3] = std::byte(checksum & 0xff);
    return message;
  }

  std::unique_ptr<NetworkNamespaces> network_;
  Probe probe_;
  asio::io_context loop_{1};
  std::optional<IcmpProber> prober_;
};

TEST_F(IcmpProberTest, AnswerIsASuccessWithARoundTrip) {
  const RunResult result = Ping("192.168.1.2");
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << result.detail;
  EXPECT_EQ(result.reason, Reason::kNone);
  ASSERT_TRUE(result.icmp.has_value());
  EXPECT_EQ(result.icmp->sent, 1u);
  EXPECT_EQ(result.icmp->received, 1u);
  EXPECT_EQ(result.icmp->duplicates, 0u);
  ASSERT_TRUE(result.icmp->round_trip.has_value());
  EXPECT_GT(*result.icmp->round_trip, 0);
  EXPECT_GT(result.total, Clock::duration::zero());
}

TEST_F(IcmpProberTest, Ipv6AnswerIsASuccess) {
  const RunResult result = Ping("fd00::2");
  EXPECT_EQ(result.outcome, Outcome::kSuccess) << Name(result.reason) << result.detail;
  ASSERT_TRUE(result.icmp.has_value());
  EXPECT_EQ(result.icmp->received, 1u);
}

TEST_F(IcmpProberTest, OptionsAndSizeOfTheProbeAreUsed) {
  network_->Ip("director", "addr add 192.168.1.9/24 dev eth0");
  const Descriptor rs = RawSocket("rs");
  probe_.socket.source = Ip("192.168.1.9");
  probe_.icmp_size = 1400;
  EXPECT_EQ(Ping("192.168.1.2").outcome, Outcome::kSuccess);
  std::array<std::byte, 2048> buffer;
  ASSERT_EQ(recv(rs.get(), buffer.data(), buffer.size(), MSG_DONTWAIT), 20 + 8 + 1400);
  EXPECT_EQ(AddressAt(buffer, 12, AddressFamily::kIpv4), Ip("192.168.1.9"));
}

TEST_F(IcmpProberTest, ManyRunsAtOnceKeepTheirAnswersApart) {
  network_->Ip("rs", "addr add 192.168.1.3/24 dev eth0");
  probe_.timeout = milliseconds(300);
  std::vector<std::optional<RunResult>> results(200);
  for (std::size_t i = 0; i < results.size(); ++i) {
    Start(i % 3 == 0 ? "192.168.1.2" : i % 3 == 1 ? "192.168.1.3" : "192.168.1.77", results[i]);
  }
  loop_.run();
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].has_value());
    EXPECT_EQ(results[i]->reason, i % 3 == 2 ? Reason::kIcmpTimeout : Reason::kNone) << i;
  }
}

TEST_F(IcmpProberTest, AddressNobodyHasTimesOut) {
  probe_.timeout = milliseconds(100);
  const RunResult result = Ping("192.168.1.77");
  EXPECT_EQ(result.outcome, Outcome::kFailure);
  EXPECT_EQ(result.reason, Reason::kIcmpTimeout);
  ASSERT_TRUE(result.icmp.has_value());
  EXPECT_EQ(result.icmp->sent, 1u);
  EXPECT_EQ(result.icmp->received, 0u);
  EXPECT_FALSE(result.icmp->round_trip.has_value());
}

TEST_F(IcmpProberTest, AddressNobodyHasIsUnreachableOnceArpGaveUp) {
  network_->Set("director", "ipv4/neigh/eth0/retrans_time_ms", "20");
  EXPECT_EQ(Ping("192.168.1.77").reason, Reason::kHostUnreachable);
}

TEST_F(IcmpProberTest, NoRouteIsNetUnreachable) {
  const RunResult result = Ping("10.9.9.9");
  EXPECT_EQ(result.reason, Reason::kNetUnreachable);
  EXPECT_EQ(result.outcome, Outcome::kFailure);
  EXPECT_FALSE(result.icmp.has_value()) << "nothing was sent";
}

TEST_F(IcmpProberTest, OwnRoutesSayWhyNothingIsSent) {
  network_->Ip("director", "route add unreachable 10.1.0.0/16\nroute add prohibit 10.2.0.0/16");
  EXPECT_EQ(Ping("10.1.0.1").reason, Reason::kHostUnreachable);
  EXPECT_EQ(Ping("10.2.0.1").reason, Reason::kIcmpProhibited);
}

TEST_F(IcmpProberTest, BlackholeRouteIsNetUnreachable) {
  network_->Ip("director", "route add blackhole 10.3.0.0/16\nroute add blackhole fd03::/64");
  for (const char* address : {"10.3.0.1", "fd03::1"}) {
    const RunResult result = Ping(address);
    EXPECT_EQ(result.reason, Reason::kNetUnreachable) << address;
    EXPECT_EQ(result.outcome, Outcome::kFailure);
    EXPECT_EQ(result.detail, "send: Invalid argument (a route of type blackhole)");
    EXPECT_FALSE(result.icmp.has_value()) << "nothing was sent";
  }
}

TEST_F(IcmpProberTest, RoutersErrorsAreToldApart) {
  network_->Set("rs", "ipv4/ip_forward", "1");
  network_->Ip("rs", "route add unreachable 10.1.0.0/16\nroute add prohibit 10.2.0.0/16");
  network_->Ip("director", "route add 10.0.0.0/8 via 192.168.1.2");
  const RunResult unreachable = Ping("10.1.0.1");
  EXPECT_EQ(unreachable.reason, Reason::kIcmpUnreachable);
  EXPECT_EQ(unreachable.detail, "ICMP type 3 code 1 from 192.168.1.2");
  EXPECT_EQ(unreachable.icmp->sent, 1u);
  const RunResult prohibited = Ping("10.2.0.1");
  EXPECT_EQ(prohibited.reason, Reason::kIcmpProhibited);
  EXPECT_EQ(prohibited.detail, "ICMP type 3 code 13 from 192.168.1.2");
}

TEST_F(IcmpProberTest, Ipv6RoutersErrorsAreToldApart) {
  network_->Set("rs", "ipv6/conf/all/forwarding", "1");
  network_->Ip("rs", "route add unreachable fd01::/64\nroute add prohibit fd02::/64");
  network_->Ip("director", "route add fd01::/64 via fd00::2\nroute add fd02::/64 via fd00::2");
  const RunResult unreachable = Ping("fd01::1");
  EXPECT_EQ(unreachable.reason, Reason::kIcmpUnreachable) << unreachable.detail;
  EXPECT_THAT(unreachable.detail, HasSubstr("from fd00::2"));
  EXPECT_EQ(Ping("fd02::1").reason, Reason::kIcmpProhibited);
}

TEST_F(IcmpProberTest, PacketFilterOfTheServerIsProhibited) {
  if (!network_->Try("rs",
                     "iptables-legacy -A INPUT -p icmp --icmp-type echo-request -j REJECT "
                     "--reject-with icmp-admin-prohibited")) {
    GTEST_SKIP() << "Needs iptables-legacy and a kernel with the target REJECT.";
  }
  const RunResult result = Ping("192.168.1.2");
  EXPECT_EQ(result.reason, Reason::kIcmpProhibited);
  EXPECT_EQ(result.detail, "ICMP type 3 code 13 from 192.168.1.2");
}

// It was told as a missing capability.
TEST_F(IcmpProberTest, PacketFilterOfTheDirectorIsLocalConfig) {
  if (!network_->Try("director", "iptables-legacy -A OUTPUT -p icmp -j DROP")) {
    GTEST_SKIP() << "Needs iptables-legacy.";
  }
  const RunResult result = Ping("192.168.1.2");
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_EQ(result.reason, Reason::kLocalConfig);
  EXPECT_EQ(result.detail, "send: Operation not permitted (a filter of this host forbids it)");
}

TEST_F(IcmpProberTest, AnswerWithAnotherPayloadIsABadReply) {
  network_->Set("rs", "ipv4/icmp_echo_ignore_all", "1");
  probe_.timeout = milliseconds(300);
  const Descriptor rs = RawSocket("rs");
  std::thread server([&] {
    std::vector<std::byte> request = NextRequest(rs);
    request.at(8) ^= std::byte{1};
    SendTo(rs, "192.168.1.1", ReplyTo(request));
  });
  const RunResult result = Ping("192.168.1.2");
  server.join();
  EXPECT_EQ(result.reason, Reason::kIcmpBadReply);
  EXPECT_EQ(result.icmp->received, 0u);
}

TEST_F(IcmpProberTest, ShorterAnswerIsABadReply) {
  network_->Set("rs", "ipv4/icmp_echo_ignore_all", "1");
  probe_.timeout = milliseconds(300);
  const Descriptor rs = RawSocket("rs");
  std::thread server([&] {
    std::vector<std::byte> request = NextRequest(rs);
    request.resize(request.size() - 1);
    SendTo(rs, "192.168.1.1", ReplyTo(request));
  });
  EXPECT_EQ(Ping("192.168.1.2").reason, Reason::kIcmpBadReply);
  server.join();
}

TEST_F(IcmpProberTest, RightAnswerAfterAForeignOneIsASuccess) {
  network_->Set("rs", "ipv4/icmp_echo_ignore_all", "1");
  const Descriptor rs = RawSocket("rs");
  std::thread server([&] {
    const std::vector<std::byte> request = NextRequest(rs);
    std::vector<std::byte> foreign = request;
    foreign.at(8) ^= std::byte{1};
    SendTo(rs, "192.168.1.1", ReplyTo(foreign));
    SendTo(rs, "192.168.1.1", ReplyTo(request));
  });
  EXPECT_EQ(Ping("192.168.1.2").outcome, Outcome::kSuccess);
  server.join();
}

TEST_F(IcmpProberTest, AnswerFromAnotherAddressIsNone) {
  network_->Set("rs", "ipv4/icmp_echo_ignore_all", "1");
  network_->Ip("rs", "addr add 192.168.1.3/24 dev eth0");
  probe_.timeout = milliseconds(300);
  const Descriptor rs = RawSocket("rs");
  std::thread server([&] {
    const std::vector<std::byte> request = NextRequest(rs);
    sockaddr_storage own;
    const socklen_t length = ToSocketAddress(Ip("192.168.1.3"), 0, 0, own);
    EXPECT_EQ(bind(rs.get(), reinterpret_cast<const sockaddr*>(&own), length), 0);
    SendTo(rs, "192.168.1.1", ReplyTo(request));
  });
  EXPECT_EQ(Ping("192.168.1.2").reason, Reason::kIcmpTimeout);
  server.join();
}

TEST_F(IcmpProberTest, DuplicateAnswersAreToldByTheNextRun) {
  network_->Set("rs", "ipv4/icmp_echo_ignore_all", "1");
  const Descriptor rs = RawSocket("rs");
  std::vector<std::byte> request;
  const auto answer = [&] {
    request = NextRequest(rs);
    SendTo(rs, "192.168.1.1", ReplyTo(request));
  };
  std::thread first(answer);
  EXPECT_EQ(Ping("192.168.1.2").outcome, Outcome::kSuccess);
  first.join();
  SendTo(rs, "192.168.1.1", ReplyTo(request));
  SendTo(rs, "192.168.1.1", ReplyTo(request));
  std::thread second(answer);
  EXPECT_EQ(Ping("192.168.1.2").icmp->duplicates, 0u) << "they are read while this run waits";
  second.join();
  std::thread third(answer);
  EXPECT_EQ(Ping("192.168.1.2").icmp->duplicates, 2u);
  third.join();
}

TEST_F(IcmpProberTest, AnswerThatCameBeforeTheDeadlineCountsAfterAStall) {
  probe_.timeout = milliseconds(50);
  std::optional<RunResult> result;
  Start("192.168.1.2", result);
  loop_.poll();  // sent, and answered at once
  const Clock::time_point end = Clock::now() + milliseconds(60);
  while (Clock::now() < end) std::this_thread::yield();
  loop_.run();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->outcome, Outcome::kSuccess);
}

TEST_F(IcmpProberTest, LoopMayGoWhileRunsWait) {
  auto loop = std::make_unique<asio::io_context>(1);
  auto prober = std::make_unique<IcmpProber>(*loop);
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(*loop, prober->Run(Request("192.168.1.77")),
                   [](std::exception_ptr, const RunResult&) { FAIL() << "no run may end"; });
  }
  loop->poll();
  prober.reset();
  loop->poll();
  loop.reset();
}

TEST_F(IcmpProberTest, WithoutTheCapabilityItIsLocalPermission) {
  RunResult result;
  fake::WithoutCapNetRaw([&] { result = Ping("192.168.1.2"); });
  EXPECT_EQ(result.reason, Reason::kLocalPermission);
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
}

TEST_F(IcmpProberTest, WithoutADescriptorItIsLocalFdLimit) {
  // Once without the limit: the sanitizers look at each type once, and need descriptors for it.
  EXPECT_EQ(Ping("192.168.1.2").outcome, Outcome::kSuccess);
  probe_.socket.tos = 0;  // a socket of its own
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const RunResult result = Ping("192.168.1.2");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(result.reason, Reason::kLocalFdLimit);
}

}  // namespace
}  // namespace lvs::probes
