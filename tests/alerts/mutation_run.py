"""Runs the unit tests that concern a rule, and only those, against that rule changed."""

import functools
import json
import pathlib
import tempfile

import promql
import promtool

RULES = "rules.yml"


class UnitTests:
    """The unit tests of a repository, asked rule by rule. Files are JSON: that is YAML, and written in no time."""

    def __init__(self, repository):
        self._repository = repository
        self._reads = {rule: {selector.name for selector in promql.selectors(rule.tree)} for rule in repository.rules}

    def notice(self, rule, instead):
        """Whether they fail when a rule is replaced; with itself they must not. Gives (answer, what promtool says)."""
        said = "no unit test concerns it"
        with tempfile.TemporaryDirectory() as folder:
            _write(folder, RULES, self._rules(rule, instead))
            for name, text in self._tests(rule).items():
                _write(folder, name, text)
                status, said = promtool.promtool("test", "rules", name, folder=folder)
                if status != 0:
                    return True, said
        return False, said

    def _rules(self, rule, instead):
        """The file with the rules that are asked about, and those that they read."""
        needed = set(self._touched(rule))
        for other in reversed(self._same_file(rule)):
            if other.name in needed:
                needed |= self._reads[other]
        rules = [_content(instead if other is rule else other) for other in self._same_file(rule)
                 if other.name in needed]
        return json.dumps({"groups": [{"name": "g", "rules": rules}]})

    @functools.cache
    def _touched(self, rule):
        """The names of a rule and of those that read it, directly or through a recorded series."""
        touched = {rule.name}
        for other in self._same_file(rule):  # what reads a series stands below it
            if self._reads[other] & touched:
                touched.add(other.name)
        return frozenset(touched)

    @functools.cache
    def _tests(self, rule):
        """{name: text} of test files with what concerns a rule, those that ask for the rule itself first."""
        texts = {}
        for name, content in self._repository.unit_tests.items():
            if f"../{rule.file}" in content["rule_files"]:
                groups = [group for group in (_concerning(group, self._touched(rule)) for group in content["tests"])
                          if group]
                if groups:
                    texts[name] = json.dumps({**content, "rule_files": [RULES], "tests": groups})
        return dict(sorted(texts.items(), key=lambda entry: f'"{rule.name}' not in entry[1]))

    def _same_file(self, rule):
        return next(file.rules for file in self._repository.files if file.name == rule.file)


def _write(folder, name, text):
    (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")


def _concerning(group, names):
    """A group of tests with the questions that concern these rules; None if there are none."""
    alerts = [test for test in group.get("alert_rule_test", ()) if test["alertname"] in names]
    series = [test for test in group.get("promql_expr_test", ())
              if {selector.name for selector in promql.selectors(promql.parse(test["expr"]))} & names]
    return {**group, "alert_rule_test": alerts, "promql_expr_test": series} if alerts or series else None


def _content(rule):
    if not rule.is_alert:
        return {"record": rule.name, "expr": rule.expression}
    content = {"alert": rule.name, "expr": rule.expression, "for": rule.wait, "labels": rule.labels,
               "annotations": rule.annotations}
    return {**content, "keep_firing_for": rule.keep} if rule.keep else content
