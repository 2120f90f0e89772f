"""Every expression of every dashboard, asked of a real Prometheus that scrapes the real exporter of a director with
traffic and with faults, under the shipped rules: it is valid, it has a result, and the result has the labels that the
panel shows.

The director is scraped under two names, so that no expression relies on there being one. It has a keepalived of its
own, and one real server tells how it is set up itself."""

import contextlib
import itertools
import json
import pathlib
import re
import socket
import sys
import threading
import time
import urllib.error

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[1:1] = [str(TESTS / "dashboards"), str(TESTS / "support")]

import alerting         # noqa: E402
import certificates     # noqa: E402
import dashboard_files  # noqa: E402
import deadline         # noqa: E402
import health           # noqa: E402
import keepalived       # noqa: E402
import labtest          # noqa: E402
import netns            # noqa: E402
import shipped          # noqa: E402
import topology         # noqa: E402
import traffic          # noqa: E402
import variables        # noqa: E402

FOLDER = pathlib.Path("/run/dashboards")
SCRAPES_LIMIT = 90
PAUSE_BETWEEN_REQUESTS = 0.1
KNOCK_SECONDS = 0.3

# Everything that a panel can show at least once: the service behind TLS has all roles, persistence, a threshold, a
# weight that nobody expects, an address that nobody has, and clients that are bound to a drained and a removed server.
SERVICE = "shop, TLS"
BROKEN = "192.168.1.103"
SPARE = "192.168.1.104"
REMOVED = "192.168.1.105"
BOUND_CLIENTS = ("192.168.1.31", "192.168.1.32")  # they come once, and no more
GATEWAY = "192.168.1.254"  # the VIP of no service
INSTANCE, VRID = "VI_1", 51
FIFO = FOLDER / "vrrp.fifo"
CONFIGURATION = f"""
checker:
  metrics_level: full
  defaults: {{interval: 1s, fast_interval: 500ms}}
  arp_leak: {{interval: 5s}}
probes:
  alive: {{type: icmp}}
  page: {{type: http}}
  secure:
    type: https
    http: {{host: {certificates.SERVER_NAME}}}
    tls: {{ca_file: AUTHORITY}}
  web: {{type: http, port: 80}}
  vip: {{type: dr}}
services:
  - match: {{address: {topology.DR}, port: 443, proto: TCP}}
    name: "{SERVICE}"
    probes: [alive, secure, vip]
    backends:
      - {{address: 192.168.1.102, weight: 1}}
      - {{address: {BROKEN}, weight: 3}}
      - {{address: {topology.ABSENT}}}
      - {{address: {SPARE}, role: backup}}
      - {{address: {SPARE}, port: 8080, role: sorry, probes: [page]}}
  - match: {{address: {topology.DR}, port: 80, proto: TCP}}
    name: shop
    probes: [alive, page]
  - match: {{mark: 10, family: ipv4}}
    name: web and ssh
    vip: {topology.MARKED}
    probes: [alive, web]
director:
  directors: 2
  vips: [{GATEWAY}]
  keepalived:
    expected: true
    pid_file: KEEPALIVED/keepalived.pid
    json_file: KEEPALIVED/keepalived.json
    notify_fifo: {FIFO}
    instances: {{{INSTANCE}: {VRID}}}
"""
KEEPALIVED = f"""
global_defs {{
  vrrp_version 3
  script_user root
  vrrp_notify_fifo {FIFO}
}}
vrrp_instance {INSTANCE} {{
  state BACKUP
  interface eth0
  virtual_router_id {VRID}
  advert_int 0.2
  virtual_ipaddress {{
    {GATEWAY}/32 dev eth0
  }}
}}
"""
REAL_SERVER = f"realserver: {{vips: [{topology.DR}, {topology.TUNNELLED}]}}"  # rs3: a tunnel's end, and a VIP is lost
TABLE = f"""
    -E -t {topology.DR}:443 -s wlc -p 900
    -e -t {topology.DR}:443 -r 192.168.1.102:443 -g -w 1 -x 100 -y 50
    -e -t {topology.DR}:443 -r {BROKEN}:443 -g -w 1 -x 100
    -e -t {topology.DR}:443 -r {SPARE}:443 -g -w 0
    -a -t {topology.DR}:443 -r {SPARE}:8080 -m -w 0
"""
SCAN = ("--collector.connections.interval=1s", "--collector.connections.budget=50%",
        "--collector.connections.level=backend")
REFUSED = "INPUT -p tcp -m multiport --dports {ports} -j REJECT --reject-with tcp-reset"

PROMETHEUS = """
global: {{scrape_interval: 2s, evaluation_interval: 5s}}
rule_files: ["{rules}/lvs-*.yml"]
scrape_configs:
- job_name: ipvs
  static_configs:
  - {{targets: ["127.0.0.1:{port}"], labels: {{cluster: lab, instance: director1}}}}
  - {{targets: ["127.0.0.1:{port}"], labels: {{cluster: lab, instance: director2}}}}
- job_name: ipvs-realserver
  static_configs:
  - {{targets: ["{real_server}"], labels: {{cluster: lab, instance: rs3}}}}
"""

# What has no result here, and why that is right: {part of a place: reason}. One that is not needed is an error.
NO_DATA = {
    "annotation Exporter restarts": "the exporter ran all the time",
    "lvs-sessions: annotation Estimates": "the connection table was small enough to be read whole",
    ": Could not look: ": "the audit could look at everything",
    "lvs-director: Real servers that one director sees down": "both names are the same director",
    "lvs-director: Services that differ": "both names are the same director",
}
NO_DATA_FOR_ONE = NO_DATA | {
    "lvs-service: Bits by real server: B": "replies of this service do not pass the director",
    "lvs-service: Packets by real server: B": "replies of this service do not pass the director",
    "lvs-service: annotation Real server up": "the one that came back belongs to another service",
    "lvs-sessions: annotation Real server up": "the one that came back belongs to another service",
    "lvs-alerting: annotation Real server up": "the one that came back belongs to another service",
    "lvs-sessions: What feeds the marks": "this service has an address",
    "lvs-sessions: Mark services that no rule feeds": "this service has an address",
}

# Labels in legends that not every series has: {label: reason}. One series at least must have them.
OFTEN_EMPTY = {"via": "only a dr probe has a VIP", "layer": "our own trouble is on no layer"}


class DashboardsTest(labtest.LabTest):
    with_servers = True
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        FOLDER.mkdir()
        cls.lab.start_sync_daemons()
        cls._bind_clients()
        cls._change_table(TABLE)
        cls._send_requests(cls.servers.certificates / "ca.pem")
        cls._start_exporters()
        cls._wait_for(BROKEN, 443, 1)
        cls.prometheus = cls.enterClassContext(
            _prometheus(cls.director, port=cls.exporter.port, real_server=cls.real_server.target))
        deadline.wait_until(SCRAPES_LIMIT, "a scrape under each name before the faults", lambda: len(
            cls._query("group by (instance) (ipvs_backend_up == 1)")) == 2, 1)
        cls._break()
        cls._wait_until_all_is_stored()
        cls.site = dashboard_files.load()

    @classmethod
    def _start_exporters(cls):
        """On the director, and on a real server."""
        configuration = CONFIGURATION.replace("AUTHORITY", str(cls.servers.certificates / "ca.pem"))
        configuration = configuration.replace("KEEPALIVED", str(keepalived.folder_of(cls.director)))
        cls.exporter = cls.enterClassContext(health.configured(cls.director, "dashboards", configuration, *SCAN))
        cls.real_server = cls.enterClassContext(health.configured(
            cls.lab.rs3, "real-server", REAL_SERVER, "--collector.disable-defaults", "--collector.realserver",
            address=topology.IPV4["rs3"]))

    @classmethod
    def _bind_clients(cls):
        """One client to a real server that is drained then, one to another that is removed."""
        service = f"-t {topology.DR}:443"
        cls._change_table(f"""
            -E {service} -s rr -p 900
            -e {service} -r 192.168.1.102:443 -g -w 0
            -e {service} -r {BROKEN}:443 -g -w 0""")
        for address, client in zip((SPARE, REMOVED), BOUND_CLIENTS):
            cls._change_table(f"-a {service} -r {address}:443 -g -w 1")
            cls.lab.client.ip(f"addr add {client}/24 dev eth0")
            with cls.lab.client.inside():
                _knock(client)
            cls._change_table(f"-e {service} -r {address}:443 -g -w 0")
        cls._change_table(f"-d {service} -r {REMOVED}:443")

    @classmethod
    def _change_table(cls, lines):
        cls.director.run("ipvsadm", "-R", text="".join(line.strip() + "\n" for line in lines.strip().splitlines()))

    @classmethod
    def _send_requests(cls, authority):
        stopped = threading.Event()
        cls.lab.client.start_thread(_send_until, stopped, authority)
        cls.addClassCleanup(stopped.set)

    @classmethod
    def _break(cls):
        """One real server refuses on one port for good and on another for a while, and answers ARP for the VIP; one has
        lost the VIP; somebody takes a good one out of the table. keepalived starts late, and elects the director."""
        cls.enterClassContext(keepalived.Keepalived(cls.director, KEEPALIVED, "--vrrp"))
        cls.lab.rs2.run("iptables-legacy", "-I", *REFUSED.format(ports="443,8080").split())
        cls.lab.rs3.ip(f"addr del {topology.DR}/32 dev lo")
        cls.lab.rs2.sysctl(ipv4__conf__all__arp_ignore=0)
        cls.director.run("ipvsadm", "-d", "-t", f"{topology.LIMITED}:80", "-r", "192.168.1.102:80")
        cls._wait_for(BROKEN, 8080, 0)
        cls.lab.rs2.run("iptables-legacy", "-I", *REFUSED.format(ports="443").split())
        cls.lab.rs2.run("iptables-legacy", "-D", *REFUSED.format(ports="443,8080").split())
        cls._wait_for(BROKEN, 8080, 1)
        cls._wait_for(BROKEN, 443, 0)

    @classmethod
    def _wait_for(cls, address, port, verdict):
        labels = {"remote_address": address, "remote_port": str(port)}
        deadline.wait_until(health.PATIENCE, f"{address}:{port} to be {verdict}", lambda: set(
            cls.exporter.page().series("ipvs_backend_up", **labels).values()) == {verdict}, health.POLL_PAUSE)

    @classmethod
    def _wait_until_all_is_stored(cls):
        """A rate needs several scrapes after the last fault, and the slowest alerts some rounds."""
        begin = time.time()
        page_and_leak = 'ALERTS{alertstate="firing", severity="critical"} and on () (max(ipvs_backend_arp_leak) == 1)'
        deadline.wait_until(SCRAPES_LIMIT, "30 s of scrapes and a page",
                            lambda: time.time() - begin > 30 and cls._query(page_and_leak), 1)

    @classmethod
    def _query(cls, expression):
        return cls.prometheus.ask("/api/v1/query", query=expression)["data"]["result"]

    def test_with_everything_chosen(self):
        self._ask_all(lambda dashboard: variables.all_chosen(dashboard_files.variables(dashboard)), NO_DATA)

    def test_with_one_value_chosen_for_each_variable(self):
        one = variables.one_chosen({"job": "ipvs", "cluster": "lab", "instance": "director1", "service": SERVICE,
                                    "backend": BROKEN})
        self._ask_all(lambda _: one, NO_DATA_FOR_ONE)

    def test_variables_have_values(self):
        expected = {"job": "ipvs", "cluster": "lab", "instance": "director1", "service": SERVICE, "backend": BROKEN}
        for uid, dashboard in self.site.items():
            declared = dashboard_files.variables(dashboard)
            for name, variable in declared.items():
                match = variables.LABEL_VALUES.fullmatch(variable["query"])
                if match:
                    selector = variables.fill(match["selector"], variables.all_chosen(declared))
                    path = f"/api/v1/label/{match['label']}/values"
                    values = self.prometheus.ask(path, **{"match[]": selector})["data"]
                    self.assertIn(expected[name], values, f"{uid}: variable {name}")

    def test_the_shipped_rules_are_healthy(self):
        groups = self.prometheus.ask("/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertTrue(rules)
        self.assertEqual([(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"], [])

    def _ask_all(self, values_for, no_data):
        faults, needed = [], set()
        for dashboard in self.site.values():
            values = values_for(dashboard)
            for query in dashboard_files.queries(dashboard):
                fault = self._fault(query, variables.fill(query.expression, values))
                excuse = next((part for part in no_data if part in query.place), None)
                if fault == NOTHING and excuse:
                    needed.add(excuse)
                elif fault:
                    faults.append(f"{query.place}: {fault}")
        self.assertEqual(faults, [], f"{len(faults)} faults")
        self.assertEqual(no_data.keys() - needed, set(), "excuses that nothing needs")

    def _fault(self, query, expression):
        """What is wrong with a query, NOTHING if it has no result; None if all is well."""
        left = variables.names(expression)
        if left:
            return f"variables are left: {left}"
        try:
            answer = self._ask(query, expression)
        except urllib.error.HTTPError as error:
            return json.load(error).get("error")
        told = answer.get("warnings", []) + answer.get("infos", [])
        if told:
            return f"Prometheus says: {told}"
        if answer["data"]["resultType"] == "scalar":
            return None
        result = answer["data"]["result"]
        return _missing_label(query, [series["metric"] for series in result]) if result else NOTHING

    def _ask(self, query, expression):
        now = time.time()
        if query.instant:
            return self.prometheus.ask("/api/v1/query", query=expression, time=now)
        return self.prometheus.ask("/api/v1/query_range", query=expression, start=now - 180, end=now, step=10)


NOTHING = "no result"


def _missing_label(query, metrics):
    if query.expression.startswith("ALERTS"):  # what an alert is about, and so its labels, differs from alert to alert
        return None
    for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend):
        have = [label in metric for metric in metrics]
        if not (any(have) if label in OFTEN_EMPTY else all(have)):
            return f"the legend shows {label}, and series do not have it"
    return None


def _knock(source):
    """The first packet of a connection, which is not waited for."""
    with socket.socket() as client:
        client.setblocking(False)
        client.bind((source, 0))
        client.connect_ex((topology.DR, 443))
        time.sleep(KNOCK_SECONDS)


def _send_until(stopped, authority):
    """On the client: traffic through services of every kind."""
    clients = itertools.cycle(topology.CLIENT_ADDRESSES)
    requests = (
        lambda: traffic.https_get(topology.DR, authority, source=next(clients)),
        lambda: traffic.http_get(topology.DR),
        lambda: traffic.http_get(topology.MARKED),
        lambda: traffic.http_get(topology.MASQUERADED),
        lambda: traffic.udp_ask(topology.MASQUERADED),
        lambda: traffic.sctp_greeting(topology.MASQUERADED),
        lambda: traffic.http_get(topology.TUNNELLED),
        lambda: traffic.http_get(topology.PER_PORT, source=next(clients)),
        lambda: traffic.http_get(topology.PER_MARK, source=next(clients)),
    )
    for request in itertools.cycle(requests):
        with contextlib.suppress(OSError):  # one of the real servers refuses
            request()
        if stopped.wait(PAUSE_BETWEEN_REQUESTS):
            return


def _prometheus(host, **targets):
    netns.write_file(FOLDER / "prometheus.yml", PROMETHEUS.format(rules=shipped.FOLDER, **targets))
    return alerting.Server(host, alerting.PROMETHEUS_PORT, FOLDER / "prometheus.log", "prometheus",
                           f"--config.file={FOLDER}/prometheus.yml", f"--storage.tsdb.path={FOLDER}/data",
                           f"--web.listen-address=127.0.0.1:{alerting.PROMETHEUS_PORT}")


if __name__ == "__main__":
    labtest.main()
