"""`lab shell`, both sides: an interactive shell on the director of a freshly built topology."""

import fcntl
import os
import pathlib
import pty
import select
import sys
import termios
import tty

import servers
import topology
import uml

WELCOME = """Hosts: client director rs1 rs2 rs3 (`ip netns exec rs1 ...`); this is the director. Try: ipvsadm -Ln
The exporter is "$IPVS_EXPORTER". Ctrl-D ends the lab."""


def shell(exporter):
    """The machine's side: connects this terminal with the guest's until the shell ends."""
    if not sys.stdin.isatty():
        raise uml.LabError("shell: standard input is not a terminal")
    outer, inner = pty.openpty()
    task = ["/usr/bin/python3", pathlib.Path(__file__).resolve()]
    columns, lines = os.get_terminal_size()
    environment = {"IPVS_EXPORTER": exporter, "COLUMNS": str(columns), "LINES": str(lines),
                   "TERM": os.environ.get("TERM", "dumb")}
    before = termios.tcgetattr(sys.stdin)
    with uml.Guest(task, environment) as guest:
        guest.boot_on_terminal(inner)
        tty.setraw(sys.stdin)
        try:
            _connect(outer, guest)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        return guest.wait(10)


def _connect(outer, guest):
    while not guest.ended():
        ready, _, _ = select.select([sys.stdin, outer], [], [], 0.2)
        if sys.stdin in ready:
            os.write(outer, os.read(sys.stdin.fileno(), 1024))
        if outer in ready:
            os.write(sys.stdout.fileno(), os.read(outer, 65536))


def main():
    """The guest's side."""
    lab = topology.Topology().build()
    lab.load_rules()
    servers.Servers(lab.real_servers).start()
    terminal = os.open("/dev/tty1", os.O_RDWR | os.O_NOCTTY)
    attributes = termios.tcgetattr(terminal)
    attributes[1] |= termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    print(WELCOME)
    with lab.director.inside():
        bash = os.posix_spawn("/bin/bash", ["bash", "-i"], os.environ,
                              file_actions=[(os.POSIX_SPAWN_DUP2, terminal, number) for number in range(3)])
        return os.waitstatus_to_exitcode(os.waitpid(bash, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
