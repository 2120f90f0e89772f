// The realserver collector: runs on a real server and says how it is set up for its VIPs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/published.h"
#include "collectors/realserver/configuration.h"
#include "collectors/realserver/facts.h"
#include "collectors/route/network_settings.h"
#include "collectors/route/route.h"

namespace lvs::realserver {

// Every metric that RealServerCollector may write.
std::vector<const MetricInfo*> DescribeRealServer();

// The VIPs among a host's addresses: those that are wanted, wherever they are; without a wish, all
// on the loopback and dummies, and the single hosts (/32, /128) without a peer on tunnels, beside
// the host's own 127.0.0.0/8, ::1 and link-local ones. Each once for every interface.
std::vector<Vip> FindVips(const std::vector<Address>& wanted,
                          const std::vector<route::Interface>& interfaces,
                          const std::vector<route::InterfaceAddress>& addresses);

// The interfaces that are up, without their settings.
std::vector<HostInterface> FindInterfaces(const std::vector<Vip>& vips,
                                          const std::vector<route::Interface>& interfaces,
                                          const std::vector<route::InterfaceAddress>& addresses);

// For the thread that calls Collect(), whose network namespace it reads.
class RealServerCollector : public Collector {
 public:
  // configuration must outlive this; never null.
  RealServerCollector(const std::string& procfs, const Published<Configuration>& configuration)
      : settings_(procfs), configuration_(configuration) {}

  std::string_view name() const override { return "realserver"; }
  Collection Collect(Deadline deadline) override;

 private:
  Result<Facts> Read();

  const route::NetworkSettings settings_;
  const Published<Configuration>& configuration_;
  route::RouteReader routes_;
};

}  // namespace lvs::realserver
