#include "collectors/connections/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collectors/connections/metrics.h"
#include "tests/support/connections_world.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/recording_sink.h"

namespace lvs::connections {
namespace {

using namespace std::chrono_literals;
using fake::On;
using fake::OnMark;
using fake::RowOf;
using fake::Services;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using enum ipvs::Protocol;

const std::string kWebLabels =
    R"(local_address="10.0.0.1",local_port="80",proto="TCP",local_mark="",address_family="ipv4")";
const std::string kMarkLabels =
    R"(local_address="",local_port="0",proto="FWM",local_mark="0000000A",address_family="ipv4")";

Services World() {
  return Services()
      .Persistent(On(kTcp, "10.0.0.1", 80))
      .Backend("10.1.0.1", 80)
      .Holds(2, 1, 1)
      .Backend("10.1.0.2", 80, 0)
      .Holds(0, 0, 1)
      .Plain(OnMark(10))
      .Backend("10.1.0.3", 0);
}

const std::vector<std::string> kRows = {
    "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL 9",
    "TCP C0000201 8002 0A000001 0050 0A010001 0050 ESTABLISHED SYNC 9",
    "TCP C0000201 8003 0A000001 0050 0A010001 0050 FIN_WAIT LOCAL 9",
    "TCP C0000201 8004 0A000001 0050 0A010009 0050 FIN_WAIT LOCAL 9",
    "UDP C0000201 8005 0A000009 0050 0A010003 0050 UDP LOCAL 9",
    "SCTP C0000201 8006 0A000009 0050 0A010003 0050 C-SENT LOCAL 9",
    "IP_50 C0000201 01F4 0A000009 01F4 0A010003 01F4 ERR! LOCAL 9",
    "TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED LOCAL 100",
    "TCP C0000202 0000 0A000001 0050 0A010002 0050 NONE LOCAL 200",
    "TCP C0000203 0000 0A000001 0050 0A010009 0050 NONE SYNC 300",
};

std::shared_ptr<const Snapshot> Take(Level level, bool reached_end = true) {
  const Services services = World();
  const ServiceIndex index(services.table());
  Tally tally(index, level);
  for (const std::string& line : kRows) {
    const Row row = RowOf(line);
    tally.Add(row, Classify(row, index, {}));
  }
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->rows = kRows.size();
  snapshot->steady = Clock::time_point(100s);
  snapshot->took = 250ms;
  snapshot->interval = 60s;
  snapshot->counters = {
      .complete = 3, .truncated = 2, .failed = 1, .skipped_lines = 4, .cpu_seconds = 0.5};
  snapshot->summary = Summarize(tally, services.table(), level,
                                {.rows = kRows.size(), .reached_end = reached_end, .entries = {}});
  return snapshot;
}

Families At(Level level) { return RenderSnapshot(Take(level), Clock::time_point(142s)); }

TEST(ConnectionsMetrics, TellTheTableByProtocolStateAndOrigin) {
  const auto lines = Record(At(Level::kTotals), "ipvs_table_connections");
  EXPECT_THAT(lines, Contains(R"({proto="TCP",state="ESTABLISHED",origin="local"} 1)"));
  EXPECT_THAT(lines, Contains(R"({proto="TCP",state="ESTABLISHED",origin="sync"} 1)"));
  EXPECT_THAT(lines, Contains(R"({proto="TCP",state="FIN_WAIT",origin="local"} 2)"));
  EXPECT_THAT(lines, Contains(R"({proto="TCP",state="SYN_RECV",origin="sync"} 0)"));
  EXPECT_THAT(lines, Contains(R"({proto="UDP",state="UDP",origin="local"} 1)"));
  EXPECT_THAT(lines, Contains(R"({proto="SCTP",state="C-SENT",origin="local"} 1)"));
  EXPECT_THAT(lines, Contains(R"({proto="other",state="other",origin="local"} 1)"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("unknown"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr(R"(proto="UDP",state="NONE")"))));
  EXPECT_THAT(lines, SizeIs((11 + 1 + 14) * 2 + 1)) << "zero-filled, and one that is none of them";
}

TEST(ConnectionsMetrics, TellTemplatesAndOrphans) {
  const Families families = At(Level::kTotals);
  const auto lines = Record(families, "ipvs_table_persistence_templates");
  EXPECT_THAT(lines, Contains(R"({type="ppc",status="assured",origin="local"} 1)"));
  EXPECT_THAT(lines, Contains(R"({type="ppc",status="unassured",origin="local"} 1)"));
  EXPECT_THAT(lines, Contains(R"({type="orphan",status="unassured",origin="sync"} 1)"));
  EXPECT_THAT(lines, Contains(R"({type="pcc",status="invalidated",origin="local"} 0)"));
  EXPECT_THAT(lines, SizeIs(5 * 3 * 2));
  EXPECT_THAT(Record(families, "ipvs_table_orphan_connections"),
              ElementsAre(R"({origin="local"} 1)", R"({origin="sync"} 0)"));
}

TEST(ConnectionsMetrics, TellServices) {
  const Families families = At(Level::kService);
  const auto states = Record(families, "ipvs_service_connection_states");
  EXPECT_THAT(states, Contains("{" + kWebLabels + R"(,state="ESTABLISHED"} 2)"));
  EXPECT_THAT(states, Contains("{" + kWebLabels + R"(,state="LISTEN"} 0)"));
  EXPECT_THAT(states, Contains("{" + kMarkLabels + R"(,state="UDP"} 1)"));
  EXPECT_THAT(states, Contains("{" + kMarkLabels + R"(,state="C-SENT"} 1)"));
  EXPECT_THAT(states, SizeIs(11 + 11 + 1 + 2)) << "a mark has states of TCP and UDP, and others";
  EXPECT_THAT(Record(families, "ipvs_service_persistence_templates"),
              ElementsAre("{" + kWebLabels + R"(,type="ppc"} 2)",
                          "{" + kWebLabels + R"(,type="orphan"} 1)"));
  EXPECT_THAT(Record(families, "ipvs_service_drained_persistence_templates"),
              ElementsAre("{" + kWebLabels + R"(,status="assured"} 0)",
                          "{" + kWebLabels + R"(,status="unassured"} 1)",
                          "{" + kWebLabels + R"(,status="invalidated"} 0)"));
  const auto remaining = Record(families, "ipvs_service_persistence_template_remaining_seconds");
  EXPECT_THAT(remaining, Contains("_bucket{" + kWebLabels + R"(,le="120.0"} 1)"));
  EXPECT_THAT(remaining, Contains("_bucket{" + kWebLabels + R"(,le="+Inf"} 2)"));
  EXPECT_THAT(remaining, Contains("_sum{" + kWebLabels + "} 300.000000"));
  EXPECT_THAT(remaining, SizeIs(14 + 2)) << "of the persistent service only";
}

TEST(ConnectionsMetrics, TellBackendsWhenAsked) {
  EXPECT_THAT(Record(At(Level::kService), "ipvs_backend_connection_states"), IsEmpty());
  EXPECT_THAT(Record(At(Level::kTotals), "ipvs_service_connection_states"), IsEmpty());
  const auto states = Record(At(Level::kBackend), "ipvs_backend_connection_states");
  EXPECT_THAT(states,
              Contains("{" + kWebLabels +
                       R"(,remote_address="10.1.0.1",remote_port="80",state="FIN_WAIT"} 1)"));
  EXPECT_THAT(states, SizeIs(11 + 11 + 12 + 2));
}

TEST(ConnectionsMetrics, TellHowTheReadWent) {
  const auto snapshot = Take(Level::kTotals);
  Families families = RenderSnapshot(snapshot, Clock::time_point(142s));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_duration_seconds"),
              ElementsAre("{} 0.250000"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_age_seconds"), ElementsAre("{} 42.000000"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_interval_seconds"),
              ElementsAre("{} 60.000000"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_rows"), ElementsAre("{} 10"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_coverage_ratio"), ElementsAre("{} 1.000000"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_truncated"), ElementsAre("{} 0"));
  families = RenderCounters(snapshot);
  EXPECT_THAT(Record(families, "ipvs_connections_scans_total"),
              ElementsAre(R"({result="complete"} 3)", R"({result="truncated"} 2)",
                          R"({result="failed"} 1)"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_skipped_lines_total"), ElementsAre("{} 4"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_cpu_seconds_total"),
              ElementsAre("{} 0.500000"));
}

TEST(ConnectionsMetrics, WhatIsNotKnownIsAbsent) {
  const auto cut = std::make_shared<Snapshot>(*Take(Level::kService, false));
  cut->summary.coverage.reset();
  cut->summary.services[0].states.reset();
  cut->summary.services[0].templates.reset();
  cut->summary.services[0].drained.reset();
  cut->summary.templates[Position(TemplateType::kPpc)].reset();
  cut->summary.connections.reset();
  const Families families = RenderSnapshot(cut, Clock::time_point(142s));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_truncated"), ElementsAre("{} 1"));
  EXPECT_THAT(Record(families, "ipvs_connections_scan_coverage_ratio"), IsEmpty());
  EXPECT_THAT(Record(families, "ipvs_table_connections"), IsEmpty());
  EXPECT_THAT(Record(families, "ipvs_service_connection_states"),
              Not(Contains(HasSubstr(kWebLabels))));
  EXPECT_THAT(Record(families, "ipvs_service_persistence_templates"), IsEmpty());
  EXPECT_THAT(Record(families, "ipvs_service_drained_persistence_templates"), IsEmpty());
  EXPECT_THAT(Record(families, "ipvs_service_persistence_template_remaining_seconds"), IsEmpty());
  EXPECT_THAT(Record(families, "ipvs_table_persistence_templates"),
              Not(Contains(HasSubstr("ppc"))));
}

TEST(ConnectionsMetrics, WithoutOriginsSayThatTheyAreUnknown) {
  const auto snapshot = std::make_shared<Snapshot>(*Take(Level::kTotals));
  snapshot->origins_known = false;
  snapshot->summary.orphan_connections = OriginCounts{0, 0, 7};
  EXPECT_THAT(
      Record(RenderSnapshot(snapshot, Clock::time_point(142s)), "ipvs_table_orphan_connections"),
      ElementsAre(R"({origin="unknown"} 7)"));
}

TEST(ConnectionsMetrics, EveryFamilyIsDescribed) {
  std::set<std::string_view> described;
  for (const MetricInfo* info : DescribeSnapshot()) described.insert(info->name);
  const auto snapshot = Take(Level::kBackend);
  Families families = RenderSnapshot(snapshot, Clock::time_point(142s));
  for (const Family& family : RenderCounters(snapshot)) families.push_back(family);
  EXPECT_EQ(families.size(), described.size());
  for (const Family& family : families) EXPECT_TRUE(described.contains(family.info->name));
}

class TheCollector : public testing::Test {
 protected:
  Collection WaitForFamilies(ConnectionsCollector& collector) {
    const Deadline deadline = Clock::now() + 30s;
    Collection collection = collector.Collect(deadline);
    while (collection.families.empty() && Clock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
      collection = collector.Collect(deadline);
    }
    return collection;
  }

  fake::Procfs procfs_;
  Published<ipvs::LatestReading> table_;
  Published<Snapshot> published_;
};

TEST_F(TheCollector, SaysWhatTheScannerLastFoundAndNothingBefore) {
  ConnectionsCollector collector(ScannerSources::Real(table_, procfs_.root()),
                                 {.interval = 1h, .budget = 1, .level = Level::kService},
                                 published_);
  const Collection before = collector.Collect(Clock::now());
  EXPECT_THAT(before.families, IsEmpty());
  EXPECT_FALSE(before.error);
  procfs_.Write("net/ip_vs_conn_sync", kRows[0] + "\n");
  auto latest = std::make_shared<ipvs::LatestReading>();
  latest->table = World().Share();
  latest->current = true;
  latest->read_at = std::chrono::system_clock::now();
  table_.Set(latest);
  const Collection after = WaitForFamilies(collector);
  EXPECT_FALSE(after.error);
  EXPECT_THAT(Record(after.families, "ipvs_connections_scan_rows"), ElementsAre("{} 1"));
  collector.Stop();
}

TEST_F(TheCollector, TellsNothingOldWhileTheServicesCannotBeRead) {
  published_.Set(Take(Level::kService));
  ConnectionsCollector collector(ScannerSources::Real(table_, procfs_.root()), {}, published_);
  auto latest = std::make_shared<ipvs::LatestReading>();
  latest->error = Error{ErrorCode::kModuleAbsent, "ipvs: no module"};
  table_.Set(latest);
  const Collection collection = collector.Collect(Clock::now());
  EXPECT_THAT(collection.families, SizeIs(3)) << "what is counted since the start";
  EXPECT_THAT(Record(collection.families, "ipvs_table_connections"), IsEmpty());
  ASSERT_TRUE(collection.error);
  EXPECT_EQ(collection.error->code, ErrorCode::kModuleAbsent);
}

TEST(TroubleWithFirstPass, IsToldWhenItHasHadTimeForMoreThanThree) {
  const Settings settings = {.interval = 60s, .budget = 1, .level = {}};
  EXPECT_FALSE(TroubleWithFirstPass(0s, settings));
  EXPECT_FALSE(TroubleWithFirstPass(210s, settings));
  const auto trouble = TroubleWithFirstPass(211s, settings);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->code, ErrorCode::kTimeout);
  EXPECT_THAT(trouble->message, HasSubstr("first read of the connection table"));
}

TEST(TroubleWithServices, IsNoneInTheFirstMomentsAndWhileTheyAreCurrent) {
  EXPECT_FALSE(TroubleWithServices(nullptr, 9s));
  ipvs::LatestReading latest;
  latest.current = true;
  latest.error = Error{ErrorCode::kNoPermission, "ipvs: no capability"};  // the services are known
  EXPECT_FALSE(TroubleWithServices(&latest, 1h));
}

TEST(TroubleWithServices, IsToldWhenTheyNeverComeOrCannotBeReadAnyMore) {
  const auto never = TroubleWithServices(nullptr, 11s);
  ASSERT_TRUE(never);
  EXPECT_EQ(never->code, ErrorCode::kTimeout);
  EXPECT_THAT(never->message, HasSubstr("the collector ipvs is off"));
  ipvs::LatestReading latest;
  latest.error = Error{ErrorCode::kModuleAbsent, "ipvs: no module"};
  EXPECT_EQ(TroubleWithServices(&latest, 0s)->code, ErrorCode::kModuleAbsent);
}

TEST_F(TheCollector, WhereTheTableCannotBeReadGivesAnErrorAndOnlyWhatIsCounted) {
  auto failed = std::make_shared<Snapshot>();
  failed->error = Error{ErrorCode::kModuleAbsent, "connections: no module"};
  failed->counters.failed = 4;
  published_.Set(failed);
  ConnectionsCollector collector(ScannerSources::Real(table_, procfs_.root()), {}, published_);
  const Collection collection = collector.Collect(Clock::now());
  EXPECT_THAT(Record(collection.families, "ipvs_connections_scans_total"),
              Contains(R"({result="failed"} 4)"));
  EXPECT_THAT(Record(collection.families, "ipvs_connections_scan_cpu_seconds_total"), SizeIs(1));
  EXPECT_THAT(Record(collection.families, "ipvs_connections_scan_rows"), IsEmpty());
  ASSERT_TRUE(collection.error);
  EXPECT_EQ(collection.error->message, "connections: no module");
}

}  // namespace
}  // namespace lvs::connections
