#include "collectors/checker/kin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

using fake::KernelTable;
using fake::Tcp;

// What the default probes make of a table.
std::shared_ptr<const Plan> PlanOf(const KernelTable& table) {
  return MakePlan(std::make_shared<const Configuration>(Configuration::Default()),
                  {&table.table(), true}, nullptr, {});
}

std::vector<std::string> KinOf(const Plan& plan, const std::string& address, std::uint16_t port) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < plan.targets.size(); ++i) {
    const TargetKey& key = plan.targets[i].key;
    if (key.address != fake::Ip(address) || key.port != port) continue;
    for (const std::uint32_t kin : Kin(plan).Of(plan, i)) {
      names.push_back(ToString(plan.targets[kin].key));
    }
  }
  return names;
}

TEST(Kin, AreThoseOfTheServerAndOfItsServices) {
  const auto plan = PlanOf(KernelTable()
                               .Service(Tcp("192.168.1.111", 80))
                               .Backend("192.168.1.102", 80)
                               .Backend("192.168.1.103", 80)
                               .Service(Tcp("192.168.1.112", 443))
                               .Backend("192.168.1.102", 443)
                               .Backend("192.168.1.104", 443)
                               .Service(Tcp("192.168.1.113", 22))
                               .Backend("192.168.1.105", 22));
  EXPECT_THAT(KinOf(*plan, "192.168.1.102", 80),
              testing::UnorderedElementsAre("tcp 192.168.1.103:80", "tcp 192.168.1.102:443"));
  EXPECT_THAT(KinOf(*plan, "192.168.1.104", 443),
              testing::UnorderedElementsAre("tcp 192.168.1.102:443"));
  EXPECT_THAT(KinOf(*plan, "192.168.1.105", 22), testing::IsEmpty());
}

TEST(Kin, OfASharedTargetAreThoseOfAllServicesThatUseIt) {
  const auto plan = PlanOf(KernelTable()
                               .Service(Tcp("192.168.1.111", 80))
                               .Backend("192.168.1.102", 80)
                               .Backend("192.168.1.103", 80)
                               .Service(Tcp("192.168.1.112", 80))
                               .Backend("192.168.1.102", 80)
                               .Backend("192.168.1.104", 80));
  EXPECT_THAT(KinOf(*plan, "192.168.1.102", 80),
              testing::UnorderedElementsAre("tcp 192.168.1.103:80", "tcp 192.168.1.104:80"));
}

TEST(Kin, AreNoMoreThanTheLimits) {
  KernelTable table;
  table.Service(Tcp("192.168.1.111", 80));
  for (int i = 1; i <= 250; ++i) table.Backend("10.0.0." + std::to_string(i), 80);
  for (std::uint16_t port = 1000; port < 1250; ++port) {
    table.Service(Tcp("192.168.1.111", port)).Backend("10.0.0.1", port);
  }
  const auto plan = PlanOf(table);
  const std::size_t of_server = KinOf(*plan, "10.0.0.1", 1100).size();
  EXPECT_GT(of_server, Kin::kMostOfServer / 2);
  EXPECT_LE(of_server, Kin::kMostOfServer);
  const std::size_t of_service = KinOf(*plan, "10.0.0.200", 80).size();
  EXPECT_GT(of_service, Kin::kMostOfServices / 2);
  EXPECT_LE(of_service, Kin::kMostOfServices);
}

}  // namespace
}  // namespace lvs::checker
