#include "collectors/checker/arp_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

using fake::Ip;
using fake::KernelTable;
using fake::Tcp;

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

probes::ArpLeak LeakOf(const std::string& server, bool leaking) {
  probes::ArpLeak leak;
  leak.vip = Ip("192.168.1.111");
  leak.server = Ip(server);
  leak.interface = "eth0";
  leak.leaking = leaking;
  return leak;
}

std::vector<std::string> Told(const std::vector<Event>& events) {
  std::vector<std::string> told;
  for (const Event& event : events) {
    told.push_back(ToString(event.backend->address) + ": " + event.from + " to " + event.to + ' ' +
                   event.detail);
  }
  return told;
}

TEST(ArpEvents, TellWhatBeginsAndWhatEndsOnce) {
  ArpEvents events;
  const std::string kind(Name(probes::ArpLeak{}.kind));
  const auto changes = [&](std::vector<probes::ArpLeak> rows) {
    return Told(events.Changes(rows, kNow));
  };
  EXPECT_THAT(changes({LeakOf("192.168.1.102", false)}), testing::IsEmpty());
  const std::vector<probes::ArpLeak> both = {LeakOf("192.168.1.102", true),
                                             LeakOf("192.168.1.103", true)};
  EXPECT_THAT(changes(both), testing::ElementsAre("192.168.1.102: silent to " + kind + " on eth0",
                                                  "192.168.1.103: silent to " + kind + " on eth0"));
  EXPECT_THAT(changes(both), testing::IsEmpty());
  EXPECT_THAT(changes({LeakOf("192.168.1.103", false)}),
              testing::ElementsAre("192.168.1.102: " + kind + " to silent on eth0",
                                   "192.168.1.103: " + kind + " to silent on eth0"));
}

TEST(ArpSubjects, AreTheVipsOfServersThatHaveThemToo) {
  const KernelTable table = KernelTable()
                                .Service(Tcp("192.168.1.111", 80))
                                .Backend("192.168.1.103", 80)
                                .Backend("192.168.1.102", 80)
                                .Service(Tcp("192.168.1.111", 443))
                                .Backend("192.168.1.102", 443)
                                .Service(Tcp("192.168.1.112", 80))
                                .Backend("10.0.0.1", 80, 1, ipvs::ForwardMethod::kMasquerade);
  const auto plan = MakePlan(std::make_shared<const Configuration>(Configuration::Default()),
                             {&table.table(), true}, nullptr, {});
  const std::vector<probes::ArpWatch::Subject> subjects = ArpSubjects(*plan);
  ASSERT_EQ(subjects.size(), 1u);
  EXPECT_EQ(subjects[0].vip, Ip("192.168.1.111"));
  EXPECT_THAT(subjects[0].servers, testing::ElementsAre(Ip("192.168.1.102"), Ip("192.168.1.103")));
}

}  // namespace
}  // namespace lvs::checker
