"""What befalls a pair of directors and its election: one page each, or none."""

import alerttest
import pairtest
from alerttest import RESOLVED, story


class AlertsDirectorsTest(pairtest.PairAlertTest):

    @story()
    def the_role_is_handed_over_and_back(self, told):
        """Nobody is told."""
        told.note_fault()
        self.first.give_way()
        told.endure()
        self.first.take_back()
        self.pair.wait_for_rest()

    @story()
    def keepalived_of_the_master_is_stopped(self, told):
        """The other one takes over, and is alone then."""
        told.note_fault()
        self.first.keepalived.stop()
        told.expect("page", "LVSDirectorWithoutStandby", budget=50)
        told.endure()
        told.note_fault()
        self.first.keepalived.start()
        told.expect("page", "LVSDirectorWithoutStandby", RESOLVED, budget=90)

    @story()
    def keepalived_of_the_master_is_killed(self, told):
        """It leaves the VIPs behind. Each of them is an alert; the page is one."""
        told.note_fault()
        self.first.keepalived.kill()
        for _ in pairtest.pair.VIPS:
            told.expect("page", "LVSVIPBoundTwice", budget=40)
        told.endure()
        told.note_fault()
        self.first.keepalived.start()
        for _ in pairtest.pair.VIPS:
            told.expect("page", "LVSVIPBoundTwice", RESOLVED, budget=120)

    @story()
    def both_are_stopped(self, told):
        told.note_fault()
        for director in self.pair.directors:
            director.keepalived.stop()
        told.expect("page", "LVSVRRPNoMaster", budget=40)
        told.endure()
        told.note_fault()
        for director in self.pair.directors:
            director.keepalived.start()
        told.expect("page", "LVSVRRPNoMaster", RESOLVED, budget=150)

    @story()
    def vrrp_is_blocked(self, told):
        told.note_fault()
        self.pair.block_vrrp()
        told.expect("page", "LVSVRRPSplitBrain", budget=40)
        told.endure()
        told.note_fault()
        self.pair.unblock_vrrp()
        told.expect("page", "LVSVRRPSplitBrain", RESOLVED, budget=150)

    def test_so_many_failovers_are_flapping(self):
        self.assert_flapping_was_told()


if __name__ == "__main__":
    alerttest.main()
