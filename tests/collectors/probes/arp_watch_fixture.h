// An ARP watch between hosts of a network of its own.
#pragma once

#include <gtest/gtest.h>
#include <linux/filter.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collectors/clock.h"
#include "collectors/probes/arp_watch.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {

// For the messages of failed tests.
inline void PrintTo(const ArpLeak& row, std::ostream* out) {
  *out << ToString(row.vip) << " " << (row.server ? ToString(*row.server) : "unknown") << " "
       << row.interface << " " << (row.kind == ArpLeak::Kind::kAnswers ? "answers" : "announces")
       << " " << row.leaking << " " << (row.mac ? route::ToString(*row.mac) : "-");
}

// The director, two servers and a stranger, yet without addresses.
class ArpWatchFixture : public ::testing::Test {
 protected:
  static constexpr auto kAnswers = ArpLeak::Kind::kAnswers;
  static constexpr auto kAnnounces = ArpLeak::Kind::kAnnounces;
  static constexpr std::array kHosts = {"director", "first", "second", "stranger"};

  void SetUp() override {
    auto made = fake::NetworkNamespaces::Make({kHosts.begin(), kHosts.end()});
    if (!made.ok()) GTEST_SKIP() << "Asks real hosts: " << made.error().message;
    network_ = std::move(made.value());
    watch_.emplace(loop_, routes_, [this] { ++changes_; });
  }

  // What the director's traffic makes it know.
  void LearnMac(const Address& server, const std::string& host) {
    network_->Ip("director", "neigh replace " + ToString(server) + " lladdr " +
                                 route::ToString(network_->MacOf(host)) +
                                 " dev eth0 nud reachable");
  }

  // Lets the loop go on until the condition holds; false if it does not within a long time.
  template <class Condition>
  bool Until(Condition condition) {
    const Deadline deadline = Clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (Clock::now() > deadline) return false;
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(100));
    }
    return true;
  }
  bool UntilARound() {
    return Until([this] { return !watch_->rows().empty(); });
  }
  bool UntilALeak() {
    return Until([this] {
      return std::ranges::any_of(watch_->rows(), [](const ArpLeak& row) { return row.leaking; });
    });
  }

  // A socket that sends and hears any frame of the type on the host.
  Descriptor SocketOn(const std::string& host, std::uint16_t ether_type) {
    static constexpr std::array<sock_filter, 1> kEverything = {{{BPF_RET | BPF_K, 0, 0, 0xffff}}};
    auto opened = network_->On(host, [&] { return OpenPacketSocket(2, ether_type, kEverything); });
    auto* socket = std::get_if<Descriptor>(&opened);
    return socket == nullptr ? Descriptor() : std::move(*socket);
  }

  // A packet from the VIP to somebody for whom the host must ask the link, as an answer to a client
  // is one.
  void SendFromVip(const std::string& host, const Address& vip, const Address& to) {
    network_->On(host, [&] {
      const int domain = vip.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
      const Descriptor udp(socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_storage name;
      socklen_t length = ToSocketAddress(vip, 0, 0, name);
      EXPECT_EQ(bind(udp.get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
      length = ToSocketAddress(to, 9, 0, name);
      EXPECT_EQ(sendto(udp.get(), "", 1, 0, reinterpret_cast<const sockaddr*>(&name), length), 1);
    });
  }

  std::unique_ptr<fake::NetworkNamespaces> network_;
  std::vector<route::Mac> peers_;
  Clock::duration interval_ = std::chrono::milliseconds(1);  // the next round right after one
  route::RouteReader routes_;
  boost::asio::io_context loop_{1};
  int changes_ = 0;
  std::optional<ArpWatch> watch_;
};

}  // namespace lvs::probes
