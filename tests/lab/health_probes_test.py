"""Rows 10 and 12: every way in which a real server can fail, at once; what the checker says of each, and how soon.

Each fault has a real server (an address) of its own in one HTTP or one HTTPS service, so that one wait serves them all:
all are well, then everything breaks in the same moment, then everything is mended.
"""

import dataclasses
import datetime
import json
import os
import ssl
import time

import certificates
import faulty_server
import health
import labtest
import servers
import topology
from labtest import backend, mark, service

HTTP = service(topology.DR, 80)
HTTPS = service(topology.DR, 443)
LENIENT = service(topology.MASQUERADED, 8443)

WELL = 'return 200 "all is well\\n"'
DAY = 86400

DRAINED = "drained by its status"


@dataclasses.dataclass(frozen=True)
class Case:
    """A real server: how it is made to fail, and what must be said of that. Without a reason it stays up."""
    name: str
    reasons: tuple = ()            # (layer, reason), any of them
    bound: float = 0
    filter: str = ""               # breaks by a packet filter
    location: str = ""             # breaks by another answer of nginx
    certificate: str = ""          # by another certificate
    tls_settings: str = ""         # by other settings of nginx
    stops_listening: bool = False
    well: object = None            # behaviour of a faulty server before the fault ...
    broken: object = None          # ... and after it
    alive: int = 1                 # what ICMP says during the fault


def slowly(layer, reason):
    """Every run takes the whole timeout."""
    return {"reasons": ((layer, reason),), "bound": health.BLACK_HOLE_TO_DOWN}


def at_once(layer, reason):
    """Every run fails in no time."""
    return {"reasons": ((layer, reason),), "bound": health.REFUSED_TO_DOWN}


WELL_SERVER = faulty_server.answer()

HTTP_CASES = (
    Case("steady"),
    Case("closed", **at_once("l4", "connect_refused"), stops_listening=True),
    Case("status 500", **at_once("l7", "http_status"), location='return 500 "broken\\n"'),
    Case("wrong body", **at_once("l7", "http_body_mismatch"), location='return 200 "closed for today\\n"'),
    Case(DRAINED, location='return 503 "all is well\\n"'),
    Case("TCP dropped", **slowly("l4", "connect_timeout"), filter="-p tcp -j DROP"),
    Case("all dropped", **slowly("l4", "connect_timeout"), filter="-j DROP", alive=0),
    Case("rejected", **at_once("l4", "connect_prohibited"), filter="-p tcp -j REJECT"),
    Case("prohibited", **at_once("l4", "connect_prohibited"), alive=0,
         filter="-j REJECT --reject-with icmp-admin-prohibited"),
    Case("unreachable", **at_once("l3", "host_unreachable"), alive=0,
         filter="-j REJECT --reject-with icmp-host-unreachable"),
    Case("reset by a filter", **at_once("l4", "connect_refused"), filter="-p tcp -j REJECT --reject-with tcp-reset"),
    Case("silent", **slowly("l7", "http_timeout_first_byte"), well=WELL_SERVER, broken=faulty_server.silent),
    Case("trickling header", **slowly("l7", "http_timeout_body"), well=WELL_SERVER,
         broken=faulty_server.trickle_header),
    Case("trickling body", **slowly("l7", "http_timeout_body"), well=WELL_SERVER, broken=faulty_server.trickle_body),
    Case("reset after accept", **at_once("l7", "http_reset"), well=WELL_SERVER, broken=faulty_server.reset),
    Case("empty answer", **at_once("l7", "http_empty"), well=WELL_SERVER, broken=faulty_server.hang_up),
    Case("not HTTP", **at_once("l7", "http_protocol"), well=WELL_SERVER, broken=faulty_server.garble),
    Case("slow but well", well=faulty_server.answer(after=1)),
)
HTTPS_CASES = (
    Case("https steady"),
    Case("https closed", **at_once("l4", "connect_refused"), stops_listening=True),
    Case("expired", **at_once("l6", "tls_cert_expired"), certificate="expired"),
    Case("not yet valid", **at_once("l6", "tls_cert_not_yet_valid"), certificate="future"),
    Case("wrong name", **at_once("l6", "tls_name_mismatch"), certificate="misnamed"),
    Case("unknown issuer", **at_once("l6", "tls_cert_untrusted"), certificate="foreign"),
    Case("weak key", **at_once("l6", "tls_cert_weak"), certificate="weak",
         tls_settings="ssl_ciphers DEFAULT@SECLEVEL=0;"),
    Case("expiring soon", certificate="soon"),
    Case("TLS alert", **at_once("l6", "tls_alert"), tls_settings="ssl_protocols TLSv1.1;"),
    Case("https status 500", **at_once("l7", "http_status"), location='return 500 "broken\\n"'),
    Case("TLS stalls", **slowly("l6", "tls_timeout"), well="tls", broken=faulty_server.silent),
    Case("plain text", **at_once("l6", "tls_protocol"), well="tls", broken=faulty_server.garble),
    Case("TLS reset", **at_once("l6", "tls_reset"), well="tls", broken=faulty_server.reset),
    # With the same ticket key, so that resumption goes on: the full handshake after full_every must see it.
    Case("swapped while resuming", (("l6", "tls_cert_expired"),), health.REFUSED_TO_DOWN + 5, certificate="expired",
         tls_settings="ssl_session_ticket_key /run/servers/tickets;"),
    # Expires by itself between two resumed handshakes, its server untouched; see `doomed`.
    Case("expires while resuming", **at_once("l6", "tls_cert_expired"),
         tls_settings="ssl_session_ticket_key /run/servers/tickets;"),
)
LENIENTLY_CHECKED = {"https steady": 1, "expired": 0, "unknown issuer": 0}  # and whether the certificate verifies
DOOMED = "expires while resuming"
LIFE_OF_THE_DOOMED = 20

# A machine of its own: it is switched off, not filtered.
STOPPED = Case("stopped", (("l4", "connect_timeout"), ("l3", "host_unreachable")), health.BLACK_HOLE_TO_DOWN, alive=0)

ADDRESSES = {"http": {case.name: f"192.168.1.{130 + number}" for number, case in enumerate(HTTP_CASES)},
             "https": {case.name: f"192.168.1.{160 + number}" for number, case in enumerate(HTTPS_CASES)}}
ADDRESSES["http"][STOPPED.name] = topology.IPV4["rs2"]
EVERY_HTTP = (*HTTP_CASES, STOPPED)

CONFIGURATION = """
probes:
  alive: {{type: icmp}}
  open: {{type: tcp, gating: false}}
  web_port: {{type: tcp, port: 80}}
  page: {{type: http, http: {{path: /health, expect_body: all is well, drain_status: 503}}}}
  secure:
    type: https
    http: {{host: {name}, expect_body: all is well}}
    tls: {{ca_file: {ca_file}, full_every: 5s}}
  lenient:
    type: https
    http: {{host: {name}}}
    tls: {{ca_file: {ca_file}, verify: false}}
services:
  - {{match: {{address: {dr}, port: 80, proto: TCP}}, probes: [alive, open, page]}}
  - {{match: {{address: {dr}, port: 443, proto: TCP}}, probes: [secure]}}
  - {{match: {{address: {masqueraded}, port: 8443, proto: TCP}}, probes: [lenient]}}
  - {{match: {{mark: 20, family: ipv4}}, probes: [web_port]}}
"""


def http_labels(name):
    """The backend of an HTTP case."""
    return backend(HTTP, ADDRESSES["http"][name], 80)


def https_labels(name):
    """The backend of an HTTPS case."""
    return backend(HTTPS, ADDRESSES["https"][name], 443)


def labels_of(case):
    """The backend of any case."""
    return https_labels(case.name) if case in HTTPS_CASES else http_labels(case.name)


NOBODY = backend(HTTP, topology.ABSENT, 80)
MARK = mark(10)
MARKED_NOBODY, MARKED_SOMEBODY = backend(MARK, topology.ABSENT, 0), backend(MARK, topology.IPV4["rs1"], 0)
NOBODY_BY_TCP = backend(mark(20), topology.ABSENT, 0)
CASES = EVERY_HTTP + HTTPS_CASES
FAILING = [case for case in CASES if case.reasons]
STAYING = [case for case in CASES if not case.reasons]


class RealServers:
    """The servers of all cases: nginx and faulty ones on rs1, and rs2, which will be switched off."""

    def __init__(self, lab):
        self._rs1, self._rs2 = lab.rs1, lab.rs2
        self._make_certificates()
        lab.rs1.ip(*(f"addr add {address}/24 dev eth0" for kind in ADDRESSES.values() for name, address in kind.items()
                     if name != STOPPED.name))
        # Many real servers share this host; each would have its ICMP errors counted by itself.
        lab.rs1.sysctl(ipv4__icmp_ratelimit=0)
        self._faulty = {case: self._faulty_server(case) for case in HTTP_CASES + HTTPS_CASES if case.well}
        faulty_server.FaultyServer(lab.rs2, topology.IPV4["rs2"], 80, WELL_SERVER)
        self._nginx = servers.Nginx(lab.rs1, self._nginx_configuration(broken=False))
        servers.wait_until_listening(lab.rs1, 443, ADDRESSES["https"]["https steady"])

    def break_all(self):
        """All faults in the same moment (some tens of milliseconds)."""
        rules = [f"-A INPUT -d {ADDRESSES['http'][case.name]} {case.filter}" for case in HTTP_CASES if case.filter]
        self._filter(rules)
        self._rs2.ip("link set eth0 down")
        for case, server in self._faulty.items():
            server.behaviour = case.broken or server.behaviour
        self._nginx.replace(self._nginx_configuration(broken=True))

    def mend_all(self):
        """As before."""
        self._filter([])
        self._rs2.ip("link set eth0 up")
        for case, server in self._faulty.items():
            server.behaviour = self._well(case)
        self._nginx.replace(self._nginx_configuration(broken=False))

    def stop(self):
        """Ends nginx."""
        self._nginx.stop()

    def nginx_log(self):
        """What nginx complains of."""
        return self._nginx.log()

    def _filter(self, rules):
        self._rs1.run("iptables-legacy-restore", text="\n".join(["*filter", *rules, "COMMIT", ""]))

    def _make_certificates(self):
        authority = certificates.Authority(servers.FOLDER / "authority")
        foreign = certificates.Authority(servers.FOLDER / "foreign", "Nobody's CA")
        now = int(time.time())
        self.ca_file = authority.ca_file
        self.ends = {"good": now + 30 * DAY, "expired": now - DAY, "future": now + 9 * DAY, "misnamed": now + 8 * DAY,
                     "foreign": now + 7 * DAY, "weak": now + 6 * DAY, "soon": now + 3600}
        begins = dict.fromkeys(self.ends, now - 2 * DAY) | {"future": now + DAY}
        self._files = {name: (foreign if name == "foreign" else authority).issue(
            name, begins[name], end, "other.lab.example" if name == "misnamed" else certificates.SERVER_NAME,
            certificates.WEAK_KEY if name == "weak" else certificates.KEY) for name, end in self.ends.items()}
        (servers.FOLDER / "tickets").write_bytes(os.urandom(80))
        self.doomed_end = int(time.time()) + LIFE_OF_THE_DOOMED  # the last one made: its time runs
        self._files["doomed"] = authority.issue("doomed", now - DAY, self.doomed_end)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*self._files["good"])

    def _faulty_server(self, case):
        kind, port = ("https", 443) if case in HTTPS_CASES else ("http", 80)
        return faulty_server.FaultyServer(self._rs1, ADDRESSES[kind][case.name], port, self._well(case))

    def _well(self, case):
        return faulty_server.over_tls(self._tls, WELL_SERVER) if case.well == "tls" else case.well

    def _nginx_configuration(self, broken):
        blocks = [self._nginx_server(case, broken) for case in HTTP_CASES + HTTPS_CASES
                  if not case.well and not (broken and case.stops_listening)]
        return "\n".join(blocks)

    def _nginx_server(self, case, broken):
        location = broken and case.location or WELL
        if case not in HTTPS_CASES:
            return f"server {{ listen {ADDRESSES['http'][case.name]}:80; location / {{ {location}; }} }}"
        name = "doomed" if case.name == DOOMED else broken and case.certificate or "good"
        certificate, key = self._files[name]
        settings = case.tls_settings if broken or "ticket" in case.tls_settings else ""
        return (f"server {{ listen {ADDRESSES['https'][case.name]}:443 ssl; {settings} ssl_certificate {certificate}; "
                f"ssl_certificate_key {key}; location / {{ {location}; }} }}")


def rules():
    """Two services with all real servers, and one whose probe looks the other way."""
    vips = (f"{topology.DR}:80", f"{topology.DR}:443", f"{topology.MASQUERADED}:8443")
    lines = [f"-A -t {vip} -s rr" for vip in vips]
    lines += [f"-a -t {topology.DR}:80 -r {labels_of(case)['remote_address']}:80 -g -w 1" for case in EVERY_HTTP]
    lines += [f"-a -t {topology.DR}:80 -r {topology.ABSENT}:80 -g -w 1"]
    lines += [f"-a -t {topology.DR}:443 -r {labels_of(case)['remote_address']}:443 -g -w 1" for case in HTTPS_CASES]
    lines += [f"-a -t {topology.MASQUERADED}:8443 -r {ADDRESSES['https'][name]}:443 -m -w 1"
              for name in LENIENTLY_CHECKED]
    for number in (10, 20):
        lines += [f"-A -f {number} -s rr"]
        lines += [f"-a -f {number} -r {address}:0 -g -w 1" for address in (topology.IPV4["rs1"], topology.ABSENT)]
    return "\n".join(lines)


class HealthProbesTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load(rules())
        cls.real = RealServers(cls.lab)
        cls.addClassCleanup(cls.real.stop)
        text = CONFIGURATION.format(name=certificates.SERVER_NAME, ca_file=cls.real.ca_file, dr=topology.DR,
                                    masqueraded=topology.MASQUERADED)
        cls.program = cls.enterClassContext(health.configured(cls.director, "probes", text))
        cls.pass_time()
        cls.print_times()

    @classmethod
    def pass_time(cls):
        """Well, broken, mended: a page and a time of each."""
        every = [labels_of(case) for case in CASES]
        failing = [labels_of(case) for case in FAILING]
        mending = [labels for labels in every if labels != https_labels(DOOMED)]
        cls.before = health.settle(cls.program, lambda page: health.all_are(page, 1, every + [MARKED_SOMEBODY])
                                   and health.all_are(page, 0, [NOBODY, MARKED_NOBODY, NOBODY_BY_TCP]))
        cls.first_verdicts = first_verdicts(cls.program)
        cls.fault = time.time()
        cls.real.break_all()
        cls.broken = health.settle(cls.program, lambda page: health.all_are(page, 0, failing)
                                   and health.health_state(page, **http_labels(DRAINED)) == "drain")
        cls.end = time.time()
        cls.real.mend_all()
        cls.mended = health.settle(cls.program, lambda page: health.all_are(page, 1, mending)
                                   and health.health_state(page, **http_labels(DRAINED)) == "up")

    @classmethod
    def print_times(cls):
        """For people: the measured times beside their bounds."""
        print(health.TIMES_HEAD)
        for case in FAILING:
            print(health.times_row(case.name, cls.down_after(case), case.bound,
                                   health.down_reason(cls.broken, **labels_of(case)), cls.up_after(case)))

    @classmethod
    def down_after(cls, case):
        """Seconds from the fault to the verdict; None without one."""
        began = cls.real.doomed_end if case.name == DOOMED else cls.fault
        return health.down_after(cls.broken, began, **labels_of(case))

    @classmethod
    def up_after(cls, case):
        """Seconds from the end of the fault to the verdict; None without one."""
        return health.up_after(cls.mended, cls.end, **labels_of(case))

    def target(self, case, probe=None):
        """The labels of the checks of a case's gating probe, or another one."""
        labels = labels_of(case)
        default = "secure" if case in HTTPS_CASES else "page"
        return {"probe": probe or default, "address": labels["remote_address"]}

    def lost_runs(self, case, until, since=None):
        """Runs that this machine was too busy for, between two pages or since the start."""
        return health.lost_runs(until, since, **self.target(case))

    def test_nginx_has_nothing_to_complain_about(self):
        lines = [line for line in self.real.nginx_log().splitlines() if "[emerg]" in line or "[alert]" in line]
        self.assertEqual(lines, [])

    def test_first_verdict_up_within_the_bound(self):
        started = self.before.value("process_start_time_seconds")
        for case in CASES:
            with self.subTest(case.name):
                self.assertEqual(health.up(self.before, **labels_of(case)), 1)
                seconds = self.first_verdicts[key_of(labels_of(case))] - started
                run = 1 if case.name == "slow but well" else 0
                self.assert_within(seconds, health.START_TO_UP + run, case.name,
                                   self.lost_runs(case, self.before))

    def test_first_verdict_is_no_transition(self):
        for case in CASES:
            self.assertEqual(health.transitions(self.before, **labels_of(case)), {"up": 0, "down": 0}, case.name)
            self.assertIsNone(health.last_transition(self.before, **labels_of(case)), case.name)

    def test_an_address_that_nobody_has(self):
        """Row 12: down from the start, and never for want of a port: nobody answers ARP."""
        started = self.before.value("process_start_time_seconds")
        self.assertEqual(health.up(self.before, **NOBODY), 0)
        self.assertEqual(health.down_reason(self.before, **NOBODY), ("l3", "host_unreachable"))
        lost = health.lost_runs(self.before, probe="page", address=topology.ABSENT)
        self.assert_within(self.first_verdicts[key_of(NOBODY)] - started, health.START_TO_DOWN, "nobody", lost)
        self.assertEqual(health.transitions(self.mended, **NOBODY), {"up": 0, "down": 0})
        self.assertEqual(health.layers(self.before, probe="alive", address=topology.ABSENT), {"l3": 0})

    def test_a_typing_error_in_a_mark_service(self):
        """Row 12: `-f 10` with .192 for .102. A mark has no port of its own, so that ICMP decides."""
        started = self.before.value("process_start_time_seconds")
        self.assertEqual(health.up(self.before, **MARKED_NOBODY), 0)
        self.assertIn(health.down_reason(self.before, **MARKED_NOBODY), [
            ("l3", reason) for reason in ("host_unreachable", "icmp_timeout", "icmp_unreachable")])
        lost = health.lost_runs(self.before, probe="icmp", address=topology.ABSENT)
        seconds = self.first_verdicts[key_of(MARKED_NOBODY)] - started
        self.assert_within(seconds, health.START_TO_DOWN, "nobody, by ICMP", lost)
        self.assertEqual(health.up(self.before, **MARKED_SOMEBODY), 1)
        self.assertEqual(health.service_state(self.before, **MARK), "spof")
        self.assertEqual(health.disagreements(self.before, **MARKED_NOBODY), {"unhealthy_active"})
        print(f"[down {seconds:.1f} s after the start] ", end="", flush=True)

    def test_a_typing_error_in_a_mark_service_that_is_probed_by_tcp(self):
        """Row 12 again, with a port from the configuration: nobody answers ARP, and that is the reason."""
        started = self.before.value("process_start_time_seconds")
        self.assertEqual(health.down_reason(self.before, **NOBODY_BY_TCP), ("l3", "host_unreachable"))
        self.assertEqual(health.down_reason(self.mended, **NOBODY_BY_TCP), ("l3", "host_unreachable"))
        lost = health.lost_runs(self.before, probe="web_port", address=topology.ABSENT)
        self.assert_within(self.first_verdicts[key_of(NOBODY_BY_TCP)] - started, health.START_TO_DOWN,
                           "nobody, by TCP", lost)
        self.assertEqual(health.layers(self.before, probe="web_port", address=topology.ABSENT), {"l4": 0})

    def test_down_with_the_reason(self):
        for case in FAILING:
            with self.subTest(case.name):
                self.assertEqual(health.up(self.broken, **labels_of(case)), 0)
                self.assertIn(health.down_reason(self.broken, **labels_of(case)), case.reasons)
                self.assertEqual(health.health_state(self.broken, **labels_of(case)), "down")

    def test_down_within_the_bound(self):
        for case in FAILING:
            with self.subTest(case.name):
                self.assert_within(self.down_after(case), case.bound, case.name,
                                   self.lost_runs(case, self.broken, self.before))

    def test_down_is_one_transition(self):
        for case in FAILING:
            self.assertEqual(health.transitions(self.broken, **labels_of(case)), {"up": 0, "down": 1}, case.name)

    def test_up_again_within_the_bound(self):
        for case in FAILING:
            if case.name == DOOMED:
                continue
            with self.subTest(case.name):
                self.assert_within(self.up_after(case), health.BACK_TO_UP, case.name,
                                   self.lost_runs(case, self.mended, self.broken))
                self.assertEqual(health.transitions(self.mended, **labels_of(case)), {"up": 1, "down": 1})
                self.assertIsNone(health.down_reason(self.mended, **labels_of(case)))

    def test_an_expired_certificate_stays_down(self):
        self.assertEqual(health.up(self.mended, **https_labels(DOOMED)), 0)

    def test_what_works_stays_up(self):
        for case in STAYING:
            with self.subTest(case.name):
                for page in (self.before, self.broken, self.mended):
                    self.assertEqual(health.up(page, **labels_of(case)), 1)
                self.assertEqual(health.transitions(self.mended, **labels_of(case)), {"up": 0, "down": 0})
                self.assertEqual(health.results(self.mended, **self.target(case))["failure"], 0)

    def test_a_verdict_for_each_layer(self):
        """Success below the layer of the fault, failure from there on."""
        for case in FAILING:
            if case is STOPPED:
                continue
            every = ("l4", "l6", "l7") if case in HTTPS_CASES else ("l4", "l7")
            expected = {layer: int(layer < case.reasons[0][0]) for layer in every}
            with self.subTest(case.name):
                self.assertEqual(health.layers(self.broken, **self.target(case)), expected)
                self.assertEqual(health.layers(self.before, **self.target(case)), dict.fromkeys(every, 1))

    def test_three_depths_beside_each_other(self):
        """Row 10: a host that answers pings, a port that is open, a page that is as it should be."""
        for case in EVERY_HTTP:
            if case is STOPPED:
                continue
            is_open = int(not case.reasons or case.reasons[0][0] == "l7")
            with self.subTest(case.name):
                self.assertEqual(health.layers(self.broken, **self.target(case, "alive")), {"l3": case.alive})
                self.assertEqual(health.layers(self.broken, **self.target(case, "open")), {"l4": is_open})

    def test_only_the_gating_probe_makes_the_reason(self):
        """A dead host fails ICMP too, which does not count for the backend and so is not its reason."""
        gating = {labels["probe"]: labels["gating"] for labels in map(dict, self.broken.series(
            "ipvs_backend_check_info", **http_labels("all dropped")))}
        self.assertEqual(gating, {"alive": "false", "open": "false", "page": "true"})

    def test_phases_end_where_the_run_ended(self):
        expected = {"TCP dropped": set(), "silent": {"connect", "write"},
                    "trickling body": {"connect", "write", "first_byte"},
                    "steady": {"connect", "write", "first_byte", "body"}}
        for case in HTTP_CASES:
            if case.name not in expected:
                continue
            phases = {dict(labels)["phase"]: value for labels, value in self.broken.series(
                "ipvs_check_phase_seconds", **self.target(case)).items()}
            with self.subTest(case.name):
                self.assertEqual(set(phases), expected[case.name] | {"total"})
                self.assertEqual(phases["total"] >= 2, bool(case.reasons), phases)

    def test_http_status(self):
        for name, status in (("steady", 200), ("status 500", 500), (DRAINED, 503), ("wrong body", 200)):
            address = ADDRESSES["http"][name]
            self.assertEqual(self.broken.value("ipvs_check_http_status_code", probe="page", address=address), status)
        silent = ADDRESSES["http"]["silent"]
        self.assertFalse(self.broken.series("ipvs_check_http_status_code", probe="page", address=silent))

    def test_drained_by_its_status_is_up_and_takes_no_clients(self):
        labels = http_labels(DRAINED)
        self.assertEqual(health.health_state(self.before, **labels), "up")
        self.assertEqual(health.health_state(self.broken, **labels), "drain")
        self.assertEqual(health.health_state(self.mended, **labels), "up")

    def test_expiry_is_known_even_when_verification_fails(self):
        certificate_of = {case.name: case.certificate or "good" for case in HTTPS_CASES}
        for case in HTTPS_CASES:
            if case.well or case.name == DOOMED or case.tls_settings.startswith("ssl_protocols"):
                continue
            with self.subTest(case.name):
                if case.stops_listening:
                    certificate_of[case.name] = "good"
                self.assertEqual(self.not_after(case), self.real.ends[certificate_of[case.name]])
                verified = self.broken.value("ipvs_check_tls_verified", **self.target(case))
                self.assertEqual(verified, int(certificate_of[case.name] in ("good", "soon")))

    def not_after(self, case):
        """Of the certificate seen during the fault."""
        return self.broken.value("ipvs_check_tls_not_after_timestamp_seconds", position="leaf", **self.target(case))

    def test_expires_while_sessions_are_resumed(self):
        case = next(case for case in HTTPS_CASES if case.name == DOOMED)
        self.assertEqual(self.not_after(case), self.real.doomed_end)
        self.assertGreater(self.down_after(case), 0)

    def test_distinct_certificates_of_a_service(self):
        self.assertEqual(self.before.value("ipvs_service_distinct_certificates", **HTTPS), 2, "good and doomed")
        different = {case.certificate for case in HTTPS_CASES if case.certificate}
        self.assertEqual(self.broken.value("ipvs_service_distinct_certificates", **HTTPS), 2 + len(different))
        self.assertFalse(self.broken.series("ipvs_service_distinct_certificates", **HTTP))

    def test_without_verification_a_bad_certificate_is_only_shown(self):
        for name, verified in LENIENTLY_CHECKED.items():
            address = ADDRESSES["https"][name]
            with self.subTest(name):
                self.assertEqual(health.up(self.broken, **backend(LENIENT, address, 443)), 1)
                target = {"probe": "lenient", "address": address}
                self.assertEqual(health.layers(self.broken, **target), {"l4": 1, "l6": 1, "l7": 1})
                self.assertEqual(self.broken.value("ipvs_check_tls_verified", **target), verified)

    def test_services_count_their_real_servers(self):
        down = sum(case in EVERY_HTTP for case in FAILING) + 1  # and the one that nobody is
        self.assert_standings(self.broken, HTTP, usable=len(EVERY_HTTP) - down, down=down, drained=1)
        self.assertEqual(health.service_state(self.broken, **HTTP), "degraded")


def first_verdicts(program):
    """When each backend got its verdict, seconds since 1970: {key_of(backend): time}."""
    times = {}
    for one_service in json.loads(program.text("/api/v1/services"))["services"]:
        for one in one_service["backends"]:
            if "since" in one["health"]:
                times[key_of(one_service | one)] = timestamp(one["health"]["since"])
    return times


def key_of(labels):
    """What tells a backend from others in JSON."""
    return tuple(labels[name] for name in ("local_address", "local_port", "remote_address", "remote_port"))


def timestamp(text):
    """2026-01-02T03:04:05.678Z as seconds since 1970."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    labtest.main()
