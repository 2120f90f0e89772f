"""The alert files that are shipped, made to run in the lab: the addresses are the lab's, and time may run faster.

A faster run divides every duration of the files by one number: intervals, `for`, `keep_firing_for`, windows and
offsets, and the waits of Alertmanager. So what is proven of their order holds for the shipped files as well, as long as
no duration falls below what a guest can do in time: then it stays there.
"""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "alerts"

# What the shipped files say and the lab keeps, since nobody else is on the loopback of its hosts.
ALERTMANAGER_PORT = 9093
WEBHOOK_PORT = 19100

_TARGETS = re.compile(r'^( *- targets: )\[.*director1:10211.*\]$', re.MULTILINE)
_PART = re.compile(r"([0-9]+)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_KEYS = "for|keep_firing_for|interval|scrape_interval|scrape_timeout|evaluation_interval|group_wait|group_interval|" \
        "repeat_interval"
_VALUE = re.compile(rf"^([ -]*(?:{_KEYS}): *)([0-9a-z]+)(?= *(?:#.*)?$)", re.MULTILINE)
_WINDOW = re.compile(r"\[[0-9a-z:]+\]|\boffset [0-9a-z]+")
_SHORTEST = 1000  # milliseconds
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def write(folder, targets, speed=1):
    """Writes the files into `folder`, for the exporters at `targets`."""
    for path in sorted(FOLDER.glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        if path.name == "prometheus.yml":
            text = _with_targets(text, targets)
        (pathlib.Path(folder) / path.name).write_text(faster(text, speed), encoding="utf-8")


def faster(text, speed):
    """A file of rules or routes, or a configuration of Prometheus, with every duration divided by `speed`."""
    if speed == 1:
        return text
    text = _VALUE.sub(lambda match: match[1] + _divide(match[2], speed), text)
    return _WINDOW.sub(lambda match: _divide(match[0], speed), text)


def _with_targets(text, targets):
    text, places = _TARGETS.subn(lambda match: match[1] + json.dumps(list(targets)), text)
    if places != 1:
        raise RuntimeError(f"{FOLDER / 'prometheus.yml'}: {places} lists of targets with director1:10211, not one")
    return text


def _divide(text, speed):
    """Every duration in a piece of text."""
    def shorter(match):
        milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(match[0]))
        return f"{max(round(milliseconds / speed), min(milliseconds, _SHORTEST))}ms"
    return _DURATION.sub(shorter, text)
