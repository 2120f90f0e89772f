"""A pair of directors with real keepalived: what the exporter says of each in every state that the pair can be in. The
exporters run as nobody with CAP_NET_ADMIN and read what keepalived writes into their pipes."""

import os
import time

import deadline
import exporter
import health
import labtest
import netns
import pair
import topology
import traffic
from pair import BACKUP, FAULT, INSTANCE, MASTER, SCRIPTED, STOPPED, VIPS, VRID

NOTICED = 5  # seconds in which what must not change anything would have been seen
REQUESTS = 6
ROUNDS_LIMIT = 15  # of requests that all go through one director
SCAN_LIMIT = 40  # the connection table is read in the background


class DirectorsTest(labtest.LabTest):

    topology_class = topology.PairTopology
    with_rules = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pair = cls.enterClassContext(pair.Pair(cls.lab, exporter.NOBODY_WITH_NET_ADMIN))
        cls.first, cls.second = cls.pair.directors

    def setUp(self):
        self.pair.bring_to_rest()

    def assert_answers(self, director, vip=topology.DR):
        """Clients are answered by a real server, and through this director. Each of the others may take over for a moment
        when nobody gave it the processor in time: one round without that is enough."""
        def connections():
            self.wait_for_estimator(director.host)
            page = director.exporter.page()
            return page.value("ipvs_service_connections_total", **labtest.service(vip, 80))

        def one_round():
            before = connections()
            with self.lab.client.inside():
                answers = {traffic.http_get(vip) for _ in range(REQUESTS)}
            self.assertEqual(answers, set(topology.REAL_SERVERS))
            return connections() - before == REQUESTS
        deadline.wait_until(ROUNDS_LIMIT, f"{REQUESTS} requests to go through {director.name}", one_round)

    def assert_moved(self, director, before, **states):
        """VRRP went into these states so often since, and into no other one."""
        after = director.transitions()
        self.assertEqual({state: count - before[state] for state, count in after.items() if count != before[state]},
                         states, director.name)

    def test_at_rest(self):
        pages = [director.exporter.page() for director in self.pair.directors]
        for page in pages:
            self.assertEqual(labels_of(page, "ipvs_director_role", "role"), {"master", "backup", "fault", "unknown"})
            self.assertEqual(labels_of(page, "ipvs_director_role_evidence", "evidence"),
                             {"vrrp", "vip", "alone", "none"})
            self.assertEqual(labels_of(page, "ipvs_sync_daemon_expected", "role"), {"master", "backup"})
            self.assertEqual(page.value("ipvs_directors_expected"), 2)
            self.assertEqual(set(page.series("ipvs_vrrp_state")),
                             {frozenset({("vrrp_instance", INSTANCE), ("vrid", str(VRID))})})
            self.assertEqual(labels_of(page, "ipvs_vrrp_transitions_total", "to"),
                             {"init", "backup", "master", "fault"})
            self.assertEqual(page.value("ipvs_scrape_collector_success", collector="director"), 1)
        self.assertEqual(vip_rows(pages[0]), {(vip, "eth0"): 1 for vip in VIPS})
        self.assertEqual(vip_rows(pages[1]), {(vip, ""): 0 for vip in VIPS})
        self.assertGreaterEqual(self.first.transitions()["master"], 1)
        for vip in (topology.DR, topology.DR6, SCRIPTED):
            self.assert_answers(self.first, vip)

    def test_the_standby_knows_the_connections_of_the_master(self):
        self.assert_answers(self.first)
        health.HealthTest.wait(self.second.exporter, "synchronised connections", lambda page: sum(
            page.series("ipvs_table_connections", origin="sync").values()), SCAN_LIMIT)

    def test_the_role_is_handed_over_and_back(self):
        before = [director.transitions() for director in self.pair.directors]
        self.first.give_way()
        self.addCleanup(self.first.take_back)
        self.first.wait_until(BACKUP)
        self.second.wait_until(MASTER)
        self.assert_moved(self.first, before[0], backup=1)
        self.assert_moved(self.second, before[1], master=1)
        for vip in (topology.DR, topology.DR6):
            self.assert_answers(self.second, vip)
        self.first.take_back()
        self.pair.wait_for_rest()
        self.assert_moved(self.first, before[0], backup=1, master=1)
        self.assert_moved(self.second, before[1], master=1, backup=1)
        self.assert_answers(self.first)

    def test_keepalived_of_the_master_is_stopped(self):
        before = self.first.transitions()
        self.first.keepalived.stop()
        self.addCleanup(self.first.keepalived.start)
        self.first.wait_until(STOPPED)
        self.second.wait_until(MASTER)
        self.assert_moved(self.first, before, init=1)
        self.assert_answers(self.second)

    def test_keepalived_of_the_standby_is_stopped(self):
        self.second.keepalived.stop()
        self.addCleanup(self.second.keepalived.start)
        self.second.wait_until(STOPPED)
        self.first.wait_until(MASTER)
        self.assert_answers(self.first)

    def test_keepalived_of_the_master_is_killed(self):
        """It says nothing and leaves everything behind; the other one takes over all the same, and both carry."""
        self.first.keepalived.kill()
        self.addCleanup(self.first.keepalived.start)
        self.first.wait_until(MASTER.but(vrrp=0, keepalived=0, evidence="vip"))
        self.second.wait_until(MASTER)

    def test_keepalived_of_the_standby_is_killed(self):
        self.second.keepalived.kill()
        self.addCleanup(self.second.keepalived.start)
        self.second.wait_until(STOPPED.but(running={"backup"}))
        self.first.wait_until(MASTER)

    def test_keepalived_is_restarted(self):
        """What the old one said is over, and the new one does not have to be asked."""
        before = self.second.transitions()
        self.second.keepalived.stop()
        self.second.keepalived.start()
        self.second.wait_until(BACKUP)
        self.assertGreater(self.second.transitions()["init"], before["init"])

    def test_vrrp_is_blocked(self):
        self.pair.block_vrrp()
        self.addCleanup(self.pair.unblock_vrrp)
        for director in self.pair.directors:
            director.wait_until(MASTER)

    def test_a_sync_daemon_is_stopped(self):
        for director, role, standing in ((self.first, "master", MASTER), (self.second, "backup", BACKUP)):
            with self.subTest(role):
                director.host.run("ipvsadm", "--stop-daemon", role)
                director.wait_until(standing.but(running=()))
                director.host.run("ipvsadm", "--start-daemon", role, "--mcast-interface", "eth0", "--syncid", str(VRID))
                director.wait_until(standing)

    def test_keepalived_puts_its_own_vip_back(self):
        """It does so by a short election, which is counted though no scrape sees it."""
        before = self.first.transitions()
        self.first.host.ip(f"addr del {topology.DR}/32 dev eth0")
        self.first.wait_until(MASTER)
        deadline = time.monotonic() + NOTICED
        while self.first.transitions() == before and time.monotonic() < deadline:
            time.sleep(pair.PAUSE)
        self.first.wait_until(MASTER)
        self.assert_moved(self.first, before, backup=1, master=1)

    def test_a_vip_that_nobody_puts_back(self):
        self.first.host.ip(f"addr del {SCRIPTED}/32 dev eth0")
        rest = set(VIPS) - {SCRIPTED}
        page = self.first.wait_until(MASTER.but(bound=rest, carried=rest))
        self.assertEqual(vip_rows(page), {(vip, "eth0"): 1 for vip in rest} | {(SCRIPTED, ""): 0})
        self.first.host.ip(f"addr add {SCRIPTED}/32 dev eth0")
        self.first.wait_until(MASTER)

    def test_a_vip_on_the_standby(self):
        self.second.host.ip(f"addr add {topology.DR}/32 dev eth0")
        self.addCleanup(self.second.host.run, "ip", "addr", "del", f"{topology.DR}/32", "dev", "eth0")
        self.second.wait_until(BACKUP.but(bound={topology.DR}, carried={topology.DR}))
        self.first.wait_until(MASTER)

    def test_a_vip_on_the_loopback_of_the_standby(self):
        """As on a real server: it is there, and this director does not carry its service."""
        self.second.host.ip(f"addr add {topology.DR}/32 dev lo")
        self.addCleanup(self.second.host.run, "ip", "addr", "del", f"{topology.DR}/32", "dev", "lo")
        page = self.second.wait_until(BACKUP.but(bound={topology.DR}))
        self.assertEqual(vip_rows(page)[topology.DR, "lo"], 1)
        self.first.wait_until(MASTER)

    def test_the_network_card_of_the_master_goes_down(self):
        before = self.first.transitions()
        self.first.host.ip("link set eth0 down")
        self.addCleanup(self.first.host.ip, "link set eth0 up")
        self.first.wait_until(FAULT)
        self.second.wait_until(MASTER)
        self.assert_moved(self.first, before, fault=1)
        self.assert_answers(self.second)
        self.first.host.ip("link set eth0 up")
        self.pair.wait_for_rest()

    def test_a_new_exporter_has_the_vips_to_go_by(self):
        """keepalived does not tell again what it has told the old one."""
        for director in self.pair.directors:
            director.keepalived.json_file.unlink(missing_ok=True)
            director.restart_exporter()
        self.first.wait_until(MASTER.but(vrrp=None, evidence="vip"))
        self.second.wait_until(BACKUP.but(vrrp=None, evidence="vip"))
        self.first.give_way()
        self.addCleanup(self.first.take_back)
        self.first.wait_until(BACKUP)
        self.second.wait_until(MASTER)

    def test_a_new_exporter_reads_the_json_file(self):
        for director in self.pair.directors:
            director.keepalived.dump_json()
            director.restart_exporter()
        self.pair.wait_for_rest()

    def test_keepalived_is_asked_by_signal(self):
        """As root, and without a pipe."""
        file = self.first.configure("json", notify_fifo=None, signal="true")
        with exporter.exporter(self.first.host, f"--config.file={file}") as program:
            health.HealthTest.wait(program, "MASTER", lambda page: state_of(page) == 2)
            self.first.give_way()
            self.addCleanup(self.first.take_back)
            health.HealthTest.wait(program, "BACKUP", lambda page: state_of(page) == 1)

    def test_a_json_file_that_is_cut_off_changes_nothing(self):
        file = self.first.keepalived.json_file
        netns.write_file(file, '[{"data":{"iname":"VI_1","state":')
        self.addCleanup(file.unlink)
        self.assert_stays(self.first, MASTER)
        self.assert_one_line(self.first, str(file))

    def test_lines_that_are_none_change_nothing(self):
        descriptor = os.open(self.second.fifo, os.O_WRONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, descriptor)
        os.write(descriptor, b'INSTANCE "VI_1" NONSENSE 100\n\xff\x00 rubbish\nGROUP "VG_1" MASTER 0\n\n')
        self.assert_stays(self.second, BACKUP)
        self.assert_one_line(self.second, str(self.second.fifo))

    def test_keepalived_is_reloaded(self):
        before = self.first.transitions()
        self.first.keepalived.reload()
        self.assert_stays(self.first, MASTER)
        self.assert_moved(self.first, before)

    def test_a_pipe_that_keepalived_makes_anew(self):
        """It does so at each reload when it has made the first one."""
        self.second.keepalived.stop()
        self.second.fifo.unlink()
        self.second.exporter.stop()
        self.second.keepalived.start()
        self.second.exporter.__enter__()
        self.second.wait_until(BACKUP)
        inode = self.second.fifo.stat().st_ino
        self.second.keepalived.reload()
        self.assert_stays(self.second, BACKUP)
        self.assertNotEqual(self.second.fifo.stat().st_ino, inode)
        self.first.give_way()
        self.addCleanup(self.first.take_back)
        self.second.wait_until(MASTER)

    def assert_stays(self, director, standing):
        """It stands so at the end of some seconds in which it would have been seen otherwise."""
        end = time.monotonic() + NOTICED
        while time.monotonic() < end:
            self.assertEqual(pair.Standing.of(director.exporter.page()), standing)
            time.sleep(pair.PAUSE)

    def assert_one_line(self, director, words):
        """However often it was looked at, one line has these words."""
        lines = [line for line in director.exporter.log() if words in line]
        self.assertEqual(len(lines), 1, director.exporter.log())


def labels_of(page, name, label):
    """All values of a label."""
    return {dict(series)[label] for series in page.series(name)}


def vip_rows(page):
    """{(address, interface): value}"""
    return {(dict(series)["address"], dict(series)["interface"]): value
            for series, value in page.series("ipvs_vip_bound").items()}


def state_of(page):
    """Of the one VRRP instance; None while it is not known."""
    return next(iter(page.series("ipvs_vrrp_state").values()), None)


if __name__ == "__main__":
    labtest.main()
