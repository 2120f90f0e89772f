"""What the exporter says of the connection table equals an independent count of the same table, whatever happened to it.

The tests follow one another through the life of one director: traffic, a drained server, a removed one, a flushed table,
entries of another director.
"""

import contextlib
import os
import pathlib

import connection_table
import deadline
import exporter
import labtest
import rows_test
import scantest
import topology
import traffic
from labtest import mark, service

SYNC_ID = 9
TCP, UDP, SCTP = 6, 17, 132
SECOND_CLIENT6 = "2001:db8:1::20"  # in the network of the first


class ConnectionsTest(scantest.ScanTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.lab.client.inside():
            for _ in rows_test.send_requests(cls.servers):
                pass
            traffic.read_greeting(topology.PER_PORT, 21, source=topology.CLIENT_ADDRESSES[3])
        cls.send_over_ipv6()

    @classmethod
    def send_over_ipv6(cls):
        """PPC of a network, and PCC."""
        cls.director.run("ipvsadm", "-A", "-t", f"[{topology.DR6}]:0", "-s", "rr", "-p", "300")
        for host in ("rs1", "rs2"):
            cls.director.run("ipvsadm", "-a", "-t", f"[{topology.DR6}]:0", "-r", f"[{topology.IPV6[host]}]:0", "-g")
        cls.lab.client.ip(f"addr add {SECOND_CLIENT6}/64 dev eth0 nodad")
        with cls.lab.client.inside():
            for client in (topology.IPV6["client"], SECOND_CLIENT6):
                traffic.http_get(topology.DR6, 8080, client)
                traffic.read_greeting(topology.DR6, 22, source=client)

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
        for masked in (service(topology.PER_PORT, 8080), service(topology.DR6, 8080)):
            self.assertEqual(page.value("ipvs_service_persistence_templates", type="ppc", **masked), 1, masked)
        self.assertEqual(
            page.value("ipvs_service_persistence_templates", type="pcc", **service(topology.DR6, 0)), 2)
        for protocol in ("TCP", "UDP", "SCTP"):
            self.assertGreater(sum(page.series("ipvs_table_connections", proto=protocol).values()), 0, protocol)
        one_packet = service(topology.SCHEDULED, 53, "UDP")
        self.assertEqual(set(page.series("ipvs_service_connection_states", **one_packet).values()), {0})

    def test_1_marks_that_share_their_servers_have_no_breakdown(self):
        page, _ = self.assert_counted()
        for number in (10, 30):
            self.assertGreater(scantest.bound(page, frozenset(mark(number).items())), 0)
            self.assertFalse(page.series("ipvs_service_connection_states", **mark(number)))
        self.assertEqual(set(page.series("ipvs_service_connection_states", **mark(20)).values()), {0},
                         "it has no connections")

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
        # The other mark must not have it either: what leads there might be that mark's.
        for number in ("30", "10"):
            self.director.run("ipvsadm", "-d", "-f", number, "-r", f"{rs2}:0")
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
        self.director.run("ipvsadm", "-a", "-f", "77", "-r", f"{topology.IPV4['rs2']}:8080", "-g")
        self.director.run("ipvsadm", "-A", "-f", "78", "-6", "-s", "rr", "-p", "300")
        self.director.run("ipvsadm", "-a", "-f", "78", "-6", "-r", f"[{rs1_ipv6}]:0", "-g")
        self.director.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "lo", "--syncid", str(SYNC_ID))
        connection_table.synchronise(self.director, entries_of_another_director(rs1, rs1_ipv6), SYNC_ID)
        page, _ = self.assert_counted()
        self.assertEqual(self.templates(page, type="ppc", origin="sync"), 60, "IPv4 assured and not, IPv6")
        self.assertEqual(self.templates(page, type="pfwmc", origin="sync"), 40)
        self.assertEqual(self.templates(page, type="pcc", origin="sync"), 20)
        self.assertEqual(self.templates(page, type="ftp", origin="sync"), 0, "the kernel cannot bind them")
        self.assertEqual(self.templates(page, type="orphan", origin="sync"), 20 * 4,
                         "FTP, a mark with ports at its servers (masquerading and DR), unknown")
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

        def failed():
            page = self.program.page()
            return not page.value("ipvs_scrape_collector_success", collector="connections") and page

        page = deadline.wait_until(scantest.LIMIT, "the collector to fail", failed)
        self.assertFalse(scantest.scanned(page))
        self.assertTrue(page.series("ipvs_connections_scans_total"), "what is counted stays")
        self.lab.load_module()
        self.assert_counted()

    def test_9_a_read_that_hangs_does_not_keep_the_program(self):
        with procfs_whose_table_hangs() as (procfs, table), \
                exporter.exporter(self.director, exporter.TABLE_ONLY, f"--path.procfs={procfs}") as program:
            with reading(table):
                self.assertEqual(program.page().value("ipvs_up"), 1)
                self.assertEqual(program.stop(), 0)
            self.assertTrue(any("stuck" in line for line in program.log()), program.log())


@contextlib.contextmanager
def procfs_whose_table_hangs():
    """(a folder like /proc, the table in it): the table is a pipe in which nothing comes."""
    folder = pathlib.Path("/run/hanging")
    net = folder / "net"
    net.mkdir(parents=True)
    for name in ("self", "stat", "sys"):
        (folder / name).symlink_to(f"/proc/{name}")
    for name in os.listdir("/proc/net"):
        if not name.startswith("ip_vs_conn"):
            (net / name).symlink_to(f"/proc/net/{name}")
    os.mkfifo(net / "ip_vs_conn_sync")
    yield folder, net / "ip_vs_conn_sync"


@contextlib.contextmanager
def reading(pipe):
    """Enters when somebody waits for what comes out of the pipe, and lets nothing come."""
    def open_for_writing():
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        return None

    end = deadline.wait_until(scantest.LIMIT, "somebody to read the table", open_for_writing)
    try:
        yield
    finally:
        os.close(end)


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
            entry(0, (f"198.51.100.{number + 1}", 0), (connection_table.mark_address(77, "ipv4"), 0),
                  (topology.IPV4["rs2"], 0), state=1, mark=77, **template),
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


if __name__ == "__main__":
    labtest.main()
