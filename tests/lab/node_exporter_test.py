"""Under --collector.ipvs.node-exporter-names the page has node_exporter's eight families, exactly as it serves them.

node_exporter's parser of /proc/net/ip_vs knows TCP, UDP and FWM lines only, and gives the backends of an SCTP service
to whatever service was before it. So SCTP is kept out of the compared table, and a test of its own shows the difference.
"""

import everything
import exporter
import labtest
import topology

FAMILIES = {f"node_ipvs_{name}" for name in (
    "connections_total", "incoming_packets_total", "outgoing_packets_total", "incoming_bytes_total",
    "outgoing_bytes_total", "backend_weight", "backend_connections_active", "backend_connections_inactive")}
SCTP_SERVICES = (f"{topology.MASQUERADED}:{9000}", f"[{topology.MASQUERADED6}]:{9000}")
NAMES_FLAG = "--collector.ipvs.node-exporter-names"
LABELS_FLAG = "--collector.ipvs.backend-labels="


class NodeExporterTest(labtest.LabTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.lab.client.inside():
            everything.send(cls.servers)
        for address in SCTP_SERVICES:
            cls.director.run("ipvsadm", "-D", "--sctp-service", address)
        cls.wait_for_estimator()

    def test_same_names_labels_and_values(self):
        self.assert_same_families()

    def test_same_sums_with_fewer_labels(self):
        self.assert_same_families(LABELS_FLAG + "local_address,local_port")

    def test_same_sums_by_remote_address(self):
        self.assert_same_families(LABELS_FLAG + "remote_address")

    def test_off_by_default(self):
        with exporter.exporter(self.director) as ours:
            self.assertFalse(FAMILIES & ours.page().names())

    def test_beside_our_own_names(self):
        with exporter.exporter(self.director, NAMES_FLAG) as ours:
            page = ours.page()
        weights = {labels: value for labels, value in page.series("ipvs_backend_weight").items()}
        theirs = {labels: value for labels, value in page.series("node_ipvs_backend_weight").items()}
        self.assertEqual({frozenset(item for item in labels if item[0] != "address_family"): value
                          for labels, value in weights.items()}, theirs)

    def test_node_exporter_loses_sctp_and_we_do_not(self):
        rules = f"-A --sctp-service {topology.DR}:7777\n-a --sctp-service {topology.DR}:7777 -r 192.168.1.102:7777 -g\n"
        self.director.run("ipvsadm", "-R", text=rules)
        self.addCleanup(self.director.run, "ipvsadm", "-D", "--sctp-service", f"{topology.DR}:7777")
        with exporter.exporter(self.director, NAMES_FLAG) as ours, exporter.node_exporter(self.director) as theirs:
            our_page, their_page = ours.page(), theirs.page()
        self.assertFalse(their_page.series("node_ipvs_backend_weight", proto="SCTP"))
        self.assertEqual(list(our_page.series("node_ipvs_backend_weight", proto="SCTP").values()), [1])

    def assert_same_families(self, *flags):
        """Two pages of one still table, ours and node_exporter's."""
        with exporter.exporter(self.director, NAMES_FLAG, *flags) as ours, \
                exporter.node_exporter(self.director, *flags) as theirs:
            our_page, their_page = ours.page(), theirs.page()
        self.assertEqual(FAMILIES, {name for name in their_page.types if name.startswith("node_ipvs_")})
        for family in sorted(FAMILIES):
            self.assert_same_samples(our_page.series(family), their_page.series(family), family)
            self.assertEqual(our_page.types.get(family), their_page.types[family], family)
            self.assertEqual(our_page.helps.get(family), their_page.helps[family], family)
        self.assertGreater(our_page.value("node_ipvs_connections_total"), 0)


if __name__ == "__main__":
    labtest.main()
