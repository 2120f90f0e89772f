"""`lab serve`, the guest's side: the topology with gentle traffic, small events, and the exporter on the director.

LAB_STEADY keeps the events away. LAB_CALM as well, and nothing is wrong at first, and a health manager takes dead
servers out of the table: what alerts there was done by somebody.
"""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import calm
import certificates
import commands
import manager
import netns
import page
import servers
import topology
import traffic

PAUSE_BETWEEN_REQUESTS = 0.15
PAUSE_BETWEEN_EVENTS = 25
PAGE_TIMEOUT = 10
CONFIGURATION_FILE = "/run/checks.yml"

CONFIGURATION = f"""
probes:
  alive: {{type: icmp}}
  page: {{type: http}}
  secure: {{type: https, http: {{host: {certificates.SERVER_NAME}}}, tls: {{ca_file: AUTHORITY}}}}
  handshake: {{type: tls, tls: {{ca_file: AUTHORITY, sni: {certificates.SERVER_NAME}, verify: false}}}}
  web: {{type: http, port: 80}}
  vip: {{type: dr}}
services:
  - match: {{address: {topology.DR}, port: 80, proto: TCP}}
    name: shop
    probes: [alive, page, vip]
    backends:
      - {{address: 192.168.1.102, weight: 1}}
      - {{address: 192.168.1.103, weight: 1}}
      - {{address: 192.168.1.104, role: backup}}
  - match: {{address: {topology.DR}, port: 443, proto: TCP}}
    name: shop, TLS
    probes: [alive, secure]
    backends: [{{address: 192.168.1.102}}, {{address: 192.168.1.103}}, {{address: 192.168.1.104, role: sorry}}]
  - match: {{mark: 10, family: ipv4}}
    name: web and ssh
    vip: {topology.MARKED}
    probes: [alive, web]
  - match: {{address: {topology.TUNNELLED}, port: 443, proto: TCP}}
    name: tunnel, TLS
    probes: [handshake]
audit:
  # The kernel's defaults, and a service that is there to be seen.
  accept: [{{check: expire_nodest_conn}}, {{check: expire_quiescent_template}}, {{check: ftp_persistence}}]
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
    is_calm = bool(os.environ.get("LAB_CALM"))
    lab, real_servers = build(is_calm)
    _connect_to_machine(lab.director, address)
    lab.client.start_thread(send_requests, real_servers.certificates / "ca.pem")
    if not is_calm and not os.environ.get("LAB_STEADY"):
        threading.Thread(target=_make_events, args=(lab,), daemon=True).start()
    commands.serve(hosts(lab), lab.director, address)
    if not any(flag.startswith("--config.file") for flag in flags):
        flags.append(f"--config.file={write_configuration(real_servers, CONFIGURATION)}")
    exporter = lab.director.start(os.environ["IPVS_EXPORTER"], f"--web.listen-address={address}:{port}", *flags,
                                  stdin=subprocess.DEVNULL)
    if is_calm:
        manager.start(lab.director, calm.rules(), lambda: _read_page(lab.director, address, port))
    signal.signal(signal.SIGTERM, lambda *_: exporter.terminate())
    status = exporter.wait()
    _say(f"the exporter ended with status {status}")
    return status


def build(is_calm):
    """(topology, servers): wired, filled, with both sync daemons, and all real servers running."""
    lab = topology.Topology().build()
    _say("network: client, director, three real servers")
    lab.load_rules()
    lab.start_sync_daemons()
    _say("director: services for every situation, both sync daemons")
    real_servers = servers.Servers(lab.real_servers).start()
    _say("real servers: nginx with HTTP and HTTPS, UDP and SCTP echoes")
    if is_calm:
        calm.settle(lab, real_servers.certificates)
        _say("health manager: takes dead real servers out of the table and puts them back, as keepalived would")
    return lab, real_servers


def hosts(lab):
    """The hosts of the lab by name."""
    return {name: getattr(lab, name) for name in topology.HOSTS}


def write_configuration(real_servers, text):
    """Writes the exporter's configuration file and returns its path."""
    netns.write_file(CONFIGURATION_FILE, text.replace("AUTHORITY", str(real_servers.certificates / "ca.pem")))
    return CONFIGURATION_FILE


def _say(text):
    print(f"lab: {text}", flush=True)


def _connect_to_machine(director, address):
    """The guest's network card, whose other end is the machine's tap device, becomes the director's second one."""
    subprocess.run(["ip", "link", "set", "vec0", "netns", director.name], check=True, timeout=20)
    director.ip("link set vec0 up", f"addr add {address}/30 dev vec0")


def _read_page(director, address, port):
    with director.inside(), urllib.request.urlopen(f"http://{address}:{port}{manager.PAGE}",
                                                   timeout=PAGE_TIMEOUT) as response:
        return page.Page(response.read().decode())


def send_requests(authority):
    """Asks every service, for ever; call it on the client."""
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
