#include "collectors/checker/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/checker_world.h"

namespace lvs::checker {
namespace {

using fake::Failure;
using fake::Ip;
using fake::KernelTable;
using fake::Success;
using fake::Tcp;
using namespace std::chrono_literals;
using probes::Outcome;
using probes::Reason;
using probes::RunResult;

const ipvs::ServiceKey kService = Tcp("192.168.1.111", 80);

// What the runs of the test give, by server; any thread.
class Servers {
 public:
  void Set(const std::string& address, std::function<RunResult()> answer) {
    const std::scoped_lock lock(mutex_);
    answers_[Ip(address)] = std::move(answer);
  }
  // A run of the server does not end before ReleaseAll().
  void Hold(const std::string& address) { Set(address, nullptr); }
  // All servers work, and all that was held ends.
  void ReleaseAll() {
    const std::scoped_lock lock(mutex_);
    answers_.clear();
    for (const auto& end : std::exchange(held_, {})) end();
  }

  // Calls end with the server's answer, at once or later.
  void Ask(const Address& address, const std::function<void(std::function<RunResult()>)>& end) {
    const std::scoped_lock lock(mutex_);
    ++runs_[address];
    const auto found = answers_.find(address);
    const auto answer =
        found == answers_.end() ? std::function<RunResult()>(Success) : found->second;
    if (answer) {
      end(answer);
    } else {
      held_.push_back([end] { end(Success); });
    }
  }
  int runs(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    return runs_[Ip(address)];
  }

 private:
  std::mutex mutex_;
  std::map<Address, std::function<RunResult()>> answers_;
  std::map<Address, int> runs_;
  std::vector<std::function<void()>> held_;
};

class FakeRunner : public probes::Runner {
 public:
  FakeRunner(boost::asio::io_context& loop, Servers& servers) : loop_(loop), servers_(servers) {}

  void Start(probes::RunRequest request, const std::vector<route::Mac>&,
             std::function<void(RunResult)> done) override {
    servers_.Ask(request.address, [this, done](const std::function<RunResult()>& answer) {
      boost::asio::post(loop_, [answer, done] { done(answer()); });
    });
  }
  void SetMaxPerAddress(std::size_t) override {}

 private:
  boost::asio::io_context& loop_;
  Servers& servers_;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { Configure(); }

  static probes::Probe QuickProbe() {
    probes::Probe probe = fake::ProbeOf("tcp", probes::ProbeType::kTcp);
    probe.interval = probe.down_interval = 200ms;
    probe.fast_interval = 200ms;
    probe.timeout = probe.connect_timeout = 100ms;
    return probe;
  }
  void Configure(const probes::Probe& probe = QuickProbe()) {
    Configuration configuration = Configuration::Default();
    configuration.default_tcp = fake::Prepared(probe);
    configuration.limits = limits_;
    configuration_.Set(std::make_shared<const Configuration>(configuration));
  }
  void Show(const KernelTable& table) {
    ipvs::LatestReading latest;
    latest.table = table.Share();
    latest.up = latest.was_up = latest.current = true;
    latest.next_after = next_reading_after_;
    table_.Set(std::make_shared<const ipvs::LatestReading>(latest));
  }
  void Start() {
    engine_.emplace(EngineSources{.table = table_,
                                  .configuration = configuration_,
                                  .on_event = [this](const Event&) { ++events_; },
                                  .on_note = {},
                                  .make_runner =
                                      [this](boost::asio::io_context& loop, route::RouteReader&) {
                                        return std::make_unique<FakeRunner>(loop, servers_);
                                      },
                                  .table_patience = table_patience_,
                                  .rest = rest_,
                                  .director = [this] { return director_.Get(); },
                                  .audit = [this] { return audit_.Get(); }},
                    published_);
  }

  // Waits for a snapshot, which must come within a minute.
  std::shared_ptr<const Snapshot> Until(const std::function<bool(const Snapshot&)>& wanted) {
    const auto deadline = Clock::now() + 60s;
    while (Clock::now() < deadline) {
      const auto snapshot = published_.Get();
      if (snapshot && wanted(*snapshot)) return snapshot;
      std::this_thread::sleep_for(10ms);
    }
    std::string last;
    if (const auto snapshot = published_.Get()) {
      for (const BackendHealth& health : snapshot->backends)
        last += std::string(" ") + Name(health.verdict);
    }
    ADD_FAILURE() << "the snapshot that was waited for did not come; verdicts:" << last;
    return nullptr;
  }
  static std::function<bool(const Snapshot&)> Verdicts(std::vector<Verdict> wanted) {
    return [wanted](const Snapshot& snapshot) {
      std::vector<Verdict> verdicts;
      for (const BackendHealth& health : snapshot.backends) verdicts.push_back(health.verdict);
      return verdicts == wanted;
    };
  }
  static std::uint64_t Results(const Snapshot& snapshot, Outcome outcome) {
    std::uint64_t results = 0;
    for (const auto& state : snapshot.targets) {
      results += state->results[static_cast<std::size_t>(outcome)];
    }
    return results;
  }

  Limits limits_;
  Clock::duration table_patience_ = 1h;  // tests show a table once
  Clock::duration next_reading_after_{};
  Clock::duration rest_ = 500ms;
  Servers servers_;
  std::atomic<int> events_{0};
  Published<ipvs::LatestReading> table_;
  Published<Configuration> configuration_;
  Published<director::Snapshot> director_;
  Published<audit::Report> audit_;
  Published<Snapshot> published_;
  std::optional<Engine> engine_;
};

TEST_F(EngineTest, FindsWhoWorksAndWhoDoesNot) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
  servers_.Set("192.168.1.103", [] { return Failure(Reason::kConnectRefused); });
  Start();
  const auto snapshot = Until(Verdicts({Verdict::kUp, Verdict::kDown}));
  EXPECT_EQ(snapshot->backends[1].down_reason, Reason::kConnectRefused);
  EXPECT_EQ(snapshot->services[0].state, ServiceState::kSpof);
  EXPECT_GE(events_, 3);
}

TEST_F(EngineTest, GoesOverToANewTableAndKeepsWhatItKnows) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  Start();
  Until(Verdicts({Verdict::kUp}));
  servers_.Hold("192.168.1.102");
  Show(
      KernelTable().Service(kService).Backend("192.168.1.102", 80, 7).Backend("192.168.1.103", 80));
  const auto snapshot = Until(Verdicts({Verdict::kUp, Verdict::kUp}));
  EXPECT_EQ(snapshot->plan->backends[0].weight, 7u);
}

TEST_F(EngineTest, GoesOverToANewConfiguration) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  Start();
  Until(Verdicts({Verdict::kUp}));
  probes::Probe probe = QuickProbe();
  probe.name = "other";
  Configure(probe);
  const auto snapshot = Until([](const Snapshot& s) {
    return s.plan->targets[0].key.probe == "other" && s.backends[0].verdict == Verdict::kUp;
  });
  EXPECT_EQ(snapshot->backends[0].transitions_down, 0u);
}

TEST_F(EngineTest, WithoutTheModuleTheTableIsNotKnownAndTheServersAre) {
  const KernelTable table = KernelTable().Service(kService).Backend("192.168.1.102", 80);
  Show(table);
  Start();
  Until(Verdicts({Verdict::kUp}));
  ipvs::LatestReading latest = *table_.Get();
  latest.up = latest.current = false;
  latest.error = Error{ErrorCode::kModuleAbsent, "gone"};
  table_.Set(std::make_shared<const ipvs::LatestReading>(latest));
  const auto snapshot = Until([](const Snapshot& s) { return !s.plan->table_known; });
  EXPECT_EQ(snapshot->services[0].state, ServiceState::kUnknown);
  EXPECT_EQ(snapshot->backends[0].verdict, Verdict::kUp);
  Show(table);
  Until([](const Snapshot& s) { return s.services[0].state == ServiceState::kOk; });
}

// The kernel's answer never came, and the last table was shown as the one of now for ever.
TEST_F(EngineTest, AReadingThatNeverEndsMakesTheTableUnknown) {
  table_patience_ = 500ms;
  const KernelTable table = KernelTable().Service(kService).Backend("192.168.1.102", 80);
  Show(table);
  Start();
  Until([](const Snapshot& s) { return s.plan->table_known; });
  const auto snapshot = Until([](const Snapshot& s) {
    return !s.plan->table_known && s.backends[0].verdict == Verdict::kUp;
  });
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->services[0].state, ServiceState::kUnknown);
  Show(table);
  Until([](const Snapshot& s) { return s.plan->table_known; });
}

TEST_F(EngineTest, ATableThatIsReadRarelyHoldsForLonger) {
  table_patience_ = 100ms;
  next_reading_after_ = 1h;
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  Start();
  const auto first = Until([](const Snapshot& s) { return s.plan->table_known; });
  const auto later = Until([&](const Snapshot& s) { return s.steady > first->steady + 1s; });
  EXPECT_TRUE(later->plan->table_known);
}

TEST_F(EngineTest, AShorterIntervalHoldsAtOnce) {
  probes::Probe probe = QuickProbe();
  probe.interval = probe.down_interval = 1h;
  probe.stale_after = 4h;
  Configure(probe);
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  Start();
  Until([](const Snapshot&) { return true; });
  EXPECT_EQ(servers_.runs("192.168.1.102"), 0) << "not before its phase of an hour";
  Configure();
  Until(Verdicts({Verdict::kUp}));
}

TEST_F(EngineTest, ARunWhoseTargetIsGoneIsForgotten) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  servers_.Hold("192.168.1.102");
  Start();
  Until([&](const Snapshot&) { return servers_.runs("192.168.1.102") > 0; });
  Show(KernelTable().Service(kService));
  const auto snapshot = Until(
      [](const Snapshot& s) { return !s.plan->backends.empty() && !s.plan->backends[0].in_table; });
  EXPECT_EQ(snapshot->loop.in_flight, 1u) << "the retained backend's";
  Show(KernelTable());
  const auto gone = Until([](const Snapshot& s) { return s.plan->backends.empty(); });
  EXPECT_EQ(gone->loop.in_flight, 1u) << "it still holds its socket";
}

TEST_F(EngineTest, LimitsHoldRunsBackAndSaySo) {
  limits_.max_in_flight = 1;
  Configure();
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
  Start();
  Until([&](const Snapshot&) { return servers_.runs("192.168.1.103") > 0; });
  servers_.Hold("192.168.1.102");
  const auto held = Until([](const Snapshot& s) { return s.loop.in_flight == 1; });
  const int runs = servers_.runs("192.168.1.103");
  Until([at = held->at](const Snapshot& s) { return s.at > at + 1s; });
  EXPECT_LE(servers_.runs("192.168.1.103"), runs + 1);
  servers_.ReleaseAll();
  const auto released = Until([](const Snapshot& s) {
    return s.loop.skipped_throttled > 0 && Results(s, Outcome::kInconclusive) > 0;
  });
  ASSERT_NE(released, nullptr);
  EXPECT_EQ(Results(*released, Outcome::kInconclusive),
            released->loop.skipped_throttled + released->loop.skipped_late);
  EXPECT_EQ(released->loop.skipped_late, 0u);
  EXPECT_THAT(released->targets[1]->failures,
              testing::Contains(testing::Key(Reason::kLocalThrottled)));
}

TEST_F(EngineTest, TimeoutsOfALateLoopAreItsOwnFault) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
  Start();
  Until(Verdicts({Verdict::kUp, Verdict::kUp}));
  // The loop stands still while the run is on, and afterwards it is too late.
  servers_.Set("192.168.1.102", [] {
    std::this_thread::sleep_for(300ms);
    return Failure(Reason::kConnectTimeout);
  });
  const auto snapshot =
      Until([](const Snapshot& s) { return Results(s, Outcome::kInconclusive) > 3; });
  EXPECT_EQ(snapshot->backends[0].verdict, Verdict::kUp);
  EXPECT_EQ(snapshot->backends[0].transitions_down, 0u);
  EXPECT_EQ(Results(*snapshot, Outcome::kFailure), 0u);
}

// A server gives up on a client that has stood still for long enough, and that was not its fault.
TEST_F(EngineTest, AServerThatHangsUpOnALateLoopIsNotAtFault) {
  for (const Reason reason :
       {Reason::kConnectReset, Reason::kTlsReset, Reason::kHttpReset, Reason::kHttpEmpty}) {
    SCOPED_TRACE(probes::Name(reason));
    servers_.Set("192.168.1.102", Success);
    Show(KernelTable().Service(kService).Backend("192.168.1.102", 80).Backend("192.168.1.103", 80));
    Start();
    Until(Verdicts({Verdict::kUp, Verdict::kUp}));
    servers_.Set("192.168.1.102", [reason] {
      std::this_thread::sleep_for(150ms);
      return Failure(reason);
    });
    const auto snapshot =
        Until([](const Snapshot& s) { return Results(s, Outcome::kInconclusive) > 3; });
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(snapshot->targets[0]->history[0].reason, Reason::kLocalOverload);
    EXPECT_EQ(snapshot->backends[0].transitions_down, 0u);
    EXPECT_EQ(Results(*snapshot, Outcome::kFailure), 0u);
    engine_.reset();
    published_.Set(nullptr);
  }
}

TEST_F(EngineTest, AFailureThatIsNoTimeoutIsTheServersEvenWhenWeAreLate) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  servers_.Set("192.168.1.102", [] {
    std::this_thread::sleep_for(150ms);
    return Failure(Reason::kConnectRefused);
  });
  Start();
  Until(Verdicts({Verdict::kDown}));
}

TEST_F(EngineTest, NatIcmpSendMakesTimeoutsOfMasqueradedServersOurFault) {
  const auto table = [](std::int64_t nat_icmp_send) {
    return KernelTable()
        .Service(kService)
        .Backend("192.168.1.102", 80, 1, ipvs::ForwardMethod::kMasquerade)
        .Sysctl("nat_icmp_send", nat_icmp_send);
  };
  servers_.Set("192.168.1.102", [] { return Failure(Reason::kConnectTimeout); });
  Show(table(1));
  Start();
  const auto snapshot =
      Until([](const Snapshot& s) { return Results(s, Outcome::kInconclusive) > 5; });
  EXPECT_EQ(snapshot->backends[0].verdict, Verdict::kUnknown);
  EXPECT_EQ(snapshot->targets[0]->history[0].reason, Reason::kLocalConfig);
  Show(table(0));
  Until(Verdicts({Verdict::kDown}));
}

// Probes of an hour find out within seconds that their servers have died, because a quick one of
// one of these servers did: it is of the same host as the first, which is of the same service as
// the second.
TEST_F(EngineTest, ASignAtOneTargetBringsItsKinForward) {
  const ipvs::ServiceKey slow_service = Tcp("192.168.1.111", 443);
  probes::Probe slow = QuickProbe();
  slow.name = "slow";
  slow.interval = slow.down_interval = 1h;
  slow.stale_after = 4h;
  Configuration configuration = *configuration_.Get();
  ServiceRule rule;
  rule.match.port = slow_service.port;
  rule.probes = {{fake::Prepared(slow)}};
  configuration.services.push_back(rule);
  configuration_.Set(std::make_shared<const Configuration>(configuration));
  KernelTable table = KernelTable().Service(kService).Backend("192.168.1.102", 80);
  Show(table);
  Start();
  Until(Verdicts({Verdict::kUp}));
  // What appears later has its first run within the fast interval.
  Show(table.Service(slow_service).Backend("192.168.1.102", 443).Backend("192.168.1.103", 443));
  Until(Verdicts({Verdict::kUp, Verdict::kUp, Verdict::kUp}));
  for (const char* server : {"192.168.1.102", "192.168.1.103"}) {
    servers_.Set(server, [] { return Failure(Reason::kConnectRefused); });
  }
  Until(Verdicts({Verdict::kDown, Verdict::kDown, Verdict::kDown}));
  for (const char* server : {"192.168.1.102", "192.168.1.103"}) servers_.Set(server, Success);
  Until(Verdicts({Verdict::kUp, Verdict::kUp, Verdict::kUp}));
}

// The pages went on telling the last that was known, for ever.
TEST_F(EngineTest, WithoutMemoryNothingIsKnownAndAfterARestEverythingBeginsAnew) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  Start();
  Until(Verdicts({Verdict::kUp}));
  EXPECT_FALSE(engine_->failed());
  servers_.Set("192.168.1.102", []() -> RunResult { throw std::bad_alloc(); });
  const auto deadline = Clock::now() + 60s;
  while (!engine_->failed() && Clock::now() < deadline) std::this_thread::sleep_for(1ms);
  while (published_.Get() != nullptr && Clock::now() < deadline) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_LT(Clock::now(), deadline);
  servers_.ReleaseAll();
  Until(Verdicts({Verdict::kUp}));
  EXPECT_FALSE(engine_->failed());
}

TEST_F(EngineTest, EndsWhileItRests) {
  rest_ = 1h;
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  servers_.Set("192.168.1.102", []() -> RunResult { throw std::bad_alloc(); });
  Start();
  const auto deadline = Clock::now() + 60s;
  while (!engine_->failed() && Clock::now() < deadline) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(engine_->failed());
  engine_.reset();
}

// Whether the only service is carried here.
std::function<bool(const Snapshot&)> Active(std::optional<bool> active) {
  return [active](const Snapshot& snapshot) { return snapshot.services.at(0).active == active; };
}

director::Snapshot DirectorIs(director::Role role) {
  director::Snapshot director;
  director.conclusion = {role, director::Evidence::kVrrp};
  director.vips = {{fake::Ip("127.0.0.1"), {"lo"}, false, true}};
  return director;
}

// 127.0.0.1 is local on every host, and on its loopback only.
TEST_F(EngineTest, AVipOnTheLoopbackIsCarriedUnlessVrrpSaysNo) {
  Show(KernelTable().Service(Tcp("127.0.0.1", 80)).Backend("192.168.1.102", 80));
  Start();
  Until(Active(true));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kBackup)));
  Until(Active(false));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kMaster)));
  Until(Active(true));
}

TEST_F(EngineTest, AMarkThatNobodyExplainsGoesWithTheRole) {
  Show(KernelTable().Service(fake::Mark(10)).Backend("192.168.1.102", 80));
  Start();
  Until(Active(std::nullopt));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kMaster)));
  Until(Active(true));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kBackup)));
  Until(Active(false));
}

TEST_F(EngineTest, AMarkIsCarriedWhereTheAddressesThatFeedItAreLocal) {
  Show(KernelTable().Service(fake::Mark(10)).Backend("192.168.1.102", 80));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kMaster)));
  audit::Report report;
  std::vector<Address>& fed = report.fed[{AddressFamily::kIpv4, 10}];
  fed = {Ip("192.0.2.1")};
  audit_.Set(std::make_shared<const audit::Report>(report));
  Start();
  Until(Active(false));
  fed.push_back(Ip("127.0.0.1"));
  audit_.Set(std::make_shared<const audit::Report>(report));
  Until(Active(true));
}

TEST_F(EngineTest, RolesAndFindingsAreEvents) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  director_.Set(std::make_shared<const director::Snapshot>(DirectorIs(director::Role::kMaster)));
  audit::Report report;
  report.findings.looked_at = {{"ip_forward", "ipv4", true}};
  audit_.Set(std::make_shared<const audit::Report>(report));
  Start();
  const auto has = [](Event::Kind kind, const std::string& to) {
    return [kind, to](const Snapshot& snapshot) {
      return std::ranges::any_of(*snapshot.events, [&](const auto& event) {
        return event->kind == kind && event->to == to;
      });
    };
  };
  Until(has(Event::Kind::kDirector, "master"));
  Until(has(Event::Kind::kAudit, "wrong"));
}

TEST_F(EngineTest, EndsWithRunsInFlight) {
  Show(KernelTable().Service(kService).Backend("192.168.1.102", 80));
  servers_.Hold("192.168.1.102");
  Start();
  while (servers_.runs("192.168.1.102") == 0) std::this_thread::sleep_for(1ms);
  engine_->Stop();
  engine_.reset();
}

}  // namespace
}  // namespace lvs::checker
