"""Expressions of a dashboard as trees, and the labels of their results, by the exporter's own table of metrics."""

import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

import dashboard_files  # noqa: E402
import metric_table     # noqa: E402
import promql           # noqa: E402
import variables        # noqa: E402


def filled(text, dashboard):
    """An expression with All chosen."""
    return variables.fill(text, variables.all_chosen(dashboard_files.variables(dashboard)))


def tree(text, dashboard):
    """The tree of an expression, None if it is no PromQL."""
    try:
        return promql.parse(filled(text, dashboard))
    except promql.PromQLError:
        return None


def is_known(name):
    """Whether the exporter or Prometheus itself makes a series of that name."""
    return name in metric_table.OF_PROMETHEUS or name in metric_table.series()


def labels_of_metric(name):
    """An alert has the labels that its expression keeps, which may be any."""
    return metric_table.labels(name) | every_label() if name == "ALERTS" else metric_table.labels(name)


@functools.cache
def every_label():
    """All labels that there are."""
    return frozenset().union(*(labels for _, labels in metric_table.series().values()))


def labels_of_result(node):
    """The labels that a result can have; None for a scalar, and for a metric that nobody makes."""
    try:
        return promql.labels(node, labels_of_metric)
    except KeyError:
        return None
