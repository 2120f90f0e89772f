"""The runbooks' sections "Provoke it in the lab", carried out: the first block brings the alert, the second ends it.

The lab is that of `exporter/run --lab --with-prometheus`, with the same words typed by a test. Prometheus runs SPEED
times as fast as shipped, checks and the pages' waits CHECK_SPEED times.
"""

import concurrent.futures
import pathlib
import re
import time
import unittest

import alerting
import calm
import commands
import deadline
import exporter
import live
import manager
import shipped
import terminal

FOLDER = shipped.FOLDER / "runbooks"
SECTION = "## Provoke it in the lab"
IMPOSSIBLE = "Cannot be provoked in the lab:"
MONITORING_FOLDER = pathlib.Path("/run/monitoring")

SPEED = 10
CHECK_SPEED = 5
QUICK = "interval: 1s, fast_interval: 200ms, timeout: 400ms"
SCAN = ("--collector.connections.interval=2s", "--collector.connections.budget=10%")
BUILT_IN = "\nprobes:\n  tcp: {type: tcp}\n  icmp: {type: icmp}\n"

REST_LIMIT = 60
REST_SECONDS = 5
BETWEEN_PAGES = 3  # the health manager puts back what the page before has brought down
QUIET_LIMIT = 45   # an alert that an earlier page has brought as well ends before, or it must come for another thing
BEGIN_LIMIT = 90
END_LIMIT = 90

FIRST_STAGES = {("LVSServiceDown", "info")}  # tells nobody


class Page:
    """One runbook."""

    def __init__(self, name):
        self.name = name
        text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
        self.section = text.partition(f"\n{SECTION}\n")[2].partition("\n## ")[0].strip()
        self.blocks = [block.splitlines() for block in re.findall(r"^```lab\n(.*?)^```$", self.section, re.M | re.S)]


def pages():
    """All runbooks by name."""
    return {path.stem: Page(path.stem) for path in sorted(FOLDER.glob("*.md"))}


class RunbooksTest(unittest.TestCase):
    """Each page is a test. Pages of one lane are carried out one after the other, lanes at the same time."""

    lanes = ()
    checker = ""   # a setting of the exporter's configuration
    end_late = {}  # pages whose alert goes on for long after the mending, and why: its end is not waited for
    pending = {}   # pages whose alert is not waited for to fire, and why: that it is pending is enough

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        for name in (name for lane in cls.lanes for name in lane):
            setattr(cls, f"test_{name}", lambda self, name=name: self.results[name].result())

    @classmethod
    def setUpClass(cls):
        lab, servers = live.build(True)
        cls.addClassCleanup(servers.stop)
        cls.hosts = live.hosts(lab)
        file = live.write_configuration(servers, cls._quick_configuration())
        program = cls.enterClassContext(exporter.exporter(lab.director, f"--config.file={file}", *SCAN))
        cls.addClassCleanup(
            manager.start(lab.director, calm.rules(), lambda: program.page(manager.PAGE)).set)
        lab.client.start_thread(live.send_requests, servers.certificates / "ca.pem")
        MONITORING_FOLDER.mkdir()
        cls.monitoring = cls.enterClassContext(
            alerting.Monitoring(lab.director, MONITORING_FOLDER, [program.target], SPEED))
        cls._wait_for_rest()
        cls._carry_out_lanes()

    @classmethod
    def _quick_configuration(cls):
        text = live.CONFIGURATION.replace("\nprobes:\n", BUILT_IN)
        head = f"checker: {{{cls.checker}}}\n" if cls.checker else ""
        return head + re.sub(r"\{type: (\w+)", rf"{{type: \1, {QUICK}", text)

    @classmethod
    def _wait_for_rest(cls):
        """Returns when all servers are up. Nothing must alert then."""
        count = len([line for line in calm.rules().splitlines() if line.startswith("-a ")])
        deadline.wait_until(REST_LIMIT, f"{count} real servers that are up", lambda: cls.monitoring.query(
            f"count(ipvs_backend_up == 1) >= {count}"), 0.5)
        time.sleep(REST_SECONDS)
        cls.at_rest = cls.active()

    @classmethod
    def _carry_out_lanes(cls):
        cls.results = {name: concurrent.futures.Future() for lane in cls.lanes for name in lane}
        with concurrent.futures.ThreadPoolExecutor(len(cls.lanes)) as pool:
            for done in [pool.submit(cls._carry_out_lane, lane) for lane in cls.lanes]:
                done.result()

    @classmethod
    def _carry_out_lane(cls, lane):
        known = pages()
        for name in lane:
            try:
                begin, end = cls._carry_out(known[name])
                print(f"{name}: alert after {begin:.0f} s, gone after {end:.0f} s", flush=True)
                cls.results[name].set_result(None)
            except Exception as error:  # the next page is carried out all the same  # pylint: disable=broad-except
                cls.results[name].set_exception(error)

    @classmethod
    def _carry_out(cls, page):
        """(seconds to the alert, seconds to its end)"""
        provoke, mend = page.blocks
        before = cls._wait_for_quiet(page.name)
        begin = time.monotonic()
        try:
            cls._type(provoke)
            wanted = ("pending", "firing") if page.name in cls.pending else ("firing",)
            new = deadline.wait_until(BEGIN_LIMIT, f"{page.name} {' or '.join(wanted)} beside {before}",
                                      lambda: cls.active(page.name, wanted) - before, 0.5)
        finally:
            seen = time.monotonic()
            cls._type(mend)
        if page.name not in cls.end_late:
            deadline.wait_until(END_LIMIT, f"the end of {page.name}", lambda: not cls.active(page.name) & new, 0.5)
        gone = time.monotonic()
        time.sleep(BETWEEN_PAGES)
        return seen - begin, gone - seen

    @classmethod
    def _wait_for_quiet(cls, name):
        end = time.monotonic() + QUIET_LIMIT
        while (active := cls.active(name)) and time.monotonic() < end:
            time.sleep(1)
        return active

    @classmethod
    def _type(cls, lines):
        """What a person at the terminal would."""
        for wish in map(terminal.parse, lines):
            if isinstance(wish, terminal.Wait):
                time.sleep(wish.seconds / CHECK_SPEED)
            elif isinstance(wish, terminal.Command):
                outcome = commands.run(cls.hosts[wish.host], wish.text)
                if outcome.status or outcome.cut:
                    raise AssertionError(f"{wish.host} {wish.text}: status {outcome.status} {outcome.cut}: "
                                         f"{outcome.output}")

    @classmethod
    def active(cls, name=None, states=("pending", "firing")):
        """The alerts in these states, each as a set of labels; without those that are a first stage of another."""
        return {frozenset((label, value) for label, value in labels.items() if label != "state")
                for labels in cls.monitoring.alerts(name)
                if labels["state"] in states and (labels["alertname"], labels["severity"]) not in FIRST_STAGES}
