#include "collectors/all.h"

#include "collectors/ipvs/reader.h"
#include "collectors/netlink/kernel.h"
#include "collectors/process/process.h"

namespace lvs {
namespace {

std::unique_ptr<Collector> MakeIpvs(const CollectorSettings& settings,
                                    Published<ipvs::LatestReading>& latest) {
  auto transport = std::make_unique<netlink::KernelTransport>("IPVS", 1);
  auto reader = std::make_unique<ipvs::Reader>(std::move(transport), settings.procfs);
  return std::make_unique<ipvs::IpvsCollector>(std::move(reader), settings.ipvs, latest);
}

std::unique_ptr<Collector> MakeProcess(const CollectorSettings& settings,
                                       Published<ipvs::LatestReading>&) {
  return std::make_unique<process::ProcessCollector>(settings.procfs);
}

}  // namespace

const std::vector<CollectorEntry>& AllCollectors() {
  static const std::vector<CollectorEntry> all = {
      {"ipvs", "Read the kernel's IPVS table", MakeIpvs, ipvs::DescribeIpvs},
      {"process", "Export the exporter's own process_ metrics", MakeProcess,
       process::DescribeProcess},
  };
  return all;
}

}  // namespace lvs
