"""What the checker says, read off the page, and waiting until it says it."""

import json
import pathlib
import time

import deadline
import exporter
import labtest

POLL_PAUSE = 0.3  # a page costs the guest's only processor some 50 ms, and the servers run on it as well
MARGIN = 2        # beside the bounds of the checker: the guest's scheduling, and the time that making a fault takes

LIMIT = 20        # for what has no bound
PATIENCE = 40     # for what has a bound: the times are taken from the page, not from our looking at it

# The bounds from a fault, or its end, to the verdict, with the checker's defaults.
BLACK_HOLE_TO_DOWN = 11.5
REFUSED_TO_DOWN = 7.7
BACK_TO_UP = 6.6
START_TO_UP = 5
START_TO_DOWN = 11
LOST_RUN = 5 * 1.1 + 2

STANDINGS = {"usable", "down", "unknown", "drained", "absent"}

FOLDER = pathlib.Path("/run/configuration")

# For tests of what follows a verdict: as quick as it can be had without making the guest late.
QUICK = """
checker:
  defaults: {interval: 1s, fast_interval: 200ms}
"""


class HealthTest(labtest.LabTest):
    """A topology with an empty table; each class fills it with what it is about."""

    with_rules = False

    @classmethod
    def load(cls, rules):
        """Fills the director's table with `ipvsadm -R`."""
        cls.director.run("ipvsadm", "-R", text="".join(line.strip() + "\n" for line in rules.strip().splitlines()))

    @staticmethod
    def wait(program, what, condition, seconds=LIMIT):
        """The first page of which `condition` is true."""
        def look():
            page = program.page()
            return page if condition(page) else None
        return deadline.wait_until(seconds, what, look, POLL_PAUSE)

    def assert_standings(self, page, of_service, **expected):
        """How many real servers of a service are in which state; none in those that are not named."""
        standings = _by_label(page, "ipvs_service_backends", "state", of_service)
        self.assertEqual({state: standings[state] for state in STANDINGS if standings.get(state)}, expected)
        self.assertLessEqual(STANDINGS, standings.keys(), "all are there, be they 0")

    def assert_within(self, seconds, bound, what, lost_runs=0):
        """A time to the verdict that keeps its promise. What the bound does not cover are runs that were inconclusive,
        because this machine was too busy: the next one comes a whole interval later."""
        self.assertIsNotNone(seconds, f"{what}: no verdict")
        self.assertLessEqual(seconds, bound + MARGIN + lost_runs * LOST_RUN, f"{what}, {lost_runs} runs lost")


def write_configuration(name, text):
    """The path of a configuration file with that text."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    return path


def configured(host, name, text, *flags, **options):
    """The exporter on `host` with a configuration file of that text."""
    return exporter.exporter(host, f"--config.file={write_configuration(name, text)}", *flags, **options)


def settle(program, condition):
    """The first page of which `condition` is true, or the last one when PATIENCE is at its end: the tests will say what
    is not as it should be."""
    end = time.monotonic() + PATIENCE
    while True:
        page = program.page()
        if condition(page) or time.monotonic() > end:
            return page
        time.sleep(POLL_PAUSE)


def up(page, **labels):
    """1 up, 0 down, None unknown."""
    return _only(page, "ipvs_backend_up", labels)


def all_are(page, verdict, backends):
    """Whether all these backends have that verdict."""
    verdicts = page.series("ipvs_backend_up")
    return all(verdicts.get(frozenset(labels.items())) == verdict for labels in backends)


def down_reason(page, **labels):
    """(layer, reason) of a backend that is down; None when it is not."""
    found = [dict(series) for series in page.series("ipvs_backend_down_reason", **labels)]
    if len(found) > 1:
        raise AssertionError(f"more than one reason: {found}")
    return (found[0]["layer"], found[0]["reason"]) if found else None


def last_transition(page, **labels):
    """Seconds since 1970, None when there was none."""
    return _only(page, "ipvs_backend_last_transition_timestamp_seconds", labels)


def down_after(page, fault, **labels):
    """Seconds from the moment of a fault to the verdict; None without one."""
    return last_transition(page, **labels) - fault if up(page, **labels) == 0 else None


def up_after(page, end, **labels):
    """Seconds from the end of a fault to the verdict; None without one."""
    return last_transition(page, **labels) - end if up(page, **labels) == 1 else None


def transitions(page, **labels):
    """How many, to both sides: {"up": number, "down": number}."""
    return _by_label(page, "ipvs_backend_transitions_total", "to", labels)


def layers(page, **target):
    """The verdicts on a target: {layer: 0 or 1}."""
    return _by_label(page, "ipvs_check_up", "layer", target)


def results(page, **target):
    """How many runs of a target ended how: {result: number}."""
    return _by_label(page, "ipvs_check_results_total", "result", target)


def lost_runs(until, since=None, **target):
    """How many runs of a target were inconclusive between two pages, or from the start to the first one."""
    before = results(since, **target)["inconclusive"] if since else 0
    return results(until, **target)["inconclusive"] - before


def failures(page, **target):
    """How many runs ended with which reason (level full): {reason: number}."""
    return _by_label(page, "ipvs_check_failures_total", "reason", target)


def failures_by_probe(page):
    """How many runs of all targets of a probe ended with which reason (level full): {(probe, reason): number}."""
    found = {}
    for series, value in page.series("ipvs_check_failures_total").items():
        key = dict(series)["probe"], dict(series)["reason"]
        found[key] = found.get(key, 0) + value
    return found


def streaks(page, **target):
    """(failures, successes) in a row."""
    return (page.value("ipvs_check_consecutive_failures", **target),
            page.value("ipvs_check_consecutive_successes", **target))


def health_state(page, **labels):
    """The one state of a backend."""
    return _only_one_that_is_1(page, "ipvs_backend_health_state", "state", labels)


def service_state(page, **labels):
    """The one state of a service."""
    return _only_one_that_is_1(page, "ipvs_service_state", "state", labels)


def disagreements(page, **labels):
    """The kinds that are 1."""
    return {kind for kind, value in _by_label(page, "ipvs_backend_disagreement", "kind", labels).items() if value}


def role(page, **labels):
    """real, backup or sorry."""
    return page.labels("ipvs_backend_role", **labels)["role"]


def events(program, **fields):
    """The events that have these fields, newest first."""
    every = json.loads(program.text("/api/v1/events"))["events"]
    return [event for event in every if fields.items() <= event.items()]


TIMES_HEAD = "\n| real server | down after, s | bound | reason | up after, s |\n|---|---|---|---|---|"


def times_row(name, down, bound, reason, up_again):
    """A line of the table that people read."""
    return f"| {name} | {_rounded(down)} | {bound} | {'/'.join(reason or ('none',))} | {_rounded(up_again)} |"


def _rounded(seconds):
    return "never" if seconds is None else f"{seconds:.1f}"


def _only(page, name, labels):
    found = page.series(name, **labels)
    if len(found) > 1:
        raise AssertionError(f"more than one {name} with {labels}")
    return next(iter(found.values()), None)


def _by_label(page, name, label, labels):
    found = {}
    for series, value in page.series(name, **labels).items():
        key = dict(series)[label]
        if key in found:
            raise AssertionError(f"more than one {name} with {labels} and {label}={key}")
        found[key] = value
    return found


def _only_one_that_is_1(page, name, label, labels):
    found = [key for key, value in _by_label(page, name, label, labels).items() if value]
    if len(found) != 1:
        raise AssertionError(f"{name} with {labels}: {found} are 1, not one")
    return found[0]
