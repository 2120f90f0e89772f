"""Rules about how rules stand in their file: worst first, inhibitors before their targets, records above users."""

import re

import alertmanager
import lint_rules
import promql

ALERT_NAME = re.compile(r"LVS[A-Z]\w*")
RECORD_NAME = re.compile(r"[a-z_]+:[a-z_0-9]+:[a-z_0-9]+")  # level:metric:operations


def name(repository):
    for rule in repository.rules:
        pattern, form = (ALERT_NAME, "LVS and CamelCase") if rule.is_alert else (RECORD_NAME, "level:metric:operation")
        if not pattern.fullmatch(rule.name):
            yield rule.where, f"the name is not {form}"


def duplicate(repository):
    seen = {}
    for rule in repository.rules:
        for key in ((rule.name, rule.severity), rule.tree):
            if key in seen:
                yield rule.where, f"the same as {seen[key]}"
            seen[key] = rule.where


def most_serious_first(repository):
    """A milder variant of an alert may stand right below it."""
    for file in repository.files:
        worst_allowed, above = 0, None
        for alert in file.alerts:
            if alert.severity not in lint_rules.SEVERITIES:
                continue
            rank = lint_rules.SEVERITIES.index(alert.severity)
            if rank >= worst_allowed and alert.name == above:
                continue
            above = alert.name
            if rank < worst_allowed:
                yield alert.where, f"below a {lint_rules.SEVERITIES[worst_allowed]} alert"
            worst_allowed = max(worst_allowed, rank)


def inhibitor_first(repository):
    for inhibit in alertmanager.inhibit_rules(repository.alertmanager):
        for file in repository.files:
            places = {id(alert): place for place, alert in enumerate(file.alerts)}
            sources = [alert for alert in file.alerts if inhibit.is_source(alert)]
            for target in (alert for alert in file.alerts if inhibit.is_target(alert)):
                for source in sources:
                    if places[id(source)] > places[id(target)]:
                        yield target.where, f"above {source.name}, which silences it: it would be sent first"


def record_above_users(repository):
    for file in repository.files:
        above = set()
        for rule in file.rules:
            for selector in promql.selectors(rule.tree):
                if selector.name in repository.recorded and selector.name not in above | {rule.name}:
                    yield rule.where, f"{selector.name} does not stand above it in its group: up to an interval old"
            if not rule.is_alert:
                above.add(rule.name)


def record_is_used(repository):
    for record in repository.recorded.values():
        users = [rule for rule in repository.rules if rule is not record
                 and any(selector.name == record.name for selector in promql.selectors(rule.tree))]
        if not users and record.name not in repository.dashboard_text:
            yield record.where, "no alert, record or dashboard reads it"


RULES = {
    "name": name,                              # ours
    "rule/duplicate": duplicate,
    "most-serious-first": most_serious_first,  # ours
    "inhibitor-first": inhibitor_first,        # ours
    "record-above-users": record_above_users,  # ours
    "record-is-used": record_is_used,          # ours
}
