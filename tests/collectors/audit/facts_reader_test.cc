#include "collectors/audit/facts_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/audit_world.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/network_namespaces.h"

namespace lvs::audit {
namespace {

using fake::Host;
using fake::Ip;
using testing::Contains;

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
