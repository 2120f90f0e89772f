"""The frame of the alert tests: faults in the lab, and exactly the notifications that they must cause at the webhook.

A test class has stories. Each has a service and real servers of its own, breaks and mends them, and expects messages
one after the other. All stories of a class are told at the same time, each on a thread, since whoever is on call has
many services too. (Stories about a pair of directors are told one after the other: pairtest.py.) Afterwards every story
is a test: it fails where a message did not come in time, and where one came that the story does not tell of.

Prometheus and Alertmanager run SPEED times as fast as shipped (shipped.py), and the checks as well.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import sys
import time
import unittest

import alerting
import deadline
import health
import labtest
import manager
import servers
import stalls
import topology
from webhook import FIRING, RESOLVED  # the stories' words  # noqa: F401

SPEED = 5
BUDGETS = 3          # a deadline is as many times the budget of the shipped settings
REST_LIMIT = 60
CALM_SECONDS = 12    # after the stories: long enough for what waits 30 s in the shipped files, and its group

# Two alerts that begin in scrapes 5 s apart must meet within a group_wait of 6 s: a guest that stands still for longer than
# the difference may have them told apart, within the seconds from a verdict to its message. A message that does not come
# at all takes longer.
SHORT_STALL = (6 - 5) / SPEED
STALL_REACH = 30 / SPEED
LONG_STALL = 1

BETWEEN_BEGINNINGS = 1.5  # the guest has one processor: with all faults at once, the checks are late

FOLDER = pathlib.Path("/run/monitoring")

PORT = 80
CHECKER = """
checker:
  defaults: {interval: 1s, fast_interval: 200ms}
  arp_leak: {interval: 2s}
"""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a story needs: a service with that many real servers, or several services, on ports from 80 on, of them."""
    servers: int = 4
    spares: int = 0         # so many of them, the last ones, are not in the table
    services: int = 1
    vip: str = ""           # not an address of its own
    addresses: tuple = ()   # of hosts on the network, behind direct routing, instead of those on rs1
    absent: int = 0         # so many of them, the last ones, nobody has
    managed: bool = True    # a health manager takes dead servers out
    empty: bool = False     # somebody else fills the table
    of_director: tuple = ()  # alerts about the whole director that belong to the story


def story(**plan):
    """Marks a method of a test class as a story."""
    def mark(method):
        method.plan = Plan(**plan)
        return method
    return mark


class Surplus(AssertionError):
    """Messages that no story tells of."""

    def __init__(self, messages):
        super().__init__(f"these came beside what the stories tell of:{listing(messages)}")
        self.messages = messages


class Story:
    """What has been expected so far. What it is about is for its subclasses to say."""

    def __init__(self, name, plan, test):
        self.name = name.replace("_", " ")
        self.plan = plan
        self.test = test
        self.fault_at = time.time()
        self._expected = []

    def note_fault(self):
        """Something is about to be done, or undone: from now on messages are late."""
        self.fault_at = time.time()

    def expect(self, receiver, alert, status=FIRING, budget=30, says=(), **labels):
        """Waits until that message has come, and once more than was expected before."""
        wanted = (receiver, alert, status, frozenset(labels.items()))
        count = self._expected.count(wanted) + 1

        def arrived():
            found = [message for message in self.messages() if _matches(message, wanted)]
            return found[count - 1] if len(found) >= count else None
        try:
            message = deadline.wait_until(BUDGETS * budget, f"{receiver} {alert} {status} {labels or ''}", arrived)
        except AssertionError as error:
            raise AssertionError(f"{error}; there came:{listing(self.messages())}\n"
                                 f"active are: {self.test.monitoring.alerts()}") from None
        self._expected.append(wanted)
        self.test.measure(self, message)
        for words in says:
            self.test.assertIn(words, message.annotations["description"], alert)

    def messages(self):
        """What has been delivered about it."""
        return [message for message in self.test.monitoring.messages() if self.is_about(message)]

    def is_about(self, message):
        """Whether a message is one of this story."""
        raise NotImplementedError

    def assert_nothing_else(self):
        """Every message of the story was expected, and is there as often as it was."""
        rest = list(self.messages())
        for wanted in self._expected:
            rest.remove(next(message for message in rest if _matches(message, wanted)))
        if rest:
            raise Surplus(rest)


class ServiceStory(Story):
    """One service in the director's table, and what is done to its servers. If its plan does not name them, the servers
    are addresses of rs1, with nginx on their port."""

    def __init__(self, name, number, plan, test):
        super().__init__(name, plan, test)
        self.vip = plan.vip or f"10.50.0.{number}"
        self.servers = plan.addresses or [f"10.60.{number}.{server}" for server in range(1, plan.servers + 1)]
        self.ports = range(PORT, PORT + plan.services)
        self._faults = []

    def rules(self):
        """Its lines for `ipvsadm -R`."""
        forward = "-g" if self.plan.addresses else "-m"
        in_table = self.servers[:len(self.servers) - self.plan.spares]
        lines = []
        for port in self.ports:
            lines += [f"-A -t {self.vip}:{port} -s rr\n"]
            lines += [f"-a -t {self.vip}:{port} -r {server}:{PORT} {forward} -w 1\n" for server in in_table]
        return "".join(lines)

    def wait_until_up(self):
        """Returns when the checker finds all its servers up, and Prometheus knows."""
        count = (len(self.servers) - self.plan.absent) * self.plan.services
        deadline.wait_until(REST_LIMIT, f"{count} servers of {self.vip}", lambda: self.test.monitoring.query(
            f'count(ipvs_backend_up{{local_address="{self.vip}"}} == 1) == {count}'), 0.5)

    def refuse(self, *numbers):
        """These servers (all, when none is named) refuse connections from now on."""
        self._break(numbers, "-j REJECT --reject-with tcp-reset")

    def drop(self, *numbers):
        """These servers answer nothing from now on."""
        self._break(numbers, "-j DROP")

    def wait_until_down(self, count):
        """Returns when Prometheus knows so many of its servers as down."""
        deadline.wait_until(REST_LIMIT, f"{count} servers of {self.vip} down", lambda: self.test.monitoring.query(
            f'count(ipvs_backend_up{{local_address="{self.vip}"}} == 0) == {count}'), 0.5)

    def wait_until_taken_out(self, count):
        """Returns when Prometheus knows that so many of its servers are not in the table."""
        deadline.wait_until(REST_LIMIT, f"{count} servers of {self.vip} out of the table", lambda: (
            self.test.monitoring.query(
                f'count(ipvs_backend_in_table{{local_address="{self.vip}"}} == 0) == {count}')), 0.5)

    def mend(self):
        """All its servers are well again, right after a scrape: if they are checked several times before the next one, all
        verdicts are in that. (Of servers that come back one after the other, the last ones may be told of once more.)"""
        before = self._last_scrape()
        deadline.wait_until(REST_LIMIT, "a scrape", lambda: self._last_scrape() > before, 0.1)
        self.note_fault()
        self._filter("-D", self._faults)
        self._faults = []

    def ipvsadm(self, *lines):
        """Somebody changes the director's table; VIP and S0, S1... stand for the addresses of the service."""
        self.note_fault()
        for number, server in enumerate(self.servers):
            lines = [line.replace(f"S{number}", f"{server}:{PORT}") for line in lines]
        text = "".join(line.replace("VIP", f"{self.vip}:{PORT}") + "\n" for line in lines)
        self.test.director.run("ipvsadm", "-R", text=text)

    def is_about(self, message):
        """Whether a message is one of this story: it names its service, or a server of its own."""
        subjects = {message.labels.get("local_address"), message.labels.get("remote_address")}
        own = {self.vip} if self.plan.addresses else {self.vip, *self.servers}
        return bool(subjects & own) or message.name in self.plan.of_director

    def _last_scrape(self):
        return self.test.monitoring.query('max(timestamp(up))')[0][1]

    def _break(self, numbers, target):
        self.note_fault()
        rules = [f"-d {self.servers[number]} -p tcp {target}" for number in numbers or range(len(self.servers))]
        self._filter("-I", rules)
        self._faults += rules

    def _filter(self, command, rules):
        """All at once."""
        lines = "".join(f"{command} INPUT {rule}\n" for rule in rules)
        self.test.lab.rs1.run("iptables-legacy-restore", "-w", "--noflush", text=f"*filter\n{lines}COMMIT\n")


class StoryTest(labtest.LabTest):
    """Tells the stories of the class, then asks for each whether it went as told."""

    calm_seconds = CALM_SECONDS

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        for name in [name for name, value in vars(cls).items() if hasattr(value, "plan")]:
            setattr(cls, f"test_{name}", lambda self, name=name: self._verdict(name))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.measured = []
        told = cls("_verdict")  # the stories use an instance's assertions
        cls.stories = {name: cls.make_story(name, number, method.plan, told) for number, (name, method) in enumerate(
            ((name, value) for name, value in vars(cls).items() if hasattr(value, "plan")), 1)}
        FOLDER.mkdir()
        cls.prepare()
        cls.results = {name: concurrent.futures.Future() for name in cls.stories}
        cls.stalls = cls.enterClassContext(stalls.Stalls(SHORT_STALL))
        cls.tell_all(told)
        time.sleep(cls.calm_seconds)
        cls._print_times()

    @classmethod
    def make_story(cls, name, number, plan, told):
        """The story of that name, whose method is the class's `number`th."""
        raise NotImplementedError

    @classmethod
    def prepare(cls):
        """Makes what the stories are about, and `cls.monitoring`; returns when all is well."""
        raise NotImplementedError

    @classmethod
    def tell_all(cls, told):
        """Tells every story."""
        raise NotImplementedError

    @classmethod
    def tell(cls, told, name):
        """Tells one story; its verdict comes later."""
        try:
            getattr(told, name)(cls.stories[name])
            cls.results[name].set_result(None)
        except Exception as error:  # the others are told all the same  # pylint: disable=broad-except
            cls.results[name].set_exception(error)

    def run(self, result=None):
        """Notes whether a failure may come from a stall, or the like; main() asks."""
        before = len(result.failures) + len(result.errors)
        self.failure = None
        super().run(result)
        if len(result.failures) + len(result.errors) > before and self._may_be_of_a_stall():
            _of_a_stall.append(self.id())

    def _may_be_of_a_stall(self):
        if isinstance(self.failure, Surplus):
            return all(map(self._is_excused, self.failure.messages))
        return self.stalls.longest() >= LONG_STALL

    def _is_excused(self, message):
        """Alertmanager hears of the end of an alert, and a moment later of those that it has silenced. A round of their
        group in between tells of them: they are old then, unlike a second message about something new."""
        if self.stalls.longest(message.arrived - STALL_REACH, message.arrived) >= SHORT_STALL:
            return True
        if message.status == FIRING:
            return message.arrived - message.starts_at > STALL_REACH
        return any(other.status == FIRING and other.labels == message.labels for other in self.failure.messages)

    def _verdict(self, name):
        with self.noting_failure():
            self.results[name].result()
            self.stories[name].assert_nothing_else()

    @contextlib.contextmanager
    def noting_failure(self):
        """Keeps what goes wrong."""
        try:
            yield
        except Surplus as error:
            self.failure = error
            raise

    def is_of_no_story(self, message):
        """Whether a message has nothing to do with any of them."""
        return not any(one.is_about(message) for one in self.stories.values())

    def test_nothing_else_came(self):
        """Every message belongs to a story."""
        with self.noting_failure():
            if rest := [message for message in self.monitoring.messages() if self.is_of_no_story(message)]:
                raise Surplus(rest)

    def test_the_watchdog_was_heard(self):
        messages = self.monitoring.watchdog_messages()
        self.assertGreater(len(messages), 1)
        self.assertEqual({message.status for message in messages}, {FIRING})

    def measure(self, one, message):
        """Keeps what a message took, for people."""
        self.measured.append((one.name, message, one.fault_at, self.verdict_at(message)))

    def verdict_at(self, message):
        """When what the message tells of was decided; None where nobody can tell."""
        del message

    @classmethod
    def _print_times(cls):
        print(f"\nthe guest stood still for {cls.stalls.longest():.1f} s at most")
        print("\n| story | message | verdict after, s | startsAt | arrived |\n|---|---|---|---|---|")
        for name, message, fault_at, transition in cls.measured:
            print(f"| {name} | {message.receiver} {message.name} {message.status} | {_seconds(transition, fault_at)} "
                  f"| {_seconds(message.starts_at if message.status == FIRING else None, fault_at)} "
                  f"| {_seconds(message.arrived, fault_at)} |")


class AlertTest(StoryTest, health.HealthTest):
    """Stories about services, told at the same time."""

    configuration = ""  # of the exporter, besides CHECKER; may ask for {name_of_a_story.vip} and the like
    speed = SPEED

    @classmethod
    def make_story(cls, name, number, plan, told):
        return ServiceStory(name, number, plan, told)

    @classmethod
    def prepare(cls):
        cls._prepare_network()
        cls._fill_table()
        text = CHECKER + cls.configuration.format(**cls.stories)
        cls.exporter = cls.enterClassContext(health.configured(cls.director, cls.__name__, text))
        cls._start_manager()
        cls.monitoring = cls.enterClassContext(
            alerting.Monitoring(cls.director, FOLDER, [cls.exporter.target], cls.speed))
        cls._wait_for_rest()

    @classmethod
    def tell_all(cls, told):
        with concurrent.futures.ThreadPoolExecutor(len(cls.stories)) as pool:
            for name in cls.stories:
                pool.submit(cls.tell, told, name)
                time.sleep(BETWEEN_BEGINNINGS)

    @classmethod
    def _prepare_network(cls):
        """rs1 has all addresses of the servers, the director all VIPs. The audit has nothing to say."""
        cls.director.sysctl(ipv4__vs__expire_nodest_conn=1)
        cls.lab.rs1.ip("route add local 10.60.0.0/16 dev lo")
        cls.director.ip(f"route add 10.60.0.0/16 via {topology.IPV4['rs1']}",
                        *(f"addr add {one.vip}/32 dev eth0" for one in cls.stories.values() if not one.plan.vip))
        for host in cls.lab.real_servers:
            nginx = servers.Nginx(host, f'server {{ listen {PORT}; location / {{ return 200 "well\\n"; }} }}')
            cls.addClassCleanup(nginx.stop)
        for host in cls.lab.real_servers:
            servers.wait_until_listening(host, PORT)

    @classmethod
    def _fill_table(cls):
        cls.load("".join(one.rules() for one in cls.stories.values() if not one.plan.empty))

    @classmethod
    def _start_manager(cls):
        rules = "".join(one.rules() for one in cls.stories.values() if one.plan.managed and not one.plan.empty)
        cls.addClassCleanup(manager.start(cls.director, rules, lambda: cls.exporter.page(manager.PAGE)).set)

    @classmethod
    def _wait_for_rest(cls):
        """Returns when every server is up and Prometheus has seen it."""
        for one in cls.stories.values():
            if not one.plan.empty:
                one.wait_until_up()

    def verdict_at(self, message):
        """When the checker changed its mind about the real server of a message."""
        if "remote_port" not in message.labels:
            return None
        labels = {name: message.labels.get(name, "") for name in labtest.backend(labtest.service("", 0), "", "")}
        with contextlib.suppress(OSError):
            return health.last_transition(self.exporter.page(), **labels)
        return None


_of_a_stall = []  # the names of tests


def main():
    """Runs the tests of the calling script. Where a guest that stood still may be all that is wrong, the exit status asks
    for another one."""
    result = unittest.main(verbosity=2, exit=False).result
    failed = len(result.failures) + len(result.errors)
    if failed and failed == len(_of_a_stall):
        print(f"may be due to a guest that stood still: {', '.join(_of_a_stall)}", file=sys.stderr)
        sys.exit(os.EX_TEMPFAIL)
    sys.exit(not result.wasSuccessful())


def _matches(message, wanted):
    receiver, alert, status, labels = wanted
    return (message.receiver, message.name, message.status) == (receiver, alert, status) and all(
        message.labels.get(name, "") == value for name, value in labels)


def listing(messages):
    """A line for each different message."""
    counted = collections.Counter(message.line() for message in messages)
    return "".join(f"\n  {line}" for line in counted)


def _seconds(moment, begin):
    return "" if moment is None else f"{moment - begin:.1f}"
