"""Each number of the page equals what ipvsadm says at the same moment, and nothing is on one side only.

The table has all protocols, both families, all forwarding methods and tunnels, schedulers with flags, all kinds of
persistence; traffic has gone through it and has stopped.
"""

import contextlib
import os
import re
import socket
import sys

import deadline
import everything
import exporter
import ipvsadm
import labtest
import traffic
import topology

COUNTERS = ("connections", "incoming_packets", "outgoing_packets", "incoming_bytes", "outgoing_bytes")
FORWARD = {"Route": "route", "Masq": "masquerade", "Tunnel": "tunnel"}
SYSCTL_FOLDER = "/proc/sys/net/ipv4/vs"
STABLE_LIMIT = 30
SYNC_GROUP = ("224.0.0.81", 8848)


class IpvsadmTest(labtest.LabTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.start_sync_daemons()
        cls.director.run("ipvsadm", "--set", "800", "110", "290")
        with cls.lab.client.inside():
            everything.send(cls.servers)
            cls.enterClassContext(held_connection(topology.DR))
            cls.enterClassContext(held_connection(topology.MASQUERADED))
        cls.program = cls.enterClassContext(exporter.exporter(cls.director, exporter.TABLE_ONLY))
        cls.wait_for_estimator()

    def page_and(self, ask):
        """A page, and an answer that was the same before and after it (connections expire in between)."""
        def once():
            before = ask()
            page = self.program.page()
            return (page, before) if vars(ask()) == vars(before) else None
        return deadline.wait_until(STABLE_LIMIT, "a page between two equal listings", once)

    def listing(self, *options):
        return self.page_and(lambda: ipvsadm.listing(self.director, *options))

    def assert_same(self, page, name, expected):
        """The page's samples of that name are these, neither more nor fewer."""
        self.assert_same_samples(page.series(name), expected, name)

    def test_counters(self):
        page, listing = self.listing("--stats", "--exact")
        for index, counter in enumerate(COUNTERS):
            for kind, rows in (("service", listing.services), ("backend", listing.backends)):
                name = f"ipvs_{kind}_{counter}_total"
                self.assert_same(page, name, {labels: int(words[index]) for labels, words in rows.items()})
                self.assertGreater(sum(page.series(name).values()), 0)

    def test_weights_and_connections(self):
        page, listing = self.listing()
        for name, index in (("weight", 1), ("connections_active", 2), ("connections_inactive", 3)):
            expected = {labels: int(words[index]) for labels, words in listing.backends.items()}
            self.assert_same(page, f"ipvs_backend_{name}", expected)
            self.assertGreater(sum(expected.values()), 0, name)

    def test_thresholds(self):
        page, listing = self.listing("--thresholds")
        for name, index in (("upper", 0), ("lower", 1)):
            expected = {labels: int(words[index]) for labels, words in listing.backends.items() if words[index] != "0"}
            self.assertTrue(expected)
            self.assert_same(page, f"ipvs_backend_{name}_threshold_connections", expected)

    def test_templates(self):
        page, listing = self.listing("--persistent-conn")
        expected = {labels: int(words[1]) for labels, words in listing.backends.items()}
        self.assertGreater(sum(expected.values()), 0)
        self.assert_same(page, "ipvs_backend_persistence_templates", expected)

    def test_forwarding_methods_and_tunnels(self):
        page, listing = self.listing("--tun-info")
        expected = {}
        for labels, words in listing.backends.items():
            kind, port, flags = tunnel(words[1])
            expected[labels | set({"forward": FORWARD[words[0]], "tunnel": kind, "tunnel_port": port,
                                   "tunnel_flags": flags}.items())] = 1
        self.assert_same(page, "ipvs_backend_info", expected)

    def test_schedulers_flags_and_persistence(self):
        page, listing = self.listing()
        expected = {labels: service_details(labels, words) for labels, words in listing.services.items()}
        actual = {}
        for labels in page.series("ipvs_service_info"):
            info = dict(labels)
            details = {name: info.pop(name) for name in ("scheduler", "flags", "persistence", "netmask", "pe", "name")}
            del details["name"]
            actual[frozenset(info.items())] = details
        self.assert_same_samples(actual, expected)

    def test_persistence_timeouts(self):
        page, listing = self.listing()
        self.assert_same(page, "ipvs_service_persistence_timeout_seconds",
                         {labels: int(words[words.index("persistent") + 1])
                          for labels, words in listing.services.items() if "persistent" in words})

    def test_backends_per_service(self):
        page, listing = self.listing()
        weights = {labels: int(words[1]) for labels, words in listing.backends.items()}
        expected = {}
        for service in listing.services:
            own = [weight for labels, weight in weights.items() if service <= labels]
            expected[service | {("state", "configured")}] = len(own)
            expected[service | {("state", "weighted")}] = sum(weight > 0 for weight in own)
        self.assert_same(page, "ipvs_service_backends", expected)

    def test_timeouts(self):
        expected = {frozenset({("state", state)}): seconds
                    for state, seconds in ipvsadm.timeouts(self.director).items()}
        self.assertIn(800, expected.values())
        self.assert_same(self.program.page(), "ipvs_timeout_seconds", expected)

    def test_sync_daemons(self):
        expected = {frozenset({("role", role), ("interface", interface), ("sync_id", sync_id)}): 1
                    for role, interface, sync_id in ipvsadm.daemons(self.director)}
        self.assertEqual(len(expected), 2)
        self.assert_same(self.program.page(), "ipvs_sync_daemon_running", expected)

    def test_lost_synchronisation_datagrams(self):
        """More than the backup's socket holds, sent while the daemon's thread cannot get the processor."""
        self.assertEqual(self.program.page().value("ipvs_sync_receive_drops_total"), 0)
        with self.director.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, real_time():
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            for _ in range(500):
                sender.sendto(bytes(1400), SYNC_GROUP)
        lost = sync_drops(self.director)
        self.assertGreater(lost, 0)
        self.assertEqual(self.program.page().value("ipvs_sync_receive_drops_total"), lost)

    def test_version_and_table_size(self):
        page = self.program.page()
        self.assertEqual(page.value("ipvs_connection_table_buckets"), ipvsadm.table_size(self.director))
        version = re.search(r"version (\S+)", self.director.run("ipvsadm", "-Ln"))[1]
        self.assertEqual(page.labels("ipvs_info")["version"], version)
        self.assertEqual(page.value("ipvs_up"), 1)

    def test_settings(self):
        expected = {}
        with self.director.inside():
            for name in os.listdir(SYSCTL_FOLDER):
                with open(f"{SYSCTL_FOLDER}/{name}", encoding="ascii") as file:
                    expected[name] = [int(word) for word in file.read().split()]
        threshold, period = expected["sync_threshold"]
        expected |= {"sync_threshold": [threshold], "sync_period": [period]}
        self.assert_same(self.program.page(), "ipvs_sysctl",
                         {frozenset({("name", name)}): value for name, (value,) in expected.items()})

    def test_totals_are_the_live_rows(self):
        page = self.program.page()
        self.assertEqual([page.value(f"ipvs_{counter}_total") for counter in COUNTERS],
                         labtest.live_totals(self.director))

    def test_zeroing_leaves_the_totals(self):
        self.director.run("ipvsadm", "-Z", "-t", f"{topology.DR}:80")
        page = self.program.page()
        self.assertEqual(page.value("ipvs_service_connections_total", **labtest.service(topology.DR, 80)), 0)
        self.assertEqual(page.value("ipvs_connections_total"), labtest.live_totals(self.director)[0])

    def test_frozen_estimator_is_told(self):
        self.assertEqual(self.program.page().value("ipvs_estimation_enabled"), 1)
        self.director.sysctl(ipv4__vs__run_estimation=0)
        self.addCleanup(self.director.sysctl, ipv4__vs__run_estimation=1)
        page = self.program.page()
        self.assertEqual(page.value("ipvs_estimation_enabled"), 0)
        self.assertEqual(page.value("ipvs_sysctl", name="run_estimation"), 0)


@contextlib.contextmanager
def real_time():
    """The calling thread keeps the guest's only processor for as long as it does not sleep."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def sync_drops(host):
    """The last column of the backup daemon's socket in /proc/net/udp (group and port as this machine's bytes)."""
    local = f"{int.from_bytes(socket.inet_aton(SYNC_GROUP[0]), sys.byteorder):08X}:{SYNC_GROUP[1]:04X}"
    return sum(int(line.split()[-1]) for line in host.read("/proc/net/udp").splitlines() if line.split()[1] == local)


def held_connection(address):
    """An established connection, so that there is an active one; a request is sent, its end never."""
    connection = traffic.connect(address, 80)
    connection.sendall(b"GET / HTTP/1.1\r\n")
    return connection


def tunnel(text):
    """(kind, port, flags) of ipvsadm's word, such as `gue:6080:-c`: it writes c, r and -c for none."""
    if text == "n/a":
        return "", "", ""
    kind, *rest = text.split(":")
    port = rest.pop(0) if kind == "gue" else ""
    flags = {"": "", "-c": "", "c": "csum", "r": "remcsum"}[rest[0] if rest else ""]
    return kind, port, flags


def service_details(labels, words):
    """The five words of ipvs_service_info that ipvsadm's line tells."""
    labels = dict(labels)
    details = {"scheduler": words[0], "flags": "", "persistence": "none", "pe": "",
               "netmask": "128" if labels["address_family"] == "ipv6" else "255.255.255.255"}
    if "persistent" in words:
        kinds = {"0": "pcc", "21": "ftp"}
        details["persistence"] = "pfwmc" if labels["proto"] == "FWM" else kinds.get(labels["local_port"], "ppc")
    for name, word in (("netmask", "mask"), ("pe", "pe")):
        if word in words:
            details[name] = words[words.index(word) + 1]
    flags = [word.strip("()") for word in words if word.startswith("(")]
    details["flags"] = ",".join((["ops"] if "ops" in words else []) + flags)
    return details


if __name__ == "__main__":
    labtest.main()
