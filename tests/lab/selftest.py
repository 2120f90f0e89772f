#!/usr/bin/python3
"""Tests of the lab itself, on the machine: it hands results back, says why a boot failed, and leaves nothing behind."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import page
import uml

LAB = pathlib.Path(__file__).resolve().parent / "lab"
SKIPPED = 77
BOOT_LIMIT = 60


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

    def test_a_killed_test_is_a_failure(self):
        result = self.run_script("import os; os.kill(os.getpid(), 9)")
        self.assertEqual(result.returncode, 128 + signal.SIGKILL)


class LabServeTest(LabTest):

    @contextlib.contextmanager
    def serving(self, *flags):
        """A `lab serve` on a free port: (process, url). It is asked to end when the block does."""
        with subprocess.Popen([LAB, "serve", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=self.environment) as process:
            try:
                yield process, self.find_url(process)
            finally:
                process.send_signal(signal.SIGTERM)
                process.stdout.read()
                self.assertEqual(process.wait(10), 128 + signal.SIGTERM)

    def find_url(self, process):
        seen = []
        for line in process.stdout:
            seen.append(line)
            if match := re.search(r"serving on (http://\S+)", line):
                return match[1]
        self.fail("no address in:\n" + "".join(seen))

    def test_serves_moving_traffic_and_leaves_nothing_behind(self):
        with self.serving("--steady", "--", "--log.format=json") as (_, url):
            first = read_page(url)
            self.assertEqual(first.value("ipvs_up"), 1)
            deadline = time.monotonic() + 20
            while read_page(url).value("ipvs_connections_total") <= first.value("ipvs_connections_total"):
                self.assertLess(time.monotonic(), deadline, "no traffic")
        self.assertFalse(os.path.exists("/sys/class/net/lab0"))

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


if __name__ == "__main__":
    missing = uml.missing_part()
    if missing:
        print(f"lab: skipped: {missing}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
