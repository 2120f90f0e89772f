"""The frame of tests of the connection table: what the exporter says of it beside an independent count."""

import connection_table
import deadline
import exporter
import labtest

LIMIT = 40
SCANNED = ("ipvs_table_", "ipvs_service_connection_states", "ipvs_backend_connection_states",
           "ipvs_service_persistence_template", "ipvs_service_drained_persistence_templates")
NOT_COUNTED = ("_bucket", "_sum", "_timeout_seconds")
SERVICE_LABELS = ("local_address", "local_port", "proto", "local_mark", "address_family")
BACKEND_LABELS = (*SERVICE_LABELS, "remote_address", "remote_port")
STATES = {"TCP": 11, "UDP": 1, "SCTP": 14, "FWM": 12}  # that are told even when they are 0
# Long enough that nothing runs out while it is counted.
TIMEOUTS = ("--set", "3000", "3000", "3000")


class ScanTest(labtest.LabTest):
    """Runs an exporter that reads the whole table every second."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.director.run("ipvsadm", *TIMEOUTS)
        cls.program = cls.enterClassContext(exporter.exporter(
            cls.director, exporter.TABLE_ONLY, "--collector.connections.interval=1s",
            "--collector.connections.budget=100%", "--collector.connections.level=backend"))

    # The one-second states (CLOSE, TIME_WAIT) go on running out: compare until a pass falls between two equal counts.
    def assert_counted(self):
        """Returns the page of a pass that says exactly what is in the table, and the count."""
        last = {}

        def compare():
            before, unsure = connection_table.expected(self.director)
            page = self.next_page()
            last["absent"] = {labels for labels in unsure if bound(page, labels) > 0}
            last["expected"] = {key: count for key, count in before.items() if not is_absent(key, last["absent"])}
            last["actual"] = scanned(page)
            return ((before, unsure) == connection_table.expected(self.director)
                    and last["actual"] == last["expected"] and page)

        try:
            page = deadline.wait_until(LIMIT, "a pass that equals the count", compare)
        except AssertionError:
            self.assert_same_samples(last["actual"], last["expected"], "the last pass")
            raise
        self.assert_zeros_and_absences(page, last["absent"])
        self.assert_sums_to_netlink(page, last["absent"])
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

    def assert_zeros_and_absences(self, page, absent):
        """What is known is there even when it is 0, and what is not known is not there."""
        for info, name, names in (("ipvs_service_info", "ipvs_service_connection_states", SERVICE_LABELS),
                                  ("ipvs_backend_info", "ipvs_backend_connection_states", BACKEND_LABELS)):
            for labels in page.series(info):
                of_one = restricted(labels, names)
                states = page.series(name, **dict(of_one))
                with self.subTest(dict(of_one)):
                    if of_one in absent:
                        self.assertFalse(states)
                    else:
                        self.assertGreaterEqual(len(states), STATES[dict(of_one)["proto"]])
        for labels in page.series("ipvs_service_info"):
            persistence = dict(labels)["persistence"]
            types = {dict(of_type)["type"] for of_type in page.series(
                "ipvs_service_persistence_templates", **dict(restricted(labels, SERVICE_LABELS)))}
            self.assertLessEqual({persistence, "orphan"} if persistence != "none" else set(), types, dict(labels))
        self.assertEqual(len(page.series("ipvs_table_orphan_connections")), 2)
        self.assertEqual(len(page.series("ipvs_table_persistence_templates")), 5 * 3 * 2)

    def assert_sums_to_netlink(self, page, absent):
        """Breakdowns of a service sum to the gauges of its backends, where a row can tell its service."""
        for labels in page.series("ipvs_service_info"):
            of_service = restricted(labels, SERVICE_LABELS)
            # What a mark has counts for a service on its address and port, where there is one.
            if of_service in absent or dict(of_service)["proto"] == "FWM":
                continue
            with self.subTest(dict(of_service)):
                states = sum(page.series("ipvs_service_connection_states", **dict(of_service)).values())
                self.assertEqual(states, bound(page, of_service))
        # An invalidated template has lost its port: where an address has services of several kinds it counts in none.
        persistent = page.series("ipvs_service_persistence_template_remaining_seconds_count")
        addresses = [dict(labels)["local_address"] for labels in persistent]
        for labels, count in persistent.items():
            if dict(labels)["local_address"] and addresses.count(dict(labels)["local_address"]) > 1:
                continue
            held = sum(page.series("ipvs_backend_persistence_templates", **dict(labels)).values())
            self.assertEqual(count, held, dict(labels))


def restricted(labels, names):
    """Those of the labels that have these names."""
    return frozenset((name, value) for name, value in labels if name in names)


def bound(page, labels):
    """The connections that netlink counts for a service or a backend."""
    return sum(value for name in ("active", "inactive")
               for value in page.series(f"ipvs_backend_connections_{name}", **dict(labels)).values())


def is_absent(key, absent):
    """Whether a sample belongs to a breakdown that may not be there."""
    names = {"ipvs_service_connection_states": SERVICE_LABELS, "ipvs_backend_connection_states": BACKEND_LABELS}
    name, labels = key
    return name in names and restricted(labels, names[name]) in absent


def scanned(page):
    """{(metric, labels): value} of what the scan counted, without zeros."""
    return {(name, labels): value for (name, labels), value in page.samples.items()
            if name.startswith(SCANNED) and not name.endswith(NOT_COUNTED) and value != 0}
