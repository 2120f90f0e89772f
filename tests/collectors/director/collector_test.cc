#include "collectors/director/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <map>
#include <utility>

#include "tests/support/fake_procfs.h"
#include "tests/support/network_namespaces.h"
#include "tests/support/recording_sink.h"

namespace lvs::director {
namespace {

using namespace std::chrono_literals;
using fake::Ip;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Carries, WhatIsLocalUnlessVrrpSaysNo) {
  Snapshot snapshot;
  snapshot.vips = {{Ip("10.0.0.1"), {"lo"}, false, true}, {Ip("10.0.0.2"), {"eth0"}, true, true}};
  snapshot.conclusion = {Role::kBackup, Evidence::kVrrp};
  EXPECT_FALSE(Carries(snapshot, Ip("10.0.0.1"))) << "a standby that is a real server, too";
  EXPECT_TRUE(Carries(snapshot, Ip("10.0.0.2"))) << "it answers ARP for it, whatever VRRP says";
  snapshot.conclusion = {Role::kMaster, Evidence::kVrrp};
  EXPECT_TRUE(Carries(snapshot, Ip("10.0.0.1")));
  snapshot.conclusion = {Role::kBackup, Evidence::kVip};
  EXPECT_TRUE(Carries(snapshot, Ip("10.0.0.1")));
}

// A director in a namespace of its own, without keepalived.
class DirectorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = fake::NetworkNamespaces::Make({"director"});
    if (!made.ok()) GTEST_SKIP() << made.error().message;
    network_ = std::move(made.value());
    network_->Ip("director", "addr add 192.168.1.1/24 dev eth0 nodad");
    Configure({});
  }
  void Configure(Configuration configuration) {
    if (configuration.keepalived.pid_file == KeepalivedSettings().pid_file) {
      configuration.keepalived.pid_file = procfs_.root() + "/keepalived.pid";
    }
    configuration_.Set(std::make_shared<const Configuration>(std::move(configuration)));
  }
  // A pair, on which keepalived runs and is asked by its pipe and its file.
  void RunKeepalived(std::map<std::string, unsigned> instances) {
    Configuration configuration{.directors = 2};
    configuration.keepalived.pid_file = procfs_.root() + "/keepalived.pid";
    configuration.keepalived.notify_fifo = procfs_.root() + "/vrrp.fifo";
    configuration.keepalived.json_file = procfs_.root() + "/keepalived.json";
    configuration.keepalived.instances = std::move(instances);
    procfs_.Write("keepalived.pid", "705\n");
    procfs_.Write("705/comm", "keepalived\n");
    Configure(std::move(configuration));
  }
  Collection Collect() {
    return network_->On("director", [this] {
      if (!collector_) {
        collector_.emplace(DirectorSources{.procfs = procfs_.root(),
                                           .configuration = configuration_,
                                           .table = table_,
                                           .vips = [this] { return vips_; }},
                           published_);
      }
      Collection collection = collector_->Collect(Clock::now() + 5s);
      EXPECT_FALSE(collection.error) << collection.error->message;
      return collection;
    });
  }
  std::vector<std::string> Samples(std::string_view name) {
    return Record(Collect().families, name);
  }

  std::unique_ptr<fake::NetworkNamespaces> network_;
  fake::Procfs procfs_;
  Published<Configuration> configuration_;
  Published<ipvs::LatestReading> table_;
  Published<Snapshot> published_;
  std::set<Address> vips_ = {Ip("10.0.0.1"), Ip("2001:db8::1")};
  std::optional<DirectorCollector> collector_;
};

TEST_F(DirectorTest, SaysWhereVipsAreBound) {
  network_->Ip("director", "addr add 10.0.0.1/32 dev eth0\naddr add 10.0.0.1/32 dev lo");
  EXPECT_THAT(Samples("ipvs_vip_bound"), ElementsAre("{address=\"10.0.0.1\",interface=\"lo\"} 1",
                                                     "{address=\"10.0.0.1\",interface=\"eth0\"} 1",
                                                     "{address=\"2001:db8::1\",interface=\"\"} 0"));
}

TEST_F(DirectorTest, SaysWhichVipsOthersAreAnsweredFor) {
  network_->Ip("director", "addr add 10.0.0.1/32 dev lo\naddr add 2001:db8::1/128 dev eth0 nodad");
  EXPECT_THAT(Samples("ipvs_vip_on_network_card"),
              ElementsAre("{address=\"10.0.0.1\"} 0", "{address=\"2001:db8::1\"} 1"));
}

TEST_F(DirectorTest, LooksForVipsOfTheConfiguration) {
  vips_.clear();
  Configuration configuration;
  configuration.vips = {Ip("10.0.0.9")};
  Configure(configuration);
  EXPECT_THAT(Samples("ipvs_vip_bound"), ElementsAre("{address=\"10.0.0.9\",interface=\"\"} 0"));
}

TEST_F(DirectorTest, ASingleOneIsMasterAndNeedsNoDaemon) {
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"master\"} 1"));
  EXPECT_THAT(Samples("ipvs_director_role_evidence"), Contains("{evidence=\"alone\"} 1"));
  EXPECT_THAT(Samples("ipvs_directors_expected"), ElementsAre("{} 1"));
  EXPECT_THAT(Samples("ipvs_sync_daemon_expected"),
              ElementsAre("{role=\"master\"} 0", "{role=\"backup\"} 0"));
  EXPECT_THAT(Samples("ipvs_keepalived_up"), IsEmpty());
  EXPECT_THAT(Samples("ipvs_vrrp_state"), IsEmpty());
}

TEST_F(DirectorTest, OneOfAPairFollowsItsVips) {
  Configure({.directors = 2});
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"backup\"} 1"));
  EXPECT_THAT(Samples("ipvs_sync_daemon_expected"),
              ElementsAre("{role=\"master\"} 0", "{role=\"backup\"} 1"));
  network_->Ip("director", "addr add 10.0.0.1/32 dev eth0");
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"master\"} 1"));
  EXPECT_THAT(Samples("ipvs_sync_daemon_expected"),
              ElementsAre("{role=\"master\"} 1", "{role=\"backup\"} 0"));
}

TEST_F(DirectorTest, ADaemonThatIsNotWantedIsNotExpected) {
  Configuration configuration{.directors = 2};
  configuration.sync_daemon = false;
  Configure(configuration);
  EXPECT_THAT(Samples("ipvs_sync_daemon_expected"),
              ElementsAre("{role=\"master\"} 0", "{role=\"backup\"} 0"));
}

TEST_F(DirectorTest, WithDeadKeepalivedTheVipsItLeftBehindDecide) {
  Configuration configuration{.directors = 2};
  configuration.keepalived.expected = true;
  configuration.keepalived.instances = {{"VI_1", 51}};
  Configure(configuration);
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"unknown\"} 1"))
      << "it takes nothing over";
  network_->Ip("director", "addr add 10.0.0.1/32 dev eth0");
  EXPECT_THAT(Samples("ipvs_keepalived_up"), ElementsAre("{} 0"));
  EXPECT_THAT(Samples("ipvs_vrrp_state"), ElementsAre("{vrrp_instance=\"VI_1\",vrid=\"51\"} 0"));
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"master\"} 1"))
      << "the VIP that a killed keepalived has left behind is still answered";
}

// keepalived's daemon follows one of the two instances.
TEST_F(DirectorTest, OfOneThatSharesTheWorkNoDaemonIsExpected) {
  RunKeepalived({});
  procfs_.Write("keepalived.json", R"([{"data":{"iname":"VI_1","vrid":51,"state":2}},)"
                                   R"({"data":{"iname":"VI_2","vrid":52,"state":1}}])");
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"master\"} 1"));
  EXPECT_THAT(Samples("ipvs_sync_daemon_expected"),
              ElementsAre("{role=\"master\"} 0", "{role=\"backup\"} 0"));
}

// The pipe has told of one instance of two since the exporter was started.
TEST_F(DirectorTest, WhereVrrpIsNotKnownWholeAVipOnANetworkCardDecides) {
  RunKeepalived({{"VI_1", 51}, {"VI_2", 52}});
  Collect();
  std::ofstream(procfs_.root() + "/vrrp.fifo") << "INSTANCE \"VI_2\" BACKUP 100\n" << std::flush;
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"backup\"} 1"));
  network_->Ip("director", "addr add 10.0.0.1/32 dev eth0");
  EXPECT_THAT(Samples("ipvs_director_role"), Contains("{role=\"master\"} 1"));
  EXPECT_THAT(Samples("ipvs_director_role_evidence"), Contains("{evidence=\"vip\"} 1"));
}

TEST_F(DirectorTest, PublishesWhatItTells) {
  Collect();
  const auto snapshot = published_.Get();
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->conclusion.role, Role::kMaster);
  ASSERT_TRUE(snapshot->vips);
  EXPECT_EQ(snapshot->vips->size(), 2u);
  EXPECT_EQ(snapshot->vips->front().is_local, false);
}

}  // namespace
}  // namespace lvs::director
