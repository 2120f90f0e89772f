"""Rules about what an expression does with its metrics."""

import filters
import promql
import rule_files

LEAST_WINDOW = 20  # seconds: four scrapes
RATES = {"rate", "irate", "increase"}
# One failed scrape is no event: these need several.
OF_ONE_SCRAPE = {"up", "ipvs_up", "ipvs_scrape_collector_success"}
FAILED = {("==", promql.Number(0)), ("!=", promql.Number(1)), ("<", promql.Number(1))}
# The same in Prometheus 2.42 and 3.x, and no experiment in either.
FUNCTIONS = RATES | {"absent", "histogram_quantile", "last_over_time", "max_over_time", "min_over_time",
                     "predict_linear", "time", "vector"}


def raw_counter(repository):
    for rule in repository.rules:
        for node, above in promql.walk(rule.tree):
            if isinstance(node, promql.Selector) and repository.is_counter(node.name):
                inside = above[-1] if above else None
                if not (isinstance(inside, promql.Call) and inside.function in RATES):
                    yield rule.where, f"{node.name} is a counter and not directly in rate() or increase()"


def rate_of_gauge(repository):
    for rule in repository.rules:
        for node in _calls(rule, RATES):
            for selector in promql.selectors(node):
                if not repository.is_counter(selector.name):
                    yield rule.where, f"{node.function}() of {selector.name}, which is no counter"


def rate_window(repository):
    for rule in repository.rules:
        for node in _calls(rule, RATES):
            if rule_files.seconds(node.arguments[0].range) < LEAST_WINDOW:
                yield rule.where, f"the window of {node.function}() is shorter than {LEAST_WINDOW} s"


def no_topk(repository):
    for rule in repository.rules:
        for node, _ in promql.walk(rule.tree):
            if isinstance(node, promql.Aggregation) and node.operator in ("topk", "bottomk"):
                yield rule.where, f"{node.operator}: what it leaves out resolves"


def one_scrape(repository):
    for alert in repository.alerts:
        for node in filters.asserted(alert.tree):
            if isinstance(node, promql.Binary) and isinstance(node.left, promql.Selector) \
                    and node.left.name in OF_ONE_SCRAPE and (node.operator, node.right) in FAILED:
                yield alert.where, f"{node.left.name} of one scrape; max_over_time() takes several"


def division_in_aggregation(repository):
    for rule in repository.rules:
        for node, above in promql.walk(rule.tree):
            if isinstance(node, promql.Binary) and node.operator == "/" and not _is_not_zero(node.right) \
                    and any(isinstance(outer, promql.Aggregation) for outer in above):
                yield rule.where, "a division inside an aggregation: one NaN spoils the whole"


def regular_expressions(repository):
    for rule in repository.rules:
        for selector in promql.selectors(rule.tree):
            for label, operator, value in selector.matchers:
                if "~" in operator and (value[:1] == "^" or value[-1:] == "$"):
                    yield rule.where, f"{label}{operator}\"{value}\": it is anchored anyway"
                elif "~" in operator and not set(value) & set(".*+?|[](){}\\^$"):
                    yield rule.where, f"{label}{operator}\"{value}\": a plain text"


def functions(repository):
    for rule in repository.rules:
        for node, _ in promql.walk(rule.tree):
            if isinstance(node, promql.Call) and node.function not in FUNCTIONS:
                yield rule.where, f"{node.function}() is not on the list of those that 2.42 and 3.x both have"


def _calls(rule, functions_of_interest):
    return [node for node, _ in promql.walk(rule.tree)
            if isinstance(node, promql.Call) and node.function in functions_of_interest]


def _is_not_zero(node):
    return isinstance(node, promql.Number) and node.value != 0 or \
        isinstance(node, promql.Binary) and node.operator == ">" and node.right == promql.Number(0)


RULES = {
    "promql/counter": raw_counter,
    "promql/rate": rate_of_gauge,
    "rate-window": rate_window,    # ours
    "no-topk": no_topk,            # ours
    "one-scrape": one_scrape,      # ours
    "promql/nan": division_in_aggregation,
    "promql/regexp": regular_expressions,
    "functions": functions,        # ours
}
