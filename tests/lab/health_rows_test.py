"""Rows 11 and 13: the state machine seen from outside, backup and sorry servers, and what a service has left.

Each test has a table, a configuration and an exporter of its own; probes are as quick as the guest can bear.
"""

import time

import faulty_server
import health
import labtest
import topology
from labtest import backend, mark, service

WEB = service(topology.DR, 80)
WELL, FAIL = faulty_server.answer(), faulty_server.reset

MATCH_WEB = f"match: {{address: {topology.DR}, port: 80, proto: TCP}}"
PAGE = "page: {type: http, http: {expect_body: all is well}}"


class HealthRowsTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.farm = faulty_server.Farm(cls.lab.rs1, "one", "two", "three", "four")
        cls.sorry = faulty_server.FaultyServer(cls.director, "127.0.0.1", 8080, WELL)

    def setUp(self):
        self.director.run("ipvsadm", "-C")
        self.farm.behave(WELL)

    def fill(self, *names, vip=f"{topology.DR}:80"):
        """A service with these servers of the farm."""
        self.load(f"-A -t {vip} -s rr\n" + "\n".join(
            f"-a -t {vip} -r {self.farm.addresses[name]}:80 -m -w 1" for name in names))

    def labels(self, name):
        """A server of the farm as a backend of the service."""
        return backend(WEB, self.farm.addresses[name], 80)

    def target(self, name):
        """A server of the farm as the page probe's target."""
        return {"probe": "page", "address": self.farm.addresses[name]}

    def start(self, services="", checker="", probes=PAGE):
        """The exporter with quick probes and this configuration, until the end of the test."""
        text = f"{health.QUICK}{checker}\nprobes:\n  {probes}\nservices:\n{services}"
        program = self.enterContext(health.configured(self.director, self._testMethodName, text))
        self.wait(program, "the checker to begin", lambda page: page.series("ipvs_checker_in_flight"))
        return program

    def sequence(self, program, name, to, transition=True):
        """The results (at most five) that led to a server's only event of that kind, oldest first, as letters."""
        event, = health.events(program, kind="backend", remote_address=self.farm.addresses[name], to=to,
                               transition=transition)
        return "".join(result["result"][0] for result in reversed(event["last_results"]))

    def test_row11_three_failures_and_two_successes(self):
        """Exactly: two failures, or one success, in a row change nothing. The server counts the runs itself."""
        self.fill("one", "two")
        self.farm.behave(faulty_server.script(WELL, FAIL, FAIL, WELL, FAIL, FAIL, FAIL, WELL, FAIL, then=WELL), "one")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        page = self.wait(program, "down and up again", lambda page: health.transitions(
            page, **self.labels("one")) == {"up": 1, "down": 1})
        self.assertEqual(self.sequence(program, "one", "down"), "fsfff")
        self.assertEqual(self.sequence(program, "one", "up"), "fsfss")
        self.assertEqual(health.transitions(page, **self.labels("two")), {"up": 0, "down": 0})
        self.assertEqual(health.results(page, **self.target("one"))["failure"], 6)
        self.assertEqual(health.streaks(page, **self.target("one"))[0], 0)

    def test_row11_first_verdict(self):
        """Up on one success, down on three failures; neither is a transition."""
        self.fill("one", "two")
        self.farm.behave(FAIL, "one")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        page = self.wait(program, "both verdicts", lambda page: health.up(page, **self.labels("one")) == 0
                         and health.up(page, **self.labels("two")) == 1)
        self.assertEqual(self.sequence(program, "one", "down", transition=False), "fff")
        self.assertEqual(self.sequence(program, "two", "up", transition=False), "s")
        for name in ("one", "two"):
            self.assertEqual(health.transitions(page, **self.labels(name)), {"up": 0, "down": 0})
            self.assertIsNone(health.last_transition(page, **self.labels(name)))
        self.assertEqual({event["transition"] for event in health.events(program, kind="backend")}, {False})

    def test_row11_thresholds_of_the_configuration(self):
        self.fill("one", "two")
        self.farm.behave(faulty_server.script(WELL, WELL, FAIL, FAIL, FAIL, FAIL, then=WELL), "one")
        self.farm.behave(faulty_server.script(FAIL, then=WELL), "two")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}", probes="page: {type: http, fall: 4, rise: 1, "
                             "initial_fall: 1, initial_rise: 2}")
        page = self.wait(program, "down and up", lambda page: health.transitions(
            page, **self.labels("one")) == {"up": 1, "down": 1})
        self.assertEqual(self.sequence(program, "one", "up", transition=False), "ss")
        self.assertEqual(self.sequence(program, "one", "down"), "sffff")
        self.assertEqual(self.sequence(program, "one", "up"), "ffffs")
        self.assertEqual(health.transitions(page, **self.labels("two")), {"up": 1, "down": 0})
        self.assertEqual(self.sequence(program, "two", "down", transition=False), "f")
        self.assertEqual(self.sequence(program, "two", "up"), "fs")

    def test_row11_streaks_grow_and_are_cleared(self):
        self.fill("one")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        self.wait(program, "successes", lambda page: health.streaks(page, **self.target("one")) >= (0, 3))
        self.farm.behave(FAIL, "one")
        page = self.wait(program, "failures", lambda page: health.streaks(page, **self.target("one"))[0] >= 5)
        failures, successes = health.streaks(page, **self.target("one"))
        self.assertEqual(successes, 0)
        self.assertEqual(health.results(page, **self.target("one"))["failure"], failures)
        self.assertEqual(health.results(page, **self.target("one"))["inconclusive"], 0)

    def test_row11_flapping(self):
        self.fill("one", "two")
        once = (FAIL, FAIL, FAIL, WELL, WELL)
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}",
                             "  flap_window: 8s\n  flap_threshold: 4")
        self.wait(program, "up", lambda page: health.up(page, **self.labels("one")) == 1)
        self.farm.behave(faulty_server.script(*once, *once, then=WELL), "one")
        page = self.wait(program, "flapping", lambda page: page.value("ipvs_backend_flapping", **self.labels("one")))
        self.assertEqual(sum(health.transitions(page, **self.labels("one")).values()), 4)
        self.assertEqual(page.value("ipvs_backend_flapping", **self.labels("two")), 0)
        page = self.wait(program, "a quiet window", lambda page: not page.value(
            "ipvs_backend_flapping", **self.labels("one")))
        self.assertGreaterEqual(time.time() - health.last_transition(page, **self.labels("one")), 7.5)

    def test_row11_time_spent_down(self):
        self.fill("one")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        self.wait(program, "up", lambda page: health.up(page, **self.labels("one")) == 1)
        self.farm.behave(FAIL)
        self.wait(program, "down", lambda page: health.up(page, **self.labels("one")) == 0)
        before = time.time()
        page = program.page()
        after = time.time()
        since = health.last_transition(page, **self.labels("one"))
        down = page.value("ipvs_backend_down_seconds_total", **self.labels("one"))
        # The page shows a snapshot that is up to a second old.
        self.assertTrue(before - since - 1.3 <= down <= after - since + 0.1, (before, since, down, after))
        self.farm.behave(WELL)
        page = self.wait(program, "up", lambda page: health.up(page, **self.labels("one")) == 1)
        stopped = page.value("ipvs_backend_down_seconds_total", **self.labels("one"))
        self.assertAlmostEqual(stopped, health.last_transition(page, **self.labels("one")) - since, delta=0.1)
        self.assertEqual(program.page().value("ipvs_backend_down_seconds_total", **self.labels("one")), stopped)

    def test_maintenance_is_no_news(self):
        """A server that is worked on may fail: its verdict says so, its state and the time spent down do not."""
        self.fill("one", "two", "three")
        self.farm.behave(FAIL, "one")
        program = self.start(f"""  - {MATCH_WEB}
    probes: [page]
    backends: [{{address: {self.farm.addresses["one"]}, maintenance: true}}]""")
        page = self.wait(program, "verdicts", lambda page: health.up(page, **self.labels("one")) == 0
                         and health.all_are(page, 1, [self.labels("two"), self.labels("three")]))
        self.assertEqual(health.health_state(page, **self.labels("one")), "maintenance")
        self.assertEqual(page.value("ipvs_backend_down_seconds_total", **self.labels("one")), 0)

    def test_row13_backup_and_sorry_servers(self):
        """Whether they are configured, whether they would work, whether they carry traffic: before they are needed."""
        self.fill("one")
        program = self.start(f"""  - {MATCH_WEB}
    probes: [page]
    backends:
      - {{address: {self.farm.addresses["one"]}}}
      - {{address: {self.farm.addresses["two"]}, role: backup}}
      - {{address: 127.0.0.1, port: 8080, role: sorry}}""")
        real, backup, sorry = self.labels("one"), self.labels("two"), backend(WEB, "127.0.0.1", 8080)

        def seen(page):
            return {"state": health.service_state(page, **WEB),
                    "up": [health.up(page, **labels) for labels in (real, backup, sorry)],
                    "in table": [page.value("ipvs_backend_in_table", **labels) for labels in (real, backup, sorry)]}

        def wait_for(**expected):
            return self.wait(program, expected, lambda page: seen(page).items() >= {
                name.replace("_", " "): value for name, value in expected.items()}.items())

        page = wait_for(state="ok", up=[1, 1, 1], in_table=[1, 0, 0])
        self.assertEqual([health.role(page, **labels) for labels in (real, backup, sorry)], ["real", "backup", "sorry"])
        self.assert_standings(page, WEB, usable=1)
        for labels in (backup, sorry):
            self.assertEqual(health.disagreements(page, **labels), set(), "it is absent until it is needed")
            self.assertEqual(page.value("ipvs_backend_expected", **labels), 1)
        self.farm.behave(FAIL, "two")
        self.sorry.behaviour = FAIL
        wait_for(state="ok", up=[1, 0, 0], in_table=[1, 0, 0])
        self.farm.behave(WELL, "two")
        self.sorry.behaviour = WELL
        self.farm.behave(FAIL, "one")
        wait_for(state="down", up=[0, 1, 1], in_table=[1, 0, 0])
        self.load(f"-a -t {topology.DR}:80 -r {self.farm.addresses['two']}:80 -m -w 1")
        wait_for(state="backup", in_table=[1, 1, 0])
        self.load(f"-d -t {topology.DR}:80 -r {self.farm.addresses['two']}:80\n"
                  f"-a -t {topology.DR}:80 -r 127.0.0.1:8080 -m -w 1")
        page = wait_for(state="sorry", in_table=[1, 0, 1])
        self.assert_standings(page, WEB, down=1)
        self.farm.behave(WELL, "one")
        wait_for(state="ok", up=[1, 1, 1])
        states = [(event["from"], event["to"]) for event in reversed(health.events(program, kind="service"))]
        self.assertEqual(states, [("unknown", "ok"), ("ok", "down"), ("down", "backup"), ("backup", "sorry"),
                                  ("sorry", "ok")])

    def test_a_lost_quorum_brings_the_backup_into_play(self):
        self.fill("one", "two", "three", "four")
        program = self.start(f"""  - {MATCH_WEB}
    probes: [page]
    quorum: 2
    backends: [{{address: {self.farm.addresses["four"]}, role: backup}}]""")
        self.wait(program, "ok", lambda page: health.service_state(page, **WEB) == "ok")
        self.farm.behave(FAIL, "one")
        self.wait(program, "degraded", lambda page: health.service_state(page, **WEB) == "degraded")
        self.farm.behave(FAIL, "two")
        self.wait(program, "backup", lambda page: health.service_state(page, **WEB) == "backup")

    def test_what_a_service_has_left(self):
        self.fill("one", "two", "three")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        for failing, state in (((), "ok"), (("one",), "degraded"), (("one", "two"), "spof"),
                               (("one", "two", "three"), "down"), ((), "ok")):
            self.farm.behave(WELL)
            if failing:
                self.farm.behave(FAIL, *failing)
            page = self.wait(program, state, lambda page, state=state: health.service_state(page, **WEB) == state
                             and len(page.series("ipvs_backend_up")) == 3)
            expected = {"usable": 3 - len(failing), "down": len(failing)}
            self.assert_standings(page, WEB, **{name: number for name, number in expected.items() if number})

    def test_a_service_with_one_server_is_no_spof(self):
        """There is no second one to lose: that is how it was set up."""
        self.fill("one")
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        self.wait(program, "ok", lambda page: health.service_state(page, **WEB) == "ok")

    def test_active_while_the_vip_is_here(self):
        self.fill("one")
        self.load("-A -f 10 -s rr\n-A -f 11 -s rr")
        program = self.start(f"  - {{match: {{mark: 10, family: ipv4}}, vip: {topology.MARKED}}}")
        self.wait(program, "active", lambda page: page.series("ipvs_service_active", **WEB))
        for vip, of_service in ((topology.DR, WEB), (topology.MARKED, mark(10))):
            self.assertEqual(program.page().value("ipvs_service_active", **of_service), 1)
            self.director.ip(f"addr del {vip}/32 dev eth0")
            self.addCleanup(self.director.ip, f"addr replace {vip}/32 dev eth0")
            self.wait(program, "standby", lambda page, labels=of_service: page.value(
                "ipvs_service_active", **labels) == 0)
            self.director.ip(f"addr add {vip}/32 dev eth0")
            self.wait(program, "active", lambda page, labels=of_service: page.value(
                "ipvs_service_active", **labels) == 1)
        self.assertEqual(program.page().value("ipvs_service_active", **mark(11)), 1, "as the role of the director")

    def test_active_where_marked_packets_are_routed_here(self):
        """A director without the VIP, which policy routing by the mark delivers to it."""
        self.fill("one")
        self.load("-A -f 10 -s rr")
        program = self.start(f"  - {{match: {{mark: 10, family: ipv4}}, vip: {topology.MARKED}}}")
        self.director.ip(f"addr del {topology.MARKED}/32 dev eth0")
        self.addCleanup(self.director.ip, f"addr replace {topology.MARKED}/32 dev eth0")
        self.wait(program, "standby", lambda page: page.series("ipvs_service_active", **mark(10))
                  and page.value("ipvs_service_active", **mark(10)) == 0)
        self.director.ip("rule add fwmark 10 table 100", "route add local default dev lo table 100")
        self.addCleanup(self.director.ip, "rule del fwmark 10 table 100")
        self.wait(program, "active", lambda page: page.value("ipvs_service_active", **mark(10)) == 1)

    def test_the_same_server_in_many_services_is_one_target(self):
        """Asked once, told to all; a second probe is a second target."""
        vips = [f"10.50.0.{number}:80" for number in range(1, 51)]
        for vip in vips:
            self.fill("one", vip=vip)
        before = self.farm.connections("one")
        program = self.start("  - {match: {address: 10.50.0.1, port: 80, proto: TCP}, probes: [page, tcp]}\n"
                             "  - {match: {}, probes: [page]}")
        page = self.wait(program, "all up", lambda page: len(page.series("ipvs_backend_up")) == len(vips))
        self.assertEqual(len(page.series("ipvs_check_results_total", result="success")), 2)
        self.assertEqual(len(page.series("ipvs_backend_check_info", probe="page")), len(vips))
        self.farm.behave(FAIL)
        page = self.wait(program, "all down", lambda page: set(page.series("ipvs_backend_up").values()) == {0})
        moments = set(page.series("ipvs_backend_last_transition_timestamp_seconds").values())
        self.assertEqual(len(moments), 1, "told in one moment")
        runs = sum(page.series("ipvs_check_results_total").values())
        connections = self.farm.connections("one") - before
        self.assertLessEqual(runs, connections)
        self.assertLessEqual(connections, runs + 10, "those since the page was written")

    def test_the_loop_tells_of_itself(self):
        self.fill("one", "two")
        self.farm.behave(faulty_server.silent)
        program = self.start(f"  - {{{MATCH_WEB}, probes: [page]}}")
        page = self.wait(program, "some runs", lambda page: page.value("ipvs_checker_start_delay_seconds_count") > 5)
        self.assertLessEqual(page.value("ipvs_checker_in_flight"), 2)
        self.assertGreater(page.value("ipvs_checker_lag_seconds_count"), 10)


if __name__ == "__main__":
    labtest.main()
