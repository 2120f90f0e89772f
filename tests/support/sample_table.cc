#include "tests/support/sample_table.h"

namespace lvs {

using ipvs::ForwardMethod;
using ipvs::TunnelType;

std::vector<fake::Service> SampleServices() {
  return {
      fake::Service("192.168.1.111:80/TCP")
          .Counters({30, 300, 0, 30000, 0})
          .With(fake::Backend("192.168.1.102:80")
                    .Forward(ForwardMethod::kRoute)
                    .Connections(3, 7)
                    .Counters({20, 200, 0, 20000, 0}))
          .With(fake::Backend("192.168.1.103:80")
                    .Forward(ForwardMethod::kRoute)
                    .Weight(0)
                    .Counters({10, 100, 0, 10000, 0})),
      fake::Service("mark 0000000A ipv4")
          .Persistent(300)
          .With(fake::Backend("192.168.1.102:0").Forward(ForwardMethod::kRoute).Templates(4)),
      fake::Service("mark 0000000A ipv6").With(fake::Backend("[2001:db8::102]:0")),
      fake::Service("192.168.1.112:443/TCP")
          .Scheduler("sh")
          .Flags(0x18)
          .With(fake::Backend("192.168.1.102:443").Thresholds(100, 80)),
      fake::Service("192.168.1.113:53/UDP")
          .Flags(ipvs::kServiceOnePacket)
          .With(fake::Backend("192.168.1.102:53").Tunnel(TunnelType::kIpip)),
      fake::Service("192.168.1.114:0/TCP")
          .Persistent(60)
          .Netmask(0xffffff00)
          .With(fake::Backend("192.168.1.102:0").Thresholds(50, 0)),
      fake::Service("192.168.1.115:21/TCP")
          .Persistent(60)
          .With(fake::Backend("192.168.1.102:21").Forward(ForwardMethod::kLocal)),
      fake::Service("192.168.1.116:5060/UDP")
          .Persistent(90)
          .Engine("sip")
          .With(fake::Backend("192.168.1.102:5060").Tunnel(TunnelType::kGue, 5555, 1)),
      fake::Service("[2001:db8::111]:443/TCP")
          .Scheduler("mh")
          .Flags(0x28)
          .Persistent(120)
          .Netmask(64)
          .With(fake::Backend("[2001:db8::102]:443").Tunnel(TunnelType::kGre, 0, 2)),
      fake::Service("192.168.1.117:9000/SCTP")
          .Scheduler("wlc")
          .Flags(0x10)
          .With(fake::Backend("192.168.1.102:9000").Forward(ForwardMethod::kBypass)),
      fake::Service("192.168.1.118:80/TCP").Scheduler("none"),
  };
}

std::shared_ptr<const ipvs::Table> SampleTable() {
  auto table = std::make_shared<ipvs::Table>();
  table->up = true;
  table->services_known = true;
  table->info = ipvs::Info{"1.2.1", 4096};
  table->timeouts = ipvs::Timeouts{900, 120, 300};
  ipvs::SyncDaemon master;
  master.role = ipvs::SyncDaemon::Role::kMaster;
  master.interface = "eth0";
  master.sync_id = 7;
  ipvs::SyncDaemon backup = master;
  backup.role = ipvs::SyncDaemon::Role::kBackup;
  table->sync_daemons = {master, backup};
  table->totals = ipvs::Counters{18446744073709551615U, 2, 3, 4, 5};
  table->estimator_totals = ipvs::Counters{11, 12, 13, 14, 15};
  table->sync_receive_drops = 132;
  table->estimation_enabled = true;
  table->sysctls = {{"conn_reuse_mode", 1}, {"sync_threshold", 3}, {"sync_period", 50}};
  for (const fake::Service& service : SampleServices()) table->services.push_back(service.value());
  return table;
}

}  // namespace lvs
