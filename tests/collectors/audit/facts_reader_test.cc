#include "collectors/audit/facts_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/support/audit_world.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/network_namespaces.h"

namespace lvs::audit {
namespace {

using fake::Host;
using fake::Ip;
using testing::Contains;
using testing::ElementsAre;

TEST(KernelVersion, IsTheFirstTwoNumbers) {
  EXPECT_EQ(ParseKernelVersion("6.1.0-18-amd64"), (std::pair{6, 1}));
  EXPECT_EQ(ParseKernelVersion("5.10"), (std::pair{5, 10}));
  for (const char* const release : {"", "6", "6.", "x.1", "6-1"}) {
    EXPECT_EQ(ParseKernelVersion(release), std::nullopt) << release;
  }
}

TEST(NetworkSettings, TheGreaterOfAllAndTheInterfaceHolds) {
  fake::Procfs procfs;
  procfs.Write("sys/net/ipv4/conf/all/arp_ignore", "1\n");
  procfs.Write("sys/net/ipv4/conf/eth0/arp_ignore", "0\n");
  procfs.Write("sys/net/ipv4/conf/eth1/arp_ignore", "2\n");
  procfs.Write("sys/net/ipv4/conf/eth2/arp_ignore", "off\n");
  const route::NetworkSettings settings(procfs.root());
  EXPECT_EQ(settings.Effective("arp_ignore", "eth0").value(), 1);
  EXPECT_EQ(settings.Effective("arp_ignore", "eth1").value(), 2);
  EXPECT_EQ(settings.Effective("arp_ignore", "eth2").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(settings.Effective("arp_ignore", "eth3").error().code, ErrorCode::kNotFound);
}

TEST(AddressesToLookUp, VipsComeBeforeServersAndOwnOnesAreKnown) {
  const auto facts = Host()
                         .Service("10.0.0.2:80/TCP")
                         .Backend("10.0.0.1:80", ipvs::ForwardMethod::kMasquerade)
                         .Backend("10.1.0.2:80")
                         .Service("10.0.0.2:443/TCP")
                         .Service("10.0.0.4:80/TCP")
                         .MarkService(10)
                         .Rules(fake::Marks(10).To("10.0.0.3"))
                         .Local("10.0.0.4")
                         .facts();
  EXPECT_THAT(AddressesToLookUp(facts),
              ElementsAre(Ip("10.0.0.2"), Ip("10.0.0.3"), Ip("10.0.0.1")));
}

// Ways to addresses, of which two are asked about in a look.
class WaysTest : public testing::Test {
 protected:
  // Which addresses it asks about.
  std::vector<Address> Look(const std::vector<Address>& wanted) {
    std::vector<Address> asked;
    ways_.Update(wanted, 2, [&](const Address& address) {
      asked.push_back(address);
      return Way{false, ++answers_};
    });
    return asked;
  }

  const Address a_ = Ip("10.0.0.1");
  const Address b_ = Ip("10.0.0.2");
  const Address c_ = Ip("10.0.0.3");
  Ways ways_;
  int answers_ = 0;
};

TEST_F(WaysTest, AsksTheFirstThenThoseOfTheLongestAgo) {
  EXPECT_THAT(Look({c_, a_, b_}), ElementsAre(c_, a_));
  EXPECT_THAT(Look({c_, a_, b_}), ElementsAre(b_, c_));
  EXPECT_THAT(Look({c_, a_, b_}), ElementsAre(a_, c_)) << "b and c are equal, and c comes first";
  EXPECT_THAT(Look({c_, a_, b_}), ElementsAre(b_, c_));
}

TEST_F(WaysTest, AsksWhatIsNewBeforeWhatIsKnown) {
  Look({a_, b_});
  EXPECT_THAT(Look({a_, b_, c_}), ElementsAre(c_, a_));
}

TEST_F(WaysTest, KeepsWhatItDoesNotAskAgain) {
  Look({a_, b_, c_});
  Look({a_, b_, c_});
  const std::map<Address, Way> known = ways_.known();
  ASSERT_EQ(known.size(), 3u);
  EXPECT_EQ(known.at(b_).out, 2) << "the answer of the first look";
  EXPECT_EQ(known.at(a_).out, 4);
}

TEST_F(WaysTest, DoesNotKnowWhatItNeverAsked) {
  Look({a_, b_, c_});
  EXPECT_FALSE(ways_.known().contains(c_));
}

TEST_F(WaysTest, ForgetsWhatIsNotWanted) {
  Look({a_, b_});
  Look({a_});
  EXPECT_FALSE(ways_.known().contains(b_));
}

// A real host: a director in a namespace of its own.
class FactsReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = fake::NetworkNamespaces::Make({"director"});
    if (!made.ok()) GTEST_SKIP() << made.error().message;
    network_ = std::move(made.value());
    network_->Ip("director", "addr add 192.168.1.1/24 dev eth0 nodad");
  }
  Facts Read(const Host& host) {
    return network_->On("director", [&] {
      FactsReader reader("/proc");
      std::optional<Error> error;
      const Facts facts = host.facts();
      return reader.Read(facts.table, facts.director, error);
    });
  }

  std::unique_ptr<fake::NetworkNamespaces> network_;
};

TEST_F(FactsReaderTest, KnowsWhatIsDeliveredHere) {
  network_->Ip("director", "addr add 10.0.0.1/32 dev lo\nroute add local 10.5.0.0/16 dev lo");
  const Facts facts = Read(Host()
                               .Service("10.0.0.1:80/TCP")
                               .Backend("192.168.1.102:80")
                               .Service("10.5.0.1:80/TCP")
                               .Service("10.6.0.1:80/TCP"));
  EXPECT_THAT(facts.is_local, Contains(std::pair(Ip("10.0.0.1"), true)));
  EXPECT_THAT(facts.is_local, Contains(std::pair(Ip("10.5.0.1"), true)));
  EXPECT_THAT(facts.is_local, Contains(std::pair(Ip("10.6.0.1"), false)));
  EXPECT_THAT(facts.is_local, Contains(std::pair(Ip("192.168.1.1"), true)));
}

TEST_F(FactsReaderTest, KnowsTheWayToMasqueradedServers) {
  const Facts facts = Read(Host()
                               .Service("10.0.0.1:80/TCP")
                               .Backend("192.168.1.102:80", ipvs::ForwardMethod::kMasquerade)
                               .Backend("10.6.0.1:80", ipvs::ForwardMethod::kMasquerade));
  EXPECT_TRUE(facts.way_out.contains(Ip("192.168.1.102")));
  EXPECT_THAT(facts.is_local, Contains(std::pair(Ip("10.6.0.1"), false)));
  EXPECT_FALSE(facts.way_out.contains(Ip("10.6.0.1"))) << "there is no route";
}

TEST_F(FactsReaderTest, KnowsTheInterfacesAndWhatHoldsOnThem) {
  network_->Set("director", "ipv4/conf/all/arp_ignore", "1");
  network_->Set("director", "ipv4/conf/eth0/arp_announce", "2");
  const Facts facts = Read(Host());
  ASSERT_TRUE(facts.interfaces);
  const auto find = [&](const std::string& name) {
    return std::ranges::find(*facts.interfaces, name, &HostInterface::name);
  };
  ASSERT_NE(find("eth0"), facts.interfaces->end());
  EXPECT_FALSE(find("eth0")->is_silent);
  EXPECT_EQ(find("eth0")->arp_ignore, 1);
  EXPECT_EQ(find("eth0")->arp_announce, 2);
  EXPECT_THAT(find("eth0")->addresses, Contains(Ip("192.168.1.1")));
  EXPECT_TRUE(find("lo")->is_silent);
}

TEST_F(FactsReaderTest, KnowsForwarding) {
  network_->Set("director", "ipv4/ip_forward", "1");
  const Facts facts = Read(Host());
  EXPECT_EQ(facts.forwarding[Position(AddressFamily::kIpv4)], 1);
  EXPECT_TRUE(facts.kernel);
}

}  // namespace
}  // namespace lvs::audit
