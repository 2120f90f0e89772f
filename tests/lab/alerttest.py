"""The frame of the alert tests: faults in the lab, and exactly the notifications that they must cause at the webhook.

A test class has stories. Each has a service and real servers of its own, breaks and mends them, and expects messages
one after the other. All stories of a class are told at the same time, each on a thread, since whoever is on call has
many services too. Afterwards every story is a test: it fails where a message did not come in time, and where one came
that the story does not tell of.

Prometheus and Alertmanager run SPEED times as fast as shipped (shipped.py), and the checks as well.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import time

import alerting
import deadline
import health
import labtest
import manager
import servers
import topology
from webhook import FIRING, RESOLVED  # the stories' words  # noqa: F401

SPEED = 5
BUDGETS = 3          # a deadline is as many times the budget of the shipped settings
REST_LIMIT = 60
CALM_SECONDS = 12    # after the stories: long enough for what waits 30 s in the shipped files, and its group
FOLDER = pathlib.Path("/run/monitoring")

PORT = 80
CHECKER = """
checker:
  defaults: {interval: 500ms, fast_interval: 200ms}
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


class Story:
    """One service in the director's table, what is done to its servers, and what has been expected so far. If its plan
    does not name them, the servers are addresses of rs1, with nginx on their port."""

    def __init__(self, name, number, plan, test):
        self.name = name.replace("_", " ")
        self.vip = plan.vip or f"10.50.0.{number}"
        self.servers = plan.addresses or [f"10.60.{number}.{server}" for server in range(1, plan.servers + 1)]
        self.ports = range(PORT, PORT + plan.services)
        self.plan = plan
        self.test = test
        self.fault_at = time.time()
        self._expected = []
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

    def note_fault(self):
        """Something is about to be done, or undone: from now on messages are late."""
        self.fault_at = time.time()

    def mend(self):
        """All its servers are well again."""
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
            raise AssertionError(f"{error}; there came:{_listing(self.messages())}\n"
                                 f"active are: {self.test.monitoring.alerts()}") from None
        self._expected.append(wanted)
        self.test.measure(self, message)
        for words in says:
            self.test.assertIn(words, message.annotations["description"], alert)

    def messages(self):
        """What has been delivered about its service or its servers."""
        return [message for message in self.test.monitoring.messages() if self.is_about(message)]

    def is_about(self, message):
        """Whether a message is one of this story: it names its service, or a server of its own."""
        subjects = {message.labels.get("local_address"), message.labels.get("remote_address")}
        own = {self.vip} if self.plan.addresses else {self.vip, *self.servers}
        return bool(subjects & own) or message.name in self.plan.of_director

    def assert_nothing_else(self):
        """Every message of the story was expected, and is there as often as it was."""
        rest = list(self.messages())
        for wanted in self._expected:
            rest.remove(next(message for message in rest if _matches(message, wanted)))
        self.test.assertFalse(rest, f"these came beside what the story tells of:{_listing(rest)}")

    def _break(self, numbers, target):
        self.note_fault()
        rules = [f"-d {self.servers[number]} -p tcp {target}" for number in numbers or range(len(self.servers))]
        self._filter("-I", rules)
        self._faults += rules

    def _filter(self, command, rules):
        """All at once."""
        lines = "".join(f"{command} INPUT {rule}\n" for rule in rules)
        self.test.lab.rs1.run("iptables-legacy-restore", "-w", "--noflush", text=f"*filter\n{lines}COMMIT\n")


class AlertTest(health.HealthTest):
    """Tells the stories of the class, then asks for each whether it went as told."""

    configuration = ""  # of the exporter, besides CHECKER; may ask for {name_of_a_story.vip} and the like
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
        cls.stories = {name: Story(name, number, method.plan, told) for number, (name, method) in enumerate(
            ((name, value) for name, value in vars(cls).items() if hasattr(value, "plan")), 1)}
        cls._prepare_network()
        cls._fill_table()
        text = CHECKER + cls.configuration.format(**cls.stories)
        cls.exporter = cls.enterClassContext(health.configured(cls.director, cls.__name__, text))
        cls._start_manager()
        FOLDER.mkdir()
        cls.monitoring = cls.enterClassContext(
            alerting.Monitoring(cls.director, FOLDER, f"127.0.0.1:{cls.exporter.port}", SPEED))
        cls._wait_for_rest()
        cls._tell_all(told)
        cls._print_times()

    @classmethod
    def _prepare_network(cls):
        """rs1 has all addresses of the servers, the director all VIPs."""
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

    @classmethod
    def _tell_all(cls, told):
        with concurrent.futures.ThreadPoolExecutor(len(cls.stories)) as pool:
            cls.results = {name: pool.submit(getattr(told, name), one) for name, one in cls.stories.items()}
        time.sleep(cls.calm_seconds)

    def _verdict(self, name):
        self.results[name].result()
        self.stories[name].assert_nothing_else()

    def test_nothing_else_came(self):
        """Every message belongs to a story."""
        rest = [message for message in self.monitoring.messages()
                if not any(one.is_about(message) for one in self.stories.values())]
        self.assertFalse(rest, _listing(rest))

    def test_the_watchdog_was_heard(self):
        messages = self.monitoring.watchdog_messages()
        self.assertGreater(len(messages), 1)
        self.assertEqual({message.status for message in messages}, {FIRING})

    def measure(self, one, message):
        """Keeps what a message took, for people."""
        self.measured.append((one.name, message, one.fault_at, self._transition(message)))

    def _transition(self, message):
        """When the checker changed its mind about the real server of a message; None where nobody can tell."""
        if "remote_port" not in message.labels:
            return None
        labels = {name: message.labels.get(name, "") for name in labtest.backend(labtest.service("", 0), "", "")}
        with contextlib.suppress(OSError):
            return health.last_transition(self.exporter.page(), **labels)
        return None

    @classmethod
    def _print_times(cls):
        print("\n| story | message | verdict after, s | startsAt | arrived |\n|---|---|---|---|---|")
        for name, message, fault_at, transition in cls.measured:
            print(f"| {name} | {message.receiver} {message.name} {message.status} | {_seconds(transition, fault_at)} "
                  f"| {_seconds(message.starts_at if message.status == FIRING else None, fault_at)} "
                  f"| {_seconds(message.arrived, fault_at)} |")


def _matches(message, wanted):
    receiver, alert, status, labels = wanted
    return (message.receiver, message.name, message.status) == (receiver, alert, status) and all(
        message.labels.get(name, "") == value for name, value in labels)


def _listing(messages):
    counted = collections.Counter(message.line() for message in messages)
    return "".join(f"\n  {line}" for line in counted)


def _seconds(moment, begin):
    return "" if moment is None else f"{moment - begin:.1f}"
