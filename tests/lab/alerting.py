"""A real Prometheus and a real Alertmanager with the shipped rules and routes on one host, and a webhook at their end."""

import contextlib
import json
import pathlib
import signal
import subprocess
import urllib.parse
import urllib.request

import deadline
import shipped
import syscalls
import webhook

PROGRAMS = ("prometheus", "prometheus-alertmanager")
PROMETHEUS_PORT = 9090
START_LIMIT = 60
STOP_LIMIT = 20
READ_TIMEOUT = 10
RESEND_SECONDS = 60  # how often Prometheus repeats what fires, its default
LOG_TAIL_LINES = 15


class ThisMachine:
    """The machine itself in the place of a host of the lab."""

    @staticmethod
    def inside():
        """It is always here."""
        return contextlib.nullcontext()

    @staticmethod
    def start(*command, **options):
        """A process that ends with this one at the latest."""
        return subprocess.Popen(command, start_new_session=True,
                                preexec_fn=lambda: syscalls.die_with_parent(signal.SIGKILL), **options)


class Server:
    """A program that says at /-/ready when it is. A context manager: leaving it ends the program."""

    def __init__(self, host, port, log, *command):
        self._host = host
        self._port = port
        self._log = pathlib.Path(log)
        self._command = command
        self._process = None

    def __enter__(self):
        with open(self._log, "ab") as log:
            self._process = self._host.start(*self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline.wait_until(START_LIMIT, f"{self._command[0]} to be ready{self._log_tail()}", self._ready, 0.2)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Asks it to end, and sees to it that it does."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def restart(self):
        """Ends it and starts it again; what it has on disk is kept."""
        self.stop()
        self.__enter__()

    def ask(self, path, **parameters):
        """What it answers, from JSON."""
        return json.loads(self._get(f"{path}?{urllib.parse.urlencode(parameters)}"))

    def _get(self, path):
        with self._host.inside(), urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}",
                                                         timeout=READ_TIMEOUT) as response:
            return response.read()

    def _ready(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._command[0]} ended with status {self._process.returncode}{self._log_tail()}")
        try:
            return self._get("/-/ready") is not None
        except OSError:
            return False

    def _log_tail(self):
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n  | {line}" for line in lines[-LOG_TAIL_LINES:])


class Monitoring:
    """Both programs and the webhook. A context manager: leaving it ends them."""

    def __init__(self, host, folder, targets, speed=1, tell=lambda message: None):
        """Scrapes the exporters at `targets`; files go to `folder`. With `speed` 5 time runs five times as fast for it;
        `tell` is called with each message."""
        folder = pathlib.Path(folder)
        shipped.write(folder, targets, speed)
        self._host = host
        self._tell = tell
        self._webhook = None
        self._stack = contextlib.ExitStack()
        self.prometheus = Server(
            host, PROMETHEUS_PORT, folder / "prometheus.log", "prometheus",
            f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}",
            f"--rules.alert.resend-delay={RESEND_SECONDS // speed}s")
        self.alertmanager = Server(
            host, shipped.ALERTMANAGER_PORT, folder / "alertmanager.log", "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{shipped.ALERTMANAGER_PORT}", "--cluster.listen-address=")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._webhook = webhook.Webhook(self._host, shipped.WEBHOOK_PORT, self._tell)
            stack.callback(self._webhook.close)
            stack.enter_context(self.alertmanager)
            stack.enter_context(self.prometheus)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def messages(self):
        """What has been delivered so far, the watchdog's messages left out."""
        return [message for message in self._webhook.messages() if message.receiver != "deadman"]

    def watchdog_messages(self):
        """Those of the watchdog."""
        return [message for message in self._webhook.messages() if message.receiver == "deadman"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        answer = self.prometheus.ask("/api/v1/query", query=expression)
        return [(result["metric"], float(result["value"][1])) for result in answer["data"]["result"]]

    def alerts(self, name=None):
        """The labels of all alerts, or of those of one name, that are pending or firing (`state` says which)."""
        found = self.prometheus.ask("/api/v1/alerts")["data"]["alerts"]
        return [alert["labels"] | {"state": alert["state"]} for alert in found
                if alert["labels"]["alertname"] == (name or alert["labels"]["alertname"])]
