"""Rules about the expressions of panels and annotations.

grafana/dashboard-linter's rules about LogQL have nothing to judge: panel-datasource allows Prometheus only.
"""

import re

import dashboard_files
import expressions
import metric_table
import promql
import variables

OF_A_RATE = {"rate", "irate"}
OF_A_COUNTER = {"rate", "irate", "increase"}
RATE_WINDOW = "$__rate_interval"
STAND_IN = "7919s"  # for RATE_WINDOW, which the parser does not know
LABEL_IN_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def target_promql(dashboard, _):
    for query in dashboard_files.queries(dashboard):
        if expressions.tree(query.expression, dashboard) is None:
            yield _place(query), "is not PromQL"


def target_rate_interval(dashboard, _):
    for query, tree in _trees(dashboard):
        for node, _ in promql.walk(tree):
            if isinstance(node, promql.Call) and node.function in OF_A_RATE and node.arguments[0].range != STAND_IN:
                yield _place(query), f"a rate over [{node.arguments[0].range}], not [{RATE_WINDOW}]"


def target_job(dashboard, _):
    yield from _matched_by(dashboard, "job")


def target_instance(dashboard, _):
    yield from _matched_by(dashboard, "instance")


def target_cluster(dashboard, _):
    yield from _matched_by(dashboard, "cluster")


def target_counter_agg(dashboard, _):
    for query, tree in _trees(dashboard):
        for node, above in promql.walk(tree):
            if not isinstance(node, promql.Selector) or not expressions.is_known(node.name):
                continue
            inside = above[-1].function if above and isinstance(above[-1], promql.Call) else None
            if metric_table.is_counter(node.name) and inside not in OF_A_COUNTER:
                yield f"{_place(query)}: {node.name}", "a counter outside of rate, irate and increase"


def target_metrics(dashboard, _):
    for query, tree in _trees(dashboard):
        for selector in promql.selectors(tree):
            if not expressions.is_known(selector.name):
                yield _place(query), f"nobody makes {selector.name or 'a series without a name'}"


def target_labels(dashboard, _):
    for query, tree in _trees(dashboard):
        for node, _ in promql.walk(tree):
            for label in _labels_asked_in_vain(node):
                yield _place(query), f"nothing here has the label {label}"


def legend_labels(dashboard, _):
    for query, tree in _trees(dashboard):
        result = expressions.labels_of_result(tree)
        for label in LABEL_IN_LEGEND.findall(query.legend):
            if result is not None and label not in result:
                yield _place(query), f"the result has no label {label}"


def legend_given(dashboard, _):
    for panel in dashboard_files.panels(dashboard):
        for target in dashboard_files.targets(panel):
            tree = expressions.tree(target["expr"], dashboard)
            has_labels = tree is not None and expressions.labels_of_result(tree)
            if target.get("format") != "table" and has_labels and not target.get("legendFormat"):
                yield f"{panel['title']}: {target['refId']}", "several series without a readable name"


def _trees(dashboard):
    """The expressions that can be parsed, with their variables kept where they are values; target-promql speaks of the
    others."""
    windows = variables.INTERVALS | {RATE_WINDOW.removeprefix("$"): STAND_IN}
    for query in dashboard_files.queries(dashboard):
        try:
            yield query, promql.parse(variables.fill(query.expression, windows))
        except promql.PromQLError:
            pass


def _place(query):
    """Without the dashboard, which stands in front of every finding."""
    return query.place.split(": ", 1)[1]


def _matched_by(dashboard, label):
    wanted = (label, "=~", "$" + label)
    for query, tree in _trees(dashboard):
        for selector in promql.selectors(tree):
            if wanted not in selector.matchers:
                yield f"{_place(query)}: {selector.name}", f'is not chosen by {label}=~"${label}"'


def _labels_asked_in_vain(node):
    if isinstance(node, promql.Selector) and expressions.is_known(node.name):
        return [label for label, _, _ in node.matchers if label not in expressions.labels_of_metric(node.name)]
    if isinstance(node, promql.Aggregation) and node.grouping:
        inner = expressions.labels_of_result(node.argument)
        return [] if inner is None else sorted(set(node.labels) - inner)
    if isinstance(node, promql.Binary):
        return _labels_matched_in_vain(node)
    return []


def _labels_matched_in_vain(node):
    sides = {"left": expressions.labels_of_result(node.left), "right": expressions.labels_of_result(node.right)}
    if None in sides.values():
        return []
    missing = set(node.labels) - (sides["left"] & sides["right"]) if node.matching == "on" else set()
    one = sides["right" if node.many == "left" else "left"]
    return sorted(missing | (set(node.included) - one if node.many else set()))


RULES = {
    "target-promql": target_promql,
    "target-rate-interval": target_rate_interval,
    "target-job": target_job,
    "target-instance": target_instance,
    "target-counter-agg": target_counter_agg,
    "target-cluster": target_cluster,  # ours
    "target-metrics": target_metrics,  # ours
    "target-labels": target_labels,    # ours
    "legend-labels": legend_labels,    # ours
    "legend-given": legend_given,      # ours
}
