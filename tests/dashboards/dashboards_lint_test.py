"""The shipped dashboards keep the linter's rules, every rule finds what it is for, and no metric is forgotten."""

import fnmatch
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import yaml  # noqa: E402

import breakages        # noqa: E402
import dashboard_files  # noqa: E402
import example          # noqa: E402
import expressions      # noqa: E402
import lint             # noqa: E402
import lint_panels      # noqa: E402
import metric_table     # noqa: E402
import promql           # noqa: E402

FOLDER = dashboard_files.FOLDER
ALERTS = FOLDER.parent / "alerts"
DASHBOARDS = {"lvs-overview", "lvs-service", "lvs-realserver", "lvs-sessions", "lvs-director", "lvs-kernel",
              "lvs-exporter", "lvs-alerting"}
VARIABLES = ["datasource", "job", "cluster", "instance", "service", "backend"]

# The set-ups that an operator runs, by their numbers, and those that no panel can show yet.
SITUATIONS = set(range(1, 17))
LATER = {
    16: "acting on the table is a part of its own, with metrics of its own",
}


class ShippedDashboards(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.site = dashboard_files.load()

    def test_the_set_is_complete(self):
        self.assertEqual(set(self.site), DASHBOARDS)

    def test_the_linter_finds_nothing(self):
        left, unused = lint.judge(lint.findings(self.site), lint.exemptions(_lines(".lint")))
        self.assertEqual([str(finding) for finding in left], [])
        self.assertEqual(unused, [], "lines of dashboards/.lint that cover nothing")

    def test_every_exemption_has_a_reason(self):
        for line in lint.exemptions(_lines(".lint")):
            self.assertIn(line.rule, lint.RULES)
            self.assertGreater(len(line.reason), 20, line)

    def test_variables_come_in_one_order(self):
        for uid, dashboard in self.site.items():
            names = list(dashboard_files.variables(dashboard))
            self.assertEqual(names, [name for name in VARIABLES if name in names], uid)

    def test_files_are_written_in_one_way(self):
        for uid, dashboard in self.site.items():
            written = (FOLDER / f"{uid}.json").read_text(encoding="utf-8")
            self.assertTrue(written == dashboard_files.text(dashboard), f"{uid}.json is not json.dumps(indent=2)")

    def test_every_situation_has_a_panel_or_a_reason(self):
        shown = {number for dashboard in self.site.values() for panel in dashboard_files.panels(dashboard)
                 for number in lint_panels.situations(panel)}
        self.assertEqual(sorted(SITUATIONS - shown), sorted(LATER), "set-ups without a panel")
        self.assertLessEqual(shown, SITUATIONS, "no such set-up")


class EveryMetricIsOfUse(unittest.TestCase):
    def setUp(self):
        self.used = _used_in_dashboards() | _used_in_rules()
        self.patterns = [line.split("|")[0].strip() for line in _lines(".explore-only")]

    def test_is_on_a_panel_or_in_a_rule_or_has_a_reason_why_not(self):
        forgotten = [name for name in metric_table.rows() if name not in self.used and not self._excused(name)]
        self.assertEqual(forgotten, [], "neither used nor in dashboards/.explore-only")

    def test_what_is_excused_is_not_used(self):
        self.assertEqual([name for name in self.used if self._excused(name)], [])

    def test_every_excuse_is_needed_and_has_a_reason(self):
        for line in _lines(".explore-only"):
            pattern, reason = (part.strip() for part in line.split("|"))
            self.assertTrue(fnmatch.filter(metric_table.rows(), pattern), f"{pattern}: no such metric")
            self.assertGreater(len(reason), 20, line)

    def _excused(self, name):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)


class Provisioning(unittest.TestCase):
    def test_the_data_source_knows_the_scrape_interval(self):
        [source] = self._read("datasources")["datasources"]
        self.assertEqual((source["type"], source["jsonData"]["timeInterval"]), ("prometheus", "5s"))

    def test_the_provider_reads_files_and_says_where(self):
        [provider] = self._read("dashboards")["providers"]
        self.assertEqual((provider["type"], provider["folder"], provider["allowUiUpdates"]), ("file", "LVS", False))
        path = provider["options"]["path"]
        self.assertTrue(path.startswith("/"))
        self.assertIn("path below", (FOLDER / "provisioning/dashboards/lvs.yml").read_text(encoding="utf-8"))

    def test_both_have_the_version_that_grafana_asks_for(self):
        for kind in ("datasources", "dashboards"):
            self.assertEqual(self._read(kind)["apiVersion"], 1)

    @staticmethod
    def _read(kind):
        return yaml.safe_load((FOLDER / "provisioning" / kind / "lvs.yml").read_text(encoding="utf-8"))


class TheLinter(unittest.TestCase):
    """Each rule against a dashboard without fault, and against the same one broken in just that way."""

    def test_finds_nothing_wrong_with_the_example(self):
        self.assertEqual([str(finding) for finding in lint.findings(example.site())], [])

    def test_every_rule_finds_what_is_broken_in_its_way_and_no_other_does(self):
        for rule, broken in breakages.ALL:
            with self.subTest(rule=rule, breakage=broken.__name__):
                site = example.site()
                broken(site)
                found = lint.findings(site)
                self.assertEqual({finding.rule for finding in found}, {rule}, [str(finding) for finding in found])

    def test_every_rule_has_a_breakage(self):
        self.assertEqual({rule for rule, _ in breakages.ALL}, set(lint.RULES))

    def test_an_exemption_covers_its_rule_in_its_place_only(self):
        exempt = lint.exemptions(["# comment", "", "panel-units | good: Gr*ph | reason"])
        here, other_rule = lint.Finding("panel-units", "good: Graph", ""), lint.Finding("layout", "good: Graph", "")
        other_place = lint.Finding("panel-units", "good: Stat", "")
        self.assertEqual(lint.judge([here, other_rule, other_place], exempt), ([other_rule, other_place], []))

    def test_an_exemption_that_covers_nothing_is_told(self):
        exempt = lint.exemptions(["layout | * | reason"])
        self.assertEqual(lint.judge([], exempt), ([], exempt))


def _lines(name):
    """The lines of a list beside the dashboards that are no comments."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _used_in_dashboards():
    return {name for dashboard in dashboard_files.load().values() for query in dashboard_files.queries(dashboard)
            for name in _families(expressions.filled(query.expression, dashboard))}


def _used_in_rules():
    found = set()
    for path in ALERTS.glob("lvs-*.yml"):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                found |= _families(rule["expr"])
    return found


def _families(expression):
    series = metric_table.series()
    selectors = promql.selectors(promql.parse(expression))
    return {series[selector.name][0] for selector in selectors if selector.name in series}


if __name__ == "__main__":
    unittest.main(verbosity=2)
