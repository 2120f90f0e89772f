// ARP leaks between hosts of a network of its own: who answers, who announces, who may.
#include "collectors/probes/arp_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/probes/arp_packet.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"
#include "tests/collectors/probes/arp_watch_fixture.h"
#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using fake::Ip;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Address kVip = Ip("192.168.1.100");
const Address kFirst = Ip("192.168.1.2");
const Address kSecond = Ip("192.168.1.3");

ArpLeak Silent(const Address& server, ArpLeak::Kind kind) {
  return {kVip, server, "eth0", kind, false, {}};
}

// The director .1, the servers .2 and .3, a stranger .4. Nobody but the servers has the VIP, on lo
// and silent as it should be. The director knows the servers' MACs, as its traffic makes it.
class ArpWatchTest : public ArpWatchFixture {
 protected:
  void SetUp() override {
    ArpWatchFixture::SetUp();
    if (IsSkipped()) return;
    int number = 1;
    for (const char* host : kHosts) {
      network_->Ip(host, "addr add 192.168.1." + std::to_string(number++) + "/24 dev eth0");
      network_->Set(host, "ipv4/conf/all/arp_ignore", "1");
      network_->Set(host, "ipv4/conf/all/arp_announce", "2");
      network_->Set(host, "ipv4/conf/eth0/arp_ignore", "0");
      network_->Set(host, "ipv4/conf/eth0/arp_announce", "0");
    }
    for (const char* host : {"first", "second"}) {
      network_->Ip(host, "addr add 192.168.1.100/32 dev lo");
    }
    LearnMac(kFirst, "first");
    LearnMac(kSecond, "second");
  }

  void Watch() { watch_->Watch({{kVip, {kFirst, kSecond}}}, peers_, interval_); }

  // A gratuitous ARP, as a VRRP master sends it.
  void Announce(const Descriptor& from, const route::Mac& mac, const Address& vip) {
    constexpr route::Mac kEverybody = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const ArpPacket announcement = {.operation = ArpPacket::Operation::kRequest,
                                    .sender_mac = mac,
                                    .sender = vip,
                                    .target_mac = {},
                                    .target = vip};
    ASSERT_EQ(SendFrame(from.get(), 2, ETH_P_ARP, kEverybody, BuildArp(announcement)), 0);
  }

  // How often the director has asked for the VIP since the last call.
  int QuestionsAt(const Descriptor& socket) {
    std::array<std::byte, 64> buffer;
    ReceivedPacket packet;
    int questions = 0;
    while (ReceivePacket(socket.get(), buffer, packet) == Received::kPacket) {
      const std::optional<ArpPacket> arp = ParseArp(packet.bytes);
      if (!arp || arp->target != kVip) continue;
      EXPECT_EQ(ToString(arp->sender), "192.168.1.1");
      EXPECT_EQ(arp->sender_mac, network_->MacOf("director"));
      ++questions;
    }
    return questions;
  }
};

TEST_F(ArpWatchTest, SilentServersHaveARowOfEachKind) {
  Watch();
  EXPECT_THAT(watch_->rows(), IsEmpty()) << "nothing is known before the first round is over";
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kFirst, kAnswers), Silent(kSecond, kAnswers),
                                          Silent(kFirst, kAnnounces), Silent(kSecond, kAnnounces)));
  EXPECT_EQ(changes_, 1);
  EXPECT_FALSE(watch_->fault().has_value());
}

TEST_F(ArpWatchTest, ServerWithArpIgnore0Answers) {
  network_->Set("first", "ipv4/conf/all/arp_ignore", "0");
  Watch();
  ASSERT_TRUE(UntilALeak());  // on a busy machine the first answer may miss its round
  const ArpLeak leak = {kVip, kFirst, "eth0", kAnswers, true, network_->MacOf("first")};
  EXPECT_THAT(watch_->rows(), ElementsAre(leak, Silent(kSecond, kAnswers),
                                          Silent(kFirst, kAnnounces), Silent(kSecond, kAnnounces)));
}

TEST_F(ArpWatchTest, ServerWithArpAnnounce0Announces) {
  network_->Set("second", "ipv4/conf/all/arp_announce", "0");
  Watch();
  ASSERT_TRUE(UntilARound());
  SendFromVip("second", kVip, Ip("192.168.1.99"));
  ASSERT_TRUE(UntilALeak());
  const ArpLeak leak = {kVip, kSecond, "eth0", kAnnounces, true, network_->MacOf("second")};
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kFirst, kAnswers), Silent(kSecond, kAnswers),
                                          Silent(kFirst, kAnnounces), leak));
}

TEST_F(ArpWatchTest, LeakEndsAfterThreeCleanRounds) {
  network_->Set("first", "ipv4/conf/all/arp_ignore", "0");
  Watch();
  ASSERT_TRUE(UntilALeak());
  const int seen = changes_;
  network_->Set("first", "ipv4/conf/all/arp_ignore", "1");
  ASSERT_TRUE(Until([this] { return !watch_->rows().front().leaking; }));
  EXPECT_EQ(changes_, seen + 1) << "once when it was over";
}

TEST_F(ArpWatchTest, StrangerIsALeakWhereTheDirectorHoldsTheVip) {
  network_->Ip("director", "addr add 192.168.1.100/32 dev eth0");
  network_->Ip("stranger", "addr add 192.168.1.100/32 dev eth0");
  Watch();
  ASSERT_TRUE(UntilALeak());
  const ArpLeak leak = {kVip, {}, "eth0", kAnswers, true, network_->MacOf("stranger")};
  EXPECT_THAT(watch_->rows(), ::testing::Contains(leak));
  EXPECT_THAT(watch_->rows(), SizeIs(5));
}

TEST_F(ArpWatchTest, StrangerIsTheActiveDirectorWhereThisOneIsStandby) {
  network_->Ip("stranger", "addr add 192.168.1.100/32 dev eth0");
  Watch();
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), SizeIs(4));
  EXPECT_FALSE(watch_->rows().front().leaking);
}

// What the active director answered to the standby must not be held against it afterwards.
TEST_F(ArpWatchTest, TakeoverIsNoLeak) {
  network_->Ip("stranger", "addr add 192.168.1.100/32 dev eth0");
  Watch();
  ASSERT_TRUE(UntilARound());
  network_->Ip("stranger", "addr del 192.168.1.100/32 dev eth0");
  network_->Ip("director", "addr add 192.168.1.100/32 dev eth0");
  const Descriptor first = SocketOn("first", ETH_P_ARP);
  int questions = 0;
  EXPECT_TRUE(Until([&] {
    questions += QuestionsAt(first);
    return questions >= 3;  // two rounds are over
  }));
  EXPECT_THAT(watch_->rows(), SizeIs(4));
  EXPECT_EQ(changes_, 1) << "the first round and nothing since";
}

// The new master announces itself, while the last that we read of our addresses is a round old.
TEST_F(ArpWatchTest, LossOfTheVipIsNoLeak) {
  const Address other_vip = Ip("192.168.1.101");
  network_->Ip("director",
               "addr add 192.168.1.100/32 dev eth0\naddr add 192.168.1.101/32 dev eth0");
  interval_ = std::chrono::hours(1);
  watch_->Watch({{kVip, {kFirst}}, {other_vip, {kFirst}}}, {}, interval_);
  ASSERT_TRUE(UntilARound());
  network_->Ip("director", "addr del 192.168.1.100/32 dev eth0");
  const Descriptor stranger = SocketOn("stranger", ETH_P_ARP);
  Announce(stranger, network_->MacOf("stranger"), kVip);
  Announce(stranger, network_->MacOf("stranger"), other_vip);
  ASSERT_TRUE(UntilALeak()) << "the other address is still ours";
  EXPECT_THAT(watch_->rows(), SizeIs(5));
  EXPECT_THAT(watch_->rows(),
              ::testing::Contains(
                  ArpLeak{other_vip, {}, "eth0", kAnnounces, true, network_->MacOf("stranger")}));
}

// The new master is quicker than the daemon of this host that drops the address.
TEST_F(ArpWatchTest, LossOfTheVipRightAfterTheAnnouncementIsNoLeak) {
  const Address other_vip = Ip("192.168.1.101");
  network_->Ip("director",
               "addr add 192.168.1.100/32 dev eth0\naddr add 192.168.1.101/32 dev eth0");
  interval_ = std::chrono::hours(1);
  watch_->Watch({{kVip, {kFirst}}, {other_vip, {kFirst}}}, {}, interval_);
  ASSERT_TRUE(UntilARound());
  const Descriptor stranger = SocketOn("stranger", ETH_P_ARP);
  Announce(stranger, network_->MacOf("stranger"), kVip);
  loop_.restart();
  loop_.poll();  // heard
  network_->Ip("director", "addr del 192.168.1.100/32 dev eth0");
  Announce(stranger, network_->MacOf("stranger"), other_vip);
  ASSERT_TRUE(UntilALeak());
  EXPECT_THAT(watch_->rows(), SizeIs(5));
  EXPECT_THAT(watch_->rows(),
              ::testing::Contains(
                  ArpLeak{other_vip, {}, "eth0", kAnnounces, true, network_->MacOf("stranger")}));
}

TEST_F(ArpWatchTest, ConfiguredPeerIsNeverALeak) {
  network_->Ip("director", "addr add 192.168.1.100/32 dev eth0");
  network_->Ip("stranger", "addr add 192.168.1.100/32 dev eth0");
  peers_ = {network_->MacOf("stranger")};
  Watch();
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), SizeIs(4));
}

TEST_F(ArpWatchTest, VipIsNeverTheSenderOfOurQuestions) {
  const Descriptor first = SocketOn("first", ETH_P_ARP);
  network_->Ip("director",
               "addr del 192.168.1.1/24 dev eth0\naddr add 192.168.1.100/24 dev eth0\n"
               "addr add 192.168.1.1/24 dev eth0");
  Watch();
  ASSERT_TRUE(UntilARound());
  EXPECT_GT(QuestionsAt(first), 0) << "each is checked";
}

TEST_F(ArpWatchTest, FloodOfInventedMacsIsBounded) {
  network_->Ip("director", "addr add 192.168.1.100/32 dev eth0");
  Watch();
  ASSERT_TRUE(UntilARound());
  const Descriptor stranger = SocketOn("stranger", ETH_P_ARP);
  for (unsigned i = 0; i < 300; ++i) {
    const route::Mac mac = {
        2, 1, 1, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    Announce(stranger, mac, kVip);
  }
  ASSERT_TRUE(UntilALeak());
  EXPECT_THAT(watch_->rows(), SizeIs(5)) << "all strangers are one series";
}

TEST_F(ArpWatchTest, ServersBehindAGatewayAreNotWatched) {
  network_->Ip("director", "route add 10.0.0.0/8 via 192.168.1.2");
  watch_->Watch({{kVip, {Ip("10.0.0.1"), kFirst}}}, {}, interval_);
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kFirst, kAnswers), Silent(kFirst, kAnnounces)));
}

TEST_F(ArpWatchTest, NewSubjectsKeepWhatIsKnown) {
  Watch();
  ASSERT_TRUE(UntilARound());
  watch_->Watch({{kVip, {kSecond}}, {Ip("192.168.1.101"), {kSecond}}}, {}, interval_);
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kSecond, kAnswers), Silent(kSecond, kAnnounces)));
  ASSERT_TRUE(Until([this] { return watch_->rows().size() == 4; }));
}

TEST_F(ArpWatchTest, SameSubjectsAgainCostNothing) {
  Watch();
  ASSERT_TRUE(UntilARound());
  const ArpLeak* const rows = watch_->rows().data();
  Watch();
  EXPECT_EQ(watch_->rows().data(), rows) << "made anew";
  peers_ = {network_->MacOf("stranger")};
  Watch();
  EXPECT_NE(watch_->rows().data(), rows);
}

// Two subjects of one address, as two services make them, lose what neither has any more.
TEST_F(ArpWatchTest, SubjectsOfOneAddressAreOne) {
  watch_->Watch({{kVip, {kFirst}}, {kVip, {kSecond}}}, {}, interval_);
  ASSERT_TRUE(UntilARound());
  EXPECT_THAT(watch_->rows(), SizeIs(4));
  watch_->Watch({{kVip, {kSecond}}, {kVip, {kSecond}}}, {}, interval_);
  EXPECT_THAT(watch_->rows(), ElementsAre(Silent(kSecond, kAnswers), Silent(kSecond, kAnnounces)));
}

TEST_F(ArpWatchTest, OffIsEmpty) {
  Watch();
  ASSERT_TRUE(UntilARound());
  watch_->Watch({{kVip, {kFirst}}}, {}, Clock::duration::zero());
  EXPECT_THAT(watch_->rows(), IsEmpty());
  loop_.restart();
  loop_.run();  // ends: nothing waits any more
  Watch();
  EXPECT_TRUE(UntilARound());
}

TEST_F(ArpWatchTest, WithoutTheCapabilityThereIsAFaultAndNoRow) {
  fake::WithoutCapNetRaw([&] {
    Watch();
    EXPECT_TRUE(Until([this] { return watch_->fault().has_value(); }));
  });
  ASSERT_TRUE(watch_->fault().has_value());
  EXPECT_EQ(watch_->fault()->reason, Reason::kLocalPermission);
  EXPECT_THAT(watch_->rows(), IsEmpty()) << "could not look is not 0";
  EXPECT_EQ(changes_, 1);
  EXPECT_TRUE(UntilARound()) << "it goes on when it may";
  EXPECT_FALSE(watch_->fault().has_value());
}

TEST_F(ArpWatchTest, InterfaceThatWasDownIsWatchedAgain) {
  Watch();
  ASSERT_TRUE(UntilARound());
  network_->Ip("director", "link set eth0 down");
  ASSERT_TRUE(Until([this] { return watch_->rows().empty(); }));
  network_->Ip("director", "link set eth0 up");
  EXPECT_TRUE(UntilARound());
}

TEST_F(ArpWatchTest, WatchMayEndAtAnyMoment) {
  Watch();
  loop_.poll();
  watch_.reset();
  loop_.restart();
  loop_.run();
  EXPECT_EQ(changes_, 0);
}

TEST_F(ArpWatchTest, WatchMayEndInItsOwnCallback) {
  watch_.reset();
  watch_.emplace(loop_, routes_, [this] {
    ++changes_;
    watch_.reset();
  });
  Watch();
  EXPECT_TRUE(Until([this] { return changes_ > 0; }));
  loop_.restart();
  loop_.run();  // ends: nothing waits any more
}

// From one step to the next, as many as there are: asking, collecting, settling, between rounds.
TEST_F(ArpWatchTest, LoopMayGoAtAnyStep) {
  network_->Ip("director", "addr add 192.168.1.100/32 dev eth0");
  network_->Ip("stranger", "addr add 192.168.1.100/32 dev eth0");
  watch_.reset();
  for (int steps = 0; steps < 8; ++steps) {
    auto loop = std::make_unique<asio::io_context>(1);
    auto watch = std::make_unique<ArpWatch>(*loop, routes_, [] {});
    watch->Watch({{kVip, {kFirst, kSecond}}}, {}, interval_);
    for (int i = 0; i < steps; ++i) loop->run_one_for(milliseconds(200));
    watch.reset();
    loop.reset();
  }
}

}  // namespace
}  // namespace lvs::probes
