"""keepalived as another owner of the director's table: it checks real servers itself and removes those that fail, or
sets their weights to 0, and sends clients to its sorry server when none is left."""

import pathlib
import signal
import subprocess

import netns

STOP_LIMIT = 10

CONFIGURATION = """
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
    """Its health checker (without VRRP) for one service. A context manager; at the end it takes its service away."""

    def __init__(self, host, address, port, real_servers, inhibit_on_failure=False, sorry_server=None):
        """The sorry server has the service's port, as the real servers do."""
        self._host = host
        self._folder = pathlib.Path("/run/keepalived-lab")
        self._folder.mkdir(exist_ok=True)
        self._service = {"address": address, "port": port,
                         "sorry_server": f"  sorry_server {sorry_server} {port}" if sorry_server else ""}
        self._real_servers = list(real_servers)
        self._inhibit_on_failure = "inhibit_on_failure" if inhibit_on_failure else ""
        self._write(weight=1)
        self._process = None

    def __enter__(self):
        with open(self._folder / "log", "wb") as log:
            self._process = self._host.start(
                "keepalived", "--check", "--dont-fork", "--log-console", f"--use-file={self._folder}/keepalived.conf",
                f"--pid={self._folder}/pid", f"--checkers_pid={self._folder}/checkers.pid",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reload(self, weight):
        """The same with another weight for all real servers."""
        self._write(weight)
        self._process.send_signal(signal.SIGHUP)

    def _write(self, weight):
        real_servers = "".join(REAL_SERVER.format(address=address, weight=weight,
                                                  inhibit_on_failure=self._inhibit_on_failure)
                               for address in self._real_servers)
        netns.write_file(self._folder / "keepalived.conf",
                         CONFIGURATION.format(**self._service, real_servers=real_servers))

    def log(self):
        """What it has said."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")
