#include "collectors/ipvs/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/fake_kernel.h"
#include "tests/support/recording_sink.h"

namespace lvs::ipvs {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class IpvsCollectorTest : public testing::Test {
 protected:
  Collection Collect() { return collector_.Collect(Clock::now() + std::chrono::seconds(10)); }

  fake::Kernel kernel_;
  Published<LatestReading> latest_;
  IpvsCollector collector_{std::make_unique<Reader>(kernel_.Connect(), kernel_.procfs_root()),
                           CollectorOptions{}, latest_};
};

TEST_F(IpvsCollectorTest, DrainedBackendKeepsItsCounters) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP")
                  .With(fake::Backend("10.1.0.1:80").Weight(0).Counters({5, 6, 7, 8, 9})));
  const Collection collection = Collect();
  EXPECT_THAT(Record(collection.families, "ipvs_backend_connections_total"),
              ElementsAre(EndsWith("} 5")));
  EXPECT_THAT(Record(collection.families, "ipvs_backend_weight"), ElementsAre(EndsWith("} 0")));
}

TEST_F(IpvsCollectorTest, ABackendKeepsItsLabelsWhenOthersComeBeforeIt) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80").Weight(3)));
  Collect();
  kernel_.Adds("10.0.0.1:80/TCP", fake::Backend("10.1.0.2:80").Weight(4));
  const Collection collection = Collect();
  EXPECT_THAT(Record(collection.families, "ipvs_backend_weight"),
              testing::UnorderedElementsAre(
                  HasSubstr("remote_address=\"10.1.0.1\",remote_port=\"80\"} 3"),
                  HasSubstr("remote_address=\"10.1.0.2\",remote_port=\"80\"} 4")));
}

TEST_F(IpvsCollectorTest, TheNextReadingComesSoonButCostsLittle) {
  using namespace std::chrono_literals;
  const IpvsCollector fresh(std::make_unique<Reader>(kernel_.Connect(), kernel_.procfs_root()),
                            CollectorOptions{.backend_labels = {}, .keep_fresh = true}, latest_);
  EXPECT_EQ(fresh.ReadAgainAfter(1ms), 1s);
  EXPECT_EQ(fresh.ReadAgainAfter(100ms), 5s);
  EXPECT_EQ(fresh.ReadAgainAfter(1h), 5min) << "it hung, which is no reason to wait for two days";
  EXPECT_EQ(collector_.ReadAgainAfter(1ms), std::nullopt);
}

TEST_F(IpvsCollectorTest, AReadingTellsWhenTheNextOneComes) {
  IpvsCollector fresh(std::make_unique<Reader>(kernel_.Connect(), kernel_.procfs_root()),
                      CollectorOptions{.backend_labels = {}, .keep_fresh = true}, latest_);
  fresh.Collect(Clock::now() + std::chrono::seconds(10));
  EXPECT_GE(latest_.Get()->next_after, std::chrono::seconds(1));
  Collect();
  EXPECT_EQ(latest_.Get()->next_after, Clock::duration::zero());
}

// A page that is still being written keeps its own snapshot.
TEST_F(IpvsCollectorTest, FamiliesOutliveTheNextReading) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80").Weight(3)));
  const Collection first = Collect();
  kernel_.Flushes();
  kernel_.Has(fake::Service("10.0.0.9:80/TCP"));
  const Collection second = Collect();
  EXPECT_THAT(Record(first.families, "ipvs_backend_weight"),
              ElementsAre(HasSubstr("local_address=\"10.0.0.1\"")));
  EXPECT_THAT(Record(second.families, "ipvs_backend_weight"), IsEmpty());
}

TEST_F(IpvsCollectorTest, WithoutTheCapabilityItSaysWhichFamiliesAreLost) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80")));
  kernel_.OnEveryRequest().FailsWith(EPERM);
  const Collection collection = Collect();
  ASSERT_TRUE(collection.error.has_value());
  EXPECT_THAT(collection.error->message, HasSubstr("CAP_NET_ADMIN"));
  EXPECT_THAT(collection.error->message, HasSubstr("ipvs_backend_connections_total"));
  EXPECT_THAT(collection.error->message, HasSubstr("ipvs_timeout_seconds"));
  EXPECT_THAT(collection.error->message, Not(HasSubstr("ipvs_backend_weight")));
  EXPECT_THAT(Record(collection.families, "ipvs_backend_weight"), SizeIs(1));
  EXPECT_THAT(Record(collection.families, "ipvs_up"), ElementsAre("{} 0"));
}

constexpr char kLost[] =
    "; missing are ipvs_timeout_seconds, ipvs_sync_daemon_running, ipvs_sync_receive_drops_total, "
    "ipvs_service_persistence_timeout_seconds, ipvs_service_connections_total, "
    "ipvs_service_incoming_packets_total, ipvs_service_outgoing_packets_total, "
    "ipvs_service_incoming_bytes_total, ipvs_service_outgoing_bytes_total, "
    "ipvs_backend_persistence_templates, ipvs_backend_connections_total, "
    "ipvs_backend_incoming_packets_total, ipvs_backend_outgoing_packets_total, "
    "ipvs_backend_incoming_bytes_total, ipvs_backend_outgoing_bytes_total, "
    "ipvs_backend_upper_threshold_connections, ipvs_backend_lower_threshold_connections";

TEST_F(IpvsCollectorTest, LostFamiliesDoNotDependOnWhatIsInTheTable) {
  kernel_.OnEveryRequest().FailsWith(EPERM);
  EXPECT_THAT(Collect().error->message, EndsWith(kLost));
  kernel_.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80")));
  EXPECT_THAT(Collect().error->message, EndsWith(kLost));
}

TEST_F(IpvsCollectorTest, FamiliesOfSingleBackendsAreNotLostWhereTheyAreNotWanted) {
  kernel_.OnEveryRequest().FailsWith(EPERM);
  IpvsCollector summing(std::make_unique<Reader>(kernel_.Connect(), kernel_.procfs_root()),
                        CollectorOptions{.backend_labels = BackendLabelSet{}}, latest_);
  const Collection collection = summing.Collect(Clock::now() + std::chrono::seconds(10));
  EXPECT_THAT(collection.error->message, EndsWith("ipvs_backend_outgoing_bytes_total"));
}

TEST_F(IpvsCollectorTest, NothingIsCalledLostWhenTheFileCannotBeReadEither) {
  kernel_.OnEveryRequest().FailsWith(EPERM);
  kernel_.procfs().Write("net/ip_vs", "nonsense\n");
  EXPECT_THAT(Collect().error->message, Not(HasSubstr("missing are")));
}

TEST_F(IpvsCollectorTest, StopEndsItsReadings) {
  collector_.Stop();
  const Collection collection = Collect();
  ASSERT_TRUE(collection.error.has_value());
  EXPECT_EQ(collection.error->message, "ipvs: dump services: the exporter is stopping");
}

TEST_F(IpvsCollectorTest, FailureBesideTheServicesIsAnErrorOfATableThatIsUp) {
  kernel_.OnRequest(3).FailsWith(ENOMEM);
  const Collection collection = Collect();
  EXPECT_TRUE(collection.error.has_value());
  EXPECT_THAT(Record(collection.families, "ipvs_up"), ElementsAre("{} 1"));
  EXPECT_TRUE(latest_.Get()->up);
}

TEST_F(IpvsCollectorTest, PublishesTheLastTableAndHowTheLastReadingWent) {
  EXPECT_EQ(latest_.Get(), nullptr);
  kernel_.UnloadsModule();
  Collect();
  EXPECT_EQ(latest_.Get()->table, nullptr);
  EXPECT_FALSE(latest_.Get()->was_up);
  kernel_.LoadsModule();
  kernel_.Has(fake::Service("10.0.0.1:80/TCP"));
  Collect();
  EXPECT_THAT(latest_.Get()->table->services, SizeIs(1));
  EXPECT_FALSE(latest_.Get()->error.has_value());
  EXPECT_TRUE(latest_.Get()->up);
  kernel_.OnEveryRequest().IsSilent();
  Collect();
  EXPECT_THAT(latest_.Get()->table->services, SizeIs(1));
  ASSERT_TRUE(latest_.Get()->error.has_value());
  EXPECT_THAT(latest_.Get()->error->message, StartsWith("ipvs: "));
  EXPECT_FALSE(latest_.Get()->up);
  EXPECT_TRUE(latest_.Get()->was_up);
}

}  // namespace
}  // namespace lvs::ipvs
