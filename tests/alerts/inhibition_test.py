"""A real Alertmanager silences what the shipped configuration says, and nothing else.

For every inhibit rule, every alert that is a source of it and every one that is a target: with the labels of `equal`
alike the target is silenced; with any one of them different it is not. Each case has a cluster of its own, so that the
cases do not meet.
"""

import dataclasses
import json
import pathlib
import socket
import sys
import tempfile
import unittest
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "lab")]

import alerting      # noqa: E402
import alertmanager  # noqa: E402
import repository    # noqa: E402

FILE = repository.ALERTS / "alertmanager.yml"
ANSWER_LIMIT = 30


@dataclasses.dataclass(frozen=True)
class Case:
    """Two alerts, and the label in which they differ (besides those that do not count); None if in none."""
    rule: alertmanager.InhibitRule
    source: object
    target: object
    different: str | None
    cluster: str

    def __str__(self):
        return f"{self.rule.place}: {self.source.name}, {self.target.name}, {self.different or 'nothing'} differs"

    def alerts(self, labels_of):
        """What is posted: the labels of both."""
        source = {label: f"source's {label}" for label in labels_of(self.source)}
        target = {label: f"target's {label}" for label in labels_of(self.target)}
        alike = {label: f"common {label}" for label in self.rule.equal} | {"cluster": self.cluster}
        source |= alike | self.source.labels | {"alertname": self.source.name}
        target |= alike | self.target.labels | {"alertname": self.target.name}
        if self.different:
            target[self.different] = f"{self.cluster}, another {self.different}"
        return source, target


class Inhibition(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shipped = repository.shipped()
        cls.rules = alertmanager.inhibit_rules(cls.shipped.alertmanager)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.port = _free_port()
        cls.server = cls.enterClassContext(alerting.Server(
            alerting.ThisMachine, cls.port, f"{folder}/log", "prometheus-alertmanager", f"--config.file={FILE}",
            f"--storage.path={folder}", f"--web.listen-address=127.0.0.1:{cls.port}", "--cluster.listen-address="))
        cls.cases = list(cls._make_cases())
        cls._post(alert for case in cls.cases for alert in case.alerts(cls.shipped.alert_labels))
        cls.silenced = {_key(alert["labels"]): bool(alert["status"]["inhibitedBy"])
                        for alert in cls.server.ask("/api/v2/alerts")}

    @classmethod
    def _make_cases(cls):
        number = 0
        for rule in cls.rules:
            for source in filter(rule.is_source, cls.shipped.alerts):
                for target in filter(rule.is_target, cls.shipped.alerts):
                    for different in (None, *rule.equal):
                        number += 1
                        yield Case(rule, source, target, different, f"cluster {number}")

    @classmethod
    def _post(cls, alerts):
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{cls.port}/api/v2/alerts", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=ANSWER_LIMIT):
            pass

    def test_every_rule_has_cases(self):
        self.assertEqual({case.rule.place for case in self.cases}, {rule.place for rule in self.rules})
        self.assertEqual([rule.place for rule in self.rules if "cluster" not in rule.equal], [],
                         "pairs of directors would silence each other, and here the cases would meet")

    def test_targets_are_silenced_by_sources_of_the_same_thing(self):
        for case in (case for case in self.cases if not case.different):
            with self.subTest(str(case)):
                self.assertTrue(self._target_is_silenced(case))

    def test_targets_are_not_silenced_by_sources_of_another_thing(self):
        for case in (case for case in self.cases if case.different):
            with self.subTest(str(case)):
                self.assertFalse(self._target_is_silenced(case))

    def test_sources_are_not_silenced_by_their_targets(self):
        for case in self.cases:
            with self.subTest(str(case)):
                source, _ = case.alerts(self.shipped.alert_labels)
                self.assertFalse(self.silenced[_key(source)])

    def _target_is_silenced(self, case):
        _, target = case.alerts(self.shipped.alert_labels)
        return self.silenced[_key(target)]


def _key(labels):
    return frozenset(labels.items())


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


if __name__ == "__main__":
    unittest.main()
