"""Outages of what watches, and of everything at once: what was told is not told again, and not taken back too early.

These stories disturb each other: each waits until the one before lets it.
"""

import contextlib
import signal
import threading
import time

import alerttest
from alerttest import RESOLVED, SPEED, story

# How long a repetition would take to come, or the end of what is kept: Prometheus resends, or keep_firing_for passes, then
# a round of the group; and a margin.
LONG_ENOUGH = (60 + 30) / SPEED + 3

table_is_back = threading.Event()
restarts_are_over = threading.Event()


@contextlib.contextmanager
def and_then(event):
    """Lets the next story begin, whatever becomes of this one."""
    try:
        yield
    finally:
        event.set()


class AlertsOutageTest(alerttest.AlertTest):

    # A server that is out of the table is known to a new exporter only if the configuration names it.
    configuration = """
services:
  - match: {{address: {the_exporter_dies_while_a_server_is_down.vip}, port: 80, proto: TCP}}
    backends: [{{address: {the_exporter_dies_while_a_server_is_down.servers[0]}}}]
"""

    @story(servers=2, managed=False, of_director=("LVSAllServicesVanished",))
    def the_table_is_flushed(self, told):
        with and_then(table_is_back):
            told.note_fault()
            self.director.run("ipvsadm", "-C")
            told.expect("page", "LVSAllServicesVanished", budget=35)
            told.note_fault()
            self._fill_table()
        told.expect("page", "LVSAllServicesVanished", RESOLVED)

    @story(servers=2)
    def restarts_in_an_incident(self, told):
        """The page has a muted companion, which began at the same evaluation. (What began earlier than what mutes it
        may come out after a restart of Alertmanager, which remembers no alerts: Prometheus repeats each at its own time.)
        """
        table_is_back.wait()
        with and_then(restarts_are_over):
            told.wait_until_up()
            told.refuse(0)
            told.expect("page", "LVSServiceSinglePointOfFailure", budget=25)
            self.monitoring.alertmanager.restart()
            time.sleep(LONG_ENOUGH)
            self.monitoring.prometheus.restart()
            time.sleep(LONG_ENOUGH)
        told.mend()
        told.expect("page", "LVSServiceSinglePointOfFailure", RESOLVED)

    @story(servers=4, of_director=("LVSExporterDown",))
    def the_exporter_dies_while_a_server_is_down(self, told):
        restarts_are_over.wait()
        told.refuse(0)
        told.expect("notice", "LVSRealServerDown", budget=25)
        told.wait_until_taken_out(1)
        self._kill_the_exporter(told)
        time.sleep(LONG_ENOUGH)
        self._start_the_exporter(told)
        told.wait_until_down(1)
        time.sleep(LONG_ENOUGH)
        self._kill_the_exporter(told)
        told.mend()
        time.sleep(LONG_ENOUGH)
        told.assert_nothing_else()
        self._start_the_exporter(told)
        told.expect("notice", "LVSRealServerDown", RESOLVED)

    def _kill_the_exporter(self, told):
        told.note_fault()
        self.exporter.signal(signal.SIGKILL)
        told.expect("page", "LVSExporterDown", budget=65)

    def _start_the_exporter(self, told):
        told.note_fault()
        self.exporter.stop()
        self.exporter.__enter__()
        told.expect("page", "LVSExporterDown", RESOLVED)


if __name__ == "__main__":
    alerttest.main()
