#!/usr/bin/python3
"""Tests of the lab itself, on the machine: it hands results back, says why a boot failed, and leaves nothing behind; it
carries out what is typed, and tells of the alerts that this causes."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import deadline
import page
import shipped
import terminal
import topology
import uml

LAB = pathlib.Path(__file__).resolve().parent / "lab"
SKIPPED = 77
BOOT_LIMIT = 60
AUDIT_LIMIT = 30
WITH_PROMETHEUS = ("--with-prometheus", "--prometheus-listen=127.0.0.1:0", "--alertmanager-listen=127.0.0.1:0")


class LabTest(unittest.TestCase):
    """Gives each test a temporary folder of its own, in which the lab must leave nothing."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir()
        self.environment = os.environ | {"TMPDIR": str(self.temporary)}

    def tearDown(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual(processes_that_mention(str(self.temporary)), [])

    def lab(self, *arguments):
        """Runs the lab to its end."""
        return subprocess.run([LAB, *arguments], capture_output=True, text=True, timeout=2 * BOOT_LIMIT, check=False,
                              env=self.environment)


class LabRunTest(LabTest):

    def run_script(self, script, *arguments, timeout=BOOT_LIMIT):
        """Runs a script in the guest."""
        path = self.folder / "script.py"
        path.write_text(script, encoding="utf-8")
        return self.lab("run", "--timeout", str(timeout), path, *arguments)

    def test_hands_back_output_and_status(self):
        result = self.run_script("import sys; print(sys.argv[1:]); sys.exit(42)", "one", "two words")
        self.assertEqual((result.returncode, result.stdout), (42, "['one', 'two words']\n"))

    def test_writes_do_not_reach_the_machine(self):
        victim = self.folder / "victim"
        victim.write_text("before", encoding="utf-8")
        result = self.run_script(f"open({str(victim)!r}, 'w').write('after'); print(open({str(victim)!r}).read())")
        self.assertEqual(result.stdout, "after\n")
        self.assertEqual(victim.read_text(encoding="utf-8"), "before")

    def test_a_boot_that_takes_too_long_fails_with_its_console(self):
        result = self.run_script("import time; time.sleep(1000)", timeout=8)
        self.assertEqual(result.returncode, 1)
        self.assertIn("did not finish within 8 s", result.stderr)
        self.assertIn("as init process", result.stderr)

    def test_a_kernel_panic_fails_with_its_console(self):
        result = self.run_script("open('/proc/sysrq-trigger', 'w').write('c')")
        self.assertEqual(result.returncode, 1)
        self.assertIn("without its marked line", result.stderr)
        self.assertIn("Kernel panic", result.stderr)

    def test_a_test_may_ask_for_another_guest_and_gets_a_few(self):
        result = self.run_script("import sys; print('a guest', flush=True); sys.exit(75)")
        self.assertEqual((result.returncode, result.stdout), (75, 3 * "a guest\n"))

    def test_a_killed_test_is_a_failure(self):
        result = self.run_script("import os; os.kill(os.getpid(), 9)")
        self.assertEqual(result.returncode, 128 + signal.SIGKILL)


class LabServeTest(LabTest):

    @contextlib.contextmanager
    def serving(self, *flags, stdin=subprocess.DEVNULL):
        """A `lab serve` on a free port: (process, url). It is asked to end when the block does."""
        with subprocess.Popen([LAB, "serve", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, stdin=stdin,
                              stderr=subprocess.STDOUT, text=True, env=self.environment) as process:
            try:
                yield process, self.find_line(process, r"serving on (http://\S+)")[1]
            finally:
                process.send_signal(signal.SIGTERM)
                process.stdout.read()
                self.assertEqual(process.wait(10), 128 + signal.SIGTERM)

    def find_line(self, process, pattern):
        """The match in the next line of its output that has one; until the process ends, or the test's time is up."""
        seen = []
        for line in process.stdout:
            seen.append(line)
            if match := re.search(pattern, line):
                return match
        self.fail(f"no line with {pattern} in:\n" + "".join(seen))

    def test_serves_moving_traffic_and_leaves_nothing_behind(self):
        with self.serving("--steady", "--", "--log.format=json") as (_, url):
            first = read_page(url)
            self.assertEqual(first.value("ipvs_up"), 1)
            end = time.monotonic() + 20
            while read_page(url).value("ipvs_connections_total") <= first.value("ipvs_connections_total"):
                self.assertLess(time.monotonic(), end, "no traffic")
        self.assertFalse(os.path.exists("/sys/class/net/lab0"))

    def test_typed_commands_run_on_the_hosts(self):
        def type_line(line):
            print(line, file=process.stdin, flush=True)
        with self.serving("--steady", stdin=subprocess.PIPE) as (process, url):
            type_line(f"client curl -s http://{topology.DR}/")
            self.find_line(process, r"^rs[12]$")
            self.find_line(process, "^client: exit status 0$")
            type_line("rs2 cat /nowhere")
            self.find_line(process, "No such file")
            self.find_line(process, "^rs2: exit status 1$")
            type_line("rs1 yes")
            self.find_line(process, "^rs1: exit status 137, ended: more than 65536 bytes of output$")
            type_line("rs1 (sleep 1000; echo late) & echo early")
            self.find_line(process, "^early$")
            self.find_line(process, "^rs1: exit status 0$")
            type_line("printer lp")
            self.find_line(process, "^lab: there is no host printer: ")
            type_line("help")
            self.find_line(process, "HOST COMMAND.*client director rs1 rs2 rs3")
            process.stdin.close()
            self.assertEqual(read_page(url).value("ipvs_up"), 1, "the end of the input is not the end of the lab")

    def test_one_mark_of_the_ordinary_lab_has_no_rule(self):
        with self.serving("--steady") as (_, url):
            self.assertEqual(failed_checks(url), {("mark_without_rule", "mark 00000014 ipv4")})

    def test_no_check_of_the_set_up_fails_in_the_lab_with_prometheus(self):
        with self.serving(*WITH_PROMETHEUS) as (_, url):
            self.assertEqual(failed_checks(url), set())

    def test_an_alert_arrives(self):
        with self.serving(*WITH_PROMETHEUS, stdin=subprocess.PIPE) as (process, _):
            prometheus = self.find_line(process, r"(http://\S+)/ +Prometheus")[1]
            alertmanager = self.find_line(process, r"(http://\S+)/ +Alertmanager")[1]
            print(f"rs2 ip addr del {topology.DR}/32 dev lo", file=process.stdin, flush=True)
            line = self.find_line(process, r"^\d\d:\d\d:\d\d page +(\w+) +firing  (.*)$")
            self.assertEqual(line[1], "LVSServiceSinglePointOfFailure")
            self.assertIn(f"{topology.DR}:80", line[2])
            for url in (f"{prometheus}/api/v1/alerts", f"{alertmanager}/api/v2/alerts"):
                with urllib.request.urlopen(url, timeout=10) as response:
                    self.assertIn(b"LVSServiceSinglePointOfFailure", response.read())

    def test_a_port_of_prometheus_in_use_is_said(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            result = self.lab("serve", "--listen", "127.0.0.1:0", "--with-prometheus", "--prometheus-listen", address)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"cannot listen on {address}", result.stderr)
        self.assertIn("--prometheus-listen takes another address", result.stderr)

    def test_a_wrong_flag_is_said_and_ends_it(self):
        result = self.lab("serve", "--listen", "127.0.0.1:0", "--", "--no-such-flag")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no-such-flag", result.stdout)

    def test_a_port_in_use_is_said(self):
        with self.serving("--steady") as (_, url):
            address = url.removeprefix("http://").replace("localhost", "127.0.0.1")
            result = self.lab("serve", "--listen", address)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"cannot listen on {address}", result.stderr)


class TerminalTest(unittest.TestCase):

    def test_lines(self):
        self.assertEqual(terminal.parse("rs2 echo  'a  b' | cat"), terminal.Command("rs2", "echo  'a  b' | cat"))
        self.assertEqual(terminal.parse(" wait 1.5 "), terminal.Wait(1.5))
        self.assertEqual(terminal.parse("help"), terminal.Help())
        for nothing in ("", "  ", "# rs2 reboot"):
            self.assertIsNone(terminal.parse(nothing))

    def test_wrong_lines_get_one_sentence(self):
        for line, words in (("rs9 ls", "no host rs9"), ("rs1", "a command is missing"), ("wait", "not nothing"),
                            ("wait long", "not long"), ("wait -1", "not -1"), ("wait nan", "not nan")):
            with self.subTest(line), self.assertRaisesRegex(terminal.WrongInput, words) as raised:
                terminal.parse(line)
            self.assertNotIn("\n", str(raised.exception))


class ShippedFilesTest(unittest.TestCase):

    def test_faster_divides_every_duration_and_nothing_else(self):
        text = """
- name: 5m  # for: 5m
  interval: 15s
  expr: rate(x_5m[1h30m]) > 5 and max_over_time(y[10m:10s]) offset 1d
  for: 30s  # half a minute: 30s
  keep_firing_for: 5m
  description: for 5m
  equal: [cluster, le]
"""
        self.assertEqual(shipped.faster(text, 5), """
- name: 5m  # for: 5m
  interval: 3000ms
  expr: rate(x_5m[1080000ms]) > 5 and max_over_time(y[120000ms:2000ms]) offset 17280000ms
  for: 6000ms  # half a minute: 30s
  keep_firing_for: 60000ms
  description: for 5m
  equal: [cluster, le]
""")

    def test_nothing_gets_shorter_than_a_second(self):
        self.assertEqual(shipped.faster("  group_wait: 0s\n  interval: 5s\n  for: 500ms\n", 10),
                         "  group_wait: 0ms\n  interval: 1000ms\n  for: 500ms\n")

    def test_the_shipped_files_are_kept_as_they_are(self):
        with tempfile.TemporaryDirectory() as folder:
            shipped.write(folder, ["192.0.2.1:10211", "192.0.2.2:10211"])
            for path in shipped.FOLDER.glob("*.yml"):
                ours = path.read_text(encoding="utf-8").splitlines()
                theirs = (pathlib.Path(folder) / path.name).read_text(encoding="utf-8").splitlines()
                changed = [new.strip() for old, new in zip(ours, theirs, strict=True) if old != new]
                expected = ['- targets: ["192.0.2.1:10211", "192.0.2.2:10211"]'] if path.name == "prometheus.yml" else []
                self.assertEqual(changed, expected, path.name)


def processes_that_mention(word):
    """The command lines with that word in them; a guest's has its shared folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in command:
                found.append(command)
    return found


def read_page(url):
    """The page of a living lab."""
    with urllib.request.urlopen(url + "/metrics", timeout=10) as response:
        return page.Page(response.read().decode())


def failed_checks(url):
    """What the first audit of a living lab has found: {(check, subject)}."""
    def look():
        found = read_page(url)
        return found if found.series("ipvs_audit_last_run_timestamp_seconds") else None
    found = deadline.wait_until(AUDIT_LIMIT, "an audit", look).series("ipvs_audit_failed")
    return {(dict(labels)["check"], dict(labels)["subject"]) for labels, failed in found.items() if failed}


if __name__ == "__main__":
    missing = uml.missing_part()
    if missing:
        print(f"lab: skipped: {missing}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
