"""Real servers that fail, alone, together and one by one, with a health manager that takes them out and without one."""

import time

import alerttest
import deadline
from alerttest import RESOLVED, SPEED, story

QUICK_FLAPS = 5

# How long a server must be up for its notice to be resolved, and down for the next one: keep_firing_for, or group_wait,
# then a round of the group; and a margin.
UP_FOR_LONG = (60 + 30) / SPEED + 3
DOWN_FOR_LONG = (6 + 30) / SPEED + 3


class AlertsTest(alerttest.AlertTest):

    # Of those that fail and come back together, all verdicts are in one scrape.
    configuration = """
probes:
  quick: {{type: tcp, interval: 400ms, fast_interval: 200ms}}
services:
  - match: {{address: {two_of_four_refuse.vip}, port: 80, proto: TCP}}
    probes: [quick]
  - match: {{address: {all_at_once.vip}, port: 80, proto: TCP}}
    probes: [quick]
  - match: {{address: {all_at_once_and_nobody_takes_them_out.vip}, port: 80, proto: TCP}}
    probes: [quick]
  - match: {{address: {one_by_one.vip}, port: 80, proto: TCP}}
    probes: [quick]
  - match: {{address: {sorry_server_takes_over.vip}, port: 80, proto: TCP}}
    probes: [quick]
    backends:
      - {{address: {sorry_server_takes_over.servers[0]}}}
      - {{address: {sorry_server_takes_over.servers[1]}}}
      - {{address: {sorry_server_takes_over.servers[2]}, role: sorry}}
"""

    @story(servers=4)
    def one_of_four_refuses(self, told):
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25, says=("connect_refused",), remote_address=told.servers[0])
        told.mend()
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(servers=4)
    def one_of_four_is_black_holed(self, told):
        told.drop(0)
        told.expect("notice", "LVSRealServerDown", says=("connect_timeout",), remote_address=told.servers[0])
        told.mend()
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(servers=2)
    def one_of_two_refuses(self, told):
        told.refuse(0)
        told.expect("page", "LVSServiceSinglePointOfFailure", budget=25)
        told.mend()
        told.expect("page", "LVSServiceSinglePointOfFailure", RESOLVED)

    @story(servers=4)
    def two_of_four_refuse(self, told):
        """No later than one would be told."""
        told.refuse(0, 1)
        told.expect("notice", "LVSServiceDegraded", budget=25, says=("50%",))
        told.mend()
        told.expect("notice", "LVSServiceDegraded", RESOLVED)

    @story(servers=4)
    def all_at_once(self, told):
        told.refuse()
        told.expect("page", "LVSServiceDown")
        told.mend()
        told.expect("page", "LVSServiceDown", RESOLVED)

    @story(servers=4, managed=False)
    def all_at_once_and_nobody_takes_them_out(self, told):
        """That clients are sent to dead servers is true as well, and told by the same page."""
        told.refuse()
        told.expect("page", "LVSServiceDown")
        deadline.wait_until(60, "traffic to dead servers", lambda: len(
            [alert for alert in self.monitoring.alerts("LVSTrafficToDeadServer")
             if (alert["local_address"], alert["state"]) == (told.vip, "firing")]) == 4, 0.5)
        time.sleep(DOWN_FOR_LONG)
        told.mend()
        told.expect("page", "LVSServiceDown", RESOLVED)

    @story(servers=3, services=6)
    def a_server_of_six_services_dies(self, told):
        told.drop(0)
        told.expect("page", "LVSRealServerHostDown", remote_address=told.servers[0])
        told.mend()
        told.expect("page", "LVSRealServerHostDown", RESOLVED)

    @story(servers=4, managed=False)
    def one_of_four_refuses_and_nobody_takes_it_out(self, told):
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25)
        told.expect("page", "LVSTrafficToDeadServer", budget=50, remote_address=told.servers[0])
        told.mend()
        told.expect("notice", "LVSRealServerDown", RESOLVED)
        told.expect("page", "LVSTrafficToDeadServer", RESOLVED)

    @story(servers=3, spares=1, managed=False)
    def sorry_server_takes_over(self, told):
        """The health manager has checks of its own: it finds out later than the exporter."""
        told.refuse(0, 1)
        told.wait_until_down(2)
        told.ipvsadm("-d -t VIP -r S0", "-d -t VIP -r S1", "-a -t VIP -r S2 -m -w 1")
        told.expect("page", "LVSSorryServerActive")
        told.mend()
        told.wait_until_up()
        told.ipvsadm("-a -t VIP -r S0 -m -w 1", "-a -t VIP -r S1 -m -w 1", "-d -t VIP -r S2")
        told.expect("page", "LVSSorryServerActive", RESOLVED)

    @story(servers=3)
    def one_by_one(self, told):
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25, remote_address=told.servers[0])
        told.refuse(1)
        told.expect("page", "LVSServiceSinglePointOfFailure", budget=25)
        told.refuse(2)
        told.expect("page", "LVSServiceDown", budget=25)
        told.mend()
        told.expect("page", "LVSServiceDown", RESOLVED)
        told.expect("page", "LVSServiceSinglePointOfFailure", RESOLVED)
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    @story(servers=4)
    def one_of_four_flaps(self, told):
        """Six times. The last time it is up and down for so long that both would be told if there were no ticket. Its
        notice does not end before the flapping does, which takes too long to wait for."""
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25, remote_address=told.servers[0])
        for _ in range(QUICK_FLAPS):
            told.mend()
            told.wait_until_up()
            told.refuse(0)
            told.wait_until_down(1)
        told.expect("ticket", "LVSRealServerFlapping", budget=60, remote_address=told.servers[0])
        told.mend()
        told.wait_until_up()
        time.sleep(UP_FOR_LONG)
        told.refuse(0)
        told.wait_until_down(1)
        time.sleep(DOWN_FOR_LONG)
        told.mend()


if __name__ == "__main__":
    alerttest.main()
