"""Every set-up of a director (rows 1 to 8 of the list of situations) with real traffic, as the page shows it.

All clients run first; then each test compares the page's growth with what the clients saw: who answered how often.
"""

import collections

import exporter
import labtest
import netns
import topology
import traffic
from labtest import backend, mark, service

REQUESTS = 20

IPV4, IPV6 = topology.IPV4, topology.IPV6


class RowsTest(labtest.LabTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.start_sync_daemons()
        program = cls.enterClassContext(exporter.exporter(cls.director))
        cls.before = program.page()
        with cls.lab.client.inside():
            cls.answers = {name: collections.Counter(answers) for name, answers in send_requests(cls.servers)}
        cls.wait_for_estimator()
        cls.after = program.page()

    def growth(self, name, labels):
        """How much a counter has grown; it must have been there, at whatever value, before."""
        return self.after.value(name, **labels) - self.before.value(name, **labels)

    def assert_shared_out(self, name, of_service, ports):
        """Service and backends count exactly the requests that the clients saw answered, host by host."""
        answers = self.answers[name]
        self.assertEqual(answers.total(), REQUESTS, f"answers to {name}: {answers}")
        self.assertEqual(self.growth("ipvs_service_connections_total", of_service), REQUESTS)
        addresses = IPV6 if of_service["address_family"] == "ipv6" else IPV4
        for host, port in ports.items():
            labels = backend(of_service, addresses[host], port)
            self.assertEqual(self.growth("ipvs_backend_connections_total", labels), answers[host], labels)
            for counter in ("incoming_packets", "incoming_bytes"):
                grown = self.growth(f"ipvs_backend_{counter}_total", labels)
                self.assertEqual(grown > 0, answers[host] > 0, f"{counter} of {labels}: {grown}")

    def assert_replies(self, of_service, address, port, pass_director):
        """Replies pass the director when it masquerades, and only then."""
        for counter in ("outgoing_packets", "outgoing_bytes"):
            grown = self.growth(f"ipvs_backend_{counter}_total", backend(of_service, address, port))
            self.assertEqual(grown > 0, pass_director, counter)

    def assert_info(self, of_service, **expected):
        info = self.after.labels("ipvs_service_info", **of_service)
        self.assertEqual({name: info[name] for name in expected}, expected)

    def assert_forward(self, of_service, address, port, forward, tunnel=""):
        info = self.after.labels("ipvs_backend_info", **backend(of_service, address, port))
        self.assertEqual((info["forward"], info["tunnel"]), (forward, tunnel))

    def templates(self, of_service):
        """Templates by backend address."""
        return {dict(labels)["remote_address"]: value
                for labels, value in self.after.series("ipvs_backend_persistence_templates", **of_service).items()}

    def assert_persistence(self, name, of_service, kind, seconds):
        """Every client has one template, on the backend that answered it, and all its requests went there."""
        self.assert_info(of_service, persistence=kind)
        self.assertEqual(self.after.value("ipvs_service_persistence_timeout_seconds", **of_service), seconds)
        hosts_of_clients = collections.defaultdict(set)
        for client, host in self.answers[name]:
            hosts_of_clients[client].add(host)
        self.assertTrue(all(len(hosts) == 1 for hosts in hosts_of_clients.values()), hosts_of_clients)
        clients_of_hosts = collections.Counter(IPV4[min(hosts)] for hosts in hosts_of_clients.values())
        self.assertEqual(self.templates(of_service), clients_of_hosts)
        self.assertEqual(clients_of_hosts.total(), len(topology.CLIENT_ADDRESSES))

    def test_row1_direct_routing(self):
        for name, address, addresses in (("curl", topology.DR, IPV4), ("http6", topology.DR6, IPV6)):
            with self.subTest(address):
                of_service = service(address, 80)
                self.assert_shared_out(name, of_service, {"rs1": 80, "rs2": 80})
                self.assertEqual(self.answers[name]["rs1"], REQUESTS // 2)
                self.assert_info(of_service, scheduler="rr", flags="", persistence="none", pe="")
                for host in ("rs1", "rs2"):
                    self.assert_forward(of_service, addresses[host], 80, "route")
                    self.assert_replies(of_service, addresses[host], 80, pass_director=False)
                    self.assertEqual(self.after.value("ipvs_backend_weight",
                                                      **backend(of_service, addresses[host], 80)), 1)

    def test_row1_totals_cover_all_services(self):
        total = self.after.value("ipvs_connections_total") - self.before.value("ipvs_connections_total")
        services = sum(self.after.series("ipvs_service_connections_total").values())
        self.assertGreater(total, REQUESTS)
        self.assertEqual(total, services - sum(self.before.series("ipvs_service_connections_total").values()))

    def test_row2_one_mark_for_several_ports(self):
        for family, addresses in (("ipv4", IPV4), ("ipv6", IPV6)):
            with self.subTest(family):
                answers = self.answers[f"mark {family} http"] + self.answers[f"mark {family} ssh"]
                of_service = mark(10, family)
                self.assertEqual(self.growth("ipvs_service_connections_total", of_service), 2 * REQUESTS)
                for host in ("rs1", "rs2"):
                    grown = self.growth("ipvs_backend_connections_total", backend(of_service, addresses[host], 0))
                    self.assertEqual(grown, answers[host])
        self.assert_info(mark(10), scheduler="wrr", persistence="none", name="mark 0000000A ipv4")

    def test_row2_mark_without_a_rule_counts_zero(self):
        self.assertEqual(self.after.value("ipvs_service_connections_total", **mark(20)), 0)
        self.assertEqual(self.after.value("ipvs_backend_connections_total", **backend(mark(20), IPV4["rs1"], 0)), 0)

    def test_row3_tls(self):
        self.assert_shared_out("https", service(topology.DR, 443), {"rs1": 443, "rs2": 443})
        self.assert_info(service(topology.DR, 443), scheduler="wlc")

    def test_row4_masquerading(self):
        for name, of_service, port2, hosts in (
                ("masquerade http", service(topology.MASQUERADED, 80), 8080, ("rs1", "rs2")),
                ("masquerade http6", service(topology.MASQUERADED6, 80), 80, ("rs1", "rs2")),
                ("masquerade udp", service(topology.MASQUERADED, 53, "UDP"), 53, ("rs1", "rs2")),
                ("masquerade udp6", service(topology.MASQUERADED6, 53, "UDP"), None, ("rs1",)),
                ("masquerade sctp", service(topology.MASQUERADED, 9000, "SCTP"), 9000, ("rs1", "rs2")),
                ("masquerade sctp6", service(topology.MASQUERADED6, 9000, "SCTP"), None, ("rs1",))):
            with self.subTest(name):
                ports = dict(zip(hosts, (int(of_service["local_port"]), port2)))
                self.assert_shared_out(name, of_service, ports)
                addresses = IPV6 if of_service["address_family"] == "ipv6" else IPV4
                for host, port in ports.items():
                    self.assert_forward(of_service, addresses[host], port, "masquerade")
                    self.assert_replies(of_service, addresses[host], port, pass_director=True)

    def test_row4_tunnels(self):
        for kind, port in (("ipip", 80), ("gue", 8080), ("gre", 443)):
            with self.subTest(kind):
                of_service = service(topology.TUNNELLED, port)
                self.assert_shared_out(f"tunnel {kind}", of_service, {"rs3": port})
                self.assert_forward(of_service, IPV4["rs3"], port, "tunnel", kind)
                self.assert_replies(of_service, IPV4["rs3"], port, pass_director=False)

    def test_row5_schedulers_with_flags(self):
        self.assert_shared_out("sh", service(topology.SCHEDULED, 80), {"rs1": 80, "rs2": 80})
        self.assert_info(service(topology.SCHEDULED, 80), scheduler="sh", flags="sh-fallback,sh-port")
        self.assert_shared_out("mh", service(topology.SCHEDULED, 443), {"rs1": 443, "rs2": 443})
        self.assert_info(service(topology.SCHEDULED, 443), scheduler="mh", flags="mh-port")
        self.assert_info(service(topology.SCHEDULED, 8080), scheduler="sh", flags="")

    def test_row5_source_hashing_binds_a_client(self):
        self.assertEqual(self.answers["sh without flags"], {"rs1": REQUESTS})

    def test_row5_one_packet_connections_count_but_do_not_stay(self):
        of_service = service(topology.SCHEDULED, 53, "UDP")
        self.assert_shared_out("ops", of_service, {"rs1": 53, "rs2": 53})
        self.assert_info(of_service, flags="ops")
        self.assertEqual(sum(self.after.series("ipvs_backend_connections_inactive", **of_service).values()), 0)

    def test_row6_persistence_per_port(self):
        self.assert_persistence("ppc", service(topology.PER_PORT, 80), "ppc", 300)
        self.assert_info(service(topology.PER_PORT, 21), persistence="ftp")

    def test_row6_netmask_and_persistence_engine(self):
        self.assert_info(service(topology.PER_PORT, 8080), persistence="ppc", netmask="255.255.255.0", pe="")
        self.assert_info(service(topology.DR6, 8080), persistence="ppc", netmask="64")
        self.assert_info(service(topology.PER_PORT, 5060, "UDP"), pe="sip", flags="ops")
        self.assertEqual(sum(self.templates(service(topology.PER_PORT, 8080)).values()), 1, "one for the whole network")

    def test_row7_persistence_per_mark(self):
        self.assert_persistence("pfwmc", mark(30), "pfwmc", 300)

    def test_row8_persistence_per_client(self):
        self.assert_persistence("pcc", service(topology.PER_CLIENT, 0), "pcc", 360)

    def test_services_without_persistence_have_no_timeout_and_no_templates(self):
        self.assertFalse(self.after.series("ipvs_service_persistence_timeout_seconds", **service(topology.DR, 80)))
        self.assertEqual(set(self.templates(service(topology.DR, 80)).values()), {0})

    def test_limits_drained_and_missing_backends(self):
        of_service = service(topology.LIMITED, 80)
        first, second = (backend(of_service, IPV4[host], 80) for host in ("rs1", "rs2"))
        self.assertEqual(self.after.value("ipvs_backend_upper_threshold_connections", **first), 100)
        self.assertEqual(self.after.value("ipvs_backend_lower_threshold_connections", **first), 50)
        self.assertEqual(self.after.value("ipvs_backend_upper_threshold_connections", **second), 200)
        self.assertFalse(self.after.series("ipvs_backend_lower_threshold_connections", **second))
        self.assertEqual(self.after.value("ipvs_backend_weight", **second), 0)
        self.assert_states(of_service, configured=2, weighted=1)
        self.assert_states(service(topology.LIMITED, 443), configured=0, weighted=0)

    def test_sync_daemons(self):
        running = {(labels["role"], labels["interface"], labels["sync_id"])
                   for labels in map(dict, self.after.series("ipvs_sync_daemon_running"))}
        self.assertEqual(running, {("master", "eth0", "7"), ("backup", "lo", "9")})

    def assert_states(self, of_service, **expected):
        states = {dict(labels)["state"]: value
                  for labels, value in self.after.series("ipvs_service_backends", **of_service).items()}
        self.assertEqual({state: states[state] for state in expected}, expected)


def send_requests(servers):
    """(what, the answers) for every set-up; REQUESTS of each kind."""
    authority = servers.certificates / "ca.pem"
    yield "curl", netns.run("curl", "-sS", "--max-time", "20", "-H", "Connection: close",
                            f"http://{topology.DR}/?[1-{REQUESTS}]").split()
    simple = {
        "http6": lambda: traffic.http_get(topology.DR6),
        "mark ipv4 http": lambda: traffic.http_get(topology.MARKED),
        "mark ipv4 ssh": lambda: traffic.read_greeting(topology.MARKED, 22),
        "mark ipv6 http": lambda: traffic.http_get(topology.MARKED6),
        "mark ipv6 ssh": lambda: traffic.read_greeting(topology.MARKED6, 22),
        "https": lambda: traffic.https_get(topology.DR, authority),
        "masquerade http": lambda: traffic.http_get(topology.MASQUERADED),
        "masquerade http6": lambda: traffic.http_get(topology.MASQUERADED6),
        "masquerade udp": lambda: traffic.udp_ask(topology.MASQUERADED),
        "masquerade udp6": lambda: traffic.udp_ask(topology.MASQUERADED6),
        "masquerade sctp": lambda: traffic.sctp_greeting(topology.MASQUERADED),
        "masquerade sctp6": lambda: traffic.sctp_greeting(topology.MASQUERADED6),
        "tunnel ipip": lambda: traffic.http_get(topology.TUNNELLED),
        "tunnel gue": lambda: traffic.http_get(topology.TUNNELLED, 8080),
        "tunnel gre": lambda: traffic.https_get(topology.TUNNELLED, authority),
        "sh": lambda: traffic.http_get(topology.SCHEDULED),
        "mh": lambda: traffic.https_get(topology.SCHEDULED, authority),
        "sh without flags": lambda: traffic.http_get(topology.SCHEDULED, 8080),
        "ops": lambda: traffic.udp_ask(topology.SCHEDULED),
    }
    for name, ask in simple.items():
        yield name, [ask() for _ in range(REQUESTS)]
    traffic.http_get(topology.PER_PORT, 8080, topology.CLIENT_ADDRESSES[0])
    traffic.http_get(topology.PER_PORT, 8080, topology.CLIENT_ADDRESSES[1])
    yield "ppc", from_every_client(topology.PER_PORT, (80,))
    yield "pfwmc", from_every_client(topology.PER_MARK, (80, 22, 443), authority)
    yield "pcc", from_every_client(topology.PER_CLIENT, (80, 8080))


def from_every_client(address, ports, authority=None):
    """(client, host) for each request; every client asks on every port."""
    answers = []
    for client in topology.CLIENT_ADDRESSES:
        for port in ports:
            if port == 443:
                answers.append((client, traffic.https_get(address, authority, source=client)))
            elif port == 22:
                answers.append((client, traffic.read_greeting(address, port, source=client)))
            else:
                answers.append((client, traffic.http_get(address, port, client)))
    return answers


if __name__ == "__main__":
    labtest.main()
