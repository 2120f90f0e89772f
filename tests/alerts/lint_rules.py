"""Rules about what an alert has: its severity, its waits, its labels."""

import filters
import promql
import rule_files

SEVERITIES = ("critical", "warning", "info", "none")
WATCHDOG = "LVSWatchdog"  # fires for ever, and is meant to
PROMPT_WARNINGS = {"LVSServiceDegraded", "LVSRealServerDown"}  # nobody is woken, but they are told in seconds
SCRAPE_INTERVAL = 5

# How often groups are evaluated: what is promised in seconds, and what is not.
INTERVALS = {"lvs.availability": "5s", "lvs.director": "5s", "lvs.traffic": "15s", "lvs.config": "15s",
             "lvs.meta": "5s"}

# What the checker has waited for itself, over several runs of a probe.
DEBOUNCED = {"ipvs_backend_health_state", "ipvs_backend_transitions_total", "ipvs_service_backends",
             "ipvs_service_state"}
# Aggregations whose value changes when a target goes away for a moment.
FRAGILE = {"sum", "count", "avg", "stddev", "stdvar", "quantile"}


def severity(repository):
    for alert in repository.alerts:
        if alert.severity not in SEVERITIES:
            yield alert.where, f"severity is none of {', '.join(SEVERITIES)}"


def label_is_constant(repository):
    for alert in repository.alerts:
        for name, value in alert.labels.items():
            if "{{" in str(value):
                yield alert.where, f"label {name} is a template: the alert would be another one with each value"


def wait_is_written(repository):
    for alert in repository.alerts:
        if alert.wait is None:
            yield alert.where, "no `for`, not even 0s"
        elif "#" not in alert.wait_line:
            yield alert.where, f"`for: {alert.wait}` has no reason in a comment on its line"


def absent_waits(repository):
    for alert in repository.alerts:
        asks = any(isinstance(node, promql.Call) and node.function.startswith("absent")
                   for node, _ in promql.walk(alert.tree))
        if asks and rule_files.seconds(alert.wait or "0s") < 2 * SCRAPE_INTERVAL:
            yield alert.where, "absent() without `for` of at least two scrapes fires at every start"


def keeps_firing(repository):
    for alert in repository.alerts:
        if _is_told_in_seconds(alert) and _is_state_of_service(repository, alert) and alert.keep is None:
            yield alert.where, "no keep_firing_for: it would resolve when the exporter dies"


def fragile(repository):
    for alert in repository.alerts:
        if rule_files.seconds(alert.wait or "0s") > 0 or repository.scraped(alert.tree) & DEBOUNCED:
            continue
        for node, _ in promql.walk(alert.tree):
            if isinstance(node, promql.Aggregation) and node.operator in FRAGILE and _drops(node, "instance"):
                yield alert.where, f"{node.operator} over targets without `for`: one failed scrape changes it"


def comparison(repository):
    for alert in repository.alerts:
        nodes = [node for node, _ in promql.walk(alert.tree)]
        compares = any(isinstance(node, promql.Binary) and node.operator in promql.COMPARISONS for node in nodes)
        asks = any(isinstance(node, promql.Call) and node.function.startswith("absent") for node in nodes)
        if not compares and not asks and alert.name != WATCHDOG:
            yield alert.where, "no comparison: it fires whatever the value is"


def group_interval(repository):
    for file in repository.files:
        expected = f"lvs.{file.name.removeprefix('lvs-').removesuffix('.yml')}"
        if list(file.groups) != [expected]:
            yield file.name, f"groups {', '.join(file.groups)} instead of one, {expected}"
        for group, interval in file.groups.items():
            if group in INTERVALS and interval != INTERVALS[group]:
                yield file.name, f"interval of {group} is {interval}, not {INTERVALS[group]}"


def _is_told_in_seconds(alert):
    return alert.severity == "critical" or alert.name in PROMPT_WARNINGS


def _is_state_of_service(repository, alert):
    """Whether what is alerted on, filters aside, is a gauge of a service or a real server."""
    return any(repository.is_state_of_service(name) for node in filters.asserted(alert.tree)
               if isinstance(node, promql.Selector) for name in repository.scraped(node))


def _drops(node, label):
    return label not in node.labels if node.grouping != "without" else label in node.labels


RULES = {
    "severity": severity,                # ours
    "label-is-constant": label_is_constant,  # ours
    "wait-is-written": wait_is_written,  # ours
    "alerts/absent": absent_waits,
    "keeps-firing": keeps_firing,        # ours
    "promql/fragile": fragile,
    "alerts/comparison": comparison,
    "group/interval": group_interval,
}
