"""What the exporter says of the connection table equals an independent count of the same table, whatever happened to it.

The tests follow one another through the life of one director: traffic, a drained server, a removed one, a flushed table,
entries of another director.
"""


import connection_table
import deadline
import exporter
import labtest
import rows_test
import topology
import traffic
from labtest import mark, service

LIMIT = 40
SCAN = ("ipvs_table_", "ipvs_service_connection_states", "ipvs_backend_connection_states",
        "ipvs_service_persistence_template", "ipvs_service_drained_persistence_templates")
NOT_COUNTED = ("_bucket", "_sum", "_timeout_seconds")
SYNC_ID = 9
TCP, UDP, SCTP = 6, 17, 132
# Long enough that nothing runs out while it is counted.
TIMEOUTS = ("--set", "3000", "3000", "3000")


class ConnectionsTest(labtest.LabTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.director.run("ipvsadm", *TIMEOUTS)
        cls.program = cls.enterClassContext(exporter.exporter(
            cls.director, exporter.TABLE_ONLY, "--collector.connections.interval=1s",
            "--collector.connections.budget=100%", "--collector.connections.level=backend"))
        with cls.lab.client.inside():
            for _ in rows_test.send_requests(cls.servers):
                pass
            traffic.read_greeting(topology.PER_PORT, 21, source=topology.CLIENT_ADDRESSES[3])

    # The one-second states (CLOSE, TIME_WAIT) go on running out: compare until a pass falls between two equal counts.
    def assert_counted(self):
        """Returns the page of a pass that says exactly what is in the table, and the count."""
        last = {}

        def compare():
            before = connection_table.expected(self.director)
            page = self.next_page()
            last["expected"], last["actual"] = before, scanned(page)
            return before == connection_table.expected(self.director) and last["actual"] == before and page

        try:
            page = deadline.wait_until(LIMIT, "a pass that equals the count", compare)
        except AssertionError:
            self.assert_same_samples(last["actual"], last["expected"], "the last pass")
            raise
        self.assert_sums_to_netlink(page)
        self.assertEqual(page.value("ipvs_connections_scan_truncated"), 0)
        self.assertEqual(page.value("ipvs_connections_scan_coverage_ratio"), 1)
        self.assertEqual(page.value("ipvs_connections_scan_skipped_lines_total"), 0)
        return page, last["expected"]

    def next_page(self):
        """A page whose numbers come from a pass that began after this call."""
        def passes(page):
            return sum(page.series("ipvs_connections_scans_total").values())

        start = passes(self.program.page())
        return deadline.wait_until(LIMIT, "two more passes",
                                   lambda: (page := self.program.page()) and passes(page) >= start + 2 and page)

    def assert_sums_to_netlink(self, page):
        """Breakdowns of a service sum to the gauges of its backends, where a row can tell its service."""
        for labels in page.series("ipvs_service_info"):
            of_service = {name: value for name, value in labels
                          if name in ("local_address", "local_port", "proto", "local_mark", "address_family")}
            if of_service["proto"] == "FWM":
                continue  # several marks share their servers: such connections count in no service
            with self.subTest(of_service):
                bound = sum(value for name in ("active", "inactive") for value in
                            page.series(f"ipvs_backend_connections_{name}", **of_service).values())
                states = sum(page.series("ipvs_service_connection_states", **of_service).values())
                self.assertEqual(states, bound)
        # An invalidated template has lost its port: where an address has services of several kinds it counts in none.
        persistent = page.series("ipvs_service_persistence_template_remaining_seconds_count")
        addresses = [dict(labels)["local_address"] for labels in persistent]
        for labels, count in persistent.items():
            if dict(labels)["local_address"] and addresses.count(dict(labels)["local_address"]) > 1:
                continue
            bound = sum(page.series("ipvs_backend_persistence_templates", **dict(labels)).values())
            self.assertEqual(count, bound, dict(labels))

    def templates(self, page, **labels):
        return sum(page.series("ipvs_table_persistence_templates", **labels).values())

    def test_1_traffic_of_every_kind(self):
        page, expected = self.assert_counted()
        self.assertGreater(len(expected), 40)
        for kind in ("ppc", "pfwmc", "pcc", "ftp"):
            self.assertGreater(self.templates(page, type=kind, origin="local"), 0, kind)
        self.assertEqual(self.templates(page, type="orphan"), 0)
        clients = len(topology.CLIENT_ADDRESSES)
        for of_service, kind in ((service(topology.PER_PORT, 80), "ppc"), (mark(30), "pfwmc"),
                                 (service(topology.PER_CLIENT, 0), "pcc")):
            self.assertEqual(page.value("ipvs_service_persistence_templates", type=kind, **of_service), clients)
            self.assertEqual(page.value("ipvs_service_persistence_templates", type="orphan", **of_service), 0)
        masked = service(topology.PER_PORT, 8080)
        self.assertEqual(page.value("ipvs_service_persistence_templates", type="ppc", **masked), 1)
        for protocol in ("TCP", "UDP", "SCTP"):
            self.assertGreater(sum(page.series("ipvs_table_connections", proto=protocol).values()), 0, protocol)
        one_packet = service(topology.SCHEDULED, 53, "UDP")
        self.assertEqual(set(page.series("ipvs_service_connection_states", **one_packet).values()), {0})

    def test_2_templates_of_a_drained_server(self):
        rs1 = topology.IPV4["rs1"]
        self.director.run("ipvsadm", "-e", "-t", f"{topology.PER_PORT}:80", "-r", f"{rs1}:80", "-g", "-w", "0")
        self.director.run("ipvsadm", "-e", "-f", "30", "-r", f"{rs1}:0", "-g", "-w", "0")
        page, _ = self.assert_counted()
        for of_service in (service(topology.PER_PORT, 80), mark(30)):
            drained = page.series("ipvs_service_drained_persistence_templates", **of_service)
            held = page.value("ipvs_backend_persistence_templates", remote_address=rs1, **of_service)
            self.assertGreater(held, 0)
            self.assertEqual(sum(drained.values()), held)
            self.assertEqual(page.value("ipvs_service_drained_persistence_templates", status="invalidated",
                                        **of_service), 0)

    def test_3_clients_of_a_drained_server_come_back(self):
        self.director.sysctl(ipv4__vs__expire_quiescent_template=1)
        with self.lab.client.inside():
            for client in topology.CLIENT_ADDRESSES:
                traffic.http_get(topology.PER_PORT, 80, client)
                traffic.http_get(topology.PER_MARK, 80, client)
        page, _ = self.assert_counted()
        self.assertGreater(self.templates(page, type="pfwmc", status="invalidated"), 0)
        self.assertGreater(page.value("ipvs_service_drained_persistence_templates", status="invalidated", **mark(30)), 0)

    def test_4_templates_and_connections_of_a_removed_server(self):
        rs2 = topology.IPV4["rs2"]
        self.director.run("ipvsadm", "-d", "-t", f"{topology.PER_PORT}:80", "-r", f"{rs2}:80")
        self.director.run("ipvsadm", "-d", "-t", f"{topology.PER_CLIENT}:0", "-r", f"{rs2}:0")
        self.director.run("ipvsadm", "-d", "-f", "30", "-r", f"{rs2}:0")
        page, _ = self.assert_counted()
        for of_service in (service(topology.PER_PORT, 80), service(topology.PER_CLIENT, 0), mark(30)):
            self.assertGreater(page.value("ipvs_service_persistence_templates", type="orphan", **of_service), 0)
        self.assertGreater(page.value("ipvs_table_orphan_connections", origin="local"), 0)

    def test_5_clients_of_a_removed_server_come_back(self):
        before = self.templates(self.program.page(), type="orphan", status="invalidated")
        with self.lab.client.inside():
            for client in topology.CLIENT_ADDRESSES:
                traffic.http_get(topology.PER_CLIENT, 80, client)
        page, _ = self.assert_counted()
        self.assertGreater(self.templates(page, type="orphan", status="invalidated"), before)

    def test_6_entries_of_another_director(self):
        self.director.run("ipvsadm", "-C")
        self.lab.fill_table()
        rs1, rs1_ipv6 = topology.IPV4["rs1"], topology.IPV6["rs1"]
        self.director.run("ipvsadm", "-A", "-f", "77", "-s", "rr", "-p", "300")
        self.director.run("ipvsadm", "-a", "-f", "77", "-r", f"{rs1}:8080", "-m")
        self.director.run("ipvsadm", "-A", "-f", "78", "-6", "-s", "rr", "-p", "300")
        self.director.run("ipvsadm", "-a", "-f", "78", "-6", "-r", f"[{rs1_ipv6}]:0", "-g")
        self.director.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "lo", "--syncid", str(SYNC_ID))
        connection_table.synchronise(self.director, entries_of_another_director(rs1, rs1_ipv6), SYNC_ID)
        page, _ = self.assert_counted()
        self.assertEqual(self.templates(page, type="ppc", origin="sync"), 60, "IPv4 assured and not, IPv6")
        self.assertEqual(self.templates(page, type="pfwmc", origin="sync"), 40)
        self.assertEqual(self.templates(page, type="pcc", origin="sync"), 20)
        self.assertEqual(self.templates(page, type="ftp", origin="sync"), 0, "the kernel cannot bind them")
        self.assertEqual(self.templates(page, type="orphan", origin="sync"), 20 * 3, "FTP, masqueraded mark, unknown")
        self.assertEqual(page.value("ipvs_table_connections", proto="TCP", state="ESTABLISHED", origin="sync"), 40)
        self.assertEqual(page.value("ipvs_table_orphan_connections", origin="sync"), 20)

    def test_7_a_flushed_table(self):
        self.director.run("ipvsadm", "-C")
        page, expected = self.assert_counted()
        self.assertEqual({name for name, _ in expected},
                         {"ipvs_table_connections", "ipvs_table_orphan_connections",
                          "ipvs_table_persistence_templates"})
        self.assertGreater(self.templates(page, type="orphan"), 100)
        self.assertEqual(sum(page.series("ipvs_table_orphan_connections").values()),
                         sum(page.series("ipvs_table_connections").values()))

    def test_8_without_the_module(self):
        self.lab.unload_module()
        success = deadline.wait_until(LIMIT, "the collector to fail", lambda: not (page := self.program.page()).value(
            "ipvs_scrape_collector_success", collector="connections") and page)
        self.assertFalse(scanned(success))
        self.lab.load_module()
        self.assert_counted()


def entries_of_another_director(rs1, rs1_ipv6):
    """20 of each kind; those of the first lines find their services here, the last ones do not."""
    entry = connection_table.entry
    per_port, per_client = topology.PER_PORT, topology.PER_CLIENT
    entries = []
    for number in range(20):
        client, client_ipv6 = f"203.0.113.{number + 1}", f"2001:db8:5:{number + 1:x}::"
        template = {"template": True, "timeout": 3000}
        entries += [
            entry(TCP, (client, 0), (per_port, 80), (rs1, 80), state=1, **template),
            entry(TCP, (f"198.51.100.{number + 1}", 0), (per_port, 80), (rs1, 80), state=0, **template),
            entry(TCP, (client_ipv6, 0), (topology.DR6, 8080), (rs1_ipv6, 8080), state=1, **template),
            entry(0, (client, 0), (connection_table.mark_address(30, "ipv4"), 0), (rs1, 0), state=1, mark=30,
                  **template),
            entry(0, (client_ipv6, 0), (connection_table.mark_address(78, "ipv6"), 0), (rs1_ipv6, 0), state=0,
                  mark=78, **template),
            entry(TCP, (client, 0), (per_client, 0), (rs1, 0), state=1, **template),
            entry(TCP, (client, 0), (per_port, 0), (rs1, 0), state=1, **template),
            entry(0, (client, 0), (connection_table.mark_address(77, "ipv4"), 0), (rs1, 0), state=1, mark=77,
                  masquerade=True, **template),
            entry(TCP, (client, 0), ("192.0.2.9", 80), (rs1, 80), state=0, **template),
            entry(TCP, (client, 40000), (topology.DR, 80), (rs1, 80), state=1, timeout=3000),
            entry(TCP, (client_ipv6 + "9", 40000), (topology.DR6, 80), (rs1_ipv6, 80), state=1, timeout=3000),
            entry(TCP, (client, 40001), (topology.DR, 80), (rs1, 80), state=4, timeout=3000),
            entry(UDP, (client, 40002), (topology.MASQUERADED, 53), (rs1, 53), state=0, masquerade=True,
                  timeout=3000),
            entry(SCTP, (client, 40003), (topology.MASQUERADED, 9000), (rs1, 9000), state=8, masquerade=True,
                  timeout=3000),
            entry(TCP, (client, 40004), ("192.0.2.9", 80), ("192.0.2.10", 80), state=4, timeout=3000),
        ]
    return entries


def scanned(page):
    """{(metric, labels): value} of what the scan counted, without zeros."""
    return {(name, labels): value for (name, labels), value in page.samples.items()
            if name.startswith(SCAN) and not name.endswith(NOT_COUNTED) and value != 0}


if __name__ == "__main__":
    labtest.main()
