"""Row 15: somebody else removes, adds and re-weights servers under us. What we know of them survives, and where our
verdict and the kernel's table disagree it is said."""

import json
import time

import faulty_server
import health
import keepalived
import labtest
import topology
from labtest import backend, service

WEB = service(topology.DR, 80)
VIP = f"{topology.DR}:80"
WELL, FAIL = faulty_server.answer(), faulty_server.reset
PAGE = "probes:\n  page: {type: http}\n"
MATCH_WEB = f"match: {{address: {topology.DR}, port: 80, proto: TCP}}"
RETENTION = 4


class HealthTableTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.farm = faulty_server.Farm(cls.lab.rs1, "one", "two", "sorry")
        cls.one, cls.two, cls.sorry = (backend(WEB, address, 80) for address in cls.farm.addresses.values())

    def setUp(self):
        self.director.run("ipvsadm", "-C")
        self.farm.behave(WELL)
        self.load(f"-A -t {VIP} -s rr\n{self.rule('-a', 'one', 1)}\n{self.rule('-a', 'two', 1)}")

    def rule(self, command, name, weight):
        """A line for ipvsadm about a server of the service."""
        return f"{command} -t {VIP} -r {self.farm.addresses[name]}:80 -m -w {weight}"

    def start(self, text, *flags):
        """The exporter with quick probes, when all that it knows is up."""
        program = self.enterContext(health.configured(self.director, self._testMethodName, health.QUICK + text, *flags))
        self.wait(program, "both up", lambda page: health.all_are(page, 1, [self.one, self.two]))
        return program

    def wait_for_table(self, program, labels, weight, disagreement=frozenset()):
        """The page on which a change of the table (weight None: absent) and what the checker makes of it is seen. The
        checker is some tenths of a second behind the table."""
        def seen(page):
            weights = page.series("ipvs_backend_weight", **labels)
            return (page.value("ipvs_backend_in_table", **labels) == (weight is not None)
                    and list(weights.values()) == ([] if weight is None else [weight])
                    and health.disagreements(page, **labels) == disagreement)
        return self.wait(program, f"weight {weight} and disagreement {set(disagreement)}", seen)

    def table_events(self, program, labels):
        """[(from, to)] of a backend, oldest first."""
        told = health.events(program, kind="table", remote_address=labels["remote_address"])
        return [(event["from"], event["to"]) for event in reversed(told)]

    def wait_for_table_events(self, program, labels, *expected):
        """The checker is behind the table, and only the events show that it has seen a change."""
        self.wait(program, f"the events {expected}",
                  lambda page: self.table_events(program, labels) == list(expected))

    def test_removed_and_added_again(self):
        program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
        self.farm.behave(FAIL, "one")
        self.wait(program, "down", lambda page: health.up(page, **self.one) == 0)
        self.farm.behave(WELL)
        known = self.wait(program, "up", lambda page: health.up(page, **self.one) == 1)
        self.load(f"-d -t {VIP} -r {self.farm.addresses['one']}:80")
        page = self.wait_for_table(program, self.one, None, {"healthy_absent"})
        self.assertEqual(health.up(page, **self.one), 1, "it is probed on")
        self.assert_standings(page, WEB, usable=1, absent=1)
        self.assertEqual(health.service_state(page, **WEB), "spof")
        self.load(self.rule("-a", "one", 3))
        page = self.wait_for_table(program, self.one, 3)
        self.assertEqual(health.service_state(page, **WEB), "ok")
        for name in ("ipvs_backend_last_transition_timestamp_seconds", "ipvs_backend_down_seconds_total"):
            self.assertEqual(page.value(name, **self.one), known.value(name, **self.one), f"{name} survives")
        self.assertEqual(health.transitions(page, **self.one), {"up": 1, "down": 1})
        self.assertEqual(health.transitions(page, **self.two), {"up": 0, "down": 0})
        self.assertEqual(self.table_events(program, self.one), [("1", "absent"), ("absent", "3")])
        self.assertEqual(self.table_events(program, self.two), [])

    def test_drained_by_its_weight(self):
        program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
        self.load(self.rule("-e", "one", 0))
        page = self.wait_for_table(program, self.one, 0, {"healthy_weight0"})
        self.assertEqual(health.up(page, **self.one), 1)
        self.assert_standings(page, WEB, usable=1, drained=1)
        self.load(self.rule("-e", "one", 7))
        self.wait_for_table(program, self.one, 7)
        self.assertEqual(self.table_events(program, self.one), [("1", "0"), ("0", "7")])

    def test_down_and_still_in_the_table(self):
        """Nobody takes it out: clients still go there."""
        program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
        self.farm.behave(FAIL, "one")
        page = self.wait(program, "down", lambda page: health.up(page, **self.one) == 0)
        self.assertEqual(health.disagreements(page, **self.one), {"unhealthy_active"})
        self.load(self.rule("-e", "one", 0))
        self.wait_for_table(program, self.one, 0)
        self.load(f"-d -t {VIP} -r {self.farm.addresses['one']}:80")
        page = self.wait_for_table(program, self.one, None)
        self.assert_standings(page, WEB, usable=1, down=1)
        self.assertEqual(health.down_reason(page, **self.one), ("l7", "http_reset"))

    def test_the_sum_is_the_same_however_it_was_taken_out(self):
        """A dead server that was removed, one at weight 0 and one still in: the same for a dashboard."""
        program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
        self.farm.behave(FAIL, "one")
        seen = [self.wait(program, "down", lambda page: health.up(page, **self.one) == 0)]
        self.load(self.rule("-e", "one", 0))
        seen.append(self.wait_for_table(program, self.one, 0))
        self.load(f"-d -t {VIP} -r {self.farm.addresses['one']}:80")
        seen.append(self.wait_for_table(program, self.one, None))
        for page in seen:
            self.assertEqual(health.service_state(page, **WEB), "spof")
            self.assert_standings(page, WEB, usable=1, down=1)

    def test_retention(self):
        """One that only the table knew is forgotten after a while, one of the configuration never."""
        program = self.start(f"""  absent_retention: {RETENTION}s
{PAGE}services:
  - {MATCH_WEB}
    probes: [page]
    backends: [{{address: {self.farm.addresses["two"]}, weight: 5}}]""")
        page = program.page()
        self.assertEqual([page.value("ipvs_backend_expected", **labels) for labels in (self.one, self.two)], [0, 1])
        self.assertEqual(page.value("ipvs_backend_expected_weight", **self.two), 5)
        self.assertFalse(page.series("ipvs_backend_expected_weight", **self.one))
        removed = time.time()
        self.load(f"-d -t {VIP} -r {self.farm.addresses['one']}:80\n-d -t {VIP} -r {self.farm.addresses['two']}:80")
        self.wait_for_table(program, self.one, None, {"healthy_absent"})
        page = self.wait(program, "one to be forgotten", lambda page: not page.series("ipvs_backend_up", **self.one))
        self.assertGreater(time.time() - removed, RETENTION - 0.5)
        self.assertFalse([name for name in page.names() if page.series(name, **self.one)])
        self.assertFalse(page.series("ipvs_check_up", address=self.farm.addresses["one"]), "nobody probes it")
        self.assertEqual(health.disagreements(page, **self.two), {"healthy_absent"})
        self.assert_standings(page, WEB, absent=1)
        self.assertEqual(health.service_state(page, **WEB), "down")

    def test_a_service_that_is_deleted_is_gone(self):
        program = self.start(PAGE + "services: [{match: {}, probes: [page]}]")
        self.load(f"-D -t {VIP}")
        page = self.wait(program, "the end of the service", lambda page: not page.series("ipvs_service_state", **WEB))
        self.assertFalse([name for name in page.names() if page.series(name, **WEB)])
        self.load(f"-A -t {VIP} -s rr\n{self.rule('-a', 'one', 1)}")
        page = self.wait(program, "the service", lambda page: health.up(page, **self.one) == 1)
        self.assertEqual(health.transitions(page, **self.one), {"up": 0, "down": 0})
        told = [(event["from"], event["to"]) for event in reversed(health.events(program, kind="table"))]
        self.assertEqual(told, [("present", "absent"), ("absent", "present")])

    def test_a_declared_service_is_watched_without_the_table(self):
        program = self.start(PAGE + f"""services:
  - {MATCH_WEB}
    name: the shop
    probes: [page]
    backends: [{{address: {self.farm.addresses["one"]}}}, {{address: {self.farm.addresses["two"]}}}]""")
        self.load(f"-D -t {VIP}")
        page = self.wait_for_table(program, self.one, None, {"healthy_absent"})
        self.assertEqual(health.up(page, **self.one), 1)
        self.assertEqual(health.service_state(page, **WEB), "down")
        self.assert_standings(page, WEB, absent=2)

    def test_while_the_table_cannot_be_read(self):
        """Without the module nobody knows what is in the table: nothing is said of that, and no verdict moves."""
        program = self.start(PAGE + f"""services:
  - {MATCH_WEB}
    probes: [page]
    backends: [{{address: {self.farm.addresses["one"]}}}]""")
        for name in ("one", "two"):
            self.farm.behave(faulty_server.script(FAIL, FAIL, FAIL, then=WELL), name)
        for labels in (self.one, self.two):
            self.wait(program, "down and up", lambda page, labels=labels: health.up(page, **labels) == 1
                      and health.transitions(page, **labels)["down"] == 1)
        before = program.page()
        self.director.run("ipvsadm", "-C")
        self.director.run("modprobe", "-r", "ip_vs_rr", "ip_vs")
        self.addCleanup(self.director.run, "modprobe", "ip_vs")
        page = self.wait(program, "the end of the table", lambda page: page.value("ipvs_up") == 0
                         and not page.series("ipvs_backend_in_table"))
        self.assertEqual(health.up(page, **self.one), 1, "it is of the configuration")
        self.assertEqual(health.service_state(page, **WEB), "unknown")
        for name in ("ipvs_backend_disagreement", "ipvs_service_backends"):
            self.assertFalse(page.series(name), name)
        one_service, = json.loads(program.text("/api/v1/services"))["services"]
        for entry in (one_service, *one_service["backends"], *(one["health"] for one in one_service["backends"])):
            self.assertFalse({"in_table", "disagreement"} & entry.keys(), entry)
        for group in json.loads(program.text("/sd/backends")):
            self.assertNotIn("__meta_ipvs_in_table", group["labels"])
        self.assertNotIn("is not in the kernel's table</b>", program.text("/"), "it works, and nobody knows")
        self.director.run("modprobe", "ip_vs")
        self.setUp()
        page = self.wait(program, "the table again", lambda page: health.all_are(page, 1, [self.one, self.two])
                         and health.service_state(page, **WEB) == "ok")
        for labels in (self.one, self.two):
            self.assertEqual(health.transitions(page, **labels), health.transitions(before, **labels))

    def service_of_keepalived(self):
        """Where it is, and its servers."""
        return topology.DR, 80, [self.farm.addresses[name] for name in ("one", "two")]

    def keepalived(self, **options):
        """It owns the service, with one and two."""
        self.director.run("ipvsadm", "-C")
        return keepalived.checker(self.director, *self.service_of_keepalived(), **options)

    def test_keepalived_removes_what_fails(self):
        """Both checkers see it, and the table follows keepalived."""
        with self.keepalived() as other:
            program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
            self.farm.behave(FAIL, "one")
            page = self.wait(program, "down and out", lambda page: health.up(page, **self.one) == 0
                             and page.value("ipvs_backend_in_table", **self.one) == 0)
            self.assertEqual(health.disagreements(page, **self.one), set(), "we agree")
            self.assertEqual(health.down_reason(page, **self.one), ("l7", "http_reset"))
            self.assertEqual(health.service_state(page, **WEB), "spof")
            self.farm.behave(WELL, "one")
            page = self.wait(program, "up and in", lambda page: health.up(page, **self.one) == 1
                             and page.value("ipvs_backend_in_table", **self.one) == 1)
            self.assertEqual(health.disagreements(page, **self.one), set())
            self.assertEqual(health.transitions(page, **self.one), {"up": 1, "down": 1})
            self.assertEqual(self.table_events(program, self.one), [("1", "absent"), ("absent", "1")])
            self.assertIn("Removing service", other.log())

    def test_keepalived_inhibits_what_fails(self):
        """It leaves it in the table with weight 0, and gives the weight back."""
        with self.keepalived(inhibit_on_failure=True):
            program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
            self.farm.behave(FAIL, "one")
            self.wait(program, "down", lambda page: health.up(page, **self.one) == 0)
            page = self.wait_for_table(program, self.one, 0)
            self.assertEqual(health.service_state(page, **WEB), "spof")
            self.assert_standings(page, WEB, usable=1, down=1)
            self.farm.behave(WELL, "one")
            self.wait(program, "up", lambda page: health.up(page, **self.one) == 1)
            page = self.wait_for_table(program, self.one, 1)
            self.assertEqual(health.service_state(page, **WEB), "ok")
            self.assertEqual(health.transitions(page, **self.one), {"up": 1, "down": 1})
            self.wait_for_table_events(program, self.one, ("1", "0"), ("0", "1"))
            self.assertEqual(self.table_events(program, self.two), [])

    def test_keepalived_is_told_another_weight(self):
        with self.keepalived() as other:
            program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
            other.reload(keepalived.checks(*self.service_of_keepalived(), weight=7))
            for labels in (self.one, self.two):
                page = self.wait_for_table(program, labels, 7)
            self.assertEqual(health.service_state(page, **WEB), "ok")
            for labels in (self.one, self.two):
                self.wait_for_table_events(program, labels, ("1", "7"))
                self.assertEqual(health.transitions(page, **labels), {"up": 0, "down": 0})

    def test_keepalived_switches_to_its_sorry_server(self):
        """When its last real server fails, and back when the first one works."""
        with self.keepalived(sorry_server=self.farm.addresses["sorry"]):
            program = self.start(PAGE + f"""services:
  - {MATCH_WEB}
    probes: [page]
    backends: [{{address: {self.farm.addresses["sorry"]}, role: sorry}}]""")
            every = (self.one, self.two, self.sorry)

            def in_table(page):
                return [page.value("ipvs_backend_in_table", **labels) for labels in every]

            page = self.wait(program, "the sorry server up", lambda page: health.up(page, **self.sorry) == 1)
            self.assertEqual((in_table(page), health.service_state(page, **WEB)), ([1, 1, 0], "ok"))
            self.farm.behave(FAIL, "one", "two")
            page = self.wait(program, "sorry", lambda page: health.service_state(page, **WEB) == "sorry"
                             and in_table(page) == [0, 0, 1])
            self.assert_standings(page, WEB, down=2)
            self.farm.behave(WELL, "one", "two")
            page = self.wait(program, "the real servers again", lambda page: health.service_state(page, **WEB) == "ok"
                             and in_table(page) == [1, 1, 0])
            for labels in every:
                self.assertEqual(health.disagreements(page, **labels), set())
            self.wait_for_table_events(program, self.sorry, ("absent", "1"), ("1", "absent"))
            self.assertEqual(health.transitions(page, **self.sorry), {"up": 0, "down": 0})

    def test_service_discovery_lists_every_backend(self):
        program = self.start(f"""{PAGE}services:
  - {MATCH_WEB}
    name: the shop
    probes: [page]
    backends: [{{address: {topology.ABSENT}, role: backup}}]""")
        self.load("-A -f 10 -s rr\n-a -f 10 -r 192.168.1.102:0 -g -w 1\n"
                  f"-A -t [{topology.DR6}]:80 -s rr\n-a -t [{topology.DR6}]:80 -r [2001:db8:1::102]:80 -g -w 1")
        self.wait(program, "the new services", lambda page: len(page.series("ipvs_backend_in_table")) == 5)
        status, headers, body = program.get("/sd/backends")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        groups = {group["targets"][0]: group["labels"] for group in json.loads(body)}
        self.assertEqual(set(groups), {f"{self.farm.addresses['one']}:80", f"{self.farm.addresses['two']}:80",
                                       f"{topology.ABSENT}:80", "192.168.1.102", "[2001:db8:1::102]:80"})
        prefix = "__meta_ipvs_"
        self.assertEqual(groups[f"{topology.ABSENT}:80"], {
            prefix + name: value for name, value in (backend(WEB, topology.ABSENT, 80) | {
                "service": "the shop", "role": "backup", "in_table": "false"}).items()})
        self.assertEqual(groups[f"{self.farm.addresses['one']}:80"][prefix + "in_table"], "true")
        self.assertEqual(groups["192.168.1.102"][prefix + "service"], "mark 0000000A ipv4")

    def test_services_json_tells_the_same(self):
        program = self.start(PAGE + f"services: [{{{MATCH_WEB}, probes: [page]}}]")
        self.farm.behave(FAIL, "one")
        self.wait(program, "down", lambda page: health.up(page, **self.one) == 0)
        one_service, = json.loads(program.text("/api/v1/services"))["services"]
        found = {one["remote_address"]: one["health"] for one in one_service["backends"]}
        down = found[self.farm.addresses["one"]]
        self.assertEqual((one_service["state"], down["state"], down["reason"], down["disagreement"]),
                         ("spof", "down", "http_reset", "unhealthy_active"))
        self.assertEqual([result["result"] for result in down["checks"][0]["last_results"]][:3], ["failure"] * 3)
        self.assertEqual(found[self.farm.addresses["two"]]["verdict"], "up")


if __name__ == "__main__":
    labtest.main()
