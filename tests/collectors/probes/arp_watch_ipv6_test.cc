// The same leaks over IPv6: virtual addresses that a server has on its network card.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "collectors/probes/arp_watch.h"
#include "collectors/probes/nd_packet.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"
#include "tests/collectors/probes/arp_watch_fixture.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

using fake::Ip;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Address kVip = Ip("fd00::100");
const Address kOtherVip = Ip("fd00::101");
const Address kFirst = Ip("fd00::2");
const Address kSecond = Ip("fd00::3");
const Address kAllNodes = Ip("ff02::1");

ArpLeak Silent(const Address& server, ArpLeak::Kind kind) {
  return {kVip, server, "eth0", kind, false, {}};
}

// The director fd00::1, the servers ::2 and ::3, a stranger ::4. The servers have the VIP on lo.
// The director knows the servers' MACs.
class ArpWatchIpv6Test : public ArpWatchFixture {
 protected:
  void SetUp() override {
    ArpWatchFixture::SetUp();
    if (IsSkipped()) return;
    int number = 1;
    for (const char* host : kHosts) {
      network_->Ip(host, "addr add fd00::" + std::to_string(number++) + "/64 dev eth0 nodad");
    }
    for (const char* host : {"first", "second"}) {
      network_->Ip(host, "addr add fd00::100/128 dev lo nodad");
    }
    LearnMac(kFirst, "first");
    LearnMac(kSecond, "second");
  }

  void Watch() { watch_->Watch({{kVip, {kFirst, kSecond}}}, peers_, interval_); }
  void PutOnCard(const std::string& host, const std::string& vip) {
    network_->Ip(host, "addr add " + vip + "/128 dev eth0 nodad");
  }

  void Send(const Descriptor& from, const NdPacket& packet) {
    const route::Mac to = MacOfGroup(packet.destination);
    ASSERT_EQ(SendFrame(from.get(), 2, ETH_P_IPV6, to, BuildNd(packet)), 0);
  }
  // An unsolicited advertisement, as a VRRP master sends it.
  void Announce(const Descriptor& from, const Address& vip) {
    Send(from, {.kind = NdPacket::Kind::kAdvertisement,
                .source = vip,
                .destination = kAllNodes,
                .target = vip,
                .solicited = false,
                .mac = network_->MacOf("stranger")});
  }

  ArpLeak LeakOfStranger(const Address& vip, ArpLeak::Kind kind) {
    return {vip, {}, "eth0", kind, true, network_->MacOf("stranger")};
  }
};

TEST_F(ArpWatchIpv6Test, VipOnLoIsSilent) {
  Watch();
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kFirst, kAnswers), Silent(kSecond, kAnswers),
                                          Silent(kFirst, kAnnounces), Silent(kSecond, kAnnounces)));
  EXPECT_FALSE(watch_->fault().has_value());
}

TEST_F(ArpWatchIpv6Test, VipOnACardAnswers) {
  PutOnCard("first", "fd00::100");
  Watch();
  ASSERT_TRUE(UntilALeak());  // on a busy machine the first answer may miss its round
  const ArpLeak leak = {kVip, kFirst, "eth0", kAnswers, true, network_->MacOf("first")};
  EXPECT_THAT(watch_->rows(), ElementsAre(leak, Silent(kSecond, kAnswers),
                                          Silent(kFirst, kAnnounces), Silent(kSecond, kAnnounces)));
}

// Its answers to clients begin with a solicitation from the VIP; where that is on lo, from another
// address.
TEST_F(ArpWatchIpv6Test, VipOnACardAnnouncesWhenItIsUsed) {
  PutOnCard("second", "fd00::100");
  Watch();
  ASSERT_TRUE(UntilARound());
  SendFromVip("first", kVip, Ip("fd00::99"));
  SendFromVip("second", kVip, Ip("fd00::99"));
  const ArpLeak leak = {kVip, kSecond, "eth0", kAnnounces, true, network_->MacOf("second")};
  EXPECT_TRUE(Until([&] { return watch_->rows().back() == leak; }));
  EXPECT_THAT(watch_->rows(), Contains(Silent(kFirst, kAnnounces)));
}

TEST_F(ArpWatchIpv6Test, LeakEndsAfterThreeCleanRounds) {
  PutOnCard("first", "fd00::100");
  Watch();
  ASSERT_TRUE(UntilALeak());
  const int seen = changes_;
  network_->Ip("first", "addr del fd00::100/128 dev eth0");
  EXPECT_TRUE(Until([this] { return !watch_->rows().front().leaking; }));
  EXPECT_EQ(changes_, seen + 1) << "once when it was over";
}

TEST_F(ArpWatchIpv6Test, StrangerIsALeakWhereTheDirectorHoldsTheVip) {
  PutOnCard("director", "fd00::100");
  PutOnCard("stranger", "fd00::100");
  Watch();
  ASSERT_TRUE(UntilALeak());
  EXPECT_THAT(watch_->rows(), Contains(LeakOfStranger(kVip, kAnswers)));
  EXPECT_THAT(watch_->rows(), SizeIs(5));
}

TEST_F(ArpWatchIpv6Test, StrangerIsTheActiveDirectorWhereThisOneIsStandby) {
  PutOnCard("stranger", "fd00::100");
  Watch();
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), SizeIs(4));
  EXPECT_FALSE(watch_->rows().front().leaking);
}

TEST_F(ArpWatchIpv6Test, UnsolicitedAdvertisementAnnounces) {
  PutOnCard("director", "fd00::100");
  interval_ = std::chrono::hours(1);
  Watch();
  ASSERT_TRUE(UntilARound());
  Announce(SocketOn("stranger", ETH_P_IPV6), kVip);
  ASSERT_TRUE(UntilALeak());
  EXPECT_THAT(watch_->rows(), Contains(LeakOfStranger(kVip, kAnnounces)));
  EXPECT_THAT(watch_->rows(), SizeIs(5));
}

// Whoever takes the address at its end will announce it, or answer.
TEST_F(ArpWatchIpv6Test, DuplicateAddressDetectionIsNoLeak) {
  PutOnCard("director", "fd00::100");
  PutOnCard("director", "fd00::101");
  interval_ = std::chrono::hours(1);
  watch_->Watch({{kVip, {kFirst}}, {kOtherVip, {kFirst}}}, {}, interval_);
  ASSERT_TRUE(UntilARound());
  const Descriptor stranger = SocketOn("stranger", ETH_P_IPV6);
  Send(stranger, {.kind = NdPacket::Kind::kSolicitation,
                  .source = Ip("::"),
                  .destination = SolicitedNodeGroup(kVip),
                  .target = kVip,
                  .solicited = false,
                  .mac = {}});
  Announce(stranger, kOtherVip);
  ASSERT_TRUE(UntilALeak());
  EXPECT_THAT(watch_->rows(), SizeIs(5));
  EXPECT_THAT(watch_->rows(), Contains(LeakOfStranger(kOtherVip, kAnnounces)));
}

TEST_F(ArpWatchIpv6Test, QuestionsComeFromTheLinkLocalAddress) {
  PutOnCard("director", "fd00::100");
  const Descriptor first = SocketOn("first", ETH_P_IPV6);
  Watch();
  ASSERT_TRUE(UntilARound());
  std::array<std::byte, 128> buffer;
  ReceivedPacket packet;
  int questions = 0;
  while (ReceivePacket(first.get(), buffer, packet) == Received::kPacket) {
    const std::optional<NdPacket> nd = ParseNd(packet.bytes);
    if (!nd || nd->target != kVip) continue;
    EXPECT_EQ(nd->kind, NdPacket::Kind::kSolicitation);
    EXPECT_EQ(ToString(nd->source), "fe80::ff:fe00:1");
    EXPECT_EQ(ToString(nd->destination), "ff02::1:ff00:100");
    EXPECT_EQ(nd->mac, network_->MacOf("director"));
    ++questions;
  }
  EXPECT_GT(questions, 0);
}

TEST_F(ArpWatchIpv6Test, WithoutAnAddressThereIsAFaultAndNoRow) {
  network_->Ip("director",
               "addr flush dev eth0\nroute add fd00::/64 dev eth0\n"
               "addr add fd00::100/128 dev eth0 nodad");
  Watch();
  ASSERT_TRUE(Until([this] { return watch_->fault().has_value(); }));
  EXPECT_EQ(watch_->fault()->reason, Reason::kLocalConfig);
  EXPECT_EQ(watch_->fault()->detail, "eth0: no address to ask from for fd00::100");
  EXPECT_THAT(watch_->rows(), IsEmpty());
  network_->Ip("director", "addr add fd00::1/64 dev eth0 nodad");
  EXPECT_TRUE(UntilARound());
}

TEST_F(ArpWatchIpv6Test, BothFamiliesAreWatchedOnOneInterface) {
  const Address vip4 = Ip("192.168.1.100");
  const Address first4 = Ip("192.168.1.2");
  network_->Ip("director", "addr add 192.168.1.1/24 dev eth0");
  network_->Ip("first", "addr add 192.168.1.2/24 dev eth0\naddr add 192.168.1.100/32 dev eth0");
  LearnMac(first4, "first");
  PutOnCard("first", "fd00::100");
  watch_->Watch({{vip4, {first4}}, {kVip, {kFirst}}}, {}, interval_);
  // Which of them answers inside the first round a busy machine decides.
  Until([this] {
    return std::ranges::count_if(watch_->rows(), [](const ArpLeak& row) { return row.leaking; }) ==
           2;
  });
  const route::Mac mac = network_->MacOf("first");
  EXPECT_THAT(watch_->rows(), SizeIs(4));
  EXPECT_THAT(watch_->rows(), Contains(ArpLeak{vip4, first4, "eth0", kAnswers, true, mac}));
  EXPECT_THAT(watch_->rows(), Contains(ArpLeak{kVip, kFirst, "eth0", kAnswers, true, mac}));
}

}  // namespace
}  // namespace lvs::probes
