"""A quarter of an hour in which nothing is wrong: clients come and go, somebody drains, reloads, adds and removes. Nobody
is told of anything but of the service that is gone, and nothing else fires, not even for the dashboards.
"""

import signal
import time

import alerttest
import health
import traffic
from alerttest import RESOLVED, story

QUIET_SECONDS = 100
PAUSE = 0.2              # between two requests of a client
STEP = 2                 # between two steps of whoever sets up a service
DRAIN_SECONDS = 60       # ten minutes
IN_USE_SECONDS = 10
RELOADS = 4

# What a reload changes, and changes back.
EARLIER, LATER = "{interval: 1s", "{interval: 1500ms"


class AlertsQuietTest(alerttest.AlertTest):

    speed = 10  # the longest wait is half an hour, for a drain that nobody ends; the next ones are a quarter of an hour
    configuration = """
services:
  - match: {{address: {clients_come_and_go.vip}, port: 80, proto: TCP}}
    backends:
      - {{address: {clients_come_and_go.servers[0]}}}
      - {{address: {clients_come_and_go.servers[1]}}}
      - {{address: {clients_come_and_go.servers[2]}, role: sorry}}
"""

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.lab.client.ip("route add 10.50.0.0/16 via 10.9.0.1 src 10.9.0.2")
        cls.begin = time.time()

    @story(servers=3, spares=1)
    def clients_come_and_go(self, told):
        self._send_requests(told, QUIET_SECONDS)

    @story(servers=3, managed=False)
    def all_servers_but_one_are_drained(self, told):
        told.ipvsadm("-e -t VIP -r S0 -m -w 0", "-e -t VIP -r S1 -m -w 0")
        self._send_requests(told, DRAIN_SECONDS)
        told.ipvsadm("-e -t VIP -r S0 -m -w 1", "-e -t VIP -r S1 -m -w 1")
        self._send_requests(told, QUIET_SECONDS - DRAIN_SECONDS)

    @story(servers=2)
    def the_exporter_reloads(self, told):
        text = alerttest.CHECKER + self.configuration.format(**self.stories)
        self.assertIn(EARLIER, text)
        for number in range(RELOADS):
            before = self._last_reload()
            health.write_configuration(type(self).__name__, text if number % 2 else text.replace(EARLIER, LATER))
            self.exporter.signal(signal.SIGHUP)
            self._send_requests(told, QUIET_SECONDS / RELOADS)
            self.assertGreater(self._last_reload(), before)

    @story(servers=3, managed=False, empty=True)
    def a_service_is_added_and_removed(self, told):
        for line in told.rules().splitlines():
            told.ipvsadm(line)
            time.sleep(STEP)
        self._send_requests(told, IN_USE_SECONDS)
        told.ipvsadm("-D -t VIP")
        told.expect("ticket", "LVSServiceVanished", budget=50)
        told.expect("ticket", "LVSServiceVanished", RESOLVED, budget=600)

    def test_nothing_else_fired(self):
        """Prometheus itself says so, of the whole time."""
        fired = self.monitoring.query(
            f'group by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{time.time() - self.begin:.0f}s]))')
        self.assertEqual({labels["alertname"] for labels, _ in fired}, {"LVSWatchdog", "LVSServiceVanished"})

    def _send_requests(self, told, seconds):
        """Every one of them is answered."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lab.client.inside():
                self.assertEqual(traffic.http_get(told.vip), "well")
            time.sleep(PAUSE)

    def _last_reload(self):
        return self.exporter.page().value("ipvs_exporter_config_last_reload_success_timestamp_seconds")


if __name__ == "__main__":
    alerttest.main()
