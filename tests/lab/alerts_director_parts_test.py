"""What befalls one director of a pair: its sync daemon, network card, exporter and keepalived. One message each."""

import signal

import alerttest
import pairtest
from alerttest import RESOLVED, story


class AlertsDirectorPartsTest(pairtest.PairAlertTest):

    @story()
    def a_sync_daemon_is_stopped(self, told):
        told.note_fault()
        self.second.host.run("ipvsadm", "--stop-daemon", "backup")
        told.expect("ticket", "LVSSyncDaemonMissing", budget=75, role="backup")
        told.endure()
        told.note_fault()
        self.second.host.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth0",
                             "--syncid", str(pairtest.pair.VRID))
        told.expect_later("ticket", "LVSSyncDaemonMissing", RESOLVED, budget=360)

    @story()
    def the_network_card_of_the_master_goes_down(self, told):
        """The page is of the pair, the ticket of the director would only repeat it."""
        told.note_fault()
        self.first.host.ip("link set eth0 down")
        told.expect("page", "LVSDirectorWithoutStandby", budget=50)
        told.endure()
        told.note_fault()
        self.first.host.ip("link set eth0 up")
        told.expect("page", "LVSDirectorWithoutStandby", RESOLVED, budget=90)

    @story()
    def the_exporter_of_the_master_is_killed(self, told):
        """Its last word counts: nobody is told that there is no master, or no VIP. The new one does not know what
        keepalived has told the old one, and that is no reason either."""
        told.note_fault()
        self.first.exporter.signal(signal.SIGKILL)
        told.expect("page", "LVSExporterDown", budget=65)
        told.endure()
        told.note_fault()
        self.first.restart_exporter()
        told.expect("page", "LVSExporterDown", RESOLVED)
        self._stop_keepalived_of_the_standby(told)
        self.first.keepalived.dump_json()

    @story()
    def a_director_without_partner_loses_its_keepalived(self, told):
        """In a pair the page is that there is no standby. Here nobody has said that there should be one."""
        self._say_how_many(1)
        told.note_fault()
        self.second.keepalived.stop()
        told.expect("page", "LVSKeepalivedDown", budget=50)
        told.endure()
        told.note_fault()
        self.second.keepalived.start()
        told.expect("page", "LVSKeepalivedDown", RESOLVED, budget=60)
        self._say_how_many(2)

    def _stop_keepalived_of_the_standby(self, told):
        told.note_fault()
        self.second.keepalived.stop()
        told.expect("page", "LVSDirectorWithoutStandby", budget=50)
        told.endure()
        told.note_fault()
        self.second.keepalived.start()
        told.expect("page", "LVSDirectorWithoutStandby", RESOLVED, budget=90)

    def _say_how_many(self, directors):
        for director in self.pair.directors:
            director.configure(directors=directors)
            director.exporter.signal(signal.SIGHUP)


if __name__ == "__main__":
    alerttest.main()
