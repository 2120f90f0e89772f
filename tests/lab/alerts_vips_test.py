"""VIPs on no director and on two of them, and packets to a VIP that nobody marks any more. One page each."""

import alerttest
import pairtest
import topology
from alerttest import RESOLVED, story
from pair import SCRIPTED


class AlertsVipsTest(pairtest.PairAlertTest):

    @story()
    def a_vip_is_deleted(self, told):
        told.note_fault()
        self.first.host.ip(f"addr del {SCRIPTED}/32 dev eth0")
        told.expect("page", "LVSVIPNotBound", budget=35, address=SCRIPTED)
        told.endure()
        told.note_fault()
        self.first.host.ip(f"addr add {SCRIPTED}/32 dev eth0")
        told.expect("page", "LVSVIPNotBound", RESOLVED, budget=120)

    @story()
    def a_vip_is_added_on_the_standby(self, told):
        told.note_fault()
        self.second.host.ip(f"addr add {topology.DR}/32 dev eth0")
        told.expect("page", "LVSVIPBoundTwice", budget=40, address=topology.DR)
        told.endure()
        told.note_fault()
        self.second.host.ip(f"addr del {topology.DR}/32 dev eth0")
        told.expect("page", "LVSVIPBoundTwice", RESOLVED, budget=120)

    @story()
    def the_marking_rules_are_flushed(self, told):
        told.note_fault()
        self.first.host.run("iptables-legacy", "-w", "-t", "mangle", "-F", "PREROUTING")
        told.expect("page", "LVSFwmarkRuleMissing", budget=60, says=("mark 0000000A ipv4",))
        told.endure()
        told.note_fault()
        self.first.host.run("iptables-legacy-restore", "-w", text=topology.MARK_RULES)
        told.expect("page", "LVSFwmarkRuleMissing", RESOLVED, budget=60)


if __name__ == "__main__":
    alerttest.main()
