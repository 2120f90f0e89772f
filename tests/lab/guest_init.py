#!/usr/bin/python3
"""Process 1 of the guest: lays a writable overlay over the machine's file system, runs the task, powers off.

It is told where the shared folder is by LAB_SHARE on the kernel's command line, finds the task in `task.json` there and
leaves the line `exit status N` in `status`.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import termios
import traceback

import syscalls

MODULES = "/usr/lib/uml/modules"
OUTPUT = "/dev/tty1"


def make_root_writable():
    """From here on every file of the machine can be changed, in memory and for this guest only."""
    syscalls.mount("proc", "/proc", "proc")
    syscalls.mount("tmpfs", "/run", "tmpfs")
    for folder in ("/run/modules/lib", "/run/changes", "/run/work", "/run/root"):
        os.makedirs(folder)
    os.symlink(MODULES, "/run/modules/lib/modules")
    subprocess.run(["/sbin/modprobe", "-d", "/run/modules", "overlay"], check=True)
    syscalls.mount("overlay", "/run/root", "overlay",
                   options="lowerdir=/,upperdir=/run/changes,workdir=/run/work")
    os.makedirs("/run/root/mnt", exist_ok=True)
    syscalls.pivot_root("/run/root", "/run/root/mnt")
    os.chdir("/")


def mount_system_folders():
    """What a distribution's init would mount, and the modules where modprobe looks for them."""
    syscalls.unmount("/mnt/run")
    for kind, folder in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/run"),
                         ("tmpfs", "/dev/shm"), ("devpts", "/dev/pts")):
        os.makedirs(folder, exist_ok=True)
        syscalls.mount(kind, folder, kind)
    release = os.uname().release
    os.makedirs("/usr/lib/modules", exist_ok=True)
    if not os.path.lexists(f"/usr/lib/modules/{release}"):
        os.symlink(f"{MODULES}/{release}", f"/usr/lib/modules/{release}")


def mount_share(path):
    """The one folder that the guest and the machine both write."""
    os.makedirs("/run/share")
    syscalls.mount("none", "/run/share", "hostfs", options=path)
    return pathlib.Path("/run/share")


def raw_terminal():
    """The task's output: a terminal to the kernel, but one that leaves line ends alone."""
    descriptor = os.open(OUTPUT, os.O_RDWR | os.O_NOCTTY)
    attributes = termios.tcgetattr(descriptor)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
    return descriptor


def run_task(task):
    """Runs the task, waits for it, and ends what it left behind in its session."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb",
                   "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    output = raw_terminal()
    with subprocess.Popen(task["command"], cwd=task["folder"], env=environment | task["environment"],
                          stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True) as process:
        wait_as_init(process)
    with contextlib.suppress(termios.error):  # a shell that ended has hung its terminal up
        termios.tcdrain(output)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def wait_as_init(process):
    """Waits for the process; meanwhile every orphan that ends is taken note of, or its number would stay in use."""
    while process.returncode is None:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if process.poll() is None:
            reap_orphan(process.pid)


def reap_orphan(besides):
    """Takes note of one child that has ended, if it is another one."""
    ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    if ended and ended.si_pid != besides:
        os.waitpid(ended.si_pid, 0)


def main():
    share = None
    try:
        make_root_writable()
        mount_system_folders()
        share = mount_share(os.environ["LAB_SHARE"])
        status = run_task(json.loads((share / "task.json").read_text(encoding="utf-8")))
        (share / "status").write_text(f"exit status {status}\n", encoding="ascii")
    except Exception:  # process 1 must not end: its traceback belongs on the console, then the machine ends
        traceback.print_exc()
        sys.stderr.flush()
    syscalls.power_off()


if __name__ == "__main__":
    main()
