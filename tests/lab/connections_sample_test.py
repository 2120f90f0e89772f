"""A pass that may not read the whole table: its estimates are as near the truth as it promises (summary.h says how near)."""

import math

import connections_bench
import deadline
import exporter
import labtest

ENTRIES = 40_000  # more than a pass may read, on a kernel whose file is quadratic to read
LIMIT = 60
LEAST_ROWS = 300
BUDGETS = (20, 60, 180, 540)  # ms; what a guest gets done in that time is the machine's business
STANDARD_ERRORS = 5


class ConnectionsSampleTest(labtest.LabTest):
    with_rules = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.exact = connections_bench.fill(cls.director, ENTRIES)
        cls.page = next(page for page in map(cls.first_pass, BUDGETS)
                        if page.value("ipvs_connections_scan_rows") > LEAST_ROWS)

    @classmethod
    def first_pass(cls, milliseconds):
        """The page of a new program when it has read for so long."""
        with exporter.exporter(cls.director, exporter.TABLE_ONLY,
                               f"--collector.connections.max-pass-time={milliseconds}ms") as program:
            return deadline.wait_until(LIMIT, "a pass", lambda: (page := program.page()) and
                                       connections_bench.passes(page) > 0 and page)

    def test_says_that_it_is_an_estimate(self):
        self.assertEqual(self.page.value("ipvs_connections_scan_truncated"), 1)
        self.assertEqual(self.page.value("ipvs_connections_scans_total", result="truncated"), 1)
        rows = self.page.value("ipvs_connections_scan_rows")
        self.assertAlmostEqual(self.page.value("ipvs_connections_scan_coverage_ratio"), rows / ENTRIES, delta=0.001)

    def test_breakdowns_sum_to_what_netlink_counts(self):
        states = self.page.series("ipvs_service_connection_states", local_address=connections_bench.VIP)
        self.assertEqual(sum(states.values()), self.exact["connections"])
        templates = self.page.series("ipvs_table_persistence_templates", type="ppc")
        self.assertEqual(sum(templates.values()), self.exact["templates"])
        remaining = self.page.value("ipvs_service_persistence_template_remaining_seconds_count",
                                    local_address=connections_bench.PERSISTENT_VIP)
        self.assertEqual(remaining, self.exact["templates"])

    def test_states_are_inside_their_bound(self):
        for state in connections_bench.SHARES:
            estimate = self.page.value("ipvs_service_connection_states", local_address=connections_bench.VIP, state=state)
            self.assert_bounded(state, "connections", estimate)

    def test_templates_are_inside_their_bound(self):
        for status in ("assured", "unassured"):
            estimate = self.page.value("ipvs_table_persistence_templates", type="ppc", status=status, origin="sync")
            self.assert_bounded(status, "templates", estimate)

    def assert_bounded(self, name, kind, estimate):
        whole, coverage = self.exact[kind], self.page.value("ipvs_connections_scan_coverage_ratio")
        share = self.exact[name] / whole
        error = whole * math.sqrt(share * (1 - share) / (coverage * whole) * (1 - coverage))
        self.assertLessEqual(abs(estimate - self.exact[name]), STANDARD_ERRORS * error + 1, name)


if __name__ == "__main__":
    labtest.main()
