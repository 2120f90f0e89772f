"""Row 9: real servers whose set-up for direct routing is stopped or wrong, seen from the director. Their own addresses
answer every other probe; only their answers for the VIP, and ARP or neighbour discovery, tell.

Each fault has a host of its own. All are well, then everything breaks in the same moment, then everything is mended.
"""

import dataclasses
import itertools
import socket
import struct
import threading
import time

import health
import labtest
import netns
import servers
import topology
from labtest import backend, mark, service

IPV4, IPV6 = topology.IPV4, topology.IPV6
WEB, WEB6 = service(topology.DR, 80), service(topology.DR6, 80)
DISTANT = "10.77.0.1"  # a real server behind another host
SECOND_MAC = "02:00:5e:10:00:01"
SEND_PAUSE = 0.3
FEW_ROUNDS = 3

SERVER = 'server {{ {listen} location / {{ return 200 "well\\n"; }} }}'
EVERY_ADDRESS = "listen 80; listen [::]:80;"
OWN_ADDRESSES = f"listen {IPV4['rs4']}:80; listen [{IPV6['rs4']}]:80;"
ITS_VIPS = f"listen {topology.DR}:80; listen [{topology.DR6}]:80;"

CONFIGURATION = f"""
checker:
  metrics_level: full
  arp_leak: {{interval: 1s}}
probes:
  alive: {{type: icmp}}
  page: {{type: http, http: {{expect_body: well}}}}
  vip: {{type: dr}}
  marked_vip: {{type: dr, port: 80}}
services:
  - match: {{address: {topology.DR}, port: 80, proto: TCP}}
    probes: [alive, page, vip]
    backends:
      - {{address: {IPV4["rs8"]}, accept_macs: ["{SECOND_MAC}"]}}
  - match: {{address: {topology.DR6}, port: 80, proto: TCP}}
    probes: [alive, page, vip]
  - match: {{mark: 10, family: ipv4}}
    vip: {topology.MARKED}
    probes: [alive, marked_vip]
  - match: {{address: {topology.MASQUERADED}, port: 80, proto: TCP}}
    probes: [page, vip]
"""

RULES = f"""
-A -t {topology.DR}:80 -s rr
-a -t {topology.DR}:80 -r {topology.ABSENT}:80 -g -w 1
-a -t {topology.DR}:80 -r {DISTANT}:80 -g -w 1
-A -t [{topology.DR6}]:80 -s rr
-A -f 10 -s rr
-a -f 10 -r {IPV4["rs1"]}:0 -g -w 1
-a -f 10 -r {IPV4["rs2"]}:0 -g -w 1
-A -t {topology.MASQUERADED}:80 -s rr
-a -t {topology.MASQUERADED}:80 -r {IPV4["rs1"]}:80 -m -w 1
""" + "".join(f"""
-a -t {topology.DR}:80 -r {IPV4[host]}:80 -g -w 1
-a -t [{topology.DR6}]:80 -r [{IPV6[host]}]:80 -g -w 1
""" for host in ("rs1", "rs2", "rs3", "rs4", "rs5", "rs6", "rs7", "rs8"))


@dataclasses.dataclass(frozen=True)
class Case:
    """What is wrong with a host, and what its dr probes must say. Without a reason they stay up."""
    host: str
    name: str
    reason: str = ""
    reason6: str = ""
    bound: float = health.REFUSED_TO_DOWN


CASES = (
    Case("rs1", "as it should be"),
    Case("rs2", "VIP not on lo", "dr_no_reply", "dr_no_reply", health.BLACK_HOLE_TO_DOWN),
    Case("rs3", "VIP not on lo, and it forwards", "dr_forwarded", "dr_forwarded"),
    Case("rs4", "daemon on its own addresses only", "dr_port_closed", "dr_port_closed"),
    Case("rs5", "passes everything to another holder of the VIP", "dr_wrong_mac"),
    Case("rs6", "arp_ignore 0"),
    Case("rs7", "arp_announce 0, over IPv6 the VIP on its card"),
    # Over IPv4 the MAC of the second card is configured.
    Case("rs8", "answers from its second card", "", "dr_wrong_mac"),
)
BACKENDS4 = {case: backend(WEB, IPV4[case.host], 80) for case in CASES}
BACKENDS6 = {case: backend(WEB6, IPV6[case.host], 80) for case in CASES}
EVERY = [(case, case.reason, BACKENDS4[case]) for case in CASES] + [
    (case, case.reason6, BACKENDS6[case]) for case in CASES]
FAILING = [(case, reason, labels) for case, reason, labels in EVERY if reason]
STAYING = [labels for _, reason, labels in EVERY if not reason]
NOBODY, BEHIND_ANOTHER = (backend(WEB, address, 80) for address in (topology.ABSENT, DISTANT))
MARKED_RS1, MARKED_RS2 = (backend(mark(10), IPV4[host], 0) for host in ("rs1", "rs2"))


class RealServers:
    """The hosts, set up as they should be, and what breaks and mends them."""

    def __init__(self, lab):
        self._lab = lab
        self._hosts = {host.name: host for host in lab.real_servers}
        listen = {"rs4": OWN_ADDRESSES + ITS_VIPS}
        self._nginx = {name: servers.Nginx(host, SERVER.format(listen=listen.get(name, EVERY_ADDRESS)))
                       for name, host in self._hosts.items()}
        for name, host in self._hosts.items():
            servers.wait_until_listening(host, 80, IPV4[name])
        self._make_distant()
        self._give_second_card()
        # They will leak what they have, and they are no servers of the mark.
        for name in ("rs6", "rs7"):
            self._hosts[name].ip(f"addr del {topology.MARKED}/32 dev lo")
        self.stranger = threading.Event()
        self._hosts["rs7"].start_thread(_speak_from_vip, socket.AF_INET, topology.DR, "192.168.1.{}")
        self._hosts["rs7"].start_thread(_speak_from_vip, socket.AF_INET6, topology.DR6, "2001:db8:1::{}")
        lab.client.start_thread(_announce_when, self.stranger)

    def stop(self):
        """Ends their servers."""
        for nginx in self._nginx.values():
            nginx.stop()

    def host(self, address):
        """Who has it."""
        return next(host for name, host in self._hosts.items() if address in (IPV4[name], IPV6[name]))

    def break_all(self):
        """All faults in the same moment (some tenths of a second)."""
        vip4, vip6 = f"{topology.DR}/32 dev lo", f"{topology.DR6}/128 dev lo"
        self._hosts["rs2"].ip(f"addr del {vip4}", f"addr del {vip6}", f"addr del {topology.MARKED}/32 dev lo")
        self._hosts["rs3"].ip(f"addr del {vip4}", f"addr del {vip6}")
        self._hosts["rs3"].sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self._nginx["rs4"].replace(SERVER.format(listen=OWN_ADDRESSES))
        # Without its redirects, and with a hop limit that lives on, nothing but the MAC gives it away.
        self._hosts["rs5"].sysctl(ipv4__ip_forward=1, ipv4__conf__all__send_redirects=0,
                                  ipv4__conf__eth0__send_redirects=0)
        self._hosts["rs5"].ip(f"addr del {vip4}", f"route add {topology.DR}/32 via {IPV4['rs1']}")
        self._hosts["rs5"].run("iptables-legacy", "-t", "mangle", "-A", "PREROUTING", "-d", topology.DR, "-j", "TTL",
                               "--ttl-set", "64")
        self._hosts["rs6"].sysctl(ipv4__conf__all__arp_ignore=0)
        self._hosts["rs7"].sysctl(ipv4__conf__all__arp_announce=0)
        self._hosts["rs7"].ip(f"addr add {topology.DR6}/128 dev eth0 nodad")
        for family, vip in (("-4", topology.DR), ("-6", topology.DR6)):
            self._hosts["rs8"].run("ip", family, "rule", "add", "from", vip, "lookup", "100")
        self.stranger.set()

    def mend_all(self):
        """As before."""
        vip4, vip6 = f"{topology.DR}/32 dev lo", f"{topology.DR6}/128 dev lo"
        self._hosts["rs2"].ip(f"addr add {vip4}", f"addr add {vip6}", f"addr add {topology.MARKED}/32 dev lo")
        self._hosts["rs3"].sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
        self._hosts["rs3"].ip(f"addr add {vip4}", f"addr add {vip6}")
        self._nginx["rs4"].replace(SERVER.format(listen=OWN_ADDRESSES + ITS_VIPS))
        self._hosts["rs5"].sysctl(ipv4__ip_forward=0)
        self._hosts["rs5"].ip(f"route del {topology.DR}/32", f"addr add {vip4}")
        self._hosts["rs6"].sysctl(ipv4__conf__all__arp_ignore=1)
        self._hosts["rs7"].sysctl(ipv4__conf__all__arp_announce=2)
        self._hosts["rs7"].ip(f"addr del {topology.DR6}/128 dev eth0")
        for family, vip in (("-4", topology.DR), ("-6", topology.DR6)):
            self._hosts["rs8"].run("ip", family, "rule", "del", "from", vip, "lookup", "100")
        self.stranger.clear()

    def hand_over(self):
        """The VIP moves to another director (here the client), which announces it and answers ARP as it should."""
        self._lab.director.ip(f"addr del {topology.DR}/32 dev eth0")
        self._lab.client.ip(f"addr add {topology.DR}/32 dev eth0")
        with self._lab.client.inside():
            _announce(topology.DR)
        self._hosts["rs7"].sysctl(ipv4__conf__all__arp_ignore=0)

    def take_back(self):
        """The VIP comes back to this director."""
        self._lab.client.ip(f"addr del {topology.DR}/32 dev eth0")
        self._lab.director.ip(f"addr add {topology.DR}/32 dev eth0")
        with self._lab.director.inside():
            _announce(topology.DR)

    def _make_distant(self):
        """An address that is reached through rs1."""
        self._hosts["rs1"].ip(f"addr add {DISTANT}/32 dev lo")
        self._lab.director.ip(f"route add {DISTANT}/32 via {IPV4['rs1']}")

    def _give_second_card(self):
        """rs8 has two, and routes in a table of its own for what will answer from the second one."""
        netns.ip_batch(["link add to-rs8-2 type veth peer name eth1 netns rs8", "link set to-rs8-2 master br0 up"])
        mac = mac_of(self._lab.director)
        # With a neighbour that it knows, the second card never asks for one, which would teach the director its MAC.
        self._hosts["rs8"].ip(f"link set eth1 address {SECOND_MAC} up",
                              f"neigh add {IPV4['director']} lladdr {mac} dev eth1 nud permanent",
                              f"neigh add {IPV6['director']} lladdr {mac} dev eth1 nud permanent",
                              "route add 192.168.1.0/24 dev eth1 table 100",
                              "route add 2001:db8:1::/64 dev eth1 table 100")


def mac_of(host):
    """That of its first card."""
    with host.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as card:
        card.bind(("eth0", 0))
        return card.getsockname()[4].hex(":")


def _speak_from_vip(family, vip, addresses):
    """Again and again a datagram from the VIP to somebody new: the host asks for a MAC, naming itself or the VIP."""
    with socket.socket(family, socket.SOCK_DGRAM) as speaker:
        speaker.bind((vip, 0))
        for number in itertools.cycle(range(200, 250)):
            speaker.sendto(b"hello", (addresses.format(number), 9))
            time.sleep(SEND_PAUSE)


def _announce_when(wanted):
    """While wanted, a host that is no real server says that it has the VIP of the mark."""
    while True:
        wanted.wait()
        _announce(topology.MARKED)
        time.sleep(SEND_PAUSE)


def _announce(vip):
    """A gratuitous ARP request from the host that the thread is on."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        mac, address = sender.getsockname()[4], socket.inet_aton(vip)
        header = b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
        sender.send(header + mac + address + bytes(6) + address)


def leaks(page):
    """{(VIP, real server, kind): 0 or 1}"""
    return {(labels["local_address"], labels["remote_address"], labels["kind"]): value for labels, value in (
        (dict(series), value) for series, value in page.series("ipvs_backend_arp_leak", interface="eth0").items())}


def leaking(page):
    """Those that are 1."""
    return {leak for leak, value in leaks(page).items() if value}


LEAKS = {(topology.DR, IPV4["rs6"], "answers"), (topology.MARKED, "", "announces"),
         (topology.DR, IPV4["rs7"], "announces"),
         (topology.DR6, IPV6["rs7"], "answers"), (topology.DR6, IPV6["rs7"], "announces")}
LEAK_ON_STANDBY = (topology.DR, IPV4["rs7"], "answers")


class HealthDrTest(health.HealthTest):

    more_real_servers = 5

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.real = RealServers(cls.lab)
        cls.addClassCleanup(cls.real.stop)
        cls.load(RULES)
        cls.program = cls.enterClassContext(health.configured(cls.director, "dr", CONFIGURATION))
        cls.slow_watcher = cls.enterClassContext(health.configured(
            cls.director, "slow", CONFIGURATION.replace("arp_leak: {interval: 1s}", "arp_leak: {interval: 30s}")))
        cls.pass_time()
        cls.print_times()

    @classmethod
    def pass_time(cls):
        """Well, broken, mended: a page and a time of each."""
        every = [labels for _, _, labels in EVERY]
        failing = [labels for _, _, labels in FAILING] + [MARKED_RS2]
        cls.before = health.settle(cls.program, lambda page: health.all_are(page, 1, every)
                                   and health.all_are(page, 0, [NOBODY, BEHIND_ANOTHER])
                                   and len(leaks(page)) >= 4 * len(CASES) <= len(leaks(cls.slow_watcher.page())))
        cls.fault = time.time()
        cls.real.break_all()
        cls.broken = health.settle(cls.program, lambda page: health.all_are(page, 0, failing)
                                   and LEAKS <= leaking(page))
        cls.end = time.time()
        cls.real.mend_all()
        cls.mended = health.settle(cls.program, lambda page: health.all_are(page, 1, every)
                                   and not leaking(page))
        cls.real.hand_over()
        # A leak of a real server, which is one on a standby as well, shows that rounds are made.
        cls.strangers = set()
        cls.standby = cls.settle_and_note_strangers(lambda page: leaks(page).get(LEAK_ON_STANDBY)
                                                    and page.value("ipvs_service_active", **WEB) == 0)
        cls.real.take_back()
        cls.active = cls.settle_and_note_strangers(lambda page: page.value("ipvs_service_active", **WEB) == 1)

    @classmethod
    def settle_and_note_strangers(cls, condition):
        """Like health.settle; remembers what unknown hosts were accused of meanwhile, and for some time on."""
        def look(page):
            for each in (page, cls.slow_watcher.page()):
                cls.strangers |= {leak for leak in leaking(each) if leak[:2] == (topology.DR, "")}
            return condition(page)
        page = health.settle(cls.program, look)
        end = time.monotonic() + FEW_ROUNDS
        health.settle(cls.program, lambda page: look(page) and time.monotonic() > end)
        return page

    @classmethod
    def print_times(cls):
        """For people: the measured times beside their bounds."""
        print(health.TIMES_HEAD)
        for case, _, labels in FAILING:
            print(health.times_row(f"{case.name}, {labels['address_family']}", cls.down_after(labels), case.bound,
                                   health.down_reason(cls.broken, **labels), cls.up_after(labels)))

    @classmethod
    def down_after(cls, labels):
        """Seconds from the fault to the verdict; None without one."""
        return health.down_after(cls.broken, cls.fault, **labels)

    @classmethod
    def up_after(cls, labels):
        """Seconds from the end of the fault to the verdict; None without one."""
        return health.up_after(cls.mended, cls.end, **labels)

    @staticmethod
    def lost_runs(labels, until, since):
        """Runs of the dr probe between two pages that this machine was too busy for."""
        return health.lost_runs(until, since, probe="vip", address=labels["remote_address"])

    def test_all_are_well_at_first(self):
        for case, _, labels in EVERY:
            self.assertEqual(health.up(self.before, **labels), 1, case.name)
            self.assertEqual(health.layers(self.before, probe="vip", address=labels["remote_address"]), {"dr": 1})

    def test_down_with_the_reason(self):
        for case, reason, labels in FAILING:
            with self.subTest(case.name, family=labels["address_family"]):
                self.assertEqual(health.up(self.broken, **labels), 0)
                self.assertEqual(health.down_reason(self.broken, **labels), ("dr", reason))
                self.assertEqual(health.transitions(self.broken, **labels), {"up": 0, "down": 1})

    def test_down_within_the_bound(self):
        for case, _, labels in FAILING:
            with self.subTest(case.name, family=labels["address_family"]):
                self.assert_within(self.down_after(labels), case.bound, case.name,
                                   self.lost_runs(labels, self.broken, self.before))

    def test_up_again_within_the_bound(self):
        for case, _, labels in FAILING:
            with self.subTest(case.name, family=labels["address_family"]):
                self.assert_within(self.up_after(labels), health.BACK_TO_UP, case.name,
                                   self.lost_runs(labels, self.mended, self.broken))
                self.assertEqual(health.transitions(self.mended, **labels), {"up": 1, "down": 1})

    def test_probes_of_the_own_address_stay_green(self):
        """What makes a black-holed real server so hard to see."""
        for page in (self.before, self.broken, self.mended):
            for _, _, labels in EVERY:
                address = labels["remote_address"]
                self.assertEqual(health.layers(page, probe="page", address=address), {"l4": 1, "l7": 1}, address)
                self.assertEqual(health.layers(page, probe="alive", address=address), {"l3": 1}, address)

    def test_what_answers_itself_stays_up(self):
        for labels in STAYING:
            with self.subTest(labels["remote_address"]):
                self.assertEqual(health.transitions(self.mended, **labels), {"up": 0, "down": 0})
                results = health.results(self.mended, probe="vip", address=labels["remote_address"])
                self.assertEqual(results["failure"], 0)

    def test_a_mark_service_with_its_vip_configured(self):
        self.assertEqual(health.up(self.before, **MARKED_RS2), 1)
        self.assertEqual(health.down_reason(self.broken, **MARKED_RS2), ("dr", "dr_no_reply"))
        self.assertEqual(health.up(self.mended, **MARKED_RS2), 1)
        self.assertEqual(health.transitions(self.mended, **MARKED_RS1), {"up": 0, "down": 0})
        target = self.before.labels("ipvs_check_up", probe="marked_vip", address=IPV4["rs2"])
        self.assertEqual((target["via"], target["port"]), (topology.MARKED, "80"))

    def test_masquerading_has_nothing_to_prove(self):
        self.assertFalse(self.broken.series("ipvs_check_results_total", probe="vip", via=topology.MASQUERADED))
        self.assertEqual(health.up(self.broken, **backend(service(topology.MASQUERADED, 80), IPV4["rs1"], 80)), 1)

    def test_an_address_that_nobody_has(self):
        self.assertEqual(health.down_reason(self.broken, **NOBODY), ("l3", "host_unreachable"))
        self.assertEqual(set(health.failures(self.mended, probe="vip", address=topology.ABSENT)),
                         {"dr_neighbour_unresolved"})

    def test_a_real_server_behind_another_host(self):
        self.assertEqual(health.down_reason(self.before, **BEHIND_ANOTHER), ("dr", "dr_not_adjacent"))
        self.assertEqual(health.layers(self.before, probe="page", address=DISTANT), {"l4": 1, "l7": 1})

    def test_arp_is_silent_at_first(self):
        rows = leaks(self.before)
        for case, kind in itertools.product(CASES, ("answers", "announces")):
            self.assertEqual(rows[topology.DR, IPV4[case.host], kind], 0, f"{case.host} {kind}")
            self.assertEqual(rows[topology.DR6, IPV6[case.host], kind], 0, f"{case.host} {kind}")
        self.assertEqual(set(rows.values()), {0})

    def test_arp_leaks_are_told_apart(self):
        self.assertEqual(leaking(self.broken), LEAKS)

    def test_arp_leaks_are_events_with_their_mac(self):
        for vip, server, kind in LEAKS:
            told = [event for event in health.events(self.program, kind="arp", service=vip)
                    if event.get("remote_address", "") == server and kind in (event["from"], event["to"])]
            end, begin = told[-2:]
            self.assertEqual((begin["from"], begin["to"], end["from"], end["to"]), ("silent", kind, kind, "silent"))
            host = self.real.host(server) if server else self.lab.client
            self.assertIn(mac_of(host), begin["detail"])

    def test_arp_is_silent_again(self):
        self.assertEqual(leaking(self.mended), set())
        self.assertNotIn((topology.MARKED, "", "announces"), leaks(self.mended), "the stranger has gone")

    def test_on_a_standby_the_active_director_may_answer(self):
        self.assertEqual(self.mended.value("ipvs_service_active", **WEB), 1)
        self.assertEqual(self.standby.value("ipvs_service_active", **WEB), 0)
        self.assertEqual({leak for leak in leaking(self.standby) if leak[1]}, {LEAK_ON_STANDBY})

    def test_a_failover_accuses_nobody(self):
        """The director that takes over announces the VIP, as keepalived does; the other one has just given it up. And
        the same back again."""
        self.assertEqual(self.active.value("ipvs_service_active", **WEB), 1)
        self.assertEqual(self.strangers, set())

    def test_over_ipv6_a_vip_on_lo_is_silent_by_itself(self):
        """None of the hosts was told to be. On a card it answers, and names itself when it asks for others."""
        rows = leaks(self.broken)
        for case, kind in itertools.product(CASES, ("answers", "announces")):
            self.assertEqual(rows[topology.DR6, IPV6[case.host], kind], case.host == "rs7", f"{case.host} {kind}")


if __name__ == "__main__":
    labtest.main()
