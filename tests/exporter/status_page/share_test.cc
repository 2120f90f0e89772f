#include "exporter/status_page/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lvs::status {
namespace {

using testing::ElementsAre;

ipvs::Service Weights(const std::string& scheduler) {
  return fake::Service("10.0.0.1:80/TCP")
      .Scheduler(scheduler)
      .With(fake::Backend("10.1.0.1:80").Weight(3).Counters({30, 0, 0, 0, 0}))
      .With(fake::Backend("10.1.0.2:80").Weight(1).Counters({60, 0, 0, 0, 0}))
      .With(fake::Backend("10.1.0.3:80").Weight(0).Counters({10, 0, 0, 0, 0}))
      .value();
}

TEST(StatusPageShare, WeightsPromiseTheirPart) {
  for (const char* scheduler : {"wrr", "wlc", "sed", "nq", "sh", "mh"}) {
    EXPECT_THAT(PromisedShares(Weights(scheduler)), ElementsAre(0.75, 0.25, 0.0)) << scheduler;
  }
}

TEST(StatusPageShare, SchedulersWithoutWeightsPromiseEvenParts) {
  for (const char* scheduler : {"rr", "lc", "dh"}) {
    EXPECT_THAT(PromisedShares(Weights(scheduler)), ElementsAre(0.5, 0.5, 0.0)) << scheduler;
  }
}

TEST(StatusPageShare, SchedulersThatFillOneAfterTheOtherPromiseNothing) {
  for (const char* scheduler : {"fo", "ovf", "none"}) {
    EXPECT_THAT(PromisedShares(Weights(scheduler)),
                ElementsAre(std::nullopt, std::nullopt, std::nullopt))
        << scheduler;
  }
}

TEST(StatusPageShare, NobodyWithWeightIsNoPromise) {
  ipvs::Service service = Weights("wrr");
  for (ipvs::Backend& backend : service.backends) backend.weight = 0;
  EXPECT_THAT(PromisedShares(service), ElementsAre(std::nullopt, std::nullopt, std::nullopt));
}

TEST(StatusPageShare, CountsWhatTheKernelCounted) {
  EXPECT_THAT(CountedShares(Weights("rr")), ElementsAre(0.3, 0.6, 0.1));
}

TEST(StatusPageShare, NoConnectionsAreNoShares) {
  ipvs::Service service = Weights("rr");
  for (ipvs::Backend& backend : service.backends) backend.counters.reset();
  EXPECT_THAT(CountedShares(service), ElementsAre(std::nullopt, std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace lvs::status
