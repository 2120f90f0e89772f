"""Stories about a pair of directors (alerttest.py has the frame): what is done to the pair, and exactly the messages that
this must cause. They are told one after the other, as they stand in the class, each when nothing alerts any more.

A message belongs to the story that was being told when its alert began.
"""

import contextlib
import time

import alerting
import alerttest
import deadline
import pair
import topology
from alerttest import FIRING, FOLDER, REST_LIMIT, SPEED

# From a fault to the ticket of LVSAuditFailed, the slowest one that is about what is done here: audit, scrape, evaluation,
# `for`, group_wait, and a margin.
LONG_FAULT = (15 + 5 + 15 + 120 + 30) / SPEED + 4

# Fifteen minutes pass for Prometheus in three: so many failovers in them are flapping, and it is right to say so.
OF_ALL = "LVSVRRPFlapping"


class PairStory(alerttest.Story):
    """Owns what begins to alert while it is told."""

    def __init__(self, name, plan, test):
        super().__init__(name, plan, test)
        self._begin = self._end = float("inf")
        self._late = []

    @contextlib.contextmanager
    def being_told(self):
        """From here on, to the end of the block, alerts are its own."""
        self._begin = time.time()
        try:
            yield
        finally:
            self._end = time.time()

    def is_about(self, message):
        return self._begin <= message.starts_at < self._end and message.name != OF_ALL

    def endure(self):
        """Nobody mends it before the slowest message would have come, of an alert that is muted all the while."""
        time.sleep(max(0, self.fault_at + LONG_FAULT - time.time()))

    def expect_later(self, *message, **labels):
        """The message may come while other stories are told, as those of a group that is seldom sent."""
        self._late.append((message, labels))

    def wait_for_late_ones(self):
        """Returns when all of them have come."""
        for message, labels in self._late:
            self.expect(*message, **labels)


class PairAlertTest(alerttest.StoryTest):
    """One Prometheus over both exporters, on a host that reaches them whatever becomes of the directors' network."""

    topology_class = topology.PairTopology
    with_rules = False

    @classmethod
    def make_story(cls, name, number, plan, told):
        return PairStory(name, plan, told)

    @classmethod
    def prepare(cls):
        cls.pair = cls.enterClassContext(pair.Pair(cls.lab))
        cls.first, cls.second = cls.pair.directors
        cls.monitoring = cls.enterClassContext(alerting.Monitoring(
            cls.lab.watcher, FOLDER, [director.exporter.target for director in cls.pair.directors], SPEED))
        servers = len(pair.VIPS) * len(topology.REAL_SERVERS) * len(cls.pair.directors)
        deadline.wait_until(REST_LIMIT, "all real servers to be up", lambda: cls.monitoring.query(
            f"count(ipvs_backend_up == 1) == {servers}"), 0.5)
        cls._wait_for_quiet()

    @classmethod
    def tell_all(cls, told):
        for name, one in cls.stories.items():
            begin = time.monotonic()
            with one.being_told():
                cls.tell(told, name)
                print(f"{one.name}: {time.monotonic() - begin:.0f} s", flush=True)
                with contextlib.suppress(AssertionError):  # it will be in the next story's way, and say so there
                    cls._wait_for_quiet()
        for one in cls.stories.values():
            with contextlib.suppress(AssertionError):  # its verdict will miss the message
                one.wait_for_late_ones()

    @classmethod
    def _wait_for_quiet(cls):
        """Returns when both directors are at rest and nothing alerts that anybody would be told of."""
        cls.pair.bring_to_rest()
        try:
            deadline.wait_until(REST_LIMIT, "", lambda: not cls._active(), 0.5)
        except AssertionError:
            raise AssertionError(f"there is no end to: {cls._active()}") from None

    @classmethod
    def _active(cls):
        return [labels for labels in cls.monitoring.alerts()
                if labels["severity"] not in ("none", "info") and labels["alertname"] != OF_ALL]

    def is_of_no_story(self, message):
        return super().is_of_no_story(message) and message.name != OF_ALL

    def assert_flapping_was_told(self):
        """Once, as a ticket."""
        told = [message for message in self.monitoring.messages() if message.name == OF_ALL]
        self.assertEqual({(message.receiver, message.labels["vrid"]) for message in told},
                         {("ticket", str(pair.VRID))})
        self.assertEqual([message.status for message in told].count(FIRING), 1)
