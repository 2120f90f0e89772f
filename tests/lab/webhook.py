"""Where Alertmanager delivers: a small web server that stamps every notification with the time of its arrival."""

import collections
import dataclasses
import datetime
import http.server
import json
import threading
import time

# Alertmanager's name for what fires and what no longer does.
FIRING, RESOLVED = "firing", "resolved"


@dataclasses.dataclass(frozen=True)
class Message:
    """One alert in one notification."""
    arrived: float
    receiver: str
    status: str
    labels: dict
    annotations: dict
    starts_at: float

    @property
    def name(self):
        """The alert."""
        return self.labels["alertname"]

    def line(self):
        """For a terminal: `14:05:07 page   LVSServiceDown  firing  what was seen`."""
        clock = time.strftime("%H:%M:%S", time.localtime(self.arrived))
        text = self.annotations.get("description") or self.annotations.get("summary", "")
        return f"{clock} {self.receiver:6} {self.name:30} {self.status:8}  {' '.join(text.split())}"


class Webhook:
    """Takes notifications on a port of a host's loopback; the last word of the path is the receiver's name."""

    def __init__(self, host, port, tell=lambda message: None):
        """`tell` is called with each message, on a thread of its own, besides its being kept."""
        self._messages = collections.deque()
        self._lock = threading.Lock()
        self._tell = tell
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One notification."""

            def do_POST(self):  # pylint: disable=invalid-name
                arrived = time.time()
                notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                webhook.take(self.path.rpartition("/")[2], notification, arrived)

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                """Says nothing."""

        with host.inside():
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, name="webhook", daemon=True).start()

    def take(self, receiver, notification, arrived):
        """Keeps and tells the alerts of one notification."""
        for alert in notification["alerts"]:
            message = Message(arrived, receiver, alert["status"], alert["labels"], alert["annotations"],
                              datetime.datetime.fromisoformat(alert["startsAt"]).timestamp())
            with self._lock:
                self._messages.append(message)
            self._tell(message)

    def messages(self):
        """All so far, in the order in which they came."""
        with self._lock:
            return list(self._messages)

    def close(self):
        """Takes no more."""
        self._server.shutdown()
        self._server.server_close()
