"""The shipped rules, routes, unit tests, runbooks and dashboards go together: the linter finds nothing."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import alertmanager  # noqa: E402
import lint          # noqa: E402
import lint_rules    # noqa: E402
import repository    # noqa: E402


class ShippedAlerts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shipped = repository.shipped()

    def test_the_linter_finds_nothing(self):
        found = lint.findings(self.shipped)
        self.assertEqual([str(finding) for finding in found], [])

    def test_who_is_told_what(self):
        for alert in self.shipped.alerts:
            route = alertmanager.route_of(self.shipped.alertmanager, alert)
            with self.subTest(alert.where):
                self.assertEqual(route.receiver, _receiver(alert))


def _receiver(alert):
    if alert.name == lint_rules.WATCHDOG:
        return "deadman"
    if alert.name in lint_rules.PROMPT_WARNINGS:
        return "notice"
    return {"critical": "page", "warning": "ticket", "info": "null"}[alert.severity]


if __name__ == "__main__":
    unittest.main()
