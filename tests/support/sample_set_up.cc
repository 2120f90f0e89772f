#include "tests/support/sample_set_up.h"

#include <chrono>

#include "collectors/audit/auditor.h"
#include "collectors/audit/metrics.h"
#include "collectors/director/metrics.h"
#include "collectors/realserver/metrics.h"
#include "tests/support/audit_world.h"

namespace lvs {
namespace {

using fake::Ip;
using fake::Marks;
using namespace std::chrono_literals;

// Tells the same every time.
class Told : public Collector {
 public:
  Told(std::string_view name, Families families) : name_(name), families_(std::move(families)) {}
  std::string_view name() const override { return name_; }
  Collection Collect(Deadline) override { return {families_, std::nullopt}; }

 private:
  const std::string_view name_;
  const Families families_;
};

std::shared_ptr<const realserver::Facts> SampleRealServer() {
  return std::make_shared<const realserver::Facts>(
      realserver::Facts{.vips = {{Ip("192.168.1.111"), "lo", 24, true, false},
                                 {.address = Ip("192.168.1.112"), .interface = ""}},
                        .interfaces = {{"lo", true, false, 0, 0, 0},
                                       {"eth0", false, false, 1, 0, 1},
                                       {"tunl0", false, true, {}, 2, 0}}});
}

}  // namespace

std::shared_ptr<const director::Snapshot> SampleDirector() {
  director::Snapshot snapshot;
  snapshot.vips = {{Ip("192.168.1.111"), {"eth0", "lo"}, true, true},
                   {Ip("2001:db8::111"), {}, false, false}};
  snapshot.instances = {{"VI_1", 51, director::VrrpState::kMaster, {0, 1, 2, 0}},
                        {"VI_2", {}, director::VrrpState::kFault, {0, 0, 0, 1}}};
  snapshot.keepalived_up = true;
  snapshot.conclusion = {director::Role::kMaster, director::Evidence::kVrrp};
  snapshot.directors = 2;
  snapshot.sync_daemon_expected = true;
  return std::make_shared<const director::Snapshot>(snapshot);
}

std::shared_ptr<const audit::Report> SampleAudit() {
  const fake::Host host = fake::Host()
                              .Is(director::Role::kMaster, 2)
                              .Service("192.168.1.111:80/TCP")
                              .Backend("192.168.1.102:80", ipvs::ForwardMethod::kMasquerade)
                              .Local("192.168.1.111")
                              .Forwarding(1)
                              .MarkService(10)
                              .MarkService(20)
                              .Rules(Marks(10).To("192.168.1.112"))
                              .Local("192.168.1.112")
                              .Sysctl("conn_reuse_mode", 1)
                              .Sysctl("expire_nodest_conn", 0)
                              .Sysctl("drop_entry", 2);
  audit::Report report = audit::MakeReport(host.facts(), {});
  report.at = std::chrono::system_clock::time_point(1'796'000'000s);
  report.took = 20ms;
  report.pause = 4980ms;
  return std::make_shared<const audit::Report>(report);
}

std::vector<std::unique_ptr<Collector>> SampleSetUpCollectors() {
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(
      std::make_unique<Told>("director", director::RenderSnapshot(SampleDirector())));
  collectors.push_back(std::make_unique<Told>("audit", audit::RenderReport(SampleAudit())));
  collectors.push_back(
      std::make_unique<Told>("realserver", realserver::RenderFacts(SampleRealServer())));
  return collectors;
}

}  // namespace lvs
