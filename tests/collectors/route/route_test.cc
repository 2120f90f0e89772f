// Route netlink against the real kernel, in namespaces of its own.
#include "collectors/route/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "tests/support/network_namespaces.h"

namespace lvs::route {
namespace {

using fake::Ip;
using ::testing::HasSubstr;

class RouteReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = fake::NetworkNamespaces::Make({"director", "server"});
    if (!made.ok()) GTEST_SKIP() << "Asks a kernel with hosts: " << made.error().message;
    network_ = std::move(made.value());
    network_->Ip("director",
                 "addr add 192.168.1.1/24 dev eth0\naddr add fd00::1/64 dev eth0 nodad");
    network_->Ip("server", "addr add 192.168.1.2/24 dev eth0\naddr add fd00::2/64 dev eth0 nodad");
  }

  Route Lookup(const char* address) {
    const Result<Route> route = reader_.Lookup(Ip(address));
    EXPECT_TRUE(route.ok()) << route.error().message;
    return route.ok() ? route.value() : Route{};
  }

  std::unique_ptr<fake::NetworkNamespaces> network_;
  RouteReader reader_;
};

TEST_F(RouteReaderTest, HostOnTheLink) {
  const Route route = Lookup("192.168.1.2");
  EXPECT_FALSE(route.local);
  EXPECT_TRUE(route.on_link);
  EXPECT_EQ(route.source, Ip("192.168.1.1"));
  EXPECT_EQ(route.interface, 2);
  const Route ipv6 = Lookup("fd00::2");
  EXPECT_TRUE(ipv6.on_link);
  EXPECT_FALSE(ipv6.local);
  EXPECT_EQ(ipv6.source, Ip("fd00::1"));
  EXPECT_EQ(ipv6.interface, 2);
}

TEST_F(RouteReaderTest, OwnAddressIsLocal) {
  EXPECT_TRUE(Lookup("192.168.1.1").local);
  EXPECT_TRUE(Lookup("127.0.0.1").local);
  EXPECT_TRUE(Lookup("fd00::1").local);
}

// Policy routing by firewall mark, as a director without VIPs has it.
TEST_F(RouteReaderTest, MarkedPacketsMayBeLocalWhereOthersAreNot) {
  network_->Ip("director",
               "route add default via 192.168.1.2\nroute add fd01::/64 via fd00::2\n"
               "rule add fwmark 10 table 100\nroute add local default dev lo table 100");
  for (const char* command :
       {"ip -6 rule add fwmark 10 table 100", "ip -6 route add local default dev lo table 100"}) {
    ASSERT_TRUE(network_->Try("director", command)) << command;
  }
  for (const char* address : {"203.0.113.1", "fd01::1"}) {
    EXPECT_FALSE(Lookup(address).local) << address;
    EXPECT_FALSE(reader_.Lookup(Ip(address), 11).value().local) << address;
    EXPECT_TRUE(reader_.Lookup(Ip(address), 10).value().local) << address;
  }
}

TEST_F(RouteReaderTest, HostBehindAGateway) {
  network_->Ip("director",
               "route add default via 192.168.1.2\nroute add fd01::/64 via fd00::2\n"
               "route add 10.0.0.0/8 via inet6 fd00::2 dev eth0");
  EXPECT_FALSE(Lookup("203.0.113.1").on_link);
  EXPECT_EQ(Lookup("203.0.113.1").gateway, Ip("192.168.1.2"));
  EXPECT_EQ(Lookup("fd01::1").gateway, Ip("fd00::2"));
  EXPECT_EQ(Lookup("10.0.0.1").gateway, Ip("fd00::2"));
}

TEST_F(RouteReaderTest, NoRouteIsNotFound) {
  network_->Ip("director",
               "route add unreachable 10.1.0.0/16\nroute add prohibit 10.2.0.0/16\n"
               "route add blackhole 10.3.0.0/16\nroute add blackhole fd03::/64\n"
               "route add unreachable fd01::/64\nroute add prohibit fd02::/64");
  for (const char* address : {"10.9.9.9", "10.1.0.1", "10.2.0.1", "10.3.0.1", "fd09::1", "fd01::1",
                              "fd02::1", "fd03::1"}) {
    const Result<Route> route = reader_.Lookup(Ip(address));
    ASSERT_FALSE(route.ok()) << address;
    EXPECT_EQ(route.error().code, ErrorCode::kNotFound) << address;
    EXPECT_THAT(route.error().message, HasSubstr(std::string("route: look up ") + address + ": "));
  }
}

TEST_F(RouteReaderTest, NeighbourOfEveryKind) {
  network_->Ip("director",
               "neigh add 192.168.1.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent\n"
               "neigh add fd00::2 lladdr 02:00:00:00:00:02 dev eth0 nud stale\n"
               "neigh add 192.168.1.7 dev eth0 nud failed");
  for (const char* address : {"192.168.1.2", "fd00::2"}) {
    const auto found = reader_.FindNeighbour(2, Ip(address));
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_TRUE(found.value().has_value());
    EXPECT_TRUE(found.value()->resolved);
    EXPECT_EQ(found.value()->mac, network_->MacOf("server"));
  }
  const auto failed = reader_.FindNeighbour(2, Ip("192.168.1.7"));
  ASSERT_TRUE(failed.ok() && failed.value().has_value());
  EXPECT_TRUE(failed.value()->failed);
  const auto none = reader_.FindNeighbour(2, Ip("192.168.1.8"));
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_FALSE(none.value().has_value());
  const auto no_interface = reader_.FindNeighbour(99, Ip("192.168.1.8"));
  ASSERT_TRUE(no_interface.ok()) << no_interface.error().message;
  EXPECT_FALSE(no_interface.value().has_value());
}

TEST_F(RouteReaderTest, ListsInterfaces) {
  const auto interfaces = reader_.Interfaces();
  ASSERT_TRUE(interfaces.ok()) << interfaces.error().message;
  const auto find = [&](const char* name) {
    const auto found = std::ranges::find(interfaces.value(), name, &Interface::name);
    return found == interfaces.value().end() ? Interface{} : *found;
  };
  EXPECT_TRUE(find("lo").loopback);
  EXPECT_FALSE(find("lo").mac.has_value());
  EXPECT_EQ(find("eth0").mac, network_->MacOf("director"));
  EXPECT_EQ(find("eth0").index, 2);
  EXPECT_TRUE(find("eth0").up);
}

TEST_F(RouteReaderTest, PortKnowsItsMaster) {
  network_->Ip("director", "link add br0 type bridge\nlink set eth0 master br0");
  const auto interfaces = reader_.Interfaces();
  ASSERT_TRUE(interfaces.ok()) << interfaces.error().message;
  const auto find = [&](const char* name) {
    const auto found = std::ranges::find(interfaces.value(), name, &Interface::name);
    return found == interfaces.value().end() ? Interface{} : *found;
  };
  EXPECT_EQ(find("eth0").master, find("br0").index);
  EXPECT_FALSE(SpeaksArp(find("eth0"), interfaces.value()));
  EXPECT_TRUE(SpeaksArp(find("br0"), interfaces.value()));
}

// Ten probes, a second apart, are not over when it is asked.
TEST_F(RouteReaderTest, TentativeAddressIsNotListed) {
  network_->Set("director", "ipv6/conf/eth0/accept_dad", "1");
  network_->Set("director", "ipv6/conf/eth0/dad_transmits", "10");
  network_->Ip("director", "addr add fd00::77/64 dev eth0\naddr add fd00::78/64 dev eth0 nodad");
  const auto addresses = reader_.Addresses();
  ASSERT_TRUE(addresses.ok()) << addresses.error().message;
  const auto has = [&](const char* text) {
    return std::ranges::find(addresses.value(), Ip(text), &InterfaceAddress::address) !=
           addresses.value().end();
  };
  EXPECT_FALSE(has("fd00::77"));
  EXPECT_TRUE(has("fd00::78"));
}

TEST_F(RouteReaderTest, ListsMoreAddressesThanFitIntoADatagram) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    lines += "addr add 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) +
             "/32 dev lo\n";
  }
  network_->Ip("director", lines);
  const auto addresses = reader_.Addresses();
  ASSERT_TRUE(addresses.ok()) << addresses.error().message;
  const auto has = [&](const char* text, unsigned prefix) {
    return std::ranges::any_of(addresses.value(), [&](const InterfaceAddress& own) {
      return own.address == Ip(text) && own.prefix_length == prefix;
    });
  };
  EXPECT_TRUE(has("192.168.1.1", 24));
  EXPECT_TRUE(has("fd00::1", 64));
  EXPECT_TRUE(has("10.0.3.250", 32));
  EXPECT_GE(addresses.value().size(), 1003u);
}

TEST_F(RouteReaderTest, ListsTheNeighboursOfOneInterface) {
  network_->Ip("director",
               "neigh add 192.168.1.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent\n"
               "link add link eth0 name v0 type macvlan mode bridge\nlink set v0 up\n"
               "neigh add 192.168.1.3 lladdr 02:00:00:00:00:03 dev v0 nud permanent");
  const auto neighbours = reader_.Neighbours(2);
  ASSERT_TRUE(neighbours.ok()) << neighbours.error().message;
  const auto has = [&](const char* text) {
    return std::ranges::any_of(neighbours.value(), [&](const NeighbourEntry& entry) {
      return entry.address == Ip(text) && entry.neighbour.resolved;
    });
  };
  EXPECT_TRUE(has("192.168.1.2"));
  EXPECT_FALSE(has("192.168.1.3"));
}

// Without privileges, in whatever namespace the test runs.
TEST(RouteReader, AsksWithoutPrivileges) {
  RouteReader reader;
  const Result<Route> route = reader.Lookup(Ip("127.0.0.1"));
  if (!route.ok()) GTEST_SKIP() << "The loopback interface is down: " << route.error().message;
  EXPECT_TRUE(route.value().local);
  const auto interfaces = reader.Interfaces();
  EXPECT_TRUE(interfaces.ok()) << interfaces.error().message;
}

}  // namespace
}  // namespace lvs::route
