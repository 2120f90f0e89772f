#include "collectors/checker/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

using fake::Failure;
using fake::Ip;
using fake::KernelTable;
using fake::Prepared;
using fake::ProbeOf;
using fake::Success;
using fake::Tcp;
using namespace std::chrono_literals;
using probes::ProbeType;
using probes::Reason;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const ipvs::ServiceKey kService = Tcp("192.168.1.111", 80);

// A ledger with one service over two servers and a clock that the test moves.
class LedgerTest : public testing::Test {
 protected:
  LedgerTest() { Adopt(Both()); }

  static KernelTable Both() {
    return KernelTable()
        .Service(kService)
        .Backend("192.168.1.102", 80)
        .Backend("192.168.1.103", 80);
  }

  void Adopt(const KernelTable& table) { Adopt(&table.table()); }
  void Adopt(const ipvs::Table* table) {
    const auto plan = MakePlan(std::make_shared<const Configuration>(configuration_),
                               {table, table_known_}, ledger_.plan().get(), now_.steady);
    origins_ = ledger_.Adopt(plan, now_);
  }

  // Runs of the target of an address, a second apart: S success, any other reason by name.
  void Runs(const std::string& address, const std::vector<probes::RunResult>& results) {
    for (const probes::RunResult& result : results) {
      Pass(1s);
      ledger_.Finish(TargetOf(address), result, now_);
    }
  }
  void Up(const std::string& address) { Runs(address, {Success(), Success()}); }
  void Down(const std::string& address, Reason reason = Reason::kConnectRefused) {
    Runs(address, {Failure(reason), Failure(reason), Failure(reason)});
  }
  void Pass(Clock::duration time) {
    now_.steady += time;
    now_.wall += std::chrono::duration_cast<WallTime::duration>(time);
    ledger_.Pass(now_);
  }

  std::uint32_t TargetOf(const std::string& address) {
    for (std::uint32_t i = 0; i < ledger_.plan()->targets.size(); ++i) {
      if (ledger_.plan()->targets[i].key.address == Ip(address)) return i;
    }
    ADD_FAILURE() << "no target " << address;
    return 0;
  }
  BackendHealth Backend(const std::string& address) {
    const Snapshot snapshot = ledger_.Take(now_);
    for (std::uint32_t i = 0; i < snapshot.backends.size(); ++i) {
      if (snapshot.plan->backends[i].key.address == Ip(address)) return snapshot.backends[i];
    }
    ADD_FAILURE() << "no backend " << address;
    return {};
  }
  ServiceHealth Service() { return ledger_.Take(now_).services.at(0); }
  std::vector<std::string> Told() { return std::exchange(told_, {}); }

  Configuration configuration_ = Configuration::Default();
  bool table_known_ = true;
  Moment now_{Clock::time_point(1000s), WallTime(1'700'000'000s)};
  std::vector<std::string> told_;
  Ledger ledger_{[this](const Event& event) {
    std::string text(Name(event.kind));
    if (event.backend) text += " " + ToString(event.backend->address);
    text += " " + event.from + ">" + event.to;
    if (event.reason != Reason::kNone) text += " " + std::string(Name(event.reason));
    if (!event.transition) text += " (first)";
    told_.push_back(text);
  }};
  std::vector<std::optional<std::uint32_t>> origins_;
};

TEST_F(LedgerTest, NothingIsKnownAtTheStart) {
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUnknown);
  EXPECT_EQ(Service().state, ServiceState::kUnknown);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(LedgerTest, WithoutTheKernelsTableAServiceIsNotJudged) {
  ServiceRule rule;
  rule.match = {.address = kService.address,
                .port = kService.port,
                .protocol = kService.protocol,
                .mark = {},
                .family = {}};
  ExpectedBackend expected;
  expected.address = Ip("192.168.1.102");
  rule.backends.push_back(expected);
  configuration_.services.push_back(rule);
  Ledger ledger({});
  ledger.Adopt(
      MakePlan(std::make_shared<const Configuration>(configuration_), {}, nullptr, now_.steady),
      now_);
  for (int i = 0; i < 3; ++i) ledger.Finish(0, Success(), now_);
  EXPECT_EQ(ledger.Take(now_).backends[0].verdict, Verdict::kUp);
  EXPECT_EQ(ledger.Take(now_).services[0].state, ServiceState::kUnknown);
}

TEST_F(LedgerTest, TheFirstVerdictIsToldAndIsNoTransition) {
  Up("192.168.1.102");
  const BackendHealth health = Backend("192.168.1.102");
  EXPECT_EQ(health.verdict, Verdict::kUp);
  EXPECT_EQ(health.transitions_up, 0u);
  EXPECT_EQ(health.last_transition, std::nullopt);
  EXPECT_THAT(Told(), testing::Contains("backend 192.168.1.102 >up (first)"));
}

TEST_F(LedgerTest, DownAfterThreeFailuresWithTheReason) {
  Up("192.168.1.102");
  Up("192.168.1.103");
  Told();
  Runs("192.168.1.103", {Failure(Reason::kConnectRefused), Failure(Reason::kConnectTimeout)});
  EXPECT_EQ(Backend("192.168.1.103").verdict, Verdict::kUp);
  EXPECT_THAT(Told(), IsEmpty());
  Runs("192.168.1.103", {Failure(Reason::kConnectTimeout)});
  const BackendHealth health = Backend("192.168.1.103");
  EXPECT_EQ(health.verdict, Verdict::kDown);
  EXPECT_EQ(health.down_reason, Reason::kConnectTimeout);
  EXPECT_EQ(health.transitions_down, 1u);
  EXPECT_EQ(health.last_transition, now_.wall);
  EXPECT_THAT(Told(),
              ElementsAre("backend 192.168.1.103 up>down connect_timeout", "service ok>spof"));
}

TEST_F(LedgerTest, TheReasonFollowsTheLastFailureWhileDown) {
  Down("192.168.1.102", Reason::kConnectTimeout);
  Runs("192.168.1.102", {Failure(Reason::kConnectRefused)});
  EXPECT_EQ(Backend("192.168.1.102").down_reason, Reason::kConnectRefused);
}

TEST_F(LedgerTest, AnEventCarriesTheResultsThatLedToIt) {
  Up("192.168.1.102");
  Runs("192.168.1.102",
       {Failure(Reason::kConnectRefused, "first"), Failure(Reason::kConnectRefused, "second"),
        Failure(Reason::kConnectRefused, "third")});
  const Event& event = *ledger_.Take(now_).events->at(1);
  EXPECT_EQ(event.target, "tcp 192.168.1.102:80");
  ASSERT_THAT(event.results, SizeIs(5));
  EXPECT_EQ(*event.results[0].detail, "third");
  EXPECT_EQ(*event.results[2].detail, "first");
  EXPECT_EQ(event.results[3].outcome, probes::Outcome::kSuccess);
}

TEST_F(LedgerTest, InconclusiveResultsAreCountedAndChangeNothing) {
  Up("192.168.1.102");
  for (int i = 0; i < 10; ++i) {
    Runs("192.168.1.102", {Failure(Reason::kLocalFdLimit)});
  }
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
  const TargetState state = *ledger_.Take(now_).targets[TargetOf("192.168.1.102")];
  EXPECT_EQ(state.results[static_cast<std::size_t>(probes::Outcome::kInconclusive)], 10u);
  EXPECT_THAT(state.failures, ElementsAre(testing::Pair(Reason::kLocalFdLimit, 10)));
}

TEST_F(LedgerTest, SilenceMakesTheVerdictUnknownAndIsNoTransition) {
  Up("192.168.1.102");
  Pass(18s);
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUnknown);
  Up("192.168.1.102");
  const BackendHealth health = Backend("192.168.1.102");
  EXPECT_EQ(health.verdict, Verdict::kUp);
  EXPECT_EQ(health.transitions_up + health.transitions_down, 0u);
}

TEST_F(LedgerTest, TimeInStateDownRunsOnWhileDown) {
  Down("192.168.1.102");
  now_.steady += 4s;
  EXPECT_DOUBLE_EQ(DownSeconds(Backend("192.168.1.102"), now_.steady), 4.0);
  Up("192.168.1.102");
  const double total = DownSeconds(Backend("192.168.1.102"), now_.steady);
  EXPECT_DOUBLE_EQ(total, 6.0);
  now_.steady += 4s;
  EXPECT_DOUBLE_EQ(DownSeconds(Backend("192.168.1.102"), now_.steady), total);
}

TEST_F(LedgerTest, MaintenanceIsNotTimeDown) {
  ServiceRule rule;
  rule.match = {.address = kService.address,
                .port = kService.port,
                .protocol = kService.protocol,
                .mark = {},
                .family = {}};
  ExpectedBackend expected;
  expected.address = Ip("192.168.1.102");
  expected.maintenance = true;
  rule.backends.push_back(expected);
  configuration_.services.push_back(rule);
  Adopt(Both());
  Down("192.168.1.102");
  now_.steady += 4s;
  const BackendHealth health = Backend("192.168.1.102");
  EXPECT_EQ(health.state, BackendState::kMaintenance);
  EXPECT_EQ(health.verdict, Verdict::kDown);
  EXPECT_DOUBLE_EQ(DownSeconds(health, now_.steady), 0.0);
}

TEST_F(LedgerTest, AServerThatIsRemovedKeepsItsHealth) {
  Up("192.168.1.103");
  Down("192.168.1.103");
  Told();
  Adopt(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  EXPECT_EQ(Backend("192.168.1.103").verdict, Verdict::kDown);
  EXPECT_EQ(Backend("192.168.1.103").transitions_down, 1u);
  EXPECT_THAT(Told(), ElementsAre("table 192.168.1.103 1>absent"));
  Up("192.168.1.103");
  EXPECT_EQ(Backend("192.168.1.103").transitions_up, 1u);
}

TEST_F(LedgerTest, ChangesOfTheTableAreTold) {
  Adopt(KernelTable()
            .Service(kService)
            .Backend("192.168.1.102", 80, 5)
            .Backend("192.168.1.104", 80)
            .Service(Tcp("192.168.1.112", 80))
            .Backend("192.168.1.102", 80));
  EXPECT_THAT(Told(), ElementsAre("table 192.168.1.102 1>5", "table 192.168.1.104 absent>1",
                                  "table 192.168.1.103 1>absent", "table absent>present"));
}

TEST_F(LedgerTest, AServiceThatComesBackSoonRemembers) {
  Up("192.168.1.102");
  Down("192.168.1.102");
  Adopt(KernelTable());
  EXPECT_THAT(ledger_.Take(now_).services, IsEmpty());
  Pass(5s);
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kDown);
  EXPECT_EQ(Backend("192.168.1.102").transitions_down, 1u);
}

TEST_F(LedgerTest, WhatIsGoneForLongIsForgotten) {
  Down("192.168.1.102");
  Adopt(KernelTable());
  Pass(1h);
  Adopt(KernelTable());
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").last_known, std::nullopt);
}

TEST_F(LedgerTest, AProbeWithAnotherQuestionStartsAnewAndTheBackendKeepsItsLastVerdict) {
  const auto rule_with = [](const std::string& path) {
    ServiceRule rule;
    probes::Probe probe = ProbeOf("page", ProbeType::kHttp);
    probe.http.path = path;
    rule.probes = {Prepared(probe)};
    return rule;
  };
  configuration_.services = {rule_with("/a")};
  Adopt(Both());
  Up("192.168.1.102");
  configuration_.services = {rule_with("/a")};
  configuration_.services[0].name = "shop";
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp) << "the same question";
  EXPECT_NE(origins_[0], std::nullopt);
  configuration_.services = {rule_with("/b")};
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUnknown);
  EXPECT_EQ(origins_[0], std::nullopt);
  Told();
  Down("192.168.1.102", Reason::kHttpStatus);
  EXPECT_EQ(Backend("192.168.1.102").transitions_down, 1u);
}

TEST_F(LedgerTest, NewThresholdsCountFromTheNextResult) {
  Up("192.168.1.102");
  Runs("192.168.1.102", {Failure(Reason::kConnectRefused)});
  probes::Probe probe = ProbeOf("tcp", ProbeType::kTcp);
  probe.fall = 2;
  configuration_.default_tcp = Prepared(probe);
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
  Runs("192.168.1.102", {Failure(Reason::kConnectRefused)});
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kDown);
}

TEST_F(LedgerTest, ALayerBelowTheFailureIsUp) {
  ServiceRule rule;
  rule.probes = {Prepared(ProbeOf("page", ProbeType::kHttp))};
  configuration_.services = {rule};
  Adopt(Both());
  Down("192.168.1.102", Reason::kHttpStatus);
  const TargetState state = *ledger_.Take(now_).targets[TargetOf("192.168.1.102")];
  EXPECT_EQ(state.layers[0].verdict, Verdict::kUp) << "l4";
  EXPECT_EQ(state.layers[1].verdict, Verdict::kDown) << "l7";
}

TEST_F(LedgerTest, TheLowestFailingLayerGivesTheReason) {
  ServiceRule rule;
  probes::Probe alive = ProbeOf("alive", ProbeType::kIcmp);
  alive.gating = true;
  rule.probes = {Prepared(ProbeOf("page", ProbeType::kHttp)), Prepared(alive)};
  configuration_.services = {rule};
  Adopt(Both());
  const auto down = [&](ProbeType type, Reason reason) {
    for (std::uint32_t i = 0; i < ledger_.plan()->targets.size(); ++i) {
      if (ledger_.plan()->targets[i].probe->probe().type != type) continue;
      for (int run = 0; run < 3; ++run) ledger_.Finish(i, Failure(reason), now_);
    }
  };
  down(ProbeType::kHttp, Reason::kHttpStatus);
  EXPECT_EQ(Backend("192.168.1.102").down_reason, Reason::kHttpStatus);
  down(ProbeType::kIcmp, Reason::kIcmpTimeout);
  EXPECT_EQ(Backend("192.168.1.102").down_reason, Reason::kIcmpTimeout);
}

TEST_F(LedgerTest, AnsweringDrainMakesTheStateDrain) {
  Up("192.168.1.102");
  Up("192.168.1.103");
  probes::RunResult drain = Success();
  drain.drain = true;
  Runs("192.168.1.102", {drain});
  EXPECT_EQ(Backend("192.168.1.102").state, BackendState::kDrain);
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
  EXPECT_EQ(Service().standings[static_cast<std::size_t>(Standing::kDrained)], 1u);
  Runs("192.168.1.102", {Success()});
  EXPECT_EQ(Backend("192.168.1.102").state, BackendState::kUp);
}

TEST_F(LedgerTest, FlappingIsSeen) {
  configuration_.flap = {.window = 10min, .threshold = 4};
  Adopt(Both());
  Up("192.168.1.102");
  for (int i = 0; i < 2; ++i) {
    Down("192.168.1.102");
    Up("192.168.1.102");
  }
  EXPECT_TRUE(Backend("192.168.1.102").flapping);
  Pass(11min);
  EXPECT_FALSE(Backend("192.168.1.102").flapping);
}

TEST_F(LedgerTest, EventsAreBoundedAndNewestFirst) {
  Up("192.168.1.102");
  for (std::size_t i = 0; i < Ledger::kLeastEvents; ++i) {
    Down("192.168.1.102");
    Up("192.168.1.102");
  }
  const auto events = ledger_.Take(now_).events;
  EXPECT_THAT(*events, SizeIs(Ledger::kLeastEvents));
  EXPECT_GE(events->front()->at, events->back()->at);
}

// The events of servers that died together were lost beyond the first thousand.
TEST_F(LedgerTest, EventsOfAChangeOfEverythingAreKept) {
  KernelTable table = KernelTable().Service(kService);
  for (int i = 0; i < 2000; ++i) {
    table.Backend("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 80);
  }
  Adopt(table);
  for (std::uint32_t target = 0; target < 2000; ++target) {
    for (int run = 0; run < 3; ++run) {
      ledger_.Finish(target, Failure(Reason::kConnectRefused), now_);
    }
  }
  std::size_t down = 0;
  for (const auto& event : *ledger_.Take(now_).events) {
    down += event->kind == Event::Kind::kBackend && event->to == "down";
  }
  EXPECT_EQ(down, 2000u);
}

TEST_F(LedgerTest, LostSlotsAreInconclusiveResults) {
  ledger_.Lose(TargetOf("192.168.1.102"), 7, Reason::kLocalThrottled, now_);
  const TargetState state = *ledger_.Take(now_).targets[TargetOf("192.168.1.102")];
  EXPECT_EQ(state.results[static_cast<std::size_t>(probes::Outcome::kInconclusive)], 7u);
}

TEST_F(LedgerTest, DurationsAreCountedOnceForEveryGatingRun) {
  Up("192.168.1.102");
  Runs("192.168.1.103", {Failure(Reason::kLocalFdLimit), Failure(Reason::kConnectRefused)});
  std::uint64_t runs = 0;
  for (const std::uint64_t count : Service().durations.counts) runs += count;
  EXPECT_EQ(runs, 3u);
}

probes::RunResult WithCertificate(std::uint8_t byte, probes::RunResult result = Success()) {
  probes::CertificateFacts facts;
  facts.leaf_sha256.fill(byte);
  facts.verified = result.outcome == probes::Outcome::kSuccess;
  result.certificate = std::make_shared<const probes::CertificateFacts>(facts);
  return result;
}

TEST_F(LedgerTest, DifferentCertificatesOfRealServersAreCounted) {
  EXPECT_EQ(Service().distinct_certificates, std::nullopt);
  Runs("192.168.1.102", {WithCertificate(1)});
  EXPECT_EQ(Service().distinct_certificates, 1u);
  Runs("192.168.1.103", {WithCertificate(2)});
  EXPECT_EQ(Service().distinct_certificates, 2u);
}

TEST_F(LedgerTest, CertificatesOfRemovedServersDoNotCount) {
  Runs("192.168.1.102", {WithCertificate(1)});
  Runs("192.168.1.103", {WithCertificate(2)});
  Adopt(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  EXPECT_EQ(Service().distinct_certificates, 1u);
}

// A time-out of ours after the certificate had come said that it did not verify.
TEST_F(LedgerTest, AnInconclusiveRunSaysNothingOfTheCertificate) {
  const auto certificate = [&] {
    return ledger_.Take(now_).targets[TargetOf("192.168.1.102")]->certificate;
  };
  Runs("192.168.1.102", {WithCertificate(1, Failure(Reason::kLocalOverload))});
  EXPECT_EQ(certificate(), nullptr);
  Runs("192.168.1.102", {WithCertificate(1), WithCertificate(2, Failure(Reason::kLocalOverload))});
  ASSERT_NE(certificate(), nullptr);
  EXPECT_EQ(certificate()->leaf_sha256[0], 1);
  EXPECT_TRUE(certificate()->verified);
}

TEST_F(LedgerTest, AHandshakeThatDidNotEndReplacesNoCertificateOfOneThatDid) {
  const auto certificate = [&] {
    return ledger_.Take(now_).targets[TargetOf("192.168.1.102")]->certificate;
  };
  const auto unfinished = [](std::uint8_t byte) {
    probes::RunResult result = WithCertificate(byte, Failure(Reason::kTlsTimeout));
    auto facts = std::make_shared<probes::CertificateFacts>(*result.certificate);
    facts->complete = false;
    result.certificate = facts;
    return result;
  };
  Runs("192.168.1.102", {unfinished(1), unfinished(2)});
  ASSERT_NE(certificate(), nullptr);
  EXPECT_EQ(certificate()->leaf_sha256[0], 2) << "better than nothing";
  Runs("192.168.1.102", {WithCertificate(3), unfinished(4)});
  EXPECT_EQ(certificate()->leaf_sha256[0], 3);
  Runs("192.168.1.102", {WithCertificate(5, Failure(Reason::kTlsCertExpired))});
  EXPECT_EQ(certificate()->leaf_sha256[0], 5) << "complete, and the certificate is bad";
}

TEST_F(LedgerTest, WhileTheTableIsNotKnownServicesAreNotJudged) {
  Up("192.168.1.102");
  Up("192.168.1.103");
  EXPECT_EQ(Service().state, ServiceState::kOk);
  table_known_ = false;
  Adopt(Both());
  EXPECT_EQ(Service().state, ServiceState::kUnknown);
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
}

TEST_F(LedgerTest, AQuorumIsNotLostByNotKnowing) {
  ServiceRule rule;
  rule.quorum = {.quorum = 2, .hysteresis = 1};
  configuration_.services = {rule};
  Adopt(Both());
  EXPECT_FALSE(Service().quorum_lost);
  Up("192.168.1.102");
  EXPECT_FALSE(Service().quorum_lost) << "the other may be up, too";
  Down("192.168.1.103");
  EXPECT_FALSE(Service().quorum_lost) << "1 is not below 2 - 1";
  Down("192.168.1.102");
  EXPECT_TRUE(Service().quorum_lost);
  Up("192.168.1.102");
  Up("192.168.1.103");
  EXPECT_TRUE(Service().quorum_lost) << "2 is below 2 + 1";
}

TEST_F(LedgerTest, AnotherConfigurationMakesNoTransition) {
  const auto with_gating = [](bool gating) {
    ServiceRule rule;
    probes::Probe page = ProbeOf("page", ProbeType::kHttp);
    page.gating = gating;
    probes::Probe alive = ProbeOf("alive", ProbeType::kIcmp);
    alive.gating = true;
    rule.probes = {Prepared(page), Prepared(alive)};
    return rule;
  };
  configuration_.services = {with_gating(true)};
  Adopt(Both());
  for (std::uint32_t i = 0; i < ledger_.plan()->targets.size(); ++i) {
    const bool is_page = ledger_.plan()->targets[i].key.probe == "page";
    for (int run = 0; run < 3; ++run) {
      ledger_.Finish(i, is_page ? Failure(Reason::kHttpStatus) : Success(), now_);
    }
  }
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kDown);
  configuration_.services = {with_gating(false)};
  Adopt(Both());
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
  EXPECT_EQ(Backend("192.168.1.102").transitions_up, 0u);
}

TEST_F(LedgerTest, LessPatienceCountsFromTheReload) {
  probes::Probe probe = ProbeOf("tcp", ProbeType::kTcp);
  probe.interval = probe.down_interval = 60s;
  probe.stale_after = 182s;
  configuration_.default_tcp = Prepared(probe);
  Adopt(Both());
  Up("192.168.1.102");
  Pass(50s);
  configuration_.default_tcp = Prepared(ProbeOf("tcp", ProbeType::kTcp));  // stale after 17 s
  Adopt(Both());
  Pass(16s);
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUp);
  Pass(2s);
  EXPECT_EQ(Backend("192.168.1.102").verdict, Verdict::kUnknown);
}

TEST_F(LedgerTest, ServersThatShareATargetChangeTheirServiceOnce) {
  // Two backends of one service on different ports, one icmp target.
  ServiceRule rule;
  rule.probes = {Prepared(ProbeOf("alive", ProbeType::kIcmp))};
  configuration_.services = {rule};
  Adopt(KernelTable().Service(kService).Backend("192.168.1.102", 80).Backend("192.168.1.102", 81));
  Up("192.168.1.102");
  Told();
  Down("192.168.1.102", Reason::kIcmpTimeout);
  EXPECT_THAT(Told(), testing::UnorderedElementsAre("backend 192.168.1.102 up>down icmp_timeout",
                                                    "backend 192.168.1.102 up>down icmp_timeout",
                                                    testing::EndsWith(">down")));
}

TEST_F(LedgerTest, NewWeightsAreToldAndJudged) {
  Up("192.168.1.102");
  Up("192.168.1.103");
  Told();
  const KernelTable table = KernelTable()
                                .Service(kService)
                                .Backend("192.168.1.102", 80, 5)
                                .Backend("192.168.1.103", 80, 0);
  ledger_.Reweigh(WithWeights(*ledger_.plan(), table.table()), now_);
  EXPECT_THAT(Told(),
              ElementsAre("table 192.168.1.102 1>5", "table 192.168.1.103 1>0", "service ok>spof"));
  EXPECT_EQ(Service().standings[static_cast<std::size_t>(Standing::kDrained)], 1u);
}

}  // namespace
}  // namespace lvs::checker
