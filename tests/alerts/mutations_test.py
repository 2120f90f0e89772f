"""What is changed in a rule to see whether its unit tests notice."""

import dataclasses
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import mutations   # noqa: E402
import promql      # noqa: E402
import repository  # noqa: E402
import rule_files  # noqa: E402

RULE = rule_files.Rule("LVSExample", True, "x", "example.yml", "g", "5s", wait="30s", keep="1m")


class Mutants(unittest.TestCase):
    maxDiff = None

    def test_comparisons_are_flipped_but_not_those_of_labels(self):
        self.assertEqual(_changed('a{x!="1"} >= b', "flipped"), ['a{x!="1"} < b'])
        self.assertEqual(_changed("(a == 1) != b", "flipped"), ["(a != 1) != b", "(a == 1) == b"])

    def test_filters_are_dropped_up_to_the_next_one(self):
        self.assertEqual(_changed("a and on (x) (b or c) unless d > 1", "right side"),
                         ["a unless d > 1", "a and on (x) (b ) unless d > 1", "a and on (x) (b or c) "])

    def test_a_side_of_or_goes_as_far_as_its_brackets(self):
        self.assertEqual(_changed("max(a unless b or c and d)", "left side"), ["max( c and d)"])
        self.assertEqual(_changed("max(a unless b or c and d)", "or no. 2 loses its right side"), ["max(a unless b )"])

    def test_labels_are_dropped_one_by_one(self):
        self.assertEqual(_changed("sum by (cluster, proto) (a)", "loses"),
                         ["sum by (proto) (a)", "sum by (cluster) (a)"])
        self.assertEqual(_changed("max without (state) (a)", "loses"), ["max without () (a)"])

    def test_only_telling_labels_of_on_are_dropped(self):
        self.assertEqual(_changed("a / on (cluster, job, instance, proto) b", "loses"),
                         ["a / on (cluster, job, proto) b"])
        self.assertEqual(_changed("a / on (cluster, proto) b", "loses"), ["a / on (proto) b"])

    def test_matchers_are_lost(self):
        self.assertEqual(_changed('a{x="1",y=~"2"}', "is lost"), ['a{y=~"2"}', 'a{x="1",}'])

    def test_numbers_and_windows_are_changed(self):
        self.assertEqual(_changed("rate(a[5m]) > 4", "becomes"), ["rate(a[5m]) > 8", "rate(a[5m]) > 2"])
        self.assertEqual(_changed("max_over_time(a[5m]) == 0", "becomes"),
                         ["max_over_time(a[5m]) == 1", "max_over_time(a[50m]) == 0"])

    def test_waits_are_changed(self):
        rule = dataclasses.replace(RULE, expression="a")
        self.assertEqual([(mutant.wait, mutant.keep) for _, mutant in mutations.mutants(rule)],
                         [("0s", "1m"), ("300s", "1m"), ("30s", "0s"), ("30s", "10m")])
        at_once = dataclasses.replace(rule, wait="0s", keep=None)
        self.assertEqual([mutant.wait for _, mutant in mutations.mutants(at_once)], ["5m"])

    def test_mutants_of_the_shipped_rules_are_promql_and_have_names_of_their_own(self):
        for rule in repository.shipped().rules:
            found = list(mutations.mutants(rule))
            for what, mutant in found:
                with self.subTest(rule=rule.where, what=what):
                    self.assertNotEqual(mutant, rule)
                    promql.parse(mutant.expression)
            self.assertEqual(len({what for what, _ in found}), len(found), rule.where)


def _changed(expression, what):
    """The expressions that come of the mutations whose name has these words."""
    return [mutant.expression for name, mutant in mutations.mutants(dataclasses.replace(RULE, expression=expression))
            if what in name and mutant.expression != expression]


if __name__ == "__main__":
    unittest.main()
