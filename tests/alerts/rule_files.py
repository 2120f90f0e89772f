"""The rule files as values: what a rule says, and how it stands in its file."""

import dataclasses
import functools
import re

import yaml

import promql

_PART = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def seconds(duration):
    """Prometheus's way of writing a duration, such as "1h30m", as a number."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))


@dataclasses.dataclass(frozen=True)
class Rule:
    """An alert, or a recorded series. `wait` and `keep` are its for and keep_firing_for, None where it has none;
    `wait_line` is the line of the file on which `for` stands."""
    name: str
    is_alert: bool
    expression: str
    file: str
    group: str
    interval: str | None
    wait: str | None = None
    keep: str | None = None
    wait_line: str = ""
    labels: dict = dataclasses.field(default_factory=dict, hash=False)
    annotations: dict = dataclasses.field(default_factory=dict, hash=False)

    @functools.cached_property
    def tree(self):
        return promql.parse(self.expression)

    @property
    def severity(self):
        return self.labels.get("severity")

    @property
    def where(self):
        """How a finding names it."""
        suffix = f" ({self.severity})" if self.is_alert else ""
        return f"{self.file}: {self.name}{suffix}"


@dataclasses.dataclass(frozen=True)
class RuleFile:
    name: str
    rules: tuple

    @property
    def alerts(self):
        return [rule for rule in self.rules if rule.is_alert]

    @property
    def groups(self):
        """{name: its interval}, in order."""
        return {rule.group: rule.interval for rule in self.rules}


def read(path):
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text, name):
    """A rule file from its text."""
    lines = text.splitlines()
    nodes = _rule_nodes(yaml.compose(text))
    rules = []
    for group in yaml.safe_load(text)["groups"]:
        for content in group["rules"]:
            rules.append(_rule(content, group, name, _wait_line(next(nodes), lines)))
    return RuleFile(name, tuple(rules))


def _rule(content, group, file, wait_line):
    is_alert = "alert" in content
    return Rule(content["alert" if is_alert else "record"], is_alert, str(content["expr"]), file, group["name"],
                group.get("interval"), content.get("for"), content.get("keep_firing_for"), wait_line,
                content.get("labels", {}), content.get("annotations", {}))


def _rule_nodes(document):
    for group in _value(document, "groups").value:
        yield from _value(group, "rules").value


def _wait_line(rule, lines):
    node = _value(rule, "for")
    return lines[node.start_mark.line] if node else ""


def _value(mapping, wanted):
    return next((value for key, value in mapping.value if key.value == wanted), None)
