"""What the results of a dashboard's expressions are, before any server has run them.

Reads a JSON list of expressions from standard input and prints a list with, for each:
    labels    {label: values that it has on the exporter's golden pages}, null for a scalar
    named     whether series keep the metric's name
    quantity  {kind, per_second, factor}, such as seconds times 1000, or null where it cannot be told
    bucket    what the buckets of a histogram in it are bounds of, or null
    states    {number: state} of an expression that makes one number of a metric's states, else {}
    zero      whether it says 0 for something that is not there, with `or 0 * M`
    error     why it cannot be read; nothing else is there then
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import expressions  # noqa: E402  (adds tests/support)
import promql       # noqa: E402
import quantities   # noqa: E402
import variables    # noqa: E402

GOLDEN = HERE.parent.parent / "golden"
PAGES = ("metrics_with_health.txt", "metrics_with_connections.txt")  # the first one that has a metric counts
# What Prometheus makes of rules is on no page of the exporter.
ALERTS = {"alertstate": ("firing", "pending"), "severity": ("critical", "warning", "info")}
SERIES = re.compile(r"(\w+)\{(.*)\} ")
PAIR = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
VALUES = variables.INTERVALS | {"__range_s": f"scalar({quantities.SECONDS})"}
NAME_SURVIVES = {"topk", "bottomk", "sort", "sort_desc", "last_over_time"}


def facts(text, golden):
    try:
        tree = promql.parse(variables.fill(text, VALUES))
        labels = promql.labels(tree, labels_of_metric)
    except promql.PromQLError as error:
        return {"error": str(error)}
    except KeyError as error:
        return {"error": f"nobody makes {error}"}
    return {"labels": None if labels is None else {label: values(tree, label, golden) for label in sorted(labels)},
            "named": keeps_name(tree), "quantity": quantities.of(tree), "bucket": quantities.bucket(tree),
            "states": states(tree, golden), "zero": any(is_zero(node) for node, _ in promql.walk(tree))}


def labels_of_metric(name):
    return set() if name == quantities.SECONDS else expressions.labels_of_metric(name)


def values(tree, label, golden):
    """What a label can be, by the golden pages, by matchers, and by what the expression writes into it."""
    found = {}
    for selector in promql.selectors(tree):
        fixed = [value for name, operator, value in selector.matchers if name == label and operator == "="]
        found |= dict.fromkeys(fixed or matched(selector, label, golden.get(selector.name, {}).get(label, ())))
    for node, _ in promql.walk(tree):
        if isinstance(node, promql.Call) and node.function == "label_replace" and node.arguments[1].value == label:
            found |= {} if "$" in node.arguments[2].value else {node.arguments[2].value: None}
    return list(found)


def matched(selector, label, candidates):
    patterns = [value for name, operator, value in selector.matchers
                if name == label and operator == "=~" and "$" not in value]
    return [value for value in candidates if all(re.fullmatch(pattern, value) for pattern in patterns)]


def keeps_name(node):
    """Whether some series of the result can still have a metric's name."""
    if isinstance(node, promql.Selector):
        return True
    if isinstance(node, promql.Binary):
        if node.operator in promql.SET_OPERATORS:
            return keeps_name(node.left) or node.operator == "or" and keeps_name(node.right)
        return node.operator in promql.COMPARISONS and not node.is_bool and not node.matching and keeps_name(node.left)
    operator = getattr(node, "operator", getattr(node, "function", None))
    return operator in NAME_SURVIVES and keeps_name(promql.children(node)[-1])


def states(tree, golden):
    """{number: state} of `M{state="a"} or 2 * M{state="b"} or ...`, where 0 is every state that has no part."""
    for node, _ in promql.walk(tree):
        if isinstance(node, promql.Binary) and node.operator == "or":
            parts = list(filter(None, map(state_of, operands(node))))
            if len(parts) > 1:
                found = {number: state for number, _, state in parts}
                left = [state for state in golden[parts[0][1]]["state"] if state not in found.values()]
                return found | {"0": " and ".join(left)}
    return {}


def operands(node):
    if isinstance(node, promql.Binary) and node.operator == "or":
        return operands(node.left) + operands(node.right)
    return [node]


def state_of(node):
    """(number, metric, state) of `number * metric{state="..."}`; a number of 0 is no part."""
    number = 1
    if isinstance(node, promql.Binary) and node.operator == "*" and isinstance(node.left, promql.Number):
        number, node = node.left.value, node.right
    if not isinstance(node, promql.Selector) or not number:
        return None
    found = [value for label, operator, value in node.matchers if label == "state" and operator == "="]
    return (f"{number:g}", node.name, found[0]) if found else None


def is_zero(node):
    return (isinstance(node, promql.Binary) and node.operator == "*" and isinstance(node.left, promql.Number)
            and not node.left.value)


def golden_labels():
    """{name: {label: values}} of the exporter's golden pages."""
    found = {"ALERTS": ALERTS}
    for name in PAGES:
        found = labels_on(GOLDEN / name) | found
    return found


def labels_on(page):
    """The same of one page."""
    found = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        match = SERIES.match(line)
        for label, value in PAIR.findall(match[2]) if match else ():
            found.setdefault(match[1], {}).setdefault(label, {})[value] = None
    return found


def main():
    golden = golden_labels()
    json.dump([facts(text, golden) for text in json.load(sys.stdin)], sys.stdout)


main()
