"""The exporter's table of metrics, as it prints it itself: what rules and dashboards may ask for."""

import functools
import json
import os
import pathlib
import subprocess

BUILT = pathlib.Path(__file__).resolve().parents[2] / "build/ipvs_exporter"

# What Prometheus adds to every series of a scrape; `cluster` is set in alerts/prometheus.yml.
TARGET_LABELS = frozenset(("cluster", "job", "instance"))

# Series that Prometheus itself makes, with the labels we rely on.
OF_PROMETHEUS = {
    "up": TARGET_LABELS,
    "scrape_duration_seconds": TARGET_LABELS,
    "scrape_samples_scraped": TARGET_LABELS,
    "scrape_samples_post_metric_relabeling": TARGET_LABELS,
    "scrape_series_added": TARGET_LABELS,
    "ALERTS": TARGET_LABELS | {"alertname", "alertstate", "severity"},
}

SUFFIXES = {"histogram": {"_bucket": {"le"}, "_sum": set(), "_count": set()},
            "summary": {"": {"quantile"}, "_sum": set(), "_count": set()}}


@functools.cache
def rows():
    """{family: its row, a dictionary with name, type, labels and help}."""
    program = os.environ.get("IPVS_EXPORTER", BUILT)
    printed = subprocess.run([program, "--list-metrics=json"], check=True, capture_output=True, timeout=20).stdout
    return {row["name"]: row for row in json.loads(printed)}


@functools.cache
def series():
    """{name as it stands in PromQL: (family, labels with those of the target)} of all families."""
    found = {}
    for family, row in rows().items():
        labels = TARGET_LABELS | frozenset(row["labels"])
        for suffix, more in SUFFIXES.get(row["type"], {"": set()}).items():
            found[family + suffix] = (family, labels | more)
    return found


def labels(name):
    """The labels of a series by its name in PromQL; KeyError if neither the exporter nor Prometheus makes it."""
    return OF_PROMETHEUS[name] if name in OF_PROMETHEUS else series()[name][1]


def is_counter(name):
    """Whether a series only ever grows."""
    if name in OF_PROMETHEUS:
        return False
    family_type = rows()[series()[name][0]]["type"]
    return family_type == "counter" or (family_type in SUFFIXES and name.endswith(("_bucket", "_sum", "_count")))
