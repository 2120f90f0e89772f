"""Reading the configuration again: all or nothing, and nothing that is known is forgotten without need."""

import signal

import deadline
import exporter
import faulty_server
import health
import labtest
import topology
from labtest import backend, service

WEB = service(topology.DR, 80)
WELL, FAIL = faulty_server.answer(), faulty_server.reset
SUCCESSFUL = "ipvs_exporter_config_last_reload_successful"
WHEN = "ipvs_exporter_config_last_reload_success_timestamp_seconds"

# One failure a second, so that there is time for something between two of them.
CONFIGURATION = """
checker:
  defaults: {{interval: {interval}, timeout: {timeout}, jitter: 0, fall: {fall}}}
probes:
  page: {{type: http, http: {{path: {path}}}}}
services:
  - match: {{address: {vip}, port: 80, proto: TCP}}
    name: {name}
    probes: [{probes}]
"""


class HealthReloadTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.farm = faulty_server.Farm(cls.lab.rs1, "one", "two")
        cls.one, cls.two = (backend(WEB, cls.farm.addresses[name], 80) for name in ("one", "two"))
        cls.load(f"-A -t {topology.DR}:80 -s rr\n" + "\n".join(
            f"-a -t {topology.DR}:80 -r {address}:80 -g -w 1" for address in cls.farm.addresses.values()))

    def setUp(self):
        self.farm.behave(WELL)

    def write(self, text=None, **changes):
        """Replaces the file by this text, or by the usual one with these changes."""
        settings = {"interval": "1s", "timeout": "1s", "fall": 3, "path": "/", "name": "shop", "probes": "page"}
        return health.write_configuration(self._testMethodName, text or CONFIGURATION.format(
            vip=topology.DR, **(settings | changes)))

    def start(self, *flags, **settings):
        """The exporter with that file, when both servers are up."""
        self.write(**settings)
        program = self.enterContext(exporter.exporter(
            self.director, f"--config.file={health.FOLDER / (self._testMethodName + '.yml')}", *flags))
        self.wait(program, "both up", lambda page: health.all_are(page, 1, [self.one, self.two]))
        return program

    def target(self, name, probe="page"):
        return {"probe": probe, "address": self.farm.addresses[name]}

    def reload(self, program, status=200):
        """POST /-/reload; what it answers."""
        answered, _, body = program.get("/-/reload", method="POST")
        self.assertEqual(answered, status, body)
        return body.decode()

    def test_sighup_in_mid_streak(self):
        """Six failures of a hundred: with a threshold of three the next one decides, and nothing starts anew."""
        program = self.start(fall=100)
        self.farm.behave(FAIL, "one")
        before = self.wait(program, "failures", lambda page: health.streaks(page, **self.target("one"))[0] >= 6)
        self.assertEqual(health.up(before, **self.one), 1)
        self.write(fall=3)
        program.signal(signal.SIGHUP)
        after = self.wait(program, "the verdict", lambda page: self.still_up_or_down(page) == 0)
        failures = health.streaks(before, **self.target("one"))[0]
        self.assertIn(health.streaks(after, **self.target("one"))[0], range(failures + 1, failures + 4))
        self.assertEqual(health.results(after, **self.target("one"))["success"],
                         health.results(before, **self.target("one"))["success"])
        self.assertEqual(health.transitions(after, **self.one), {"up": 0, "down": 1})
        self.assertGreaterEqual(health.results(after, **self.target("two"))["success"],
                                health.results(before, **self.target("two"))["success"])
        self.assertEqual(after.value(SUCCESSFUL), 1)

    def still_up_or_down(self, page):
        """The verdict of the first server; none of the two may be unknown for a moment."""
        self.assertEqual(health.up(page, **self.two), 1)
        self.assertIn(health.up(page, **self.one), (0, 1))
        return health.up(page, **self.one)

    def test_post_needs_a_flag(self):
        program = self.start()
        self.assertIn("--web.enable-lifecycle", self.reload(program, 403))
        self.assertEqual(program.get("/-/reload")[0], 405)

    def test_post_reloads(self):
        program = self.start("--web.enable-lifecycle", name="old name")
        before = program.page()
        self.write(name="new name", probes="page, tcp")
        self.reload(program)
        after = self.wait(program, "the new probe", lambda page: health.layers(
            page, **self.target("one", "tcp")) == {"l4": 1})
        self.assertEqual(health.results(after, **self.target("one"))["failure"], 0)
        self.assertGreaterEqual(health.results(after, **self.target("one"))["success"],
                                health.results(before, **self.target("one"))["success"])
        self.assertEqual(after.labels("ipvs_service_info", **WEB)["name"], "new name")
        self.assertEqual(health.transitions(after, **self.one), {"up": 0, "down": 0})
        self.assertGreater(after.value(WHEN), before.value(WHEN))

    def test_times_are_no_question(self):
        """With other intervals and time-outs everything goes on, and a shorter interval is used at once."""
        program = self.start("--web.enable-lifecycle")
        before = program.page()
        self.write(interval="5m", timeout="900ms")
        self.reload(program)
        rare = self.wait(program, "the long interval", lambda page: page.value(
            "ipvs_check_interval_seconds", **self.target("one")) == 300)
        self.assertGreaterEqual(self.successes(rare), self.successes(before))
        self.write()
        self.reload(program)
        after = self.wait(program, "runs", lambda page: self.successes(page) >= self.successes(rare) + 3)
        self.assertEqual(health.transitions(after, **self.one), {"up": 0, "down": 0})
        self.assertEqual(health.up(rare, **self.one), 1)

    def successes(self, page):
        """Of the first server's target."""
        return health.results(page, **self.target("one"))["success"]

    def test_another_question_starts_anew(self):
        """But what has been of the backend stays: it is the same one."""
        program = self.start("--web.enable-lifecycle")
        self.farm.behave(faulty_server.script(FAIL, FAIL, FAIL, then=WELL), "one")
        before = self.wait(program, "down and up", lambda page: health.transitions(
            page, **self.one) == {"up": 1, "down": 1})
        self.write(path="/other")
        self.reload(program)
        after = self.wait(program, "a new beginning", lambda page: health.results(
            page, **self.target("one"))["failure"] == 0 and health.up(page, **self.one) == 1)
        self.assertLess(health.results(after, **self.target("two"))["success"],
                        health.results(before, **self.target("two"))["success"] + 2)
        self.assertEqual(health.transitions(after, **self.one), {"up": 1, "down": 1})

    def test_a_refused_file_changes_nothing(self):
        program = self.start("--web.enable-lifecycle")
        before = program.page()
        self.assertEqual(before.value(SUCCESSFUL), 1)
        self.write("checker:\n  defaults: {fall: 3}\nprobes:\n  page: {type: http, fal: 3}\n")
        complaint = self.reload(program, 500)
        self.assertRegex(complaint, r"test_a_refused_file_changes_nothing\.yml:4: .*fal")
        refused = program.page()
        self.assertEqual(refused.value(SUCCESSFUL), 0)
        self.assertEqual(refused.value(WHEN), before.value(WHEN))
        deadline.wait_until(health.LIMIT, "one line in the log", lambda: sum(
            "refused" in line for line in program.log()) == 1)
        after = self.wait(program, "more runs", lambda page: health.results(page, **self.target("one"))["success"]
                          >= health.results(before, **self.target("one"))["success"] + 2)
        self.assertEqual(after.labels("ipvs_service_info", **WEB)["name"], "shop")
        self.farm.behave(FAIL, "one")
        self.wait(program, "down by the old rules", lambda page: health.up(page, **self.one) == 0)
        self.write(name="good again")
        program.signal(signal.SIGHUP)
        good = self.wait(program, "a good file", lambda page: page.value(SUCCESSFUL) == 1
                         and page.value(WHEN) > before.value(WHEN))
        self.assertEqual(health.up(good, **self.one), 0)

    def test_sighup_with_a_refused_file(self):
        program = self.start()
        self.write("services: [{match: {port: 80}, probes: [no_such_probe]}]")
        program.signal(signal.SIGHUP)
        page = self.wait(program, "the refusal", lambda page: page.value(SUCCESSFUL) == 0)
        self.assertEqual(health.up(page, **self.one), 1)
        deadline.wait_until(health.LIMIT, "a line in the log", lambda: [
            line for line in program.log() if "refused" in line and "no_such_probe" in line])

    def test_a_file_that_is_gone(self):
        program = self.start("--web.enable-lifecycle")
        self.write().unlink()
        self.assertIn(self._testMethodName, self.reload(program, 500))
        self.assertEqual(program.page().value(SUCCESSFUL), 0)
        self.assertEqual(health.up(program.page(), **self.one), 1)


if __name__ == "__main__":
    labtest.main()
