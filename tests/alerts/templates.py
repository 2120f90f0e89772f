"""What the templates in annotations ask for: labels of the alert, and queries."""

import dataclasses
import re

# A query is a text made by printf from labels of the alert; nothing else is used.
_QUERY = re.compile(r'printf\s+"([^"]*)"((?:\s+\$labels\.\w+)*)\s*\|\s*query\b')
_ANY_QUERY = re.compile(r"\bquery\b")
_ALERT_LABEL = re.compile(r"\$labels\.(\w+)")
_RESULT_LABEL = re.compile(r'\.Labels\.(\w+)|\blabel\s+"(\w+)"')
_FILLED_IN = re.compile(r"(\w+)='%s'")

# The one way to name a service, or a real server of it.
SERVICE = ('{{ with $labels.local_mark }}mark {{ . }} {{ $labels.address_family }}{{ else }}'
           '{{ reReplaceAll "(.*:.*)" "[$1]" $labels.local_address }}:{{ $labels.local_port }}/{{ $labels.proto }}'
           '{{ end }}')
REAL_SERVER = '{{ reReplaceAll "(.*:.*)" "[$1]" $labels.remote_address }}:{{ $labels.remote_port }}'


@dataclasses.dataclass(frozen=True)
class Query:
    """`format` has a %s for each of the `arguments`, which are labels of the alert."""
    format: str
    arguments: tuple

    @property
    def expression(self):
        return self.format.replace("%s", "x")

    @property
    def filled_in(self):
        """The labels that get a value, in order."""
        return tuple(_FILLED_IN.findall(self.format))


def alert_labels(text):
    """Labels of the alert that a template reads."""
    return set(_ALERT_LABEL.findall(text))


def result_labels(text):
    """Labels that it reads from what a query gives."""
    return {name for names in _RESULT_LABEL.findall(text) for name in names if name}


def queries(text):
    """All queries of a template; ValueError for one that is made in another way."""
    found = [Query(form, tuple(_ALERT_LABEL.findall(arguments))) for form, arguments in _QUERY.findall(text)]
    if len(found) != len(_ANY_QUERY.findall(re.sub(r'"[^"]*"', '""', text))):
        raise ValueError("a query that is not made by printf from $labels")
    return found


def plain(text):
    """A template with the white space inside its actions made even, so that it can be compared."""
    return re.sub(r"\{\{\s*(.*?)\s*\}\}", lambda action: "{{ " + " ".join(action[1].split()) + " }}", text,
                  flags=re.DOTALL)
