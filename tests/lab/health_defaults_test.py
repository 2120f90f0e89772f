"""No file is needed: every backend of every set-up is found and probed, by TCP where there is a TCP port, else ICMP."""

import exporter
import health
import labtest
import topology
from labtest import backend, mark, service


class HealthDefaultsTest(labtest.LabTest):

    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.enterClassContext(exporter.exporter(cls.director))
        cls.page = health.settle(cls.program, lambda page: len(page.series("ipvs_backend_up")) == len(
            page.series("ipvs_backend_weight")))

    def test_every_backend_is_up(self):
        self.assert_same_samples(self.page.series("ipvs_backend_up"), dict.fromkeys(
            self.page.series("ipvs_backend_weight"), 1))

    def test_tcp_where_there_is_a_tcp_port_else_icmp(self):
        for labels in map(dict, self.page.series("ipvs_backend_check_info")):
            has_port = labels["proto"] == "TCP" and labels["remote_port"] != "0"
            expected = ("tcp", "tcp", labels["remote_port"]) if has_port else ("icmp", "icmp", "0")
            self.assertEqual((labels["probe"], labels["type"], labels["port"]), expected, labels)
            self.assertEqual(labels["address"], labels["remote_address"])
            self.assertEqual((labels["via"], labels["gating"]), ("", "true"))

    def test_every_target_is_asked_once(self):
        targets = {(labels["probe"], labels["address"], labels["port"])
                   for labels in map(dict, self.page.series("ipvs_backend_check_info"))}
        self.assertEqual(len(self.page.series("ipvs_check_interval_seconds")), len(targets))
        self.assertEqual(set(self.page.series("ipvs_check_interval_seconds").values()), {5})

    def test_every_family_of_addresses_and_every_protocol(self):
        for of_service in (service(topology.DR6, 80), service(topology.MASQUERADED6, 53, "UDP"), mark(10, "ipv6"),
                           service(topology.MASQUERADED, 9000, "SCTP"), service(topology.PER_CLIENT, 0)):
            self.assertEqual(health.service_state(self.page, **of_service), "ok")

    def test_a_drained_server_is_probed_and_said(self):
        drained = backend(service(topology.LIMITED, 80), topology.IPV4["rs2"], 80)
        self.assertEqual(health.up(self.page, **drained), 1)
        self.assertEqual(health.disagreements(self.page, **drained), {"healthy_weight0"})
        self.assertEqual(health.service_state(self.page, **service(topology.LIMITED, 80)), "spof")

    def test_a_service_without_servers_is_down(self):
        self.assertEqual(health.service_state(self.page, **service(topology.LIMITED, 443)), "down")

    def test_probing_is_no_traffic_of_the_services(self):
        self.assertEqual(sum(self.page.series("ipvs_service_connections_total").values()), 0)
        self.assertEqual(self.page.value("ipvs_connections_total"), 0)

    def test_every_service_is_carried_here(self):
        """Marks go with the role of the director, which is alone."""
        def keys(name):
            return {frozenset((label, dict(labels)[label]) for label in service("", 0))
                    for labels in self.page.series(name)}
        self.assertEqual(keys("ipvs_service_active"), keys("ipvs_service_info"))
        self.assertEqual(set(self.page.series("ipvs_service_active").values()), {1})

    def test_the_checker_can_be_switched_off(self):
        with exporter.exporter(self.director, "--no-collector.checker") as program:
            page = program.page()
        self.assertEqual(page.series("ipvs_backend_weight").keys(), self.page.series("ipvs_backend_weight").keys())
        self.assertFalse([name for name in page.names() if name.startswith("ipvs_check") or name == "ipvs_backend_up"])


if __name__ == "__main__":
    labtest.main()
