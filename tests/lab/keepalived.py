"""keepalived as another owner of the director's table: it checks real servers itself and removes those that fail."""

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
{real_servers}
}}
"""
REAL_SERVER = """
  real_server {address} 80 {{
    weight 1
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

    def __init__(self, host, address, port, real_servers):
        self._host = host
        self._folder = pathlib.Path("/run/keepalived-lab")
        self._folder.mkdir(exist_ok=True)
        text = CONFIGURATION.format(address=address, port=port, real_servers="".join(
            REAL_SERVER.format(address=real_server) for real_server in real_servers))
        netns.write_file(self._folder / "keepalived.conf", text)
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

    def log(self):
        """What it has said."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")
