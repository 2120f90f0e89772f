// Filters for claims, run by the kernel on the packets of a pair of local sockets.
#include "collectors/probes/claim_filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/probes/arp_packet.h"
#include "collectors/probes/nd_packet.h"
#include "collectors/probes/raw_socket.h"
#include "tests/support/ip.h"

namespace lvs::probes {
namespace {

using fake::Ip;

constexpr auto kIpv4 = AddressFamily::kIpv4;
constexpr auto kIpv6 = AddressFamily::kIpv6;
const Address kVip = Ip("192.0.2.100");
const Address kOther = Ip("192.0.2.101");
const Address kVip6 = Ip("2001:db8::100");
const Address kOther6 = Ip("2001:db8::101");

// Whether the kernel shows the packet to a socket with the filter.
bool Passes(const std::vector<sock_filter>& filter, const std::vector<std::byte>& packet) {
  std::array<int, 2> pair{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const Descriptor receiver(pair[0]);
  const Descriptor sender(pair[1]);
  EXPECT_TRUE(AttachFilter(receiver.get(), filter)) << "not a valid program";
  send(sender.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  std::array<std::byte, 2048> buffer;
  const ssize_t length = recv(receiver.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (length < 0) return false;
  EXPECT_EQ(static_cast<std::size_t>(length), packet.size()) << "whole";
  return true;
}

std::vector<std::byte> ArpFrom(const Address& sender) {
  return BuildArp({.operation = ArpPacket::Operation::kReply,
                   .sender_mac = {},
                   .sender = sender,
                   .target_mac = {},
                   .target = kVip});
}

NdPacket AdvertisementOf(const Address& target) {
  return {.kind = NdPacket::Kind::kAdvertisement,
          .source = kOther6,
          .destination = kOther6,
          .target = target,
          .solicited = true,
          .mac = {}};
}

NdPacket SolicitationFrom(const Address& source) {
  return {.kind = NdPacket::Kind::kSolicitation,
          .source = source,
          .destination = SolicitedNodeGroup(kVip6),
          .target = kVip6,
          .solicited = false,
          .mac = {}};
}

// More than there is room for, and of both families.
std::set<Address> ManyVips() {
  std::set<Address> vips;
  for (int i = 0; i < 150; ++i) {
    vips.insert(Ip("198.51.100." + std::to_string(i)));
    vips.insert(Ip("2001:db8:1::" + std::to_string(i)));
  }
  return vips;
}

TEST(ClaimFilter, PassesArpFromAVip) {
  const auto filter = ClaimFilter(kIpv4, {kVip, kVip6});
  EXPECT_TRUE(Passes(filter, ArpFrom(kVip)));
  EXPECT_FALSE(Passes(filter, ArpFrom(kOther)));
}

TEST(ClaimFilter, PassesAdvertisementsOfAVip) {
  const auto filter = ClaimFilter(kIpv6, {kVip, kVip6, Ip("2001:db8::200")});
  EXPECT_TRUE(Passes(filter, BuildNd(AdvertisementOf(kVip6))));
  EXPECT_TRUE(Passes(filter, BuildNd(AdvertisementOf(Ip("2001:db8::200")))));
  EXPECT_FALSE(Passes(filter, BuildNd(AdvertisementOf(kOther6))));
}

TEST(ClaimFilter, PassesSolicitationsFromAVip) {
  const auto filter = ClaimFilter(kIpv6, {kVip6});
  EXPECT_TRUE(Passes(filter, BuildNd(SolicitationFrom(kVip6))));
  EXPECT_FALSE(Passes(filter, BuildNd(SolicitationFrom(kOther6)))) << "it asks for the VIP";
  EXPECT_FALSE(Passes(filter, BuildNd(SolicitationFrom(Ip("::")))));
}

// Whatever its bytes are where a neighbour discovery has the address.
TEST(ClaimFilter, DropsOtherIpv6) {
  for (const auto& [offset, value] : {std::pair(6, 6), std::pair(40, 128)}) {
    std::vector<std::byte> packet = BuildNd(AdvertisementOf(kVip6));
    packet[static_cast<std::size_t>(offset)] = std::byte(value);
    EXPECT_FALSE(Passes(ClaimFilter(kIpv6, {kVip6}), packet));
    EXPECT_FALSE(Passes(ClaimFilter(kIpv6, ManyVips()), packet));
  }
}

TEST(ClaimFilter, DropsWhatIsCut) {
  std::vector<std::byte> packet = BuildNd(AdvertisementOf(kVip6));
  packet.resize(63);
  EXPECT_FALSE(Passes(ClaimFilter(kIpv6, {kVip6}), packet));
  EXPECT_FALSE(Passes(ClaimFilter(kIpv6, ManyVips()), packet));
}

TEST(ClaimFilter, HundredVipsOfEachFamilyAreTaken) {
  std::set<Address> vips;
  for (int i = 100; i < 200; ++i) {
    vips.insert(Ip("192.0.2." + std::to_string(i)));
    vips.insert(Ip("2001:db8::" + std::to_string(i)));
  }
  EXPECT_TRUE(Passes(ClaimFilter(kIpv4, vips), ArpFrom(Ip("192.0.2.199"))));
  EXPECT_FALSE(Passes(ClaimFilter(kIpv4, vips), ArpFrom(Ip("192.0.2.200"))));
  EXPECT_TRUE(Passes(ClaimFilter(kIpv6, vips), BuildNd(AdvertisementOf(Ip("2001:db8::199")))));
  EXPECT_FALSE(Passes(ClaimFilter(kIpv6, vips), BuildNd(AdvertisementOf(Ip("2001:db8::200")))));
}

TEST(ClaimFilter, MoreVipsPassEveryClaim) {
  EXPECT_TRUE(Passes(ClaimFilter(kIpv4, ManyVips()), ArpFrom(kOther)));
  EXPECT_TRUE(Passes(ClaimFilter(kIpv6, ManyVips()), BuildNd(AdvertisementOf(kOther6))));
  EXPECT_TRUE(Passes(ClaimFilter(kIpv6, ManyVips()), BuildNd(SolicitationFrom(kOther6))));
}

TEST(ClaimFilter, NoVipsOfTheFamilyPassNothing) {
  EXPECT_FALSE(Passes(ClaimFilter(kIpv4, {kVip6}), ArpFrom(kVip)));
  EXPECT_FALSE(Passes(ClaimFilter(kIpv6, {kVip}), BuildNd(AdvertisementOf(kVip6))));
}

}  // namespace
}  // namespace lvs::probes
