"""The linter of the dashboards: its rules, and what it is told to overlook.

A rule is a function of one dashboard and of all of them; it yields what it finds as (place, what is wrong there). The
names without a comment are those of grafana/dashboard-linter, here applied to every type of panel.
"""

import dataclasses
import fnmatch

import lint_frame
import lint_links
import lint_panels
import lint_targets
import lint_variables

RULES = {**lint_frame.RULES, **lint_variables.RULES, **lint_panels.RULES, **lint_targets.RULES, **lint_links.RULES}


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that a rule does not allow."""
    rule: str
    place: str
    text: str

    def __str__(self):
        return f"{self.rule}: {self.place}: {self.text}"


@dataclasses.dataclass(frozen=True)
class Exempt:
    """A line of dashboards/.lint: this rule does not hold in this place (with * and ?), for this reason."""
    rule: str
    place: str
    reason: str

    def covers(self, finding):
        return self.rule == finding.rule and fnmatch.fnmatchcase(finding.place, self.place)


def findings(site):
    """All that is wrong with the dashboards of a site, {uid: dashboard}."""
    return [Finding(name, f"{uid}: {place}", text) for uid, dashboard in site.items() for name, rule in RULES.items()
            for place, text in rule(dashboard, site)]


def exemptions(lines):
    """The lines `rule | place | reason` of a file; # begins a comment."""
    found = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            found.append(Exempt(*(part.strip() for part in line.split("|", 2))))
    return found


def judge(found, exempt):
    """(findings that no line covers, lines that cover none)"""
    left = [finding for finding in found if not any(line.covers(finding) for line in exempt)]
    unused = [line for line in exempt if not any(line.covers(finding) for finding in found)]
    return left, unused
