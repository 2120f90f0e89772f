"""Hosts inside the guest: network namespaces that a thread steps into, instead of a process for every command."""

import contextlib
import os
import subprocess
import threading

import syscalls

FOLDER = "/run/netns"
COMMAND_TIMEOUT = 60


def ip_batch(lines, namespace=None):
    """Runs many `ip` commands for the price of one process (starting one takes about 30 ms in the guest)."""
    place = ["-n", namespace] if namespace else []
    run("ip", *place, "-batch", "-", text="\n".join(lines) + "\n")


def run(*command, text=None):
    """Runs a command where the calling thread is and returns what it printed; raises with its complaint."""
    result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False)
    if result.returncode != 0:
        complaint = (result.stderr or result.stdout).strip()
        raise RuntimeError(f"{' '.join(command)}: exit status {result.returncode}: {complaint}")
    return result.stdout


class Namespace:
    """One host, made before with `ip netns add NAME`. May be used from any thread."""

    def __init__(self, name):
        self.name = name

    def exists(self):
        """Whether it has been made."""
        return os.path.exists(f"{FOLDER}/{self.name}")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is on this host: its new sockets and child processes belong there."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        here = os.open(f"{FOLDER}/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(here)
            yield self
        finally:
            syscalls.setns(before)
            os.close(here)
            os.close(before)

    def run(self, *command, text=None):
        """Runs a command on this host and returns what it printed."""
        with self.inside():
            return run(*command, text=text)

    def ip(self, *lines):
        """Runs `ip` commands on this host."""
        ip_batch(lines, self.name)

    def start(self, *command, **options):
        """Starts a process on this host."""
        with self.inside():
            return subprocess.Popen(command, **options)

    def start_thread(self, target, *arguments):
        """Starts a thread that lives on this host; it ends with the process."""
        def live_here():
            with self.inside():
                target(*arguments)
        thread = threading.Thread(target=live_here, name=f"{self.name}:{target.__name__}", daemon=True)
        thread.start()
        return thread

    def sysctl(self, **values):
        """Writes settings, named by their path below /proc/sys/net with `__` for each slash."""
        with self.inside():
            for name, value in values.items():
                write_file("/proc/sys/net/" + name.replace("__", "/"), f"{value}\n")

    def read(self, path):
        """Reads a file of /proc/net (as this host sees it, not as the process's first thread does) or /proc/sys/net."""
        with self.inside(), open(path.replace("/proc/net/", "/proc/thread-self/net/"), encoding="ascii") as file:
            return file.read()


def write_file(path, text):
    """Writes a small file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
