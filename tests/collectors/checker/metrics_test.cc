#include "collectors/checker/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/checker/ledger.h"
#include "tests/support/checker_world.h"
#include "tests/support/recording_sink.h"

namespace lvs::checker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

Families FamiliesOf(bool table_known) {
  const fake::KernelTable table =
      fake::KernelTable().Service(fake::Tcp("192.168.1.111", 80)).Backend("192.168.1.102", 80);
  constexpr Clock::time_point kNow{std::chrono::seconds(1000)};
  Ledger ledger({});
  ledger.Adopt(MakePlan(std::make_shared<const Configuration>(Configuration::Default()),
                        {&table.table(), table_known}, nullptr, kNow),
               {kNow, {}});
  ledger.Finish(0, fake::Success(), {kNow, {}});
  return RenderSnapshot(std::make_shared<const Snapshot>(ledger.Take({kNow, {}})));
}

// The numbers of ipvs_service_backends went on as they were before the module was unloaded.
TEST(CheckerMetrics, WhileTheTableIsNotKnownNothingIsSaidOfWhoIsInIt) {
  const Families known = FamiliesOf(true);
  const Families unknown = FamiliesOf(false);
  for (const char* name :
       {"ipvs_service_backends", "ipvs_backend_in_table", "ipvs_backend_disagreement"}) {
    EXPECT_THAT(Record(known, name), testing::Not(IsEmpty())) << name;
    EXPECT_THAT(Record(unknown, name), IsEmpty()) << name;
  }
  for (const char* name : {"ipvs_backend_up", "ipvs_service_state"}) {
    EXPECT_THAT(Record(unknown, name), SizeIs(Record(known, name).size())) << name;
  }
}

}  // namespace
}  // namespace lvs::checker
