"""Everything that the linter compares: rules, routes, unit tests, runbooks, dashboards."""

import dataclasses
import functools
import json
import pathlib

import yaml

import metric_table
import promql
import rule_files

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ALERTS = ROOT / "alerts"
DASHBOARDS = ROOT / "dashboards"


@dataclasses.dataclass(frozen=True)
class Repository:
    """The files' contents. `unit_tests` is {file name: its YAML}, `runbooks` {file name: its text},
    `dashboards` {uid: the names of its variables}, `dashboard_text` all of their JSON."""
    files: tuple = ()
    alertmanager: dict = dataclasses.field(default_factory=dict, hash=False)
    prometheus: dict = dataclasses.field(default_factory=dict, hash=False)
    unit_tests: dict = dataclasses.field(default_factory=dict, hash=False)
    runbooks: dict = dataclasses.field(default_factory=dict, hash=False)
    dashboards: dict = dataclasses.field(default_factory=dict, hash=False)
    dashboard_text: str = ""

    @property
    def rules(self):
        return [rule for file in self.files for rule in file.rules]

    @property
    def alerts(self):
        return [rule for rule in self.rules if rule.is_alert]

    @functools.cached_property
    def recorded(self):
        """{name: the rule that records it}"""
        return {rule.name: rule for rule in self.rules if not rule.is_alert}

    def exists(self, series):
        """Whether somebody makes a series of this name."""
        return series in self.recorded or series in metric_table.series() or series in metric_table.OF_PROMETHEUS

    def is_counter(self, series):
        """Whether a scraped series only ever grows."""
        return series not in self.recorded and self.exists(series) and metric_table.is_counter(series)

    def is_state_of_service(self, series):
        """Whether a scraped series is a gauge of a service or a real server."""
        return self.exists(series) and "local_address" in metric_table.labels(series) and not self.is_counter(series)

    def known_labels(self, series):
        """The labels of a series by its name, recorded ones included; none if nobody makes it."""
        if series in self.recorded:
            return self.labels_of(self.recorded[series])
        return metric_table.labels(series) if self.exists(series) else set()

    def labels_of(self, rule):
        """The labels that a rule's expression keeps."""
        return _labels(self, rule)

    def alert_labels(self, rule):
        """The labels of the alerts of a rule: those and its own."""
        return (self.labels_of(rule) or set()) | set(rule.labels)

    def scraped(self, node):
        """The names of the exporter's series in a tree, those behind recorded series included."""
        return self._behind(node, frozenset())

    def _behind(self, node, seen):
        found = set()
        for selector in promql.selectors(node):
            rule = self.recorded.get(selector.name)
            if rule is None:
                found.add(selector.name)
            elif selector.name not in seen:  # a series may read its own past
                found |= self._behind(rule.tree, seen | {selector.name})
        return found


@functools.cache
def _labels(repository, rule):
    def known(name):
        # A series that reads its own past gets no label from there that it did not have.
        return repository.known_labels(name) if name != rule.name else set(metric_table.TARGET_LABELS)
    return promql.labels(rule.tree, known)


def shipped():
    """What this repository ships."""
    dashboards = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}
    return Repository(
        files=tuple(rule_files.read(path) for path in rule_paths()),
        alertmanager=_yaml(ALERTS / "alertmanager.yml"),
        prometheus=_yaml(ALERTS / "prometheus.yml"),
        unit_tests={path.name: _yaml(path) for path in unit_test_paths()},
        runbooks={path.name: path.read_text(encoding="utf-8") for path in sorted((ALERTS / "runbooks").glob("*"))},
        dashboards={dashboard["uid"]: {variable["name"] for variable in dashboard["templating"]["list"]}
                    for dashboard in dashboards.values()},
        dashboard_text="\n".join(map(json.dumps, dashboards.values())))


def rule_paths():
    """The rule files, found as prometheus.yml finds them."""
    return sorted(path for pattern in _yaml(ALERTS / "prometheus.yml")["rule_files"] for path in ALERTS.glob(pattern))


def unit_test_paths():
    return sorted((ALERTS / "tests").glob("*_test.yml"))


def _yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))
