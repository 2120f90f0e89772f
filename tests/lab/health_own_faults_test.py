"""Our own faults never fail a server: what this process or host lacks is inconclusive, and no verdict moves. What the
network does is a failure, though, even when it is the director's own route that is gone."""

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import struct
import time

import certificates
import exporter
import health
import labtest
import servers
import topology
from labtest import backend, service

IPV4 = topology.IPV4
WEB, OTHER_WEB = service(topology.DR, 80), service(topology.MASQUERADED, 80)
MANY = [f"10.60.0.{number}" for number in range(1, 101)]
STOPPED_SECONDS = 5
DAY = 86400
NO_TIME_WAIT = struct.pack("ii", 1, 0)
# It hangs up on a client that has said nothing for two seconds.
WEB_SERVER = """
server {{
  listen 80; listen 443 ssl;
  ssl_certificate {certificate}; ssl_certificate_key {key};
  client_header_timeout 2s;
  location / {{ return 200 "well\\n"; }}
}}
"""

# Verdicts outlast the trouble, so that what is seen is the trouble and not its length.
CONFIGURATION = f"""
checker:
  metrics_level: full
  defaults: {{interval: 1s, fast_interval: 200ms, stale_after: 1m}}
probes:
  alive: {{type: icmp}}
  open: {{type: tcp}}
  page: {{type: http}}
  vip: {{type: dr}}
services:
  - match: {{address: {topology.DR}, port: 80, proto: TCP}}
    probes: [PROBES]
  - match: {{address: {topology.MASQUERADED}, port: 80, proto: TCP}}
    probes: [page]
  - match: {{address: {topology.DR}, port: 443, proto: TCP}}
    probes: [alive, open]
"""


def configuration(*probes):
    """With these probes for the first service."""
    return CONFIGURATION.replace("PROBES", ", ".join(probes))


class OwnFaultsTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        authority = certificates.Authority(servers.FOLDER / "authority")
        now = int(time.time())
        certificate, key = authority.issue("good", now - DAY, now + DAY)
        cls.ca_file = authority.ca_file
        for host in (cls.lab.rs1, cls.lab.rs2):
            nginx = servers.Nginx(host, WEB_SERVER.format(certificate=certificate, key=key))
            cls.addClassCleanup(nginx.stop)
        cls.lab.rs1.ip("route add local 10.60.0.0/16 dev lo")
        cls.director.ip(f"route add 10.60.0.0/16 via {IPV4['rs1']}")
        for host in (cls.lab.rs1, cls.lab.rs2):
            servers.wait_until_listening(host, 80)

    def setUp(self):
        self.director.run("ipvsadm", "-C")

    def fill(self, of_service, *addresses, forward="-g"):
        """A service with these servers; their labels."""
        vip = f"{of_service['local_address']}:{of_service['local_port']}"
        self.load(f"-A -t {vip} -s rr\n" + "\n".join(
            f"-a -t {vip} -r {address}:80 {forward} -w 1" for address in addresses))
        return [backend(of_service, address, 80) for address in addresses]

    def start(self, text, **options):
        return self.enterContext(health.configured(self.director, self._testMethodName, text, **options))

    def start_and_wait(self, text, labels, **options):
        """The exporter, and its page when all these backends are up."""
        program = self.start(text, **options)
        return program, self.wait(program, "all up", lambda page: health.all_are(page, 1, labels))

    def assert_untouched(self, page, labels):
        """All verdicts as they were: up, without a transition."""
        self.assertTrue(health.all_are(page, 1, labels), page.series("ipvs_backend_down_reason"))
        counted = page.series("ipvs_backend_transitions_total")
        for one in labels:
            for to in ("up", "down"):
                self.assertEqual(counted[frozenset((one | {"to": to}).items())], 0, one["remote_address"])

    def assert_only_own_faults(self, page, *reasons):
        """No run failed; those that were inconclusive were so for these reasons, each of which was seen."""
        self.assertEqual({tuple(labels): value for labels, value in page.series(
            "ipvs_check_results_total", result="failure").items() if value}, {}, health.failures_by_probe(page))
        seen = {dict(labels)["reason"] for labels in page.series("ipvs_check_failures_total")}
        busy = {"local_overload", "local_throttled"}  # always possible where other things run beside the guest
        self.assertEqual(seen | busy, busy | set(reasons))
        self.assertLessEqual(set(reasons), seen)
        self.assertEqual({dict(labels)["layer"] for labels in page.series("ipvs_check_failures_total")}, {""})

    def test_no_file_descriptors(self):
        """The limit falls to what is open: no probe gets a socket, and neither does a scrape."""
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, before = self.start_and_wait(configuration("page"), labels)
        limit = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        # At rest: probes and scrapes that are on have more.
        open_now = min(len(os.listdir(f"/proc/{program.pid}/fd")) for _ in range(50))
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (open_now - 2, limit[1]))
        time.sleep(4)  # there is nobody to ask meanwhile
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, limit)
        page = self.wait(program, "conclusive runs again", lambda page: sum(self.successes(page)) > sum(
            self.successes(before)) + 4)
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_fd_limit")
        self.assertEqual(health.events(program, kind="backend", transition=True), [])

    def successes(self, page):
        return page.series("ipvs_check_results_total", result="success").values()

    def test_few_file_descriptors_from_the_start(self):
        """A black hole under `ulimit -n 64`: what cannot be in flight at once waits, and the page is served."""
        labels = self.fill(WEB, *MANY)
        run_as = ("prlimit", "--nofile=64:64")
        program, _ = self.start_and_wait(configuration("open"), labels, run_as=run_as)
        with self.blackholed():
            page = self.wait(program, "runs held back", lambda page: page.value(
                "ipvs_checker_skipped_total", reason="throttled") > 0)
            reasons = {dict(series)["reason"] for series in page.series("ipvs_check_failures_total")}
            self.assertLessEqual(reasons, {"connect_timeout", "local_throttled", "local_overload"})
            self.assertLessEqual(page.value("ipvs_checker_in_flight"), 64)
        self.assertEqual(program.get("/-/healthy")[0], 200)
        page = self.wait(program, "all up again", lambda page: health.all_are(page, 1, labels))

    @contextlib.contextmanager
    def blackholed(self):
        """rs1 drops what comes for the many."""
        rule = ("INPUT", "-d", "10.60.0.0/24", "-j", "DROP")
        self.lab.rs1.run("iptables-legacy", "-A", *rule)
        try:
            yield
        finally:
            self.lab.rs1.run("iptables-legacy", "-D", *rule)

    def test_no_source_port(self):
        """All ports are taken by connections to one server; the same ports still do for another one."""
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, _ = self.start_and_wait(configuration("page"), labels)
        before = self.director.read("/proc/sys/net/ipv4/ip_local_port_range")
        self.addCleanup(self.director.sysctl, ipv4__ip_local_port_range=before.strip())
        self.director.sysctl(ipv4__ip_local_port_range="61000 61031")
        with contextlib.ExitStack() as stack:
            with self.director.inside():
                self.use_up_ports(stack, IPV4["rs1"])
            taken = program.page()
            page = self.wait(program, "runs without a port", lambda page: health.results(
                page, address=IPV4["rs1"])["inconclusive"] >= 4)
            self.assertGreater(health.results(page, address=IPV4["rs2"])["success"],
                               health.results(taken, address=IPV4["rs2"])["success"])
        page = self.wait(program, "runs with a port", lambda page: health.results(
            page, address=IPV4["rs1"])["success"] > health.results(taken, address=IPV4["rs1"])["success"] + 1)
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_no_port")

    @staticmethod
    def use_up_ports(stack, address):
        """Opens connections to a server until there is no port left; they stay open as long as `stack`."""
        for _ in range(64):
            try:
                connection = stack.enter_context(socket.create_connection((address, 80), timeout=5))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_TIME_WAIT)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                return
        raise AssertionError("the ports do not run out")

    def test_stopped_and_continued(self):
        """All runs that were in flight, and those that should have been, are nobody's fault but ours. The way to the
        servers is so long that more than half of them are in flight at any moment."""
        self.lab.rs1.run("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "3s")
        self.addCleanup(self.lab.rs1.run, "tc", "qdisc", "del", "dev", "eth0", "root")
        labels = self.fill(WEB, *(f"10.60.{net}.{number}" for net in (0, 1) for number in range(1, 251)))
        text = configuration("open").replace("interval: 1s,", "interval: 5s, timeout: 4500ms,")
        program, _ = self.start_and_wait(text, labels)
        before = self.wait(program, "many in flight", lambda page: page.value(
            "ipvs_checker_in_flight") > len(labels) / 2)
        program.signal(signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        program.signal(signal.SIGCONT)
        page = self.wait(program, "every target again", lambda page: sum(self.successes(page)) > sum(
            self.successes(before)) + len(labels))
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_overload")
        self.assertEqual(health.events(program, kind="backend", transition=True), [])
        inconclusive = sum(page.series("ipvs_check_results_total", result="inconclusive").values())
        print(f"[{before.value('ipvs_checker_in_flight')} of {len(labels)} in flight, then {inconclusive} runs "
              "inconclusive] ", end="", flush=True)

    def test_stopped_and_continued_in_every_kind_of_probe(self):
        """At any moment some runs are in each of their steps. nginx hangs up on those that stand still between two, and
        they see it before their time is over."""
        names = [f"192.168.1.{number}" for number in range(130, 150)]
        self.lab.rs1.ip(*(f"addr add {address}/24 dev eth0" for address in names))
        self.lab.rs1.run("tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "500ms")
        self.addCleanup(self.lab.rs1.ip, *(f"addr del {address}/24 dev eth0" for address in names))
        self.addCleanup(self.lab.rs1.run, "tc", "qdisc", "del", "dev", "eth0", "root")
        labels = self.fill(WEB, *names)
        secure = (f"secure: {{type: https, port: 443, http: {{host: {certificates.SERVER_NAME}}}, "
                  f"tls: {{ca_file: {self.ca_file}}}}}")
        text = configuration("alive", "page", "secure", "vip").replace("interval: 1s,", "interval: 7s, timeout: 7s,")
        program, _ = self.start_and_wait(text.replace("  open:", f"  {secure}\n  open:"), labels)
        probes = {"alive", "page", "secure", "vip"}
        before = self.wait(program, "many in flight", lambda page: page.value(
            "ipvs_checker_in_flight") > len(labels) / 2)
        program.signal(signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        program.signal(signal.SIGCONT)

        def succeeded(page):
            return {probe: sum(page.series("ipvs_check_results_total", result="success", probe=probe).values())
                    for probe in probes}

        page = self.wait(program, "every target again", lambda page: all(
            succeeded(page)[probe] >= succeeded(before)[probe] + len(labels) for probe in probes), health.PATIENCE)
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_overload")
        self.assertEqual(health.events(program, kind="backend", transition=True), [])
        of_service, = (one for one in json.loads(program.text("/api/v1/services"))["services"] if one["in_table"])
        excused = {result["detail"].partition(" ")[0] for each in of_service["backends"]
                   for check in each["health"]["checks"] for result in check["last_results"]
                   if result["result"] == "inconclusive" and "detail" in result}
        self.assertTrue(excused & {"http_empty", "http_reset", "tls_reset"}, excused)
        print(f"[excused: {', '.join(sorted(excused))}] ", end="", flush=True)

    def test_a_route_that_is_gone_is_a_failure(self):
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, _ = self.start_and_wait(configuration("alive", "page"), labels)
        began = time.time()
        self.director.ip("route del 192.168.1.0/24 dev eth0")
        self.addCleanup(self.director.ip, f"route replace 192.168.1.0/24 dev eth0 proto kernel src {IPV4['director']}")
        page = self.wait(program, "down", lambda page: health.all_are(page, 0, labels) and all(
            health.layers(page, probe="alive", address=IPV4[host]) == {"l3": 0} for host in ("rs1", "rs2")))
        for one in labels:
            self.assertEqual(health.down_reason(page, **one), ("l3", "net_unreachable"))
            self.assertLessEqual(health.last_transition(page, **one) - began, 1.1 + 2 * 0.22 + health.MARGIN)
            self.assertEqual(health.results(page, probe="page", address=one["remote_address"])["inconclusive"], 0)
            self.assertEqual(health.results(page, probe="alive", address=one["remote_address"])["inconclusive"], 0)
        self.director.ip(f"route add 192.168.1.0/24 dev eth0 proto kernel src {IPV4['director']}")
        self.wait(program, "up", lambda page: health.all_are(page, 1, labels))

    def test_a_filter_of_the_director_is_our_own_fault(self):
        """Nothing has reached the server, so nothing can be said of it."""
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, _ = self.start_and_wait(configuration("page"), labels)
        rule = ("OUTPUT", "-p", "tcp", "-d", IPV4["rs1"], "--dport", "80", "-j", "REJECT")
        self.director.run("iptables-legacy", "-A", *rule)
        self.addCleanup(self.director.run, "iptables-legacy", "-D", *rule)
        page = self.wait(program, "inconclusive runs", lambda page: health.results(
            page, address=IPV4["rs1"])["inconclusive"] >= 4)
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_config")

    def test_a_filter_of_the_director_for_icmp_is_our_own_fault(self):
        """It was told as a missing capability."""
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, _ = self.start_and_wait(configuration("alive", "page"), labels)
        rule = ("OUTPUT", "-p", "icmp", "-d", IPV4["rs1"], "-j", "DROP")
        self.director.run("iptables-legacy", "-A", *rule)
        self.addCleanup(self.director.run, "iptables-legacy", "-D", *rule)
        page = self.wait(program, "inconclusive runs", lambda page: health.results(
            page, probe="alive", address=IPV4["rs1"])["inconclusive"] >= 4)
        self.assert_untouched(page, labels)
        self.assert_only_own_faults(page, "local_config")
        self.assertFalse([line for line in program.log() if "CAP_NET_RAW" in line])

    def test_without_net_raw(self):
        """TCP goes on; ICMP, dr and ARP say why they do not, once; nothing is down."""
        with_dr, _ = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        tcp_only = backend(service(topology.DR, 443), IPV4["rs1"], 80)
        self.load(f"-A -t {topology.DR}:443 -s rr\n-a -t {topology.DR}:443 -r {IPV4['rs1']}:80 -m -w 1\n"
                  f"-A -u {topology.DR}:53 -s rr\n-a -u {topology.DR}:53 -r {IPV4['rs1']}:53 -g -w 1")
        program = self.start(configuration("alive", "open", "vip"), run_as=exporter.NOBODY_WITH_NET_ADMIN)
        page = self.wait(program, "tcp up, all others tried", lambda page: health.up(page, **tcp_only) == 1 and all(
            health.results(page, probe=probe, address=IPV4["rs1"])["inconclusive"] >= 3
            for probe in ("alive", "vip", "icmp")))
        self.assert_only_own_faults(page, "local_permission")
        self.assertIsNone(health.up(page, **with_dr), "its gating dr probe is unknown")
        self.assertEqual(health.health_state(page, **with_dr), "unknown")
        self.assertEqual(health.layers(page, probe="open", address=IPV4["rs1"]), {"l4": 1})
        self.assertEqual(health.service_state(page, **service(topology.DR, 53, "UDP")), "unknown")
        self.assertFalse(page.series("ipvs_backend_arp_leak"), "it cannot look")
        said = [line.partition(" ")[2] for line in program.log() if "permission" in line]
        for what in ("probe alive", "probe vip", "probe icmp", "ARP"):
            self.assertEqual(sum(what in line for line in said), 1, said)

    def test_with_net_raw_nobody_can_do_all(self):
        labels = self.fill(WEB, IPV4["rs1"], IPV4["rs2"])
        program, page = self.start_and_wait(configuration("alive", "open", "vip"), labels,
                                            run_as=exporter.NOBODY_WITH_BOTH)
        self.assertEqual(health.layers(page, probe="alive", address=IPV4["rs1"]), {"l3": 1})
        self.assertFalse([line for line in program.log() if "CAP_NET_RAW" in line])

    def test_nat_icmp_send_at_the_start(self):
        """The kernel drops what a masqueraded server answers to us: unknown, and never down."""
        self.director.sysctl(ipv4__vs__nat_icmp_send=1)
        self.addCleanup(self.director.sysctl, ipv4__vs__nat_icmp_send=0)
        direct, = self.fill(WEB, IPV4["rs1"])
        masqueraded, = self.fill(OTHER_WEB, IPV4["rs2"], forward="-m")
        program, _ = self.start_and_wait(configuration("open"), [direct])
        page = self.wait(program, "inconclusive runs", lambda page: health.results(
            page, address=IPV4["rs2"])["inconclusive"] >= 3)
        self.assert_only_own_faults(page, "local_config")
        self.assertIsNone(health.up(page, **masqueraded))
        self.director.sysctl(ipv4__vs__nat_icmp_send=0)
        page = self.wait(program, "the masqueraded one up", lambda page: health.up(page, **masqueraded) == 1)
        self.assertEqual(health.transitions(page, **masqueraded), {"up": 0, "down": 0})

    def test_nat_icmp_send_while_running(self):
        direct, = self.fill(WEB, IPV4["rs1"])
        masqueraded, = self.fill(OTHER_WEB, IPV4["rs2"], forward="-m")
        program, _ = self.start_and_wait(configuration("open"), [direct, masqueraded])
        self.director.sysctl(ipv4__vs__nat_icmp_send=1)
        self.addCleanup(self.director.sysctl, ipv4__vs__nat_icmp_send=0)
        page = self.wait(program, "inconclusive runs", lambda page: health.results(
            page, address=IPV4["rs2"])["inconclusive"] >= 3)
        self.assert_untouched(page, [direct, masqueraded])
        self.director.sysctl(ipv4__vs__nat_icmp_send=0)


if __name__ == "__main__":
    labtest.main()
