"""What the exporter can do with CAP_NET_ADMIN alone, without it, and without the module; and that it says so once."""

import os

import deadline
import exporter
import labtest
import topology
from labtest import backend, mark, service

SCRAPES = 4
SCAN_LIMIT = 20
NO_AUDIT = "--no-collector.audit"  # legacy firewall rules are root's, and it says so (audit_test.py)
PROC_FILE = "/proc/net/ip_vs"

# What /proc/net/ip_vs tells anyone.
FROM_PROC = {"ipvs_service_info", "ipvs_service_backends", "ipvs_backend_weight", "ipvs_backend_connections_active",
             "ipvs_backend_connections_inactive"}
TOTALS = {"ipvs_connections_total", "ipvs_incoming_packets_total", "ipvs_outgoing_packets_total",
          "ipvs_incoming_bytes_total", "ipvs_outgoing_bytes_total"}
NETLINK_ONLY = {"ipvs_service_connections_total", "ipvs_backend_connections_total", "ipvs_timeout_seconds",
                "ipvs_backend_persistence_templates", "ipvs_backend_upper_threshold_connections",
                "ipvs_service_persistence_timeout_seconds", "ipvs_sync_daemon_running"}


class PrivilegeTest(labtest.LabTest):

    def assert_logged_once(self, program, *words):
        """Exactly one line has these words, however often the page was asked for."""
        lines = [line for line in program.log() if all(word.lower() in line.lower() for word in words)]
        self.assertEqual(len(lines), 1, program.log())

    def nobody(self, run_as, *flags):
        return exporter.exporter(self.director, *flags, run_as=run_as)

    def test_nobody_with_net_admin_sees_all_that_root_sees(self):
        self.lab.start_sync_daemons()
        with exporter.exporter(self.director, exporter.TABLE_ONLY) as root, \
                self.nobody(exporter.NOBODY_WITH_NET_ADMIN, exporter.TABLE_ONLY) as nobody:
            as_root, as_nobody = map(page_with_connections, (root, nobody))
        for name in sorted(as_root.names()):
            if name.startswith(("ipvs_service_", "ipvs_backend_", "ipvs_sync_", "ipvs_timeout_", "ipvs_sysctl")):
                self.assertEqual(as_nobody.series(name), as_root.series(name), name)
        self.assertEqual(as_nobody.value("ipvs_up"), 1)
        self.assertFalse(NETLINK_ONLY - as_nobody.names())

    def test_nobody_without_capability_gets_what_proc_tells(self):
        with exporter.exporter(self.director, exporter.TABLE_ONLY) as root, \
                self.nobody(exporter.NOBODY_WITHOUT_CAPABILITIES, exporter.TABLE_ONLY) as nobody:
            as_root = root.page()
            for _ in range(SCRAPES):
                as_nobody = nobody.page()
            self.assert_logged_once(nobody, "CAP_NET_ADMIN")
        self.assertEqual(as_nobody.value("ipvs_up"), 0)
        for name in sorted(FROM_PROC - {"ipvs_service_info"}):
            self.assertEqual(as_nobody.series(name), as_root.series(name), name)
        self.assertEqual(set(map(service_and_scheduler, as_nobody.series("ipvs_service_info"))),
                         set(map(service_and_scheduler, as_root.series("ipvs_service_info"))))
        self.assertFalse(TOTALS - as_nobody.names())
        self.assertFalse(NETLINK_ONLY & as_nobody.names(), "absent, not zero")

    def test_what_proc_cannot_tell_is_not_guessed(self):
        """A mark service without backends has no family in /proc/net/ip_vs: it is left out there."""
        self.director.run("ipvsadm", "-A", "-f", "77", "-s", "rr")
        self.addCleanup(self.director.run, "ipvsadm", "-D", "-f", "77")
        with self.nobody(exporter.NOBODY_WITHOUT_CAPABILITIES) as nobody:
            page = nobody.page()
        self.assertFalse(page.series("ipvs_service_info", local_mark="0000004D"))
        for family, address in (("ipv4", topology.IPV4["rs1"]), ("ipv6", topology.IPV6["rs1"])):
            self.assertEqual(len(page.series("ipvs_backend_weight", **backend(mark(10, family), address, 0))), 1)
        self.assertEqual(page.value("ipvs_backend_weight",
                                    **backend(service(topology.LIMITED, 80), topology.IPV4["rs2"], 80)), 0)

    def test_a_healthy_start_has_nothing_to_complain_about(self):
        with self.nobody(exporter.NOBODY_WITH_NET_ADMIN, exporter.TABLE_ONLY, NO_AUDIT) as ours:
            self.assertEqual(ours.page().value("ipvs_up"), 1)
            complaints = [line for line in ours.log() if "level=info" not in line]
        self.assertEqual(complaints, [])

    def test_module_absent(self):
        self.lab.unload_module()
        self.addCleanup(self.lab.load_module)
        for run_as in ((), exporter.NOBODY_WITH_NET_ADMIN, exporter.NOBODY_WITHOUT_CAPABILITIES):
            with self.subTest(run_as=run_as), self.nobody(run_as) as ours:
                for _ in range(SCRAPES):
                    page = ours.page()
                self.assertEqual(page.value("ipvs_up"), 0)
                self.assertFalse([name for name in page.names() if name.startswith(("ipvs_service_", "ipvs_backend_"))])
                self.assertFalse(os.path.exists(PROC_FILE), "asking has loaded the module")
                self.assert_logged_once(ours, "ip_vs", "not loaded")

    def test_recovery_when_the_module_comes(self):
        self.lab.unload_module()
        with self.nobody(exporter.NOBODY_WITH_NET_ADMIN) as ours:
            self.assertEqual(ours.page().value("ipvs_up"), 0)
            self.lab.load_module()
            page = ours.page()
        self.assertEqual(page.value("ipvs_up"), 1)
        self.assertEqual(page.value("ipvs_backend_weight",
                                    **backend(service(topology.DR, 80), topology.IPV4["rs1"], 80)), 1)


def page_with_connections(program):
    """Its page as soon as the connection table has been read, which happens in the background."""
    deadline.wait_until(SCAN_LIMIT, "the connection table to be read",
                        lambda: "ipvs_connections_scan_rows" in program.page().names())
    return program.page()


def service_and_scheduler(labels):
    """Of ipvs_service_info, what both sources can tell."""
    told = dict(labels)
    return frozenset((name, told[name]) for name in (*service("", 0), "scheduler", "persistence"))


if __name__ == "__main__":
    labtest.main()
