#include "tests/support/sample_health.h"

#include <cstdlib>

#include "collectors/checker/ledger.h"
#include "collectors/checker/metrics.h"
#include "tests/support/checker_world.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

using checker::Role;
using probes::ProbeType;
using probes::Reason;
using namespace std::chrono_literals;

checker::ExpectedBackend Expected(const std::string& address, Role role) {
  checker::ExpectedBackend backend;
  backend.address = fake::Ip(address);
  backend.weight = 1;
  backend.role = role;
  return backend;
}

std::shared_ptr<const checker::Configuration> SampleConfiguration() {
  auto configuration = std::make_shared<checker::Configuration>(checker::Configuration::Default());
  configuration->metrics_level = checker::MetricsLevel::kFull;
  checker::ServiceRule rule;
  rule.match.address = fake::Ip("192.168.1.111");
  rule.match.port = 80;
  rule.match.protocol = ipvs::Protocol::kTcp;
  rule.name = "shop";
  probes::Probe page = fake::ProbeOf("page", ProbeType::kHttps);
  page.tls.verify = false;
  rule.probes = {fake::Prepared(fake::ProbeOf("alive", ProbeType::kIcmp)), fake::Prepared(page),
                 fake::Prepared(fake::ProbeOf("vip", ProbeType::kDr))};
  rule.backends = {Expected("192.168.1.102", Role::kReal),
                   Expected("192.168.1.110", Role::kBackup)};
  configuration->services.push_back(rule);
  return configuration;
}

// A good answer to any type of probe.
probes::RunResult Good(ProbeType type) {
  probes::RunResult result = fake::Success();
  if (type == ProbeType::kIcmp) {
    result.icmp =
        probes::IcmpFacts{.sent = 1, .received = 1, .duplicates = 0, .round_trip = 0.00025f};
  }
  if (type == ProbeType::kHttps) {
    result.phases = {
        .connect = 0.0005f, .tls = 0.001f, .write = 0.0001f, .first_byte = 0.001f, .body = 0.0004f};
    result.http_status = 200;
    result.http_body_bytes = 612;
    probes::CertificateFacts facts;
    facts.leaf_not_after = std::chrono::sys_seconds(1'800'000'000s);
    facts.chain_earliest_not_after = std::chrono::sys_seconds(1'790'000'000s);
    facts.leaf_sha256.fill(0xab);
    facts.issuer = "CN=private CA,O=Example";
    facts.version = "TLSv1.3";
    facts.verified = true;
    result.certificate = std::make_shared<const probes::CertificateFacts>(facts);
  }
  return result;
}

}  // namespace

std::shared_ptr<const checker::Snapshot> SampleHealth() {
  checker::Moment now{Clock::time_point(1000s), checker::WallTime(1'700'000'000s)};
  checker::Ledger ledger({});
  const std::shared_ptr<const ipvs::Table> table = SampleTable();
  ledger.Adopt(checker::MakePlan(SampleConfiguration(), {table.get(), true}, nullptr, now.steady),
               now);
  const auto run_all = [&](bool second_server_works) {
    now.steady += 1s;
    now.wall += 1s;
    const checker::Plan& plan = *ledger.plan();
    for (std::uint32_t i = 0; i < plan.targets.size(); ++i) {
      const checker::TargetKey& key = plan.targets[i].key;
      if (key.probe == "tcp" || key.probe == "icmp") continue;  // those stay unknown
      const ProbeType type = plan.targets[i].probe->probe().type;
      const bool fails = !second_server_works && key.address == fake::Ip("192.168.1.103");
      probes::RunResult bad = fake::Failure(
          type == ProbeType::kIcmp ? Reason::kIcmpTimeout : Reason::kConnectRefused, "no answer");
      ledger.Finish(i, fails ? bad : Good(type), now);
    }
  };
  run_all(true);
  run_all(true);
  for (int i = 0; i < 3; ++i) run_all(false);
  for (std::uint32_t i = 0; i < ledger.plan()->services.size(); ++i) {
    if (!ledger.plan()->services[i].vips.empty()) ledger.SetActive(i, true);
  }
  auto snapshot = std::make_shared<checker::Snapshot>(
      ledger.Take({Clock::time_point(1010s), checker::WallTime(1'700'000'010s)}));
  snapshot->loop.in_flight = 2;
  snapshot->loop.lag.Add(checker::kDelayBounds, 0.0002);
  snapshot->loop.start_delay.Add(checker::kDelayBounds, 0.0015);
  using Kind = probes::ArpLeak::Kind;
  const Address vip = fake::Ip("192.168.1.111");
  snapshot->arp = {{vip, fake::Ip("192.168.1.102"), "eth0", Kind::kAnswers, false, std::nullopt},
                   {vip, std::nullopt, "eth0", Kind::kAnnounces, true, std::nullopt}};
  return snapshot;
}

std::unique_ptr<Collector> SampleHealthCollector() {
  class SampleCollector : public Collector {
   public:
    std::string_view name() const override { return "checker"; }
    Collection Collect(Deadline) override {
      return {checker::RenderSnapshot(SampleHealth()), std::nullopt};
    }
  };
  return std::make_unique<SampleCollector>();
}

}  // namespace lvs
