"""Rules about routes and inhibition: that they speak of alerts that exist, with labels that these have, in time."""

import re

import alertmanager
import filters
import promql
import rule_files

LEAST_WAIT = 5  # of a route for pages: the alert that silences others may come an evaluation later
PROMPT = ("page", "notice")


def route_matchers(repository):
    for route in alertmanager.routes(repository.alertmanager):
        if not any(route.takes(alert) for alert in repository.alerts):
            yield route.place, "takes no alert that exists"
        yield from _unknown_names(repository, route.place, route.matchers)


def receivers(repository):
    names = {receiver["name"] for receiver in repository.alertmanager["receivers"]}
    used = {route.receiver for route in alertmanager.routes(repository.alertmanager)}
    for receiver in sorted(used - names):
        yield f"receiver {receiver}", "is not defined"
    for receiver in sorted(names - used):
        yield f"receiver {receiver}", "no route leads there"


def group_by(repository):
    for route in alertmanager.routes(repository.alertmanager):
        if "alertname" not in route.group_by:
            yield route.place, "groups without alertname: a worse alert would wait for group_interval"
        produced = set().union(*(repository.alert_labels(alert) for alert in repository.alerts if route.takes(alert)))
        for label in route.group_by:
            if label not in produced | {"alertname"}:
                yield route.place, f"no alert that comes here has label {label}"


def prompt_routes_wait(repository):
    for route in alertmanager.routes(repository.alertmanager):
        if route.receiver in PROMPT and rule_files.seconds(route.group_wait) < LEAST_WAIT:
            yield route.place, f"group_wait below {LEAST_WAIT}s: what is silenced a moment later is sent"


def inhibit_names(repository):
    for rule in alertmanager.inhibit_rules(repository.alertmanager):
        yield from _unknown_names(repository, rule.place, rule.sources)
        yield from _unknown_names(repository, rule.place, rule.targets)
        for side, takes in (("source", rule.is_source), ("target", rule.is_target)):
            if not any(map(takes, repository.alerts)):
                yield rule.place, f"no alert is a {side}"


def inhibit_labels(repository):
    for rule in alertmanager.inhibit_rules(repository.alertmanager):
        if not rule.equal:
            yield rule.place, "without `equal` it silences everywhere"
        for alert in repository.alerts:
            if rule.is_source(alert) or rule.is_target(alert):
                for label in sorted(set(rule.equal) - repository.alert_labels(alert)):
                    yield rule.place, f"{alert.name} has no label {label}"


def inhibit_delays(repository):
    for rule in alertmanager.inhibit_rules(repository.alertmanager):
        for source in filter(rule.is_source, repository.alerts):
            for target in filter(rule.is_target, repository.alerts):
                if delay(source) > delay(target):
                    yield rule.place, (f"{source.name} comes after {delay(source):g} s, its target {target.name} after "
                                       f"{delay(target):g} s: sent first, silenced later")


def delay(alert):
    """How long what an alert is about lasts before it fires: its `for`, and the window of `max_over_time(x) == 0`."""
    windows = [0]
    for node in filters.asserted(alert.tree):
        if isinstance(node, promql.Binary) and node.operator == "==" and node.right == promql.Number(0) \
                and isinstance(node.left, promql.Call) and node.left.function == "max_over_time":
            windows.append(rule_files.seconds(node.left.arguments[0].range))
    return rule_files.seconds(alert.wait or "0s") + max(windows)


def _unknown_names(repository, place, matchers):
    known = {"alertname": {alert.name for alert in repository.alerts},
             "severity": {alert.severity for alert in repository.alerts if alert.severity}}
    for matcher in matchers:
        for value in matcher.value.split("|") if "~" in matcher.operator else [matcher.value]:
            if matcher.label not in known:
                yield place, f"matches on label {matcher.label}"
            elif not any(re.fullmatch(value, name) for name in known[matcher.label]):
                yield place, f"there is no {matcher.label} {value}"


RULES = {
    "route-matchers": route_matchers,          # these are all ours
    "receivers": receivers,
    "group-by": group_by,
    "prompt-routes-wait": prompt_routes_wait,
    "inhibit-names": inhibit_names,
    "inhibit-labels": inhibit_labels,
    "inhibit-delays": inhibit_delays,
}
