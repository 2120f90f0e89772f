"""A table that somebody changes by hand, another health manager, and what is wrong with a real server on the network."""

import alerttest
import keepalived
import topology
from alerttest import RESOLVED, story

IPV4 = topology.IPV4


class AlertsTableTest(alerttest.AlertTest):

    more_real_servers = 1
    configuration = f"""
probes:
  open: {{{{type: tcp}}}}
  vip: {{{{type: dr}}}}
services:
  - match: {{{{address: {topology.DR}, port: 80, proto: TCP}}}}
    probes: [open, vip]
  - match: {{{{address: {{a_configured_service_is_deleted.vip}}, port: 80, proto: TCP}}}}
    name: shop
"""

    @story(servers=3, managed=False, empty=True)
    def keepalived_takes_one_out(self, told):
        self.enterClassContext(keepalived.checker(self.director, told.vip, 80, told.servers))
        told.wait_until_up()
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25)
        told.mend()
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(vip=topology.SCHEDULED, addresses=(IPV4["rs1"], IPV4["rs2"], topology.ABSENT), absent=1)
    def an_address_that_does_not_exist(self, told):
        told.expect("notice", "LVSRealServerDown", says=("host_unreachable",), remote_address=topology.ABSENT)
        told.note_fault()
        self.lab.rs2.ip(f"addr add {topology.ABSENT}/24 dev eth0")
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(vip=topology.DR, addresses=(IPV4["rs1"], IPV4["rs2"], IPV4["rs3"]))
    def the_vip_is_removed_from_a_real_server(self, told):
        told.note_fault()
        self.lab.rs2.ip(f"addr del {topology.DR}/32 dev lo")
        told.expect("notice", "LVSRealServerDown", says=("dr_no_reply",), remote_address=IPV4["rs2"])
        told.note_fault()
        self.lab.rs2.ip(f"addr add {topology.DR}/32 dev lo")
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(vip=topology.PER_PORT, addresses=(IPV4["rs1"], IPV4["rs4"]))
    def a_real_server_answers_arp(self, told):
        rs4 = self.lab.real_servers[3]
        rs4.ip(*(f"addr del {vip}/32 dev lo" for vip in topology.VIPS_ON_REAL_SERVERS
                 if ":" not in vip and vip != told.vip))
        told.note_fault()
        rs4.sysctl(ipv4__conf__all__arp_ignore=0)
        told.expect("page", "LVSRealServerARPLeak", budget=90, remote_address=IPV4["rs4"])
        told.note_fault()
        rs4.sysctl(ipv4__conf__all__arp_ignore=1)
        told.expect("page", "LVSRealServerARPLeak", RESOLVED, budget=90)

    @story(servers=4, managed=False)
    def a_dead_server_is_given_weight(self, told):
        told.refuse(0)
        told.ipvsadm("-e -t VIP -r S0 -m -w 0")
        told.expect("notice", "LVSRealServerDown", budget=25, remote_address=told.servers[0])
        told.ipvsadm("-e -t VIP -r S0 -m -w 1")
        told.expect("page", "LVSTrafficToDeadServer", budget=50, remote_address=told.servers[0])
        told.ipvsadm("-e -t VIP -r S0 -m -w 0")
        told.expect("page", "LVSTrafficToDeadServer", RESOLVED)
        told.mend()
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(servers=3, managed=False)
    def a_healthy_server_is_removed(self, told):
        told.ipvsadm("-d -t VIP -r S0")
        told.expect("ticket", "LVSRealServerMissingFromIPVS", budget=165, remote_address=told.servers[0])
        told.ipvsadm("-a -t VIP -r S0 -m -w 1")
        told.expect("ticket", "LVSRealServerMissingFromIPVS", RESOLVED, budget=360)

    @story(servers=2, managed=False)
    def a_service_is_deleted(self, told):
        told.ipvsadm("-D -t VIP")
        told.expect("ticket", "LVSServiceVanished", budget=50)
        told.ipvsadm(*told.rules().splitlines())
        told.expect("ticket", "LVSServiceVanished", RESOLVED, budget=360)

    @story(servers=2, managed=False)
    def a_configured_service_is_deleted(self, told):
        told.ipvsadm("-D -t VIP")
        told.expect("page", "LVSServiceNotCarried", budget=50)
        told.ipvsadm(*told.rules().splitlines())
        told.expect("page", "LVSServiceNotCarried", RESOLVED)

    @story(servers=2, managed=False)
    def a_server_is_drained(self, told):
        told.ipvsadm("-e -t VIP -r S0 -m -w 0")


if __name__ == "__main__":
    alerttest.main()
