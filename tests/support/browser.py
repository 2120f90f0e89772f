"""Headless Chromium, driven by chromedriver: WebDriver (W3C, JSON over HTTP) with what a test of a page needs."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

START_LIMIT = 30
ANSWER_LIMIT = 60
END_LIMIT = 10

PROGRAMS = {"chromedriver": "chromium-driver", "chromium": "chromium"}


class BrowserError(Exception):
    """What the browser refused, in its own words."""


def missing_part():
    """What keeps this machine from running a browser, in one sentence; None when nothing does."""
    absent = {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if absent:
        return f"missing are {', '.join(absent)}: install the Debian packages {', '.join(absent.values())}"
    return None


class Browser:
    """One browser with one page and a profile of its own. Use as a context manager: leaving it ends every process of
    it and removes its files."""

    def __init__(self, width=1200, height=900):
        self._size = (width, height)
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="browser-"))
        self._driver = None
        self._base = None
        self._session = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def open(self, url):
        """Goes there, and returns when the page is loaded."""
        self._post("url", {"url": url})

    def run(self, script, *arguments):
        """What the body of a function in the page returns."""
        return self._post("execute/sync", {"script": script, "args": list(arguments)})

    def type(self, selector, text):
        """Types into an element, as a person does."""
        self._post(f"element/{self._find(selector)}/value", {"text": text})

    def click(self, selector):
        """Clicks on an element, as a person does; an error if something is in front of it."""
        self._post(f"element/{self._find(selector)}/click", {})

    def console(self):
        """What the browser's console has said since the last call: errors, refusals and all else, as text."""
        return [f"{entry['level']}: {entry['message']}" for entry in self._post("se/log", {"type": "browser"})]

    def resize(self, width, height):
        """The size of the page, which may be smaller than a window can be."""
        self._devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                       mobile=False)

    def prefer(self, **features):
        """Media features that hold from now on, with _ for -: prefer(prefers_color_scheme="dark"); others as usual."""
        self._devtools("Emulation.setEmulatedMedia",
                       features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def see_as(self, vision):
        """How people see: "none" (as usual), "achromatopsia" (no colours), "deuteranopia", ..."""
        self._devtools("Emulation.setEmulatedVisionDeficiency", type=vision)

    def allow_scripts(self, allowed):
        """Whether pages may run scripts of their own, from the next page on."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=not allowed)

    def go_offline(self):
        """Cuts the browser's network."""
        self._post("chromium/network_conditions",
                   {"network_conditions": {"offline": True, "latency": 0, "throughput": -1}})

    def go_online(self):
        """Puts the browser's network right again."""
        self._call("DELETE", f"/session/{self._session}/chromium/network_conditions")

    def save_picture(self, path):
        """What is to be seen now, as PNG."""
        pathlib.Path(path).write_bytes(base64.b64decode(self._get("screenshot")))

    def end(self):
        """Ends the browser and its driver; may be called again."""
        if self._session:
            try:
                self._call("DELETE", f"/session/{self._session}")
            except (OSError, BrowserError):
                pass  # what follows ends it, too
            self._session = None
        if self._driver:
            self._driver.terminate()
            try:
                self._driver.wait(END_LIMIT)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(self._driver.pid, signal.SIGKILL)  # the driver leads a session of its own
            except ProcessLookupError:
                pass
            self._driver.wait(END_LIMIT)
            self._driver.stdout.close()
            self._driver = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self):
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, start_new_session=True,
                                        env=os.environ | {"TMPDIR": str(self._folder)})
        self._base = f"http://127.0.0.1:{self._port()}"
        width, height = self._size
        flags = ["--headless", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-breakpad", "--force-color-profile=srgb",
                 f"--user-data-dir={self._folder / 'profile'}", f"--window-size={width},{height}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": flags},
                  "goog:loggingPrefs": {"browser": "ALL"},
                  "timeouts": {"script": 1000 * ANSWER_LIMIT // 2, "pageLoad": 1000 * ANSWER_LIMIT // 2}}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = answer["sessionId"]

    def _port(self):
        """The port that the driver chose, out of what it prints."""
        seen = []
        for line in self._driver.stdout:
            seen.append(line)
            if match := re.search(r"started successfully on port (\d+)", line):
                return int(match[1])
        raise BrowserError("chromedriver does not start:\n" + "".join(seen))

    def _find(self, selector):
        found = self._post("element", {"using": "css selector", "value": selector})
        return next(iter(found.values()))

    def _devtools(self, command, **parameters):
        return self._post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def _get(self, path):
        return self._call("GET", f"/session/{self._session}/{path}")

    def _post(self, path, body):
        return self._call("POST", f"/session/{self._session}/{path}", body)

    def _call(self, method, path, body=None):
        request = urllib.request.Request(self._base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_LIMIT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                value = json.load(error)["value"]
            raise BrowserError(f"{value['error']}: {value['message']}") from None
