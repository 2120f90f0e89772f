"""A health manager: it takes real servers that go down out of the director's table and puts them back when they are up
again, as keepalived would. It believes the exporter instead of checking itself, and like keepalived it acts on changes
only: what somebody else puts into the table in between stays there.
"""

import contextlib
import threading

import ipvsadm

PAUSE = 0.5
PAGE = "/metrics?collect[]=checker"  # where the verdicts are
PROTOCOLS = {"-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP", "-f": "FWM"}


def start(director, rules, read_page):
    """Works from now on, on a thread that ends with the process. `rules` fill the table (as for `ipvsadm -R`);
    `read_page` gives the exporter's page (an object of page.Page)."""
    lines = {backend_labels(line): line for line in rules.splitlines() if line.startswith("-a ")}
    stop = threading.Event()
    threading.Thread(target=_manage, args=(director, lines, read_page, stop), name="manager", daemon=True).start()
    return stop


def _manage(director, lines, read_page, stop):
    taken_out = set()
    while not stop.wait(PAUSE):
        with contextlib.suppress(OSError):  # no exporter, no verdict
            verdicts = read_page().series("ipvs_backend_up")
            down = {labels for labels in lines if verdicts.get(labels) == 0}
            back = {labels for labels in taken_out if verdicts.get(labels) == 1}
            _change(director, [removal(lines[labels]) for labels in down - taken_out])
            _change(director, [lines[labels] for labels in back])
            taken_out = (taken_out | down) - back


def _change(director, lines):
    if not lines:
        return
    try:
        director.run("ipvsadm", "-R", text="\n".join(lines) + "\n")
    except RuntimeError:
        for line in lines:
            with contextlib.suppress(RuntimeError):  # somebody else, or the beginning above, has done so already
                director.run("ipvsadm", *line.split())


def backend_labels(line):
    """The page's labels of the backend that a line for ipvsadm adds."""
    words = line.split()
    protocol = next(word for word in words if word in PROTOCOLS)
    local = words[words.index(protocol) + 1]
    address, port = ipvsadm.split_address(words[words.index("-r") + 1])
    service = ipvsadm.service_labels(PROTOCOLS[protocol], local, "-6" in words)
    return service | {("remote_address", address), ("remote_port", port)}


def removal(line):
    """The line that takes back what the line adds."""
    words = line.split()
    return " ".join(["-d", *words[1:words.index("-r") + 2]])
