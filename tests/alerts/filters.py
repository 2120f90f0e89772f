"""Which part of an expression is what an alert is about, and which only filters it."""

import promql


def asserted(node):
    """Every node of a tree but those in filters: the right sides of `and` and `unless`."""
    yield node
    is_filtered = isinstance(node, promql.Binary) and node.operator in ("and", "unless")
    for child in [node.left] if is_filtered else promql.children(node):
        yield from asserted(child)
