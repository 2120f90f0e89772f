"""The checks of the audit, as the program's tables name them, have a section each in a runbook, and the alert that their
row names."""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import promql      # noqa: E402
import repository  # noqa: E402

# A row: {"name", "what it reads", "what is wrong", "the alert", ...}. A list of plain words in braces is none.
ROW = re.compile(r'^\s*\{"([a-z0-9_]+)",([^{}]*)\}', re.M)
WORDS = re.compile(r'(\s*"[a-z0-9_]+",?)*\s*')
ALERT = re.compile(r'"(LVS\w+)"')
SECTION = re.compile(r"^### (\S+)\n(.*?)(?=^##|\Z)", re.M | re.S)
METRIC = "ipvs_audit_failed"
RUNBOOKS = {"audit": "LVSAuditFailed", "realserver": "LVSRealServerSetup"}  # of the checks of a collector


class Checks(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.rows = {collector: _rows(collector) for collector in RUNBOOKS}
        cls.checks = [check for rows in cls.rows.values() for check, _ in rows]
        cls.alerts = repository.shipped().alerts

    def test_names_are_unique(self):
        self.assertEqual(sorted(self.checks), sorted(set(self.checks)))

    def test_runbooks_have_a_section_for_each_and_no_other(self):
        for collector, runbook in RUNBOOKS.items():
            self.assertEqual(sorted(_sections(runbook)), sorted(check for check, _ in self.rows[collector]))

    def test_each_is_told_by_the_alert_of_its_row(self):
        for collector, runbook in RUNBOOKS.items():
            sections = _sections(runbook)
            for check, alert in self.rows[collector]:
                with self.subTest(check):
                    self.assertIn(alert, {alert.name for alert in self.alerts})
                    self.assertIn(self._alerts_of(check), ([alert], []))
                    if alert != runbook:
                        self.assertIn(f"{alert}.md", sections[check])

    def test_whoever_has_no_alert_of_that_metric_has_one_of_another(self):
        silent = {alert for rows in self.rows.values() for check, alert in rows if not self._alerts_of(check)}
        self.assertFalse(silent & {alert.name for alert in self.alerts if _chosen(alert)})

    def test_no_alert_names_a_check_that_does_not_exist(self):
        for alert in self.alerts:
            for _, value in _chosen(alert):
                for name in value.split("|"):
                    self.assertTrue([check for check in self.checks if re.fullmatch(name, check)],
                                    f"{alert.name}: {name}")

    def _alerts_of(self, check):
        """The alerts that read the rows of this check by its name."""
        return [alert.name for alert in self.alerts if (chosen := _chosen(alert))
                and all(_matches(operator, value, check) for operator, value in chosen)]


def _rows(collector):
    """[(check, alert)] of the rows in a collector's sources; there must be some, each with an alert."""
    found = [(check, rest) for path in sorted((repository.ROOT / "collectors" / collector).glob("*.cc"))
             for check, rest in ROW.findall(path.read_text(encoding="utf-8")) if not WORDS.fullmatch(rest)]
    if not found:
        raise ValueError(f"collectors/{collector} has no row of a check")
    if nameless := [check for check, rest in found if not ALERT.search(rest)]:
        raise ValueError(f"collectors/{collector}: rows without an alert: {nameless}")
    return [(check, ALERT.search(rest)[1]) for check, rest in found]


def _sections(runbook):
    text = (repository.ALERTS / "runbooks" / f"{runbook}.md").read_text(encoding="utf-8")
    return dict(SECTION.findall(text))


def _chosen(alert):
    """[(operator, value)] of what an alert's expression asks of the label `check`."""
    return [(operator, value) for selector in promql.selectors(alert.tree) if selector.name == METRIC
            for label, operator, value in selector.matchers if label == "check"]


def _matches(operator, value, check):
    is_equal = re.fullmatch(value, check) is not None if "~" in operator else value == check
    return is_equal != operator.startswith("!")


if __name__ == "__main__":
    unittest.main()
