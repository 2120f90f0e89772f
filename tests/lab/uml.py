"""Boots the user-mode Linux guest, waits for its task and makes sure that nothing of it stays behind.

The guest's root is this machine's own file system, read-only, under an overlay in the guest's memory: programs see
everything and may write anywhere, and no write reaches the machine. Only `share`, a fresh temporary folder, is common.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import syscalls

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = "/usr/bin/linux.uml"
MODULES = "/usr/lib/uml/modules"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# What the topology is built with, and the Debian packages that have it.
PROGRAMS = {"modprobe": "kmod", "ip": "iproute2", "ipvsadm": "ipvsadm", "iptables-legacy-restore": "iptables",
            "nginx": "nginx-light", "openssl": "openssl", "curl": "curl"}

FORWARDED_PREFIXES = ("IPVS_", "LAB_", "ASAN_", "LSAN_", "TSAN_", "UBSAN_")
CONSOLE_TAIL_LINES = 40

# A process namespace for the guest kernel: should even this program be killed, all of the guest goes with it. (A shell
# is its first process, because a kernel that panics ends itself with a signal that first processes ignore.) That takes
# privilege; without it only an orderly end cleans up.
CAGE = ("unshare", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", '"$@"; exit $?', "sh")


class LabError(Exception):
    """A boot that did not end as it should, in words for the person at the terminal."""


def missing_part():
    """What keeps this machine from running a guest, in one sentence; None when nothing does."""
    if not os.access(KERNEL, os.X_OK):
        return f"{KERNEL} is missing: install the Debian package user-mode-linux"
    if not os.path.isdir(MODULES):
        return f"{MODULES} is missing: install the Debian package user-mode-linux"
    absent = {program: package for program, package in PROGRAMS.items() if not shutil.which(program, path=SYSTEM_PATH)}
    if absent:
        return f"missing are {', '.join(absent)}: install the Debian packages {', '.join(absent.values())}"
    if _has_wide_registers() and not shutil.which("cc"):
        return "no C compiler (cc): this processor has AMX, and wide_registers.c must be built for the guest kernel"
    return None


def _has_wide_registers():
    """Whether the processor's registers outgrow the buffer of the guest kernel; wide_registers.c explains."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("flags"):
                return " amx_tile" in line
    return False


class Guest:
    """One boot. Use as a context manager: leaving it ends the guest and removes its files."""

    def __init__(self, task, environment=None, memory="512M", kernel_arguments=()):
        """`task` is the command line that init runs in the guest; `environment` is added to what it sees."""
        self._task = [str(word) for word in task]
        self._environment = environment or {}
        self._memory = memory
        self._kernel_arguments = list(kernel_arguments)
        self._process = None
        self._copier = None
        self.share = pathlib.Path(tempfile.mkdtemp(prefix="ipvs-lab-"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.share, ignore_errors=True)

    def boot(self):
        """Starts the guest; what its task prints is copied to standard output as it appears."""
        reading_end, writing_end = os.pipe()
        self._start(f"null,fd:{writing_end}", writing_end)
        os.close(writing_end)
        self._copier = threading.Thread(target=_copy, args=(reading_end, sys.stdout.buffer), daemon=True)
        self._copier.start()

    def boot_on_terminal(self, descriptor):
        """Starts the guest with its task on a terminal, the inner side of a pseudoterminal."""
        self._start(f"fd:{descriptor},fd:{descriptor}", descriptor)

    def wait(self, timeout):
        """Waits for the end of the guest and returns its task's exit status."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"the guest did not finish within {timeout:g} s{self._console_tail()}") from None
        self._finish_output()
        return self._task_status()

    def ended(self):
        """Whether the guest is gone (by itself)."""
        return self._process.poll() is not None

    def kill(self):
        """Ends the guest, with every host process that stands for one of its processes."""
        if self._process is None:
            return
        _kill_session(self._process.pid)
        self._process.wait()
        self._finish_output()
        self._process = None

    @property
    def _console_log(self):
        return self.share / "console.log"

    def _start(self, task_terminal, descriptor):
        self._write_task()
        with open(self._console_log, "wb") as console:
            self._process = subprocess.Popen(
                self._command_line(task_terminal), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                pass_fds=[descriptor], start_new_session=True, env=self._host_environment(),
                preexec_fn=lambda: syscalls.die_with_parent(signal.SIGKILL))

    def _finish_output(self):
        if self._copier is not None:
            self._copier.join(timeout=5)

    def _write_task(self):
        forwarded = {name: value for name, value in os.environ.items() if name.startswith(FORWARDED_PREFIXES)}
        task = {"command": self._task, "environment": forwarded | self._environment, "folder": os.getcwd()}
        (self.share / "task.json").write_text(json.dumps(task), encoding="utf-8")
        (self.share / "init").symlink_to(HERE / "guest_init.py")

    def _command_line(self, task_terminal):
        return [*(CAGE if os.geteuid() == 0 else ()),
                KERNEL, f"mem={self._memory}", "root=/dev/root", "rootfstype=hostfs", "ro", "hostfs=/",
                f"init={self.share}/init", f"LAB_SHARE={self.share}", f"uml_dir={self.share}/uml",
                "con=null", "con0=null,fd:1", f"con1={task_terminal}", *self._kernel_arguments]

    def _host_environment(self):
        environment = {"PATH": SYSTEM_PATH, "HOME": str(self.share)}
        if _has_wide_registers():
            library = self.share / "wide_registers.so"
            source = HERE / "wide_registers.c"
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
            environment["LD_PRELOAD"] = str(library)
        return environment

    def _task_status(self):
        """The marked line that init leaves as its last act: `exit status N`."""
        try:
            words = (self.share / "status").read_text(encoding="ascii").split()
        except FileNotFoundError:
            raise LabError(f"the guest ended without its marked line `exit status N`{self._console_tail()}") from None
        return int(words[-1])

    def _console_tail(self):
        lines = self._console_log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\nend of its console:\n" + "\n".join("  | " + line for line in lines[-CONSOLE_TAIL_LINES:])


def _copy(descriptor, output):
    """Copies to the end, even when nobody reads `output` any more: a full pipe would stop the guest."""
    with open(descriptor, "rb", buffering=0) as source:
        while chunk := source.read(65536):
            with contextlib.suppress(BrokenPipeError):
                output.write(chunk)
                output.flush()


def _kill_session(leader):
    """Kills every process of the session that `leader` began; the guest's processes never leave it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        members = _session_members(leader)
        if not members:
            return
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def _session_members(leader):
    members = []
    for folder in os.listdir("/proc"):
        if not folder.isdigit():
            continue
        try:
            with open(f"/proc/{folder}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, session = fields[0], int(fields[3])
        if session == leader and state != "Z":
            members.append(int(folder))
    return members
