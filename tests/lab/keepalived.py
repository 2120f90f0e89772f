"""keepalived on a director of the lab: another owner of its table, or who elects it.

Its health checker (without VRRP) is made by `checker`; what elects directors has its configuration in pair.py.
"""

import os
import pathlib
import signal
import subprocess

import deadline
import netns

START_LIMIT = 10
STOP_LIMIT = 10

CHECKER = """
global_defs {{
  router_id lab
}}
virtual_server {address} {port} {{
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
{sorry_server}
{real_servers}
}}
"""
REAL_SERVER = """
  real_server {address} 80 {{
    weight {weight}
    {inhibit_on_failure}
    HTTP_GET {{
      url {{
        path /
        status_code 200
      }}
      connect_timeout 1
      retry 1
      delay_before_retry 1
    }}
  }}
"""


class Keepalived:
    """One keepalived with files of its own. A context manager: at the end it takes back what it has set up."""

    def __init__(self, host, configuration, *flags):
        self._host = host
        self._flags = flags
        self._process = None
        self.folder = folder_of(host)
        self.folder.mkdir(exist_ok=True)
        self.configuration_file = self.folder / "keepalived.conf"
        self.pid_file = self.folder / "keepalived.pid"
        self.json_file = self.folder / "keepalived.json"
        netns.write_file(self.configuration_file, configuration)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Returns when it has said who it is."""
        with open(self.folder / "log", "ab") as log:
            self._process = self._host.start(
                "keepalived", "--dont-fork", "--log-console", f"--use-file={self.configuration_file}",
                f"--pid={self.pid_file}", f"--vrrp_pid={self.folder}/vrrp.pid",
                f"--checkers_pid={self.folder}/checkers.pid", *self._flags, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=os.environ | {"TMPDIR": str(self.folder)})  # where its JSON file goes
        deadline.wait_until(START_LIMIT, f"{self.pid_file}{self.log()[-500:]}", self.runs)

    def stop(self):
        """Asks it to end, and sees to it that it does. It may have ended already."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        """Ends it and its children at once, so that none of them can clear up. (A child that notices the death of its
        parent would end in good order, and the parent would start another child.)"""
        self._process.send_signal(signal.SIGSTOP)
        for path in self.folder.glob("*.pid"):
            if path != self.pid_file:
                os.kill(int(path.read_text(encoding="ascii")), signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def reload(self, configuration=None):
        """Has it read its configuration again, or another one."""
        if configuration:
            netns.write_file(self.configuration_file, configuration)
        self._process.send_signal(signal.SIGHUP)

    def runs(self):
        """Whether the number in its file is that of this process, which still runs."""
        return self._process.poll() is None and self.pid_file.exists() and \
            self.pid_file.read_text(encoding="ascii").strip() == str(self._process.pid)

    def dump_json(self):
        """Has it write its states into its JSON file."""
        self._process.send_signal(signal.SIGRTMIN + 2)

    def log(self):
        """What it has said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


def folder_of(host):
    """Where the files of a host's keepalived are."""
    return pathlib.Path(f"/run/keepalived-{host.name}")


def checker(host, *service, **options):
    """Checks real servers itself and removes those that fail, for one service; see `checks`."""
    return Keepalived(host, checks(*service, **options), "--check")


def checks(address, port, real_servers, weight=1, inhibit_on_failure=False, sorry_server=None):
    """The configuration of a checker. Servers that fail get weight 0 where `inhibit_on_failure` says so; the sorry server
    has the service's port, as the real servers do."""
    inhibit = "inhibit_on_failure" if inhibit_on_failure else ""
    return CHECKER.format(
        address=address, port=port, sorry_server=f"  sorry_server {sorry_server} {port}" if sorry_server else "",
        real_servers="".join(REAL_SERVER.format(address=real_server, weight=weight, inhibit_on_failure=inhibit)
                             for real_server in real_servers))
