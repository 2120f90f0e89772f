"""Variables in the texts of a dashboard, filled in as Grafana does."""

import re

REFERENCE = re.compile(r"\$([a-zA-Z_]\w*)|\$\{([a-zA-Z_]\w*)(?:\.[^:}]*)?(?::\w+)?\}|\[\[(\w+)\]\]")
LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+),\s*)?(?P<label>\w+)\)")
FUNCTIONS = re.compile(r"(label_values|label_names|metrics|query_result)\(.*\)", re.DOTALL)

# What Grafana knows beside the variables of the dashboard.
BUILT_IN = frozenset(("__all", "__data", "__field", "__value", "__series", "__interval", "__interval_ms",
                      "__rate_interval", "__range", "__range_s", "__range_ms", "__from", "__to", "__url_time_range"))

# For the time of a test: a scrape every 5 s gives a rate 20 s at least.
INTERVALS = {"__interval": "5s", "__interval_ms": "5000", "__rate_interval": "20s", "__range": "5m", "__range_s": "300",
             "__range_ms": "300000"}


def names(text):
    """The variables that a text refers to."""
    return {match[1] or match[2] or match[3] for match in REFERENCE.finditer(text)}


def fill(text, values):
    """The text with the variables in `values` replaced; what is not in it stays as it is."""
    def replacement(match):
        return values.get(match[1] or match[2] or match[3], match[0])
    return REFERENCE.sub(replacement, text)


def all_chosen(dashboard_variables):
    """{name: text} of the variables with All chosen."""
    return INTERVALS | {name: variable.get("allValue") or ".+" for name, variable in dashboard_variables.items()}


def one_chosen(values):
    """{name: text} with one value chosen for each variable in `values`, escaped for a quoted pattern."""
    return INTERVALS | {name: re.sub(r"([$^*{}\[\]'+?.()|])", r"\\\\\1", value.replace("\\", r"\\\\"))
                        for name, value in values.items()}
