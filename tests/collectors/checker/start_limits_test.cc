#include "collectors/checker/start_limits.h"

#include <gtest/gtest.h>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

FittingLimits For(const Limits& limits, std::size_t descriptors) {
  Configuration configuration = Configuration::Default();
  configuration.limits = limits;
  const auto table = fake::KernelTable()
                         .Service(fake::Tcp("192.168.1.111", 80))
                         .Backend("192.168.1.102", 80)
                         .Backend("192.168.1.103", 80);
  const auto plan = MakePlan(std::make_shared<const Configuration>(configuration),
                             {&table.table(), true}, nullptr, {});
  return LimitsFor(*plan, descriptors);
}

TEST(StartLimits, ByThemselvesAreWhatFits) {
  EXPECT_EQ(For({}, 1000).limits.max_in_flight, 2u) << "all targets";
  EXPECT_EQ(For({}, 1).limits.max_in_flight, 1u);
  EXPECT_EQ(For({}, 1).note, "");
  EXPECT_EQ(For({}, 1000).limits.max_rate, 100);
}

TEST(StartLimits, OfTheConfigurationHold) {
  Limits limits;
  limits.max_in_flight = 50;
  limits.max_start_rate = 7;
  EXPECT_EQ(For(limits, 1000).limits.max_in_flight, 50u);
  EXPECT_EQ(For(limits, 1000).limits.max_rate, 7);
  EXPECT_EQ(For(limits, 1000).note, "");
}

// The runs beyond it ended as local_fd_limit, and the pages found no descriptor either.
TEST(StartLimits, OfTheConfigurationDoNotExceedTheDescriptorsAndSaySo) {
  Limits limits;
  limits.max_in_flight = 5000;
  EXPECT_EQ(For(limits, 896).limits.max_in_flight, 896u);
  EXPECT_EQ(For(limits, 896).note,
            "limits.max_in_flight is 5000, but the limit on open files (RLIMIT_NOFILE) leaves 896 "
            "for probes");
}

TEST(StartLimits, LeaveDescriptorsForOthers) { EXPECT_GE(DescriptorsForProbes(), 1u); }

}  // namespace
}  // namespace lvs::checker
