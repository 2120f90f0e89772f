"""Commands that a person at `lab serve`, or a runbook, has run on a host of the lab: one at a time, bounded in time and
in output. The guest's side; it listens on the link to the machine, whose other end is in a private network namespace."""

import contextlib
import dataclasses
import json
import os
import selectors
import signal
import socketserver
import subprocess
import threading
import time

PORT = 10212
TIME_LIMIT = 60
OUTPUT_LIMIT = 64 * 1024
LONGEST_REQUEST = 8192
LOOK_AGAIN = 0.05


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command printed (both outputs as one) and its exit status; `cut` says why it was ended, if it was."""
    output: str
    status: int
    cut: str = ""


def run(host, text, time_limit=TIME_LIMIT, output_limit=OUTPUT_LIMIT):
    """Runs a line of shell on a host. What it leaves in the background goes on, but is not heard any more."""
    process = host.start("sh", "-c", text, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         start_new_session=True, cwd="/")
    with process.stdout:
        output, cut = _listen(process, time.monotonic() + time_limit, output_limit)
        if cut:  # before its output is closed, which might end it in another way
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if cut == "time":
        cut = f"not done after {time_limit:g} s"
    elif cut == "output":
        cut = f"more than {output_limit} bytes of output"
    status = process.wait()
    return Outcome(output[:output_limit].decode(errors="replace"), status if status >= 0 else 128 - status, cut)


def _listen(process, end, output_limit):
    """(output, what was exceeded): until the shell has ended and nothing more is there to read."""
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            if selector.select(0 if ended else LOOK_AGAIN):
                chunk = os.read(process.stdout.fileno(), 65536)
                output += chunk
                if not chunk and ended:
                    return output, ""
                if not chunk:
                    time.sleep(LOOK_AGAIN)  # it has closed its output and goes on
            elif ended:
                return output, ""
            if len(output) > output_limit:
                return output, "output"
            if time.monotonic() > end:
                return output, "time"


def serve(hosts, listening_host, address, port=PORT):
    """Runs what it is sent, `{"host": NAME, "text": LINE}` in one line, and answers with the outcome in one line."""
    one_at_a_time = threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        """One request, one answer."""
        timeout = TIME_LIMIT

        def handle(self):
            request = json.loads(self.rfile.readline(LONGEST_REQUEST))
            with one_at_a_time:
                outcome = run(hosts[request["host"]], request["text"])
            self.wfile.write(json.dumps(dataclasses.asdict(outcome)).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        """Ends with the process."""
        allow_reuse_address = True
        daemon_threads = True

    with listening_host.inside():
        server = Server((address, port), Handler)
    threading.Thread(target=server.serve_forever, name="commands", daemon=True).start()
