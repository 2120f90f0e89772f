"""`lab serve`, the machine's side: boots the living director and makes its page reachable on a port of this machine, if
wanted with Prometheus and Alertmanager, and has commands typed here run on the lab's hosts.

The only way into the guest is a tap device in a network namespace made for it, so nothing of the machine's own network
is touched. The listening sockets are opened before this process moves there, and connections are handed across.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import time

import alerting
import forward
import netns
import shipped
import syscalls
import terminal
import uml

HERE = pathlib.Path(__file__).resolve().parent
TAP = "lab0"
TUN_DEVICE = "/dev/net/tun"
OUTER_ADDRESS = "10.211.0.1"
GUEST_ADDRESS = "10.211.0.2"
GUEST_PORT = 10211
READY_LIMIT = 60

HINTS = """
  {url}/                      the status page
  curl {url}/metrics          the page that Prometheus scrapes; run it twice and watch the counters
  curl {url}/metrics | grep -E 'ipvs_(service_info|backend_weight|backend_persistence_templates)'
  curl {url}/api/v1/services  the table as JSON

Clients send requests all the time. {events}
A line typed here runs a command on a host of the lab: `director ipvsadm -Ln`; `help` shows more.
Ctrl-C ends the lab and leaves nothing behind.
"""
EVENTS_HINT = "Every half minute something happens to a backend; a line here says what."
STEADY_HINT = "Nothing else happens by itself."
MONITORING_HINTS = """
  {prometheus}/               Prometheus with the shipped rules, every 5 s (Alerts)
  {alertmanager}/             Alertmanager; what it sends is a line here: page, notice or ticket
"""


def serve(exporter, options):
    """Runs until interrupted; an exit status for the case that the guest ends first."""
    if not os.access(exporter, os.X_OK):
        raise uml.LabError(f"no exporter at {exporter}: build it, or name it in IPVS_EXPORTER")
    if options.with_prometheus:
        _check_programs()
    listener = _listen(options.listen)
    more_listeners = _listen_for_monitoring(options) if options.with_prometheus else ()
    _say("this machine's kernel is not used: booting a director of its own (user-mode Linux)")
    _enter_private_network()
    task = ["/usr/bin/python3", HERE / "live.py", GUEST_ADDRESS, str(GUEST_PORT), *options.exporter_flags]
    environment = {"IPVS_EXPORTER": exporter, "LAB_STEADY": "1" if options.steady else "",
                   "LAB_CALM": "1" if options.with_prometheus else ""}
    tap_argument = f"vec0:transport=tap,ifname={TAP},depth=128"
    with contextlib.ExitStack() as stack:
        guest = stack.enter_context(uml.Guest(task, environment, kernel_arguments=[tap_argument]))
        guest.boot()
        if _becomes_ready(guest):
            if options.with_prometheus:
                stack.enter_context(_monitoring(more_listeners))
            forward.start(listener, (GUEST_ADDRESS, GUEST_PORT))
            terminal.start(GUEST_ADDRESS)
            _explain(listener, more_listeners, options.steady)
            while not guest.ended():
                time.sleep(0.5)
        return guest.wait(READY_LIMIT) or 1


def _check_programs():
    absent = [program for program in alerting.PROGRAMS if not shutil.which(program)]
    if absent:
        raise uml.LabError(f"missing are {', '.join(absent)}: install the Debian packages of the same names")


def _listen_for_monitoring(options):
    return (_listen(options.prometheus_listen, "; --prometheus-listen takes another address"),
            _listen(options.alertmanager_listen, "; --alertmanager-listen takes another address"))


@contextlib.contextmanager
def _monitoring(listeners):
    """Prometheus and Alertmanager beside the guest, in the private network; their files vanish with them."""
    with tempfile.TemporaryDirectory(prefix="ipvs-lab-") as folder, \
            alerting.Monitoring(alerting.ThisMachine(), folder, [f"{GUEST_ADDRESS}:{GUEST_PORT}"], tell=_tell):
        for listener, port in zip(listeners, (alerting.PROMETHEUS_PORT, shipped.ALERTMANAGER_PORT)):
            forward.start(listener, ("127.0.0.1", port))
        yield


def _tell(message):
    if message.receiver != "deadman":
        print(message.line(), flush=True)


def _say(text):
    print(f"lab: {text}", flush=True)


def _listen(text, advice=""):
    address, _, port = text.rpartition(":")
    address = address.strip("[]") or "0.0.0.0"
    if not port.isdigit():
        raise uml.LabError(f"cannot listen on {text}: not ADDRESS:PORT{advice}")
    try:
        return socket.create_server((address, int(port)), backlog=64,
                                    family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise uml.LabError(f"cannot listen on {text}: {error}{advice}") from None


def _enter_private_network():
    """Moves this process into a network namespace of its own with a tap device, all of which vanish with it."""
    user, group = os.getuid(), os.getgid()
    try:
        if user == 0:
            syscalls.unshare(syscalls.CLONE_NEWNET)
        else:
            syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET)
            netns.write_file("/proc/self/setgroups", "deny")
            netns.write_file("/proc/self/uid_map", f"0 {user} 1")
            netns.write_file("/proc/self/gid_map", f"0 {group} 1")
    except OSError as error:
        raise uml.LabError(f"cannot make a network namespace for the guest ({error}): run this as root") from None
    if not os.access(TUN_DEVICE, os.R_OK | os.W_OK):
        raise uml.LabError(f"{TUN_DEVICE} cannot be used: the page of the guest would not be reachable")
    try:
        netns.ip_batch(["link set lo up", f"tuntap add {TAP} mode tap", f"addr add {OUTER_ADDRESS}/30 dev {TAP}",
                        f"link set {TAP} up"])
    except RuntimeError as error:
        raise uml.LabError(f"cannot make a tap device with {TUN_DEVICE}: {error}") from None


def _becomes_ready(guest):
    """Waits for the exporter in the guest; False when the guest ended instead (its output says why)."""
    end = time.monotonic() + READY_LIMIT
    while not guest.ended():
        try:
            socket.create_connection((GUEST_ADDRESS, GUEST_PORT), timeout=1).close()
            return True
        except OSError:
            pass
        if time.monotonic() > end:
            raise uml.LabError(f"the exporter in the guest did not answer within {READY_LIMIT} s")
        time.sleep(0.1)
    return False


def _explain(listener, more_listeners, steady):
    _say(f"serving on {_url(listener)}")
    events = STEADY_HINT if steady or more_listeners else EVENTS_HINT
    print(HINTS.format(url=_url(listener), events=events), end="", flush=True)
    if more_listeners:
        prometheus, alertmanager = more_listeners
        print(MONITORING_HINTS.format(prometheus=_url(prometheus), alertmanager=_url(alertmanager)), flush=True)


def _url(listener):
    address, port = listener.getsockname()[:2]
    host = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::", "::1") else address
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
