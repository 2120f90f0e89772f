"""What a PromQL expression measures, told by the names of its metrics and by what is done with them.

A quantity is a dictionary: kind (seconds, timestamp, bytes, packets, connections, count or ratio), per_second, and
the factor by which a unit of the kind was multiplied. None means: cannot be told.
"""

import promql

SECONDS = "range_in_seconds"  # stands for the number of seconds that a Grafana variable gives

COUNTING_FUNCTIONS = {"changes", "resets", "absent", "absent_over_time", "count_over_time", "present_over_time"}
COUNTING_AGGREGATIONS = {"count", "group", "count_values"}
PER_SECOND_FUNCTIONS = {"rate", "irate", "deriv"}
THINGS = {"count", "packets", "connections"}


def of(tree):
    """The quantity of a whole expression."""
    found = _quantity(tree)
    if not isinstance(found, dict):
        return None
    if found["kind"] == "seconds" and found["per_second"]:  # the share of the time
        return _make("ratio", factor=found["factor"])
    return found


def bucket(tree):
    """What the buckets of a histogram are bounds of, for an expression that keeps `le`."""
    for selector in promql.selectors(tree):
        if selector.name.endswith("_bucket"):
            return _kind(selector.name.removesuffix("_bucket"))
    return None


def _make(kind, per_second=False, factor=1.0):
    return {"kind": kind, "per_second": per_second, "factor": factor}


def _kind(name):
    if name.endswith(("_bucket", "_count")):
        return "count"
    base = name.removesuffix("_sum").removesuffix("_total")
    if base.endswith(("_timestamp_seconds", "_start_time_seconds")):
        return "timestamp"
    for kind in ("seconds", "bytes", "packets"):
        if base.endswith(kind):
            return kind
    return "connections" if "connections" in base.rsplit("_", 2)[-2:] else "count"


def _quantity(node):
    """As of(), but a plain number stays a number."""
    if isinstance(node, promql.Number):
        return node.value
    if isinstance(node, promql.Selector):
        return _make("seconds" if node.name == SECONDS else _kind(node.name))
    if isinstance(node, promql.Call):
        return _of_call(node)
    if isinstance(node, promql.Aggregation):
        return _make("count") if node.operator in COUNTING_AGGREGATIONS else _quantity(node.argument)
    if isinstance(node, promql.Binary):
        return _of_binary(node, _quantity(node.left), _quantity(node.right))
    if isinstance(node, promql.Unary):
        inner = _quantity(node.argument)
        return -inner if isinstance(inner, float) and node.operator == "-" else inner
    return _quantity(node.argument) if isinstance(node, promql.Subquery) else None


def _of_call(node):
    if node.function in ("time", "timestamp"):
        return _make("timestamp")
    if node.function in COUNTING_FUNCTIONS:
        return _make("count")
    if node.function == "histogram_quantile":
        kind = bucket(node.arguments[1])
        return _make(kind) if kind else None
    inner = [_quantity(argument) for argument in node.arguments]
    found = next((one for one in inner if isinstance(one, dict)), None)
    if node.function in PER_SECOND_FUNCTIONS and found:
        return {**found, "per_second": True}
    return found if found else (inner[0] if inner else None)


def _of_binary(node, left, right):
    if node.operator in promql.SET_OPERATORS:
        return left if isinstance(left, dict) else right if node.operator == "or" else None
    if node.operator in promql.COMPARISONS:
        return _make("count") if node.is_bool else left if isinstance(left, dict) else right
    if isinstance(left, float) and isinstance(right, float):
        return None
    rule = {"*": _product, "/": _quotient, "+": _sum, "-": _sum}.get(node.operator)
    return rule(left, right, node.operator) if rule else None


def _product(left, right, _):
    for number, other in ((left, right), (right, left)):
        if isinstance(number, float) and isinstance(other, dict):
            return {**other, "factor": other["factor"] * number}
        if isinstance(number, dict) and isinstance(other, dict) and _is_plain(number):
            return {**other, "factor": other["factor"] * number["factor"]}
    return None


def _is_plain(quantity):
    return quantity["kind"] == "count" and not quantity["per_second"]


def _quotient(left, right, _):
    if not isinstance(left, dict):
        return None
    if isinstance(right, float):
        return {**left, "factor": left["factor"] / right}
    if not isinstance(right, dict):
        return None
    if (left["kind"], left["per_second"]) == (right["kind"], right["per_second"]):
        return _make("ratio", factor=left["factor"] / right["factor"])
    if right["kind"] in THINGS and right["per_second"] <= left["per_second"]:
        return {**left, "per_second": left["per_second"] and not right["per_second"]}
    return None


def _sum(left, right, operator):
    if isinstance(left, float) or isinstance(right, float):
        return right if isinstance(left, float) else left
    if not left or not right:
        return None
    if operator == "-" and left["kind"] == right["kind"] == "timestamp" and left["factor"] == right["factor"]:
        return _make("seconds", factor=left["factor"])
    return left if left == right else None
