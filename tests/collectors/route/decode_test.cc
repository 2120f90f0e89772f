#include "collectors/route/decode.h"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "collectors/netlink/attributes.h"
#include "tests/support/network_namespaces.h"

namespace lvs::route {
namespace {

using fake::Ip;
using netlink::AttributeWriter;

Bytes Raw(const Address& address) {
  return std::as_bytes(std::span(address.bytes))
      .first(address.family == AddressFamily::kIpv4 ? 4 : 16);
}

template <class Header>
std::vector<std::byte> Join(const Header& header, Bytes rest) {
  const Bytes head = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

std::vector<std::byte> RouteMessage(std::uint8_t type = RTN_UNICAST) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_type = type;
  const Address source = Ip("192.168.1.1");
  AttributeWriter attributes;
  attributes.AddU32(RTA_OIF, 3);
  attributes.Add(RTA_PREFSRC, Raw(source));
  return Join(header, attributes.bytes());
}

std::vector<std::byte> NeighbourMessage(std::uint16_t state) {
  ndmsg header{};
  header.ndm_family = AF_INET;
  header.ndm_ifindex = 3;
  header.ndm_state = state;
  const Address address = Ip("192.168.1.2");
  const Mac mac = {2, 0, 0, 0, 0, 2};
  AttributeWriter attributes;
  attributes.Add(NDA_DST, Raw(address));
  attributes.Add(NDA_LLADDR, std::as_bytes(std::span(mac)));
  return Join(header, attributes.bytes());
}

std::vector<std::byte> InterfaceMessage(std::uint16_t hardware, std::size_t mac_length,
                                        unsigned flags = IFF_UP) {
  ifinfomsg header{};
  header.ifi_type = hardware;
  header.ifi_index = 3;
  header.ifi_flags = flags;
  const std::vector<std::byte> mac(mac_length, std::byte{2});
  AttributeWriter attributes;
  attributes.AddText(IFLA_IFNAME, "eth0");
  attributes.Add(IFLA_ADDRESS, mac);
  return Join(header, attributes.bytes());
}

void Append(std::vector<std::byte>& message, const AttributeWriter& more) {
  message.insert(message.end(), more.bytes().begin(), more.bytes().end());
}

std::vector<std::byte> AddressMessage(std::uint8_t flags = 0) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = 64;
  header.ifa_flags = flags;
  header.ifa_index = 3;
  const Address address = Ip("fd00::1");
  AttributeWriter attributes;
  attributes.Add(IFA_ADDRESS, Raw(address));
  return Join(header, attributes.bytes());
}

TEST(RouteDecode, Route) {
  Route route;
  ASSERT_TRUE(DecodeRoute(RouteMessage(), route).ok());
  EXPECT_FALSE(route.local);
  EXPECT_TRUE(route.on_link);
  EXPECT_EQ(route.interface, 3);
  EXPECT_EQ(route.source, Ip("192.168.1.1"));
  ASSERT_TRUE(DecodeRoute(RouteMessage(RTN_LOCAL), route).ok());
  EXPECT_TRUE(route.local);
}

TEST(RouteDecode, GatewayMayBeOfTheOtherFamily) {
  std::vector<std::byte> message = RouteMessage();
  const Address gateway = Ip("fe80::1");
  const std::uint16_t family = AF_INET6;
  AttributeWriter attributes;
  attributes.Add(RTA_VIA, Join(family, Raw(gateway)));
  Append(message, attributes);
  Route route;
  ASSERT_TRUE(DecodeRoute(message, route).ok());
  EXPECT_FALSE(route.on_link);
  EXPECT_EQ(route.gateway, gateway);
}

TEST(RouteDecode, NeighbourStates) {
  struct Case {
    std::uint16_t state;
    bool resolved;
    bool failed;
  };
  for (const Case& c : {Case{NUD_REACHABLE, true, false},
                        {NUD_STALE, true, false},
                        {NUD_DELAY, true, false},
                        {NUD_PROBE, true, false},
                        {NUD_PERMANENT, true, false},
                        {NUD_INCOMPLETE, false, true},
                        {NUD_FAILED, false, true},
                        {NUD_NONE, false, false},
                        {NUD_NOARP, false, false}}) {
    NeighbourEntry entry;
    const Result<bool> decoded = DecodeNeighbour(NeighbourMessage(c.state), entry);
    ASSERT_TRUE(decoded.ok() && decoded.value());
    EXPECT_EQ(entry.neighbour.resolved, c.resolved) << c.state;
    EXPECT_EQ(entry.neighbour.failed, c.failed) << c.state;
    EXPECT_EQ(entry.neighbour.mac, (Mac{2, 0, 0, 0, 0, 2}));
    EXPECT_EQ(entry.address, Ip("192.168.1.2"));
    EXPECT_EQ(entry.interface, 3);
  }
}

TEST(RouteDecode, BridgesEntriesArePassedOver) {
  std::vector<std::byte> message = NeighbourMessage(NUD_REACHABLE);
  message[0] = std::byte{AF_BRIDGE};
  NeighbourEntry entry;
  const Result<bool> decoded = DecodeNeighbour(message, entry);
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(decoded.value());
}

TEST(RouteDecode, OnlyAnEthernetHasAMac) {
  Interface interface;
  ASSERT_TRUE(DecodeInterface(InterfaceMessage(ARPHRD_ETHER, 6), interface).ok());
  EXPECT_EQ(interface.name, "eth0");
  EXPECT_EQ(interface.index, 3);
  EXPECT_TRUE(interface.up);
  EXPECT_FALSE(interface.loopback);
  EXPECT_TRUE(interface.mac.has_value());
  ASSERT_TRUE(DecodeInterface(InterfaceMessage(ARPHRD_LOOPBACK, 6), interface).ok());
  EXPECT_FALSE(interface.mac.has_value());
  ASSERT_TRUE(DecodeInterface(InterfaceMessage(ARPHRD_ETHER, 20), interface).ok());
  EXPECT_FALSE(interface.mac.has_value());
}

TEST(RouteDecode, InterfaceKnowsItsMasterAndWhetherItHasArp) {
  std::vector<std::byte> message = InterfaceMessage(ARPHRD_ETHER, 6);
  Interface interface;
  ASSERT_TRUE(DecodeInterface(message, interface).ok());
  EXPECT_EQ(interface.master, 0);
  EXPECT_FALSE(interface.no_arp);
  AttributeWriter attributes;
  attributes.AddU32(IFLA_MASTER, 9);
  Append(message, attributes);
  ASSERT_TRUE(DecodeInterface(message, interface).ok());
  EXPECT_EQ(interface.master, 9);
  ASSERT_TRUE(
      DecodeInterface(InterfaceMessage(ARPHRD_ETHER, 6, IFF_UP | IFF_NOARP), interface).ok());
  EXPECT_EQ(interface.master, 0);
  EXPECT_TRUE(interface.no_arp);
}

TEST(RouteInterface, OnlyAHostsOwnEndSpeaksArp) {
  struct Case {
    const char* kind_of_master;
    bool speaks;
  };
  for (const Case& c : {Case{"bond", false},
                        {"team", false},
                        {"bridge", false},
                        {"openvswitch", false},
                        {"vrf", true},
                        {"", true}}) {
    const Interface port = {.index = 2, .name = "eth0", .up = true, .master = 3};
    const Interface master = {.index = 3, .name = "m", .kind = c.kind_of_master, .up = true};
    EXPECT_EQ(SpeaksArp(port, {port, master}), c.speaks) << c.kind_of_master;
    EXPECT_TRUE(SpeaksArp(master, {port, master})) << c.kind_of_master;
  }
}

TEST(RouteInterface, WithoutArpSpeaksNone) {
  const Interface plain = {.index = 2, .name = "eth0", .up = true};
  const Interface silent = {.index = 3, .name = "wg0", .up = true, .no_arp = true};
  const Interface orphan = {.index = 4, .name = "eth1", .up = true, .master = 99};
  EXPECT_TRUE(SpeaksArp(plain, {plain, silent}));
  EXPECT_FALSE(SpeaksArp(silent, {plain, silent}));
  EXPECT_TRUE(SpeaksArp(orphan, {orphan})) << "its master is in another namespace, or new";
}

// An address is taken for delivered unless duplicate address detection keeps it back.
TEST(RouteDecode, AddressThatDuplicateAddressDetectionKeepsBackIsNotDelivered) {
  struct Case {
    std::uint32_t flags;
    bool delivered;
  };
  for (const Case& c : {Case{0, true},
                        {IFA_F_PERMANENT, true},
                        {IFA_F_TENTATIVE, false},
                        {IFA_F_OPTIMISTIC, true},
                        {IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, true},
                        {IFA_F_DADFAILED, false},
                        {IFA_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_DADFAILED, false},
                        {IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED, false}}) {
    InterfaceAddress address;
    ASSERT_TRUE(DecodeAddress(AddressMessage(static_cast<std::uint8_t>(c.flags)), address).ok());
    EXPECT_EQ(address.delivered, c.delivered) << c.flags << " in the header";
    AttributeWriter attributes;
    attributes.AddU32(IFA_FLAGS, c.flags | IFA_F_NOPREFIXROUTE);
    std::vector<std::byte> message = AddressMessage();
    Append(message, attributes);
    ASSERT_TRUE(DecodeAddress(message, address).ok());
    EXPECT_EQ(address.delivered, c.delivered) << c.flags << " in the attribute";
  }
}

TEST(RouteDecode, AddressOfAPointToPointLinkIsOurEnd) {
  InterfaceAddress address;
  std::vector<std::byte> message = AddressMessage();
  ASSERT_TRUE(DecodeAddress(message, address).ok());
  EXPECT_EQ(address.address, Ip("fd00::1"));
  EXPECT_EQ(address.prefix_length, 64u);
  EXPECT_FALSE(address.has_peer);
  const Address local = Ip("fd00::9");
  AttributeWriter attributes;
  attributes.Add(IFA_LOCAL, Raw(local));
  Append(message, attributes);
  ASSERT_TRUE(DecodeAddress(message, address).ok());
  EXPECT_EQ(address.address, local);
  EXPECT_TRUE(address.has_peer);
}

// IPv4 names the address twice where there is no peer.
TEST(RouteDecode, OwnAddressAgainIsNoPeer) {
  std::vector<std::byte> message = AddressMessage();
  const Address local = Ip("fd00::1");
  AttributeWriter attributes;
  attributes.Add(IFA_LOCAL, Raw(local));
  Append(message, attributes);
  InterfaceAddress address;
  ASSERT_TRUE(DecodeAddress(message, address).ok());
  EXPECT_FALSE(address.has_peer);
}

TEST(RouteDecode, WrongLengthsAreErrors) {
  AttributeWriter attributes;
  attributes.AddU16(RTA_PREFSRC, 1);
  rtmsg header{};
  header.rtm_family = AF_INET;
  Route route;
  const Result<void> decoded = DecodeRoute(Join(header, attributes.bytes()), route);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message, "attribute 7: expected 4 bytes, got 2");
  header.rtm_family = AF_UNIX;
  EXPECT_FALSE(DecodeRoute(Join(header, {}), route).ok());
}

TEST(RouteDecode, AddressOfAWrongLengthIsAnError) {
  AttributeWriter attributes;
  attributes.AddU16(IFA_ADDRESS, 1);
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  InterfaceAddress address;
  EXPECT_FALSE(DecodeAddress(Join(header, attributes.bytes()), address).ok());
}

// Every message, cut at every length: no byte behind the cut is read, and what is cut inside its
// header is an error.
TEST(RouteDecode, CutMessages) {
  const auto cut_all = [](const std::vector<std::byte>& message, std::size_t header, auto decode) {
    for (std::size_t length = 0; length < message.size(); ++length) {
      const std::vector<std::byte> cut(message.begin(),
                                       message.begin() + static_cast<std::ptrdiff_t>(length));
      const bool ok = decode(cut);
      if (length < header) {
        EXPECT_FALSE(ok) << length;
      }
    }
  };
  Route route;
  Interface interface;
  InterfaceAddress address;
  NeighbourEntry entry;
  cut_all(RouteMessage(), sizeof(rtmsg), [&](Bytes b) { return DecodeRoute(b, route).ok(); });
  cut_all(InterfaceMessage(ARPHRD_ETHER, 6), sizeof(ifinfomsg),
          [&](Bytes b) { return DecodeInterface(b, interface).ok(); });
  cut_all(AddressMessage(), sizeof(ifaddrmsg) + 20,
          [&](Bytes b) { return DecodeAddress(b, address).ok(); });
  cut_all(NeighbourMessage(NUD_STALE), sizeof(ndmsg) + 8,
          [&](Bytes b) { return DecodeNeighbour(b, entry).ok(); });
}

TEST(RouteErrors, KernelsErrors) {
  struct Case {
    int number;
    ErrorCode code;
  };
  for (const Case& c : {Case{ENETUNREACH, ErrorCode::kNotFound},
                        {EHOSTUNREACH, ErrorCode::kNotFound},
                        {EACCES, ErrorCode::kNotFound},
                        {ENOENT, ErrorCode::kNotFound},
                        {EPERM, ErrorCode::kNoPermission},
                        {EBUSY, ErrorCode::kConnection},
                        {4095, ErrorCode::kSystem}}) {
    const Error error = ExplainError(c.number, RTM_NEWROUTE);
    EXPECT_EQ(error.code, c.code) << c.number;
    EXPECT_FALSE(error.message.empty());
  }
}

TEST(RouteErrors, InvalidIsABlackholeWhereARouteWasAskedFor) {
  const Error route = ExplainError(EINVAL, RTM_NEWROUTE);
  EXPECT_EQ(route.code, ErrorCode::kNotFound);
  EXPECT_EQ(route.message, "a blackhole route drops it");
  EXPECT_EQ(ExplainError(EINVAL, RTM_NEWNEIGH).code, ErrorCode::kSystem);
}

TEST(RouteEncode, RequestsAreAsTheKernelWantsThem) {
  const std::vector<std::byte> route = EncodeRouteRequest(Ip("192.168.1.2"));
  rtmsg header;
  ASSERT_EQ(route.size(), sizeof header + 8);
  std::memcpy(&header, route.data(), sizeof header);
  EXPECT_EQ(header.rtm_family, AF_INET);
  EXPECT_EQ(header.rtm_dst_len, 32);
  EXPECT_EQ(EncodeRouteRequest(Ip("fd00::2")).size(), sizeof header + 20);
  EXPECT_EQ(EncodeRouteRequest(Ip("192.168.1.2"), 10).size(), sizeof header + 16);
}

}  // namespace
}  // namespace lvs::route
