"""The readers that matter: promtool's lint, two parsers of the Python client, and a real Prometheus that scrapes."""

import contextlib
import json
import pathlib
import signal
import subprocess
import urllib.parse
import urllib.request

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text_format

import deadline
import everything
import exporter
import health
import labtest
import netns

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
FOLDER = pathlib.Path("/run/prometheus")
PROMETHEUS_PORT = 9090
PROMETHEUS_LIMIT = 60

HEALTH = """
checker:
  defaults: {interval: 1s, fast_interval: 200ms}
  metrics_level: full
probes:
  alive: {type: icmp}
  page: {type: http}
  secure: {type: https, tls: {verify: false}}
  vip: {type: dr}
services:
  - {match: {port: 80, proto: TCP}, probes: [alive, page, vip]}
  - {match: {port: 443, proto: TCP}, probes: [secure]}
"""

# What moves between two requests for the page of a table that stands still.
MOVING = ("process_", "ipvs_scrape_", "ipvs_exporter_", "ipvs_connections_scan_age_", "go_", "scrape_", "up")
SCAN_LIMIT = 60

CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: director
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class PrometheusTest(labtest.LabTest):
    with_servers = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab.start_sync_daemons()
        with cls.lab.client.inside():
            everything.send(cls.servers)
        cls.wait_for_estimator()
        # One pass over the connection table, which goes on changing.
        cls.ours = cls.enterClassContext(
            exporter.exporter(cls.director, exporter.TABLE_ONLY, "--collector.connections.interval=1h"))
        deadline.wait_until(SCAN_LIMIT, "the connection table to be read",
                            lambda: cls.ours.page().series("ipvs_connections_scan_rows"))

    def test_promtool_finds_nothing(self):
        result = subprocess.run(["promtool", "check", "metrics"], input=self.ours.text(), capture_output=True,
                                text=True, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_both_formats_say_the_same(self):
        text = samples(text_format.text_string_to_metric_families(self.ours.text()))
        strict = samples(openmetrics.text_string_to_metric_families(self.ours.text(Accept=OPENMETRICS)))
        self.assertGreater(len(text), 200)
        self.assert_same_samples(strict, text)

    def test_both_formats_have_the_same_types_and_helps(self):
        text = documentation(text_format.text_string_to_metric_families(self.ours.text()))
        strict = documentation(openmetrics.text_string_to_metric_families(self.ours.text(Accept=OPENMETRICS)))
        self.assertEqual(strict, text)

    def test_content_types(self):
        for accept, expected in ((None, "text/plain; version=0.0.4"), (OPENMETRICS, "application/openmetrics-text")):
            _, headers, _ = self.ours.get(**({"Accept": accept} if accept else {}))
            self.assertTrue(headers["Content-Type"].startswith(expected), headers["Content-Type"])

    def test_prometheus_stores_what_the_page_says(self):
        with prometheus(self.director, self.ours.port) as query:
            up = deadline.wait_until(PROMETHEUS_LIMIT, "Prometheus to scrape", lambda: query("up"))
            self.assertEqual(list(up.values()), [1])
            stored = query('{job="director"}')
        page = {(name, without_empty(labels)): value for (name, labels), value
                in samples(text_format.text_string_to_metric_families(self.ours.text())).items()}
        still = {key: value for key, value in stored.items() if not key[0].startswith(MOVING)}
        self.assert_same_samples(still, page)

    def test_a_page_with_every_health_family(self):
        """Its numbers move from one request to the next: families, series and what is written of them are compared."""
        with health.configured(self.director, "formats", HEALTH) as ours:
            health.settle(ours, everything_is_known)
            text, strict = ours.text(), ours.text(Accept=OPENMETRICS)
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((lint.returncode, lint.stdout, lint.stderr), (0, "", ""))
        plain = list(text_format.text_string_to_metric_families(text))
        open_metrics = list(openmetrics.text_string_to_metric_families(strict))
        self.assertGreater(sum(family.name.startswith("ipvs_check") for family in plain), 20)
        self.assertEqual(documentation(open_metrics), documentation(plain))
        self.assertEqual(samples(open_metrics).keys(), samples(plain).keys())


def everything_is_known(page):
    """Whether every backend has had a verdict."""
    unknown = page.series("ipvs_backend_health_state", state="unknown").values()
    return unknown and 1 not in unknown


def samples(families):
    """{(name, labels): value} of all that stands still; a family that is there twice is an error."""
    found = {}
    for family in families:
        for sample in family.samples:
            if sample.name.startswith(MOVING) or sample.name.endswith("_created"):
                continue
            key = (sample.name, frozenset(sample.labels.items()))
            if key in found:
                raise AssertionError(f"twice: {key}")
            found[key] = sample.value
    return found


def without_empty(labels):
    """To Prometheus a label that is empty is one that is not there."""
    return frozenset((name, value) for name, value in labels if value)


def documentation(families):
    """{family: (type, help)} of what is there from the first request on."""
    return {family.name: (family.type, family.documentation) for family in families
            if not family.name.startswith(MOVING)}


@contextlib.contextmanager
def prometheus(host, port):
    """A Prometheus on `host` that scrapes `port`; yields a function that runs an instant query."""
    FOLDER.mkdir()
    netns.write_file(FOLDER / "prometheus.yml", CONFIGURATION.format(port=port))
    with open(FOLDER / "log", "wb") as log:
        process = host.start("prometheus", f"--config.file={FOLDER}/prometheus.yml",
                             f"--storage.tsdb.path={FOLDER}/data",
                             f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", stdout=log, stderr=log)
    try:
        yield lambda expression: ask_prometheus(host, expression)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def ask_prometheus(host, expression):
    """{(name, labels): value} without what Prometheus adds; empty while it does not answer."""
    url = f"http://127.0.0.1:{PROMETHEUS_PORT}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with host.inside(), urllib.request.urlopen(url, timeout=10) as response:
            answer = json.load(response)
    except OSError:
        return {}
    found = {}
    for result in answer["data"]["result"]:
        labels = result["metric"]
        name = labels.pop("__name__")
        del labels["job"], labels["instance"]
        found[name, frozenset(labels.items())] = float(result["value"][1])
    return found


if __name__ == "__main__":
    labtest.main()
