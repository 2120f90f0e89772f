"""The linter of the alerts: its rules. A rule is a function of a repository; it yields what it finds as (place, what is
wrong there).

The names without a comment are those of pint (cloudflare), for its checks that need no server; the others are ours.
"""

import dataclasses

import lint_alertmanager
import lint_annotations
import lint_expressions
import lint_labels
import lint_order
import lint_rules
import lint_unit_tests

RULES = {**lint_rules.RULES, **lint_order.RULES, **lint_annotations.RULES, **lint_expressions.RULES,
         **lint_labels.RULES, **lint_alertmanager.RULES, **lint_unit_tests.RULES}


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that a rule does not allow."""
    rule: str
    place: str
    text: str

    def __str__(self):
        return f"{self.rule}: {self.place}: {self.text}"


def findings(repository):
    """All that is wrong in a repository."""
    return [Finding(name, place, text) for name, rule in RULES.items() for place, text in rule(repository)]
