"""The exporter under test as a process on one of the lab's hosts, and a plain client for its page."""

import contextlib
import http.client
import itertools
import os
import pathlib
import shutil
import signal
import subprocess

import deadline
import page

START_LIMIT = 20
STOP_LIMIT = 10
READ_TIMEOUT = 30

LOOPBACK = "127.0.0.1"

NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs")
NOBODY_WITHOUT_CAPABILITIES = (*NOBODY, "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
NOBODY_WITH_NET_ADMIN = (*NOBODY, "--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin",
                         "--bounding-set=-all,+net_admin")
# All that is ever needed.
NOBODY_WITH_BOTH = (*NOBODY, "--inh-caps=-all,+net_admin,+net_raw", "--ambient-caps=-all,+net_admin,+net_raw",
                    "--bounding-set=-all,+net_admin,+net_raw")

TABLE_ONLY = "--no-collector.checker"  # for tests of what the kernel says, which probes would only disturb

COPY = pathlib.Path("/run/ipvs_exporter")

_ports = itertools.count(10211)


def binary():
    """The exporter that the lab was told to test."""
    return os.environ["IPVS_EXPORTER"]


class Program:
    """A program with a page on one host. A context manager: leaving it ends the program."""

    def __init__(self, host, command, port, address=LOOPBACK):
        """`command` must make it listen on `port` of that address of the host."""
        self._host = host
        self._command = command
        self._port = port
        self._address = address
        self._log = pathlib.Path(f"/run/{pathlib.Path(command[0]).name}-{port}.log")
        self._process = None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = self._host.start(*self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline.wait_until(START_LIMIT, f"{self._command[0]} to listen on port {self._port}", self._listens)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        """Its process number in the guest."""
        return self._process.pid

    @property
    def port(self):
        """Where it listens."""
        return self._port

    @property
    def target(self):
        """Where whoever reaches its address finds it."""
        return f"{self._address}:{self._port}"

    def stop(self):
        """Asks it to end, and returns its exit status."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{self._command[0]} did not end within {STOP_LIMIT} s of SIGTERM") from None

    def signal(self, number):
        """Sends it a signal."""
        self._process.send_signal(number)

    def get(self, path="/metrics", method="GET", **headers):
        """(status, headers, body) of one request on a connection of its own; `_` in a header's name means `-`."""
        with self._host.inside(), contextlib.closing(
                http.client.HTTPConnection(self._address, self._port, timeout=READ_TIMEOUT)) as connection:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=fields)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def text(self, path="/metrics", **headers):
        """The body of a page that must be served."""
        status, _, body = self.get(path, **headers)
        if status != 200:
            raise AssertionError(f"{path}: status {status}: {body[:200]!r}")
        return body.decode()

    def page(self, path="/metrics"):
        """The page, read strictly."""
        return page.Page(self.text(path))

    def log(self):
        """The lines it has written to its standard output and error so far."""
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()

    def resident_bytes(self):
        """Its memory, as the kernel counts it."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _listens(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self._command} ended with status {self._process.returncode}: {self.log()}")
        try:
            return self.get("/")[0]
        except ConnectionRefusedError:
            return None


def copy_for_all():
    """The path of a copy of the exporter that anybody may run."""
    if not COPY.exists():
        shutil.copy(binary(), COPY)
        COPY.chmod(0o755)
    return str(COPY)


def exporter(host, *flags, run_as=(), address=LOOPBACK):
    """Our exporter on `host`; `run_as` is a command that lowers its privileges."""
    port = next(_ports)
    path = copy_for_all() if run_as else binary()  # nobody may not be allowed into the folder of the build
    command = (*run_as, path, f"--web.listen-address={address}:{port}", *flags)
    return Program(host, command, port, address)


def node_exporter(host, *flags):
    """node_exporter with nothing but its IPVS collector."""
    port = next(_ports)
    command = ("prometheus-node-exporter", "--collector.disable-defaults", "--collector.ipvs",
               f"--web.listen-address={LOOPBACK}:{port}", *flags)
    return Program(host, command, port)
