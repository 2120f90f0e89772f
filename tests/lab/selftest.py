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


def leftovers():
    """Shared folders of guests."""
    return {str(path) for path in pathlib.Path(tempfile.gettempdir()).glob("ipvs-lab-*")}


class LabRunTest(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.before = leftovers()

    def run_script(self, script, *arguments, timeout=BOOT_LIMIT):
        """Runs a script in the guest; checks afterwards that nothing of this boot is left."""
        path = self.folder / "script.py"
        path.write_text(script, encoding="utf-8")
        result = subprocess.run([LAB, "run", "--timeout", str(timeout), path, *arguments], capture_output=True,
                                text=True, timeout=2 * BOOT_LIMIT, check=False)
        return result

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
        result = self.run_script("import time; time.sleep(1000)", timeout=4)
        self.assertEqual(result.returncode, 1)
        self.assertIn("did not finish within 4 s", result.stderr)
        self.assertIn("as init process", result.stderr)

    def test_a_kernel_panic_fails_with_its_console(self):
        result = self.run_script("open('/proc/sysrq-trigger', 'w').write('c')")
        self.assertEqual(result.returncode, 1)
        self.assertIn("without its marked line", result.stderr)
        self.assertIn("Kernel panic", result.stderr)

    def test_a_killed_test_is_a_failure(self):
        result = self.run_script("import os; os.kill(os.getpid(), 9)")
        self.assertEqual(result.returncode, 128 + signal.SIGKILL)

    def tearDown(self):
        self.assertEqual(leftovers() - self.before, set())


class LabServeTest(unittest.TestCase):

    @contextlib.contextmanager
    def serving(self, *flags):
        """A `lab serve` on a free port: (process, url)."""
        with subprocess.Popen([LAB, "serve", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield process, self.find_url(process)
            finally:
                process.kill()

    def find_url(self, process):
        seen = []
        for line in process.stdout:
            seen.append(line)
            if match := re.search(r"serving on (http://\S+)", line):
                return match[1]
        self.fail("no address in:\n" + "".join(seen))

    def test_serves_moving_traffic_and_leaves_nothing_behind(self):
        before = leftovers()
        with self.serving("--steady", "--", "--log.format=json") as (process, url):
            first = read_page(url)
            self.assertEqual(first.value("ipvs_up"), 1)
            deadline = time.monotonic() + 20
            while read_page(url).value("ipvs_connections_total") <= first.value("ipvs_connections_total"):
                self.assertLess(time.monotonic(), deadline, "no traffic")
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertEqual(leftovers() - before, set())
        self.assertFalse(os.path.exists("/sys/class/net/lab0"))

    def test_a_wrong_flag_is_said_and_ends_it(self):
        result = subprocess.run([LAB, "serve", "--listen", "127.0.0.1:0", "--", "--no-such-flag"], capture_output=True,
                                text=True, timeout=BOOT_LIMIT, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("no-such-flag", result.stdout)

    def test_a_port_in_use_is_said(self):
        with self.serving("--steady") as (_, url):
            address = url.removeprefix("http://").replace("localhost", "127.0.0.1")
            result = subprocess.run([LAB, "serve", "--listen", address], capture_output=True, text=True, timeout=20,
                                    check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"cannot listen on {address}", result.stderr)


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
