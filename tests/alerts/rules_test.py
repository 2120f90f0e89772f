"""Prometheus and Alertmanager take the shipped files, and the unit tests of the rules pass."""

import pathlib
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import yaml  # noqa: E402

import promtool    # noqa: E402
import repository  # noqa: E402

RULE_FILES = {"lvs-availability.yml", "lvs-config.yml", "lvs-director.yml", "lvs-meta.yml", "lvs-traffic.yml"}
PROMETHEUS = repository.ALERTS / "prometheus.yml"


class ShippedFiles(unittest.TestCase):
    maxDiff = None

    def test_prometheus_finds_the_rule_files_and_nothing_else(self):
        self.assertEqual({path.name for path in repository.rule_paths()}, RULE_FILES)
        self.assertEqual({path.name for path in repository.ALERTS.glob("*.yml")} - RULE_FILES,
                         {"alertmanager.yml", "prometheus.yml"})

    def test_rules_are_valid(self):
        self._succeeds(promtool.promtool("check", "rules", *repository.rule_paths()))

    def test_the_configuration_of_prometheus_is_valid(self):
        said = self._succeeds(promtool.promtool("check", "config", PROMETHEUS))
        self.assertIn(f"{len(RULE_FILES)} rule files found", said)

    def test_its_other_jobs_are_valid_without_the_comment_signs(self):
        text = re.sub(r"^# - job_name:.*?$(?!\n#)", lambda block: re.sub("^# ", "", block[0], flags=re.M),
                      PROMETHEUS.read_text(encoding="utf-8"), flags=re.M | re.S)
        self.assertEqual([job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]],
                         ["ipvs", "ipvs-realserver", "node"])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "prometheus.yml"
            path.write_text(text.replace("rule_files: [lvs-*.yml]", "rule_files: []"), encoding="utf-8")
            self._succeeds(promtool.promtool("check", "config", path))

    def test_the_configuration_of_alertmanager_is_valid(self):
        self._succeeds(promtool.amtool("check-config", repository.ALERTS / "alertmanager.yml"))

    def test_every_rule_file_has_unit_tests(self):
        tested = {file for path in repository.unit_test_paths()
                  for file in yaml.safe_load(path.read_text(encoding="utf-8"))["rule_files"]}
        self.assertEqual(tested, {f"../{name}" for name in RULE_FILES})

    def test_unit_tests(self):
        for path in repository.unit_test_paths():
            with self.subTest(path.name):
                self._succeeds(promtool.promtool("test", "rules", path))

    def test_idioms_that_are_traps(self):
        self._succeeds(promtool.promtool("test", "rules", HERE / "traps_promtool.yml"))

    def _succeeds(self, outcome):
        status, said = outcome
        self.assertEqual(status, 0, said)
        return said


if __name__ == "__main__":
    unittest.main()
