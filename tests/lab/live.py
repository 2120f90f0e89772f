"""`lab serve`, the guest's side: the topology with gentle traffic, small events, and the exporter on the director."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time

import servers
import topology
import traffic

PAUSE_BETWEEN_REQUESTS = 0.15
PAUSE_BETWEEN_EVENTS = 25

# (what to announce, ipvsadm's arguments), in the order they happen, for ever.
EVENTS = (
    (f"192.168.1.103 of {topology.DR}:80 is drained: weight 0",
     f"-e -t {topology.DR}:80 -r 192.168.1.103:80 -g -w 0"),
    (f"192.168.1.103 of {topology.DR}:80 is back: weight 1",
     f"-e -t {topology.DR}:80 -r 192.168.1.103:80 -g -w 1"),
    ("192.168.1.103 is removed from mark 10",
     "-d -f 10 -r 192.168.1.103:0"),
    ("192.168.1.103 is restored to mark 10",
     "-a -f 10 -r 192.168.1.103:0 -g -w 1"),
    (f"192.168.1.102 of {topology.MASQUERADED}:80 gets four times the traffic: scheduler wrr, weight 4",
     f"-E -t {topology.MASQUERADED}:80 -s wrr\n-e -t {topology.MASQUERADED}:80 -r 192.168.1.102:80 -m -w 4"),
    (f"192.168.1.102 of {topology.MASQUERADED}:80 is as before: rr, weight 1",
     f"-E -t {topology.MASQUERADED}:80 -s rr\n-e -t {topology.MASQUERADED}:80 -r 192.168.1.102:80 -m -w 1"),
    ("the master sync daemon stops", "--stop-daemon master"),
    ("the master sync daemon runs again", "--start-daemon master --mcast-interface eth0 --syncid 7"),
)


def main():
    address, port, *flags = sys.argv[1:]
    lab = topology.Topology().build()
    _say("network: client, director, three real servers")
    lab.load_rules()
    lab.start_sync_daemons()
    _say("director: services for every situation, both sync daemons")
    real_servers = servers.Servers(lab.real_servers).start()
    _say("real servers: nginx with HTTP and HTTPS, UDP and SCTP echoes")
    _connect_to_machine(lab.director, address)
    lab.client.start_thread(_send_requests, real_servers.certificates / "ca.pem")
    if not os.environ.get("LAB_STEADY"):
        threading.Thread(target=_make_events, args=(lab.director,), daemon=True).start()
    exporter = lab.director.start(os.environ["IPVS_EXPORTER"], f"--web.listen-address={address}:{port}", *flags,
                                  stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: exporter.terminate())
    status = exporter.wait()
    _say(f"the exporter ended with status {status}")
    return status


def _say(text):
    print(f"lab: {text}", flush=True)


def _connect_to_machine(director, address):
    """The guest's network card, whose other end is the machine's tap device, becomes the director's second one."""
    subprocess.run(["ip", "link", "set", "vec0", "netns", director.name], check=True, timeout=20)
    director.ip("link set vec0 up", f"addr add {address}/30 dev vec0")


def _send_requests(authority):
    requests = (
        lambda: traffic.http_get(topology.DR),
        lambda: traffic.http_get(topology.DR6),
        lambda: traffic.https_get(topology.DR, authority),
        lambda: traffic.http_get(topology.MARKED),
        lambda: traffic.read_greeting(topology.MARKED, 22),
        lambda: traffic.http_get(topology.MARKED6),
        lambda: traffic.http_get(topology.MASQUERADED),
        lambda: traffic.http_get(topology.MASQUERADED6),
        lambda: traffic.udp_ask(topology.MASQUERADED),
        lambda: traffic.sctp_greeting(topology.MASQUERADED),
        lambda: traffic.http_get(topology.TUNNELLED),
        lambda: traffic.http_get(topology.TUNNELLED, 8080),
        lambda: traffic.http_get(topology.SCHEDULED),
        lambda: traffic.udp_ask(topology.SCHEDULED),
        lambda: traffic.http_get(topology.PER_PORT, source=_any_client()),
        lambda: traffic.http_get(topology.PER_MARK, source=_any_client()),
        lambda: traffic.https_get(topology.PER_MARK, authority),
        lambda: traffic.http_get(topology.PER_CLIENT, source=_any_client()),
        lambda: traffic.http_get(topology.LIMITED),
    )
    while True:
        with contextlib.suppress(OSError):  # a request that fails is part of the show
            random.choice(requests)()
        time.sleep(PAUSE_BETWEEN_REQUESTS)


def _any_client():
    return random.choice(topology.CLIENT_ADDRESSES)


def _make_events(director):
    for announcement, commands in itertools.cycle(EVENTS):
        time.sleep(PAUSE_BETWEEN_EVENTS)
        for command in commands.splitlines():
            director.run("ipvsadm", *command.split())
        _say(f"{time.strftime('%H:%M:%S')}  {announcement}")


if __name__ == "__main__":
    sys.exit(main())
