"""Every expression of the dashboards is PromQL to Prometheus's own parser: promtool reads them as recording rules."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import yaml  # noqa: E402

import dashboard_files  # noqa: E402
import expressions      # noqa: E402
import variables        # noqa: E402

# A name like one of the lab, with what needs an escape in a pattern.
ONE_VALUE = {"job": "ipvs", "cluster": "lvs1", "instance": "director1:10211", "service": "[2001:db8::1]:80/TCP",
             "backend": "192.168.1.102"}


class Syntax(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = dashboard_files.load()

    def test_with_everything_chosen(self):
        self.assert_valid({query.place: expressions.filled(query.expression, dashboard)
                           for dashboard in self.site.values() for query in dashboard_files.queries(dashboard)})

    def test_with_one_value_chosen_for_each_variable(self):
        one = variables.one_chosen(ONE_VALUE)
        self.assert_valid({query.place: variables.fill(query.expression, one)
                           for dashboard in self.site.values() for query in dashboard_files.queries(dashboard)})

    def test_no_variable_is_left(self):
        one = variables.one_chosen(ONE_VALUE)
        for dashboard in self.site.values():
            for query in dashboard_files.queries(dashboard):
                self.assertEqual(variables.names(variables.fill(query.expression, one)), set(), query.place)

    def test_queries_of_variables(self):
        one = variables.one_chosen(ONE_VALUE)
        self.assert_valid({f"{uid}: variable {name}": variables.fill(match["selector"], one)
                           for uid, dashboard in self.site.items()
                           for name, variable in dashboard_files.variables(dashboard).items()
                           if (match := variables.LABEL_VALUES.fullmatch(variable["query"]))})

    def test_promtool_refuses_what_is_wrong(self):
        status, said = _check({"wrong": "sum by (a) (rate(x[5m])"})
        self.assertNotEqual(status, 0)
        self.assertIn("wrong", said)

    def assert_valid(self, expressions_by_place):
        self.assertTrue(expressions_by_place)
        status, said = _check(expressions_by_place)
        self.assertEqual(status, 0, said)


def _check(expressions_by_place):
    """(exit status, words) of promtool about expressions; each becomes a group with its place as the name."""
    groups = [{"name": place, "rules": [{"record": "dashboard:expression", "expr": expression}]}
              for place, expression in expressions_by_place.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        yaml.safe_dump({"groups": groups}, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, timeout=60,
                              check=False)
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    unittest.main(verbosity=2)
