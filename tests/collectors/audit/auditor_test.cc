#include "collectors/audit/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "collectors/audit/collector.h"
#include "collectors/audit/metrics.h"
#include "tests/support/audit_world.h"
#include "tests/support/recording_sink.h"

namespace lvs::audit {
namespace {

using namespace std::chrono_literals;
using fake::Host;
using fake::Marks;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Finding kFlaw = {"expire_nodest_conn", "", true};

Host FlawedHost() { return Host().Service("10.0.0.1:80/TCP").Sysctl("expire_nodest_conn", 0); }

TEST(Report, LeavesOutWhatIsAccepted) {
  const Facts facts = FlawedHost().facts();
  EXPECT_THAT(MakeReport(facts, {}).findings.looked_at, Contains(kFlaw));
  const Configuration accepts{.accepted = {{"expire_nodest_conn", {}}}};
  EXPECT_THAT(MakeReport(facts, accepts).findings.looked_at, Not(Contains(kFlaw)));
}

TEST(Report, AcceptsOneSubjectOfACheckOnly) {
  const Facts facts = Host().Service("10.0.0.1:0/TCP").Service("10.0.0.2:0/TCP").facts();
  const Configuration accepts{.accepted = {{"port_zero_without_persistence", "10.0.0.1:0/TCP"}}};
  const auto findings = MakeReport(facts, accepts).findings.looked_at;
  EXPECT_THAT(findings, Contains(Finding{"port_zero_without_persistence", "10.0.0.2:0/TCP", true}));
  EXPECT_THAT(findings,
              Not(Contains(Finding{"port_zero_without_persistence", "10.0.0.1:0/TCP", true})));
}

TEST(Report, WhatIsAcceptedIsNotUnknownEither) {
  const Facts facts = Host().MarkService(10).NoRulesKnown().facts();
  EXPECT_THAT(MakeReport(facts, {.accepted = {{"mark_without_rule", {}}}}).findings.unknown,
              Not(Contains(Finding{"mark_without_rule", "mark 0000000A ipv4", false})));
}

TEST(Report, TellsWhichAddressesFeedAMark) {
  const Report report =
      MakeReport(Host().MarkService(10).Rules(Marks(10).To("192.168.1.112")).facts(), {});
  ipvs::ServiceKey service;
  service.protocol = ipvs::Protocol::kFwmark;
  service.fwmark = 10;
  EXPECT_THAT(FedAddresses(report, service), ElementsAre(fake::Ip("192.168.1.112")));
  service.address.family = AddressFamily::kIpv6;
  EXPECT_THAT(FedAddresses(report, service), IsEmpty());
}

// An auditor whose reading of the world the test decides.
class AuditorTest : public testing::Test {
 protected:
  AuditorTest() {
    configuration_.Set(std::make_shared<const Configuration>(Configuration{1s, {}}));
  }

  void Show(bool up = true) {
    ipvs::LatestReading latest;
    latest.table = FlawedHost().facts().table;
    latest.current = latest.up = up;
    if (!up) latest.error = Error{ErrorCode::kTimeout, "ipvs: timed out"};
    table_.Set(std::make_shared<const ipvs::LatestReading>(latest));
  }
  AuditorSources Sources() {
    return {.configuration = configuration_,
            .table = table_,
            .director = director_,
            .has_director = has_director_,
            .read =
                [this](auto, auto, std::optional<Error>& error) {
                  ++reads_;
                  error = error_;
                  return FlawedHost().facts();
                },
            .on_note = [this](const std::string&) { ++notes_; }};
  }
  // Waits for a report, which must come within a minute.
  std::shared_ptr<const Report> Wait() {
    const auto deadline = Clock::now() + 60s;
    while (Clock::now() < deadline) {
      if (const auto report = published_.Get()) return report;
      std::this_thread::sleep_for(5ms);
    }
    ADD_FAILURE() << "no report came";
    return std::make_shared<const Report>();
  }

  Published<Configuration> configuration_;
  Published<ipvs::LatestReading> table_;
  Published<director::Snapshot> director_;
  Published<Report> published_;
  bool has_director_ = false;
  std::atomic<int> reads_ = 0;
  std::atomic<int> notes_ = 0;
  std::optional<Error> error_;  // of every reading
};

TEST_F(AuditorTest, LooksAsSoonAsThereIsATable) {
  const Auditor auditor(Sources(), published_);
  EXPECT_EQ(published_.Get(), nullptr);
  Show();
  EXPECT_THAT(Wait()->findings.looked_at, Contains(kFlaw));
}

TEST_F(AuditorTest, WaitsForTheDirectorWhereThatIsOn) {
  has_director_ = true;
  Show();
  const Auditor auditor(Sources(), published_);
  std::this_thread::sleep_for(20ms);  // whatever the time: without a director nothing may be read
  EXPECT_EQ(reads_, 0);
  director_.Set(std::make_shared<const director::Snapshot>());
  Wait();
}

TEST_F(AuditorTest, LooksAgain) {
  Show();
  const Auditor auditor(Sources(), published_);
  const auto first = Wait();
  const auto deadline = Clock::now() + 60s;
  while (published_.Get() == first && Clock::now() < deadline) std::this_thread::sleep_for(5ms);
  EXPECT_GT(reads_, 1);
}

TEST_F(AuditorTest, CollectorTellsTheReport) {
  Show();
  AuditCollector collector(Sources(), published_);
  Wait();
  const Collection collection = collector.Collect(Clock::now() + 1s);
  EXPECT_FALSE(collection.error);
  EXPECT_THAT(Record(collection.families, "ipvs_audit_failed"),
              Contains("{check=\"expire_nodest_conn\",subject=\"\"} 1"));
  EXPECT_THAT(Record(collection.families, "ipvs_audit_unknown"),
              Contains("{check=\"mark_without_rule\"} 0"));
}

TEST_F(AuditorTest, WhatIsNotPermittedIsToldOnceAndFailsNothing) {
  error_ = Error{ErrorCode::kNoPermission, "audit: not permitted"};
  Show();
  AuditCollector collector(Sources(), published_);
  const auto deadline = Clock::now() + 60s;
  while (reads_ < 2 && Clock::now() < deadline) std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(collector.Collect(Clock::now() + 1s).error);
  EXPECT_EQ(notes_, 1);
}

TEST_F(AuditorTest, CollectorTellsWhatCouldNotBeRead) {
  error_ = Error{ErrorCode::kTimeout, "audit: timed out"};
  Show();
  AuditCollector collector(Sources(), published_);
  Wait();
  const Collection collection = collector.Collect(Clock::now() + 1s);
  ASSERT_TRUE(collection.error);
  EXPECT_THAT(collection.error->message, HasSubstr("timed out"));
  EXPECT_THAT(Record(collection.families, "ipvs_audit_failed"), Not(IsEmpty()));
}

TEST_F(AuditorTest, CollectorTellsNothingOldOfATableThatIsGone) {
  Show();
  AuditCollector collector(Sources(), published_);
  Wait();
  Show(false);
  const Collection collection = collector.Collect(Clock::now() + 1s);
  ASSERT_TRUE(collection.error);
  EXPECT_THAT(collection.families, IsEmpty());
}

TEST(AuditMetrics, NameTheMarksAndWhatFeedsThem) {
  auto report = std::make_shared<Report>();
  netfilter::MarkRule ports = Marks(10).To("192.168.1.112").rule();
  ports.protocol = 6;
  ports.destination_ports = {80, 80};
  netfilter::MarkRule range = Marks(10).To("2001:db8::", 64).rule();
  range.protocol = 50;
  range.destination_ports = {8000, 8100};
  report->mark_rules = {ports, ports, range, Marks(0x1f).rule(), Marks(0).To("10.0.0.1").rule()};
  EXPECT_THAT(
      Record(RenderReport(report), "ipvs_mark_rule_info"),
      ElementsAre(R"({local_mark="0000000A",address_family="ipv4",destination="192.168.1.112",)"
                  R"(destination_port="80",proto="TCP"} 1)",
                  R"({local_mark="0000000A",address_family="ipv6",destination="2001:db8::/64",)"
                  R"(destination_port="8000-8100",proto="50"} 1)",
                  R"({local_mark="0000001F",address_family="ipv4",destination="",)"
                  R"(destination_port="",proto=""} 1)"));
}

TEST(AuditMetrics, AreBoundedWhateverTheFirewallHas) {
  auto report = std::make_shared<Report>();
  for (std::uint32_t mark = 1; mark <= 10'000; ++mark) {
    report->mark_rules.push_back(Marks(mark).rule());
  }
  EXPECT_EQ(Record(RenderReport(report), "ipvs_mark_rule_info").size(), 2000u);
}

}  // namespace
}  // namespace lvs::audit
