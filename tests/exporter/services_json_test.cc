#include "exporter/services_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "collectors/checker/ledger.h"
#include "tests/support/checker_world.h"

namespace lvs {
namespace {

using fake::KernelTable;
using fake::Tcp;
using nlohmann::json;
using testing::ElementsAre;

const ipvs::ServiceKey kService = Tcp("192.168.1.111", 80);

// What the checker and the last reading of the table know, each of its own moment.
class ServicesJsonTest : public testing::Test {
 protected:
  // The checker adopts one table after the other; every server answers.
  void Checks(const KernelTable& table, bool is_known = true) {
    ledger_.Adopt(
        checker::MakePlan(configuration_, {&table.table(), is_known}, ledger_.plan().get(), kNow),
        {kNow, {}});
    for (std::uint32_t i = 0; i < ledger_.plan()->targets.size(); ++i) {
      ledger_.Finish(i, fake::Success(), {kNow, {}});
    }
  }
  json Services(const KernelTable& table) {
    ipvs::LatestReading latest;
    latest.table = table.Share();
    latest.up = latest.current = true;
    const checker::Snapshot snapshot = ledger_.Take({kNow, {}});
    return json::parse(ServicesAsJson(latest, &snapshot, nullptr))["services"];
  }
  // "192.168.1.102 in", "192.168.1.103 out healthy_absent".
  static std::vector<std::string> Backends(const json& service) {
    std::vector<std::string> texts;
    for (const json& backend : service["backends"]) {
      std::string text = backend["remote_address"];
      text += !backend.contains("in_table") ? " unknown" : backend["in_table"] ? " in" : " out";
      if (backend["health"].contains("disagreement")) {
        text += " " + std::string(backend["health"]["disagreement"]);
      }
      texts.push_back(text);
    }
    return texts;
  }

  static constexpr Clock::time_point kNow{std::chrono::seconds(1000)};
  const std::shared_ptr<const checker::Configuration> configuration_ =
      std::make_shared<const checker::Configuration>(checker::Configuration::Default());
  checker::Ledger ledger_{{}};
};

KernelTable One() { return KernelTable().Service(kService).Backend("192.168.1.102", 80); }
KernelTable Both() { return One().Backend("192.168.1.103", 80); }

// It was in neither list for a moment.
TEST_F(ServicesJsonTest, ABackendThatHasJustLeftTheTableIsStillListed) {
  Checks(Both());
  EXPECT_THAT(Backends(Services(One())[0]),
              ElementsAre("192.168.1.102 in", "192.168.1.103 out healthy_absent"));
}

// It was in both.
TEST_F(ServicesJsonTest, ABackendThatHasJustComeBackIsListedOnce) {
  Checks(Both());
  Checks(One());
  EXPECT_THAT(Backends(Services(Both())[0]), ElementsAre("192.168.1.102 in", "192.168.1.103 in"));
}

TEST_F(ServicesJsonTest, AServiceThatHasJustLeftTheTableIsListedOnce) {
  Checks(One());
  const json services = Services(KernelTable());
  ASSERT_EQ(services.size(), 1u);
  EXPECT_EQ(services[0]["in_table"], false);
  EXPECT_THAT(Backends(services[0]), ElementsAre("192.168.1.102 out healthy_absent"));
}

TEST_F(ServicesJsonTest, DisagreementIsWithTheTableThatIsShown) {
  Checks(One());
  EXPECT_THAT(
      Backends(Services(KernelTable().Service(kService).Backend("192.168.1.102", 80, 0))[0]),
      ElementsAre("192.168.1.102 in healthy_weight0"));
}

// The last table was told as the one of now.
TEST_F(ServicesJsonTest, WhileTheTableIsNotKnownNothingIsSaidOfWhoIsInIt) {
  Checks(Both());
  Checks(One());
  Checks(One(), false);
  const json services = Services(One());
  EXPECT_FALSE(services[0].contains("in_table"));
  EXPECT_THAT(Backends(services[0]), ElementsAre("192.168.1.102 unknown", "192.168.1.103 unknown"));
  ipvs::LatestReading latest;
  latest.table = One().Share();
  const checker::Snapshot snapshot = ledger_.Take({kNow, {}});
  for (const json& group : json::parse(BackendsForDiscovery(latest, &snapshot))) {
    EXPECT_FALSE(group["labels"].contains("__meta_ipvs_in_table"));
  }
}

}  // namespace
}  // namespace lvs
