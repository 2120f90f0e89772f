"""Rules about metrics and labels in expressions: that they exist, and where they are asked for."""

import promql


def series_exists(repository):
    for rule in repository.rules:
        for selector in promql.selectors(rule.tree):
            if not repository.exists(selector.name):
                yield rule.where, f"{selector.name or 'a selector without a name'}: nobody makes such a series"
                continue
            for label, _, _ in selector.matchers:
                if label not in repository.known_labels(selector.name):
                    yield rule.where, f"{selector.name} has no label {label}"


def job_exists(repository):
    jobs = {job["job_name"] for job in repository.prometheus["scrape_configs"]}
    for rule in repository.rules:
        for selector in promql.selectors(rule.tree):
            for label, operator, value in selector.matchers:
                if label == "job" and (operator != "=" or value not in jobs):
                    yield rule.where, f"job{operator}\"{value}\": prometheus.yml has {', '.join(sorted(jobs))}"


def grouping(repository):
    for rule in _with_known_series(repository):
        for node, _ in promql.walk(rule.tree):
            if isinstance(node, promql.Aggregation):
                has = _labels(repository, node.argument)
                for label in node.labels:
                    if label not in has:
                        yield rule.where, f"{node.operator} {node.grouping} ({label}): that label is gone, or never was"


def matching(repository):
    for rule in _with_known_series(repository):
        for node, _ in promql.walk(rule.tree):
            if isinstance(node, promql.Binary) and node.matching:
                sides = [_labels(repository, side) for side in (node.left, node.right)]
                for label in node.labels:
                    if not all(label in side for side in sides):
                        yield rule.where, f"{node.operator} {node.matching} ({label}): not on both sides"


def same_labels(repository):
    for rule in _with_known_series(repository):
        for node, _ in promql.walk(rule.tree):
            if isinstance(node, promql.Binary) and node.operator != "or" and not node.matching:
                left, right = (_labels(repository, side) for side in (node.left, node.right))
                if left is not None and right is not None and left != right:
                    yield rule.where, (f"{node.operator} without on(): one side has {', '.join(sorted(left ^ right))}, "
                                       "the other has not, so nothing matches")


def _labels(repository, node):
    return promql.labels(node, repository.known_labels)


def _with_known_series(repository):
    """Rules whose every series exists: of the others nothing can be said."""
    return [rule for rule in repository.rules
            if all(repository.exists(selector.name) for selector in promql.selectors(rule.tree))]


RULES = {
    "promql/series": series_exists,
    "job-exists": job_exists,          # ours
    "grouping": grouping,              # ours
    "promql/impossible": matching,
    "same-labels": same_labels,        # ours
}
