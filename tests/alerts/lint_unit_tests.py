"""Rules about the unit tests: each alert fires in one, nearly fires, and resolves, with labels that exist."""

import promql
import rule_files
import lint_rules

OF_A_SITE = "site"  # a label that targets may have, too, beside those that the rules know


def fires(repository):
    for name in _names(repository):
        if not any(fired for group in _groups(repository, name) for _, fired in group):
            yield name, "no unit test in which it fires"


def does_not_fire(repository):
    for name in _names(repository):
        if not any(not fired for group in _groups(repository, name) for _, fired in _before_first(group)):
            yield name, "no unit test in which it does not fire, or not yet"


def resolves(repository):
    for name in _names(repository):
        groups = list(_groups(repository, name))
        fires_once = any(fired for group in groups for _, fired in group)
        if fires_once and not any(len(after) < len(before) for group in groups
                                  for (_, before), (_, after) in zip(group, group[1:])):
            yield name, "no unit test in which it resolves"


def alerts_exist(repository):
    known = {alert.name for alert in repository.alerts}
    for file, group, test in _tests(repository):
        if test["alertname"] not in known:
            yield f"{file}: {group['name']}", f"there is no alert {test['alertname']}"


def labels_of_alerts(repository):
    """What a unit test expects, and promtool confirms, is what the linter computes."""
    for file, group, test in _tests(repository):
        for expected in test.get("exp_alerts", ()):
            candidates = [repository.alert_labels(alert) for alert in repository.alerts
                          if alert.name == test["alertname"]]
            if candidates and not any(set(expected["exp_labels"]) <= labels for labels in candidates):
                yield f"{file}: {group['name']}", f"{test['alertname']} has other labels, as the linter computes them"


def series_exist(repository):
    for file, content in repository.unit_tests.items():
        for group in content["tests"]:
            for given in group.get("input_series") or ():
                yield from ((f"{file}: {group['name']}", fault) for fault in _faults(repository, given["series"]))


def _faults(repository, series):
    selector = promql.parse(series)
    if selector.name in repository.recorded or not repository.exists(selector.name):
        yield f"{selector.name} is not scraped"
        return
    for label, _, value in selector.matchers:
        if label not in repository.known_labels(selector.name) | {OF_A_SITE}:
            yield f"{selector.name} has no label {label}"
        if not value:
            yield f"{series}: Prometheus stores an empty label as an absent one"


def _tests(repository):
    for file, content in repository.unit_tests.items():
        for group in content["tests"]:
            for test in group.get("alert_rule_test", ()):
                yield file, group, test


def _groups(repository, name):
    """For each test group that asks for an alert: [(time, what fires)], in order."""
    for content in repository.unit_tests.values():
        for group in content["tests"]:
            asked = [(rule_files.seconds(test["eval_time"]), test.get("exp_alerts", []))
                     for test in group.get("alert_rule_test", ()) if test["alertname"] == name]
            if asked:
                yield sorted(asked, key=lambda asked: asked[0])


def _before_first(group):
    """What is asked up to the first time that something fires; all of it when nothing does."""
    for time, fired in group:
        yield time, fired
        if fired:
            return


def _names(repository):
    return [name for name in dict.fromkeys(alert.name for alert in repository.alerts) if name != lint_rules.WATCHDOG]


RULES = {
    "test-fires": fires,                  # these are all ours
    "test-does-not-fire": does_not_fire,
    "test-resolves": resolves,
    "test-alerts-exist": alerts_exist,
    "test-labels": labels_of_alerts,
    "test-series": series_exist,
}
