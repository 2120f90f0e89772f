"""promql.py reads what Prometheus reads, and knows which labels an expression has."""

import subprocess
import tempfile
import unittest

import promql
from promql import Aggregation, Binary, Call, Number, Selector, Subquery, Text, Unary

VALID = (
    "x", 'x{a="b", c!~"d|e",}', "{a='b'}", "x[5m]", "x offset 1h30m", "x[5m] offset -1w", "x @ end()", "x @ 1609746000",
    "rate(x_total[5m])", "-x ^ 2", "x == bool 1", "1 + 2 * 3 - 4", "sum(x)", "sum by (a, b) (x)", "sum(x) without (a)",
    "topk(3, x)", 'count_values("version", x)', "quantile(0.9, x)", "x and on (a) y", "x or y unless ignoring (b) z",
    "x * on (a) group_left (b, c) y", "x / on (a) group_right () y", "max_over_time(rate(x[1m])[1h:5m])",
    "max_over_time(x[1h:])", 'label_replace(x, "a", "$1", "b", "(.*)")', "vector(1)", "time() - x > 3 * y + 5",
    "x # a comment", "# a comment\nx", "1e-3 * 0x1f", "Inf", "-inf", "`raw`", "x:y:z", "absent(x)", "sum",
)

WRONG = ("", "x[5m", "x{", "sum(", "x y", "{}", "x{a}", "x{a=b}", "rate(x[5m]", "x[5]", "x + ", "$variable", "x[1h:5m",
         "sum(x)[5m]", "x)", "x{a='b'")

KNOWN = {"x": {"a", "b"}, "y": {"a", "c"}, "h_bucket": {"a", "le"}}

LABELS = (
    ("x", {"a", "b"}), ("x > 1", {"a", "b"}), ("1 < x", {"a", "b"}), ("-x", {"a", "b"}), ("rate(x[5m])", {"a", "b"}),
    ("sum(x)", set()), ("sum by (a, z) (x)", {"a"}), ("sum without (a) (x)", {"b"}), ("topk(1, x)", {"a", "b"}),
    ('count_values by (a) ("v", x)', {"a", "v"}), ("x and on (a) y", {"a", "b"}), ("x or y", {"a", "b", "c"}),
    ("x unless y", {"a", "b"}), ("x * on (a) y", {"a"}), ("x * ignoring (b, c) y", {"a"}),
    ("x * on (a) group_left (c) y", {"a", "b", "c"}), ("x * on (a) group_right (b) y", {"a", "b", "c"}),
    ("histogram_quantile(0.9, h_bucket)", {"a"}), ('label_replace(x, "n", "", "", "")', {"a", "b", "n"}),
    ('absent(x{a="1", b=~"2"})', {"a"}), ("max_over_time(x[1h:5m])", {"a", "b"}), ("vector(1)", set()), ("time()", None),
)


class PromQLTest(unittest.TestCase):

    def test_prometheus_and_we_agree_on_what_is_promql(self):
        for text in (*VALID, *WRONG):
            with self.subTest(text):
                self.assertEqual(self._is_read(text), promtool_reads(text))

    def test_the_lists_are_what_they_say(self):
        self.assertEqual([text for text in VALID if not self._is_read(text)], [])
        self.assertEqual([text for text in WRONG if self._is_read(text)], [])

    def test_trees(self):
        x, y = Selector("x", ()), Selector("y", ())
        for text, tree in (
                ('x{a!="b"}[5m]', Selector("x", (("a", "!=", "b"),), "5m")),
                ("-x ^ 2 * 3", Binary("*", Unary("-", Binary("^", x, Number(2))), Number(3))),
                ("2 ^ 3 ^ x", Binary("^", Number(2), Binary("^", Number(3), x))),
                ("x - y - 1", Binary("-", Binary("-", x, y), Number(1))),
                ("x or y and x", Binary("or", x, Binary("and", y, x))),
                ("x > bool y", Binary(">", x, y, is_bool=True)),
                ("x / on (a) group_left (b) y", Binary("/", x, y, False, "on", ("a",), "left", ("b",))),
                ("sum(x) by (a)", Aggregation("sum", "by", ("a",), None, x)),
                ('count_values("v", x)', Aggregation("count_values", None, (), Text("v"), x)),
                ("rate(x[1m])", Call("rate", (Selector("x", (), "1m"),))),
                ("x[1h:5m]", Subquery(x, "1h", "5m"))):
            with self.subTest(text):
                self.assertEqual(promql.parse(text), tree)

    def test_a_fault_names_its_place(self):
        with self.assertRaisesRegex(promql.PromQLError, "expected ',' before position 3, found None"):
            promql.parse("f(x ")

    def test_walk_tells_what_is_above(self):
        above = {node.name: [type(parent).__name__ for parent in parents]
                 for node, parents in promql.walk(promql.parse("sum(rate(x[1m])) > y")) if isinstance(node, Selector)}
        self.assertEqual(above, {"x": ["Binary", "Aggregation", "Call"], "y": ["Binary"]})

    def test_labels_of_results(self):
        for text, expected in LABELS:
            with self.subTest(text):
                self.assertEqual(promql.labels(promql.parse(text), KNOWN.__getitem__), expected)

    @staticmethod
    def _is_read(text):
        try:
            promql.parse(text)
        except promql.PromQLError:
            return False
        return True


def promtool_reads(text):
    """Whether Prometheus takes this for PromQL. It also checks types, which we do not: a scalar or a text is put into
    a vector, a range into a count."""
    for frame in ("{}", "vector({})", "count_over_time({})", 'label_replace(vector(1), "a", {}, "", "")'):
        indented = "\n".join("      " + line for line in frame.format(text).split("\n"))
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as rules:
            rules.write(f"groups:\n- name: g\n  rules:\n  - record: r\n    expr: |\n{indented}\n      \n")
            rules.flush()
            if subprocess.run(["promtool", "check", "rules", rules.name], capture_output=True, check=False,
                              timeout=20).returncode == 0:
                return True
    return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
