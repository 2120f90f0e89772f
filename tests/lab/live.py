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

import certificates
import netns
import servers
import topology
import traffic

PAUSE_BETWEEN_REQUESTS = 0.15
PAUSE_BETWEEN_EVENTS = 25
CONFIGURATION_FILE = "/run/checks.yml"

CONFIGURATION = f"""
probes:
  alive: {{type: icmp}}
  page: {{type: http}}
  secure:
    type: https
    http: {{host: {certificates.SERVER_NAME}}}
    tls: {{ca_file: AUTHORITY}}
  web: {{type: http, port: 80}}
  vip: {{type: dr}}
services:
  - match: {{address: {topology.DR}, port: 80, proto: TCP}}
    name: shop
    probes: [alive, page, vip]
    backends: [{{address: 192.168.1.102}}, {{address: 192.168.1.103}}, {{address: 192.168.1.104, role: backup}}]
  - match: {{address: {topology.DR}, port: 443, proto: TCP}}
    name: shop, TLS
    probes: [alive, secure]
  - match: {{mark: 10, family: ipv4}}
    name: web and ssh
    vip: {topology.MARKED}
    probes: [alive, web]
"""

DROP = "INPUT -p tcp --dport 80 -j DROP"

# (what to announce, host, its command), in the order they happen, for ever.
EVENTS = (
    ("192.168.1.103 drops what comes to port 80: down within 12 s", "rs2", f"iptables-legacy -I {DROP}"),
    ("192.168.1.103 takes it again: up within 7 s", "rs2", f"iptables-legacy -D {DROP}"),
    (f"192.168.1.103 loses the VIP {topology.DR}: only the dr probe sees it", "rs2",
     f"ip addr del {topology.DR}/32 dev lo"),
    (f"192.168.1.103 has the VIP {topology.DR} again", "rs2", f"ip addr add {topology.DR}/32 dev lo"),
    (f"192.168.1.103 of {topology.DR}:80 is drained: weight 0", "director",
     f"ipvsadm -e -t {topology.DR}:80 -r 192.168.1.103:80 -g -w 0"),
    (f"192.168.1.103 of {topology.DR}:80 is back: weight 1", "director",
     f"ipvsadm -e -t {topology.DR}:80 -r 192.168.1.103:80 -g -w 1"),
    ("192.168.1.103 is removed from mark 10, though it works", "director", "ipvsadm -d -f 10 -r 192.168.1.103:0"),
    ("192.168.1.103 is restored to mark 10", "director", "ipvsadm -a -f 10 -r 192.168.1.103:0 -g -w 1"),
    ("the master sync daemon stops", "director", "ipvsadm --stop-daemon master"),
    ("the master sync daemon runs again", "director",
     "ipvsadm --start-daemon master --mcast-interface eth0 --syncid 7"),
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
        threading.Thread(target=_make_events, args=(lab,), daemon=True).start()
    if not any(flag.startswith("--config.file") for flag in flags):
        authority = str(real_servers.certificates / "ca.pem")
        netns.write_file(CONFIGURATION_FILE, CONFIGURATION.replace("AUTHORITY", authority))
        flags.append(f"--config.file={CONFIGURATION_FILE}")
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


def _make_events(lab):
    for announcement, host, command in itertools.cycle(EVENTS):
        time.sleep(PAUSE_BETWEEN_EVENTS)
        getattr(lab, host).run(*command.split())
        _say(f"{time.strftime('%H:%M:%S')}  {announcement}")


if __name__ == "__main__":
    sys.exit(main())
