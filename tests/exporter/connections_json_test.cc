#include "exporter/connections_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "exporter/services_json.h"
#include "tests/support/sessions.h"

namespace lvs {
namespace {

using Json = nlohmann::ordered_json;

Json Services(const connections::Snapshot* snapshot) {
  ipvs::LatestReading latest;
  latest.table = TableWithSessions();
  latest.up = true;
  return Json::parse(ServicesAsJson(latest, nullptr, snapshot));
}

TEST(ConnectionsJson, TellsOfTheWholeTable) {
  const connections::Snapshot snapshot = SessionsOfAll();
  const Json table = Services(&snapshot)["connection_table"];
  EXPECT_EQ(table["error"], nullptr);
  EXPECT_EQ(table["scanned_at"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(table["rows"], 9);
  EXPECT_EQ(table["truncated"], false);
  EXPECT_EQ(table["coverage_ratio"], 1);
  EXPECT_EQ(table["connections"], 4);
  EXPECT_EQ(table["orphan_connections"], 0);
  EXPECT_EQ(table["persistence_templates"]["ppc"], 4);
  EXPECT_EQ(table["persistence_templates"]["orphan"], 1);
}

TEST(ConnectionsJson, TellsOfEachServiceAndBackend) {
  const connections::Snapshot snapshot = SessionsOfAll();
  const Json services = Services(&snapshot)["services"];
  ASSERT_EQ(services.size(), 2U);
  const Json& plain = services[0];
  const Json& persistent = services[1];
  EXPECT_EQ(plain["connection_states"], (Json{{"ESTABLISHED", 1}}));
  EXPECT_FALSE(plain.contains("persistence_templates"));
  EXPECT_EQ(persistent["connection_states"], (Json{{"ESTABLISHED", 2}, {"FIN_WAIT", 1}}));
  const Json& templates = persistent["persistence_templates"];
  EXPECT_EQ(templates["types"], (Json{{"ppc", 4}, {"orphan", 1}}));
  EXPECT_EQ(templates["on_drained_backends"], (Json{{"assured", 2}}));
  const Json remaining = Json::parse(
      R"([{"up_to_seconds": 15.0, "templates": 1},
          {"over_seconds": 30.0, "up_to_seconds": 60.0, "templates": 1},
          {"over_seconds": 60.0, "up_to_seconds": 120.0, "templates": 1},
          {"over_seconds": 180.0, "up_to_seconds": 300.0, "templates": 1}])");
  EXPECT_EQ(templates["remaining"], remaining);
  EXPECT_EQ(persistent["backends"][1]["connection_states"], (Json{{"FIN_WAIT", 1}}));
}

TEST(ConnectionsJson, SaysThatItIsAnEstimate) {
  const connections::Snapshot snapshot = SessionsOfAHalf();
  const Json table = Services(&snapshot)["connection_table"];
  EXPECT_EQ(table["truncated"], true);
  EXPECT_DOUBLE_EQ(table["coverage_ratio"], 4.0 / 8);
}

TEST(ConnectionsJson, WithoutAScanSaysNothingOfServices) {
  const Json never = Services(nullptr);
  EXPECT_EQ(never["connection_table"], nullptr);
  EXPECT_FALSE(never["services"][1].contains("persistence_templates"));

  connections::Snapshot failed;
  failed.error = Error{ErrorCode::kNoPermission, "the file may not be read"};
  const Json failing = Services(&failed);
  EXPECT_EQ(failing["connection_table"], (Json{{"error", "the file may not be read"}}));
  EXPECT_FALSE(failing["services"][1].contains("connection_states"));
}

}  // namespace
}  // namespace lvs
