"""What ipvsadm prints, as values under the labels that the page uses."""

import re

_SERVICE = re.compile(r"(TCP|UDP|SCTP|FWM)\s+(\S+)( IPv6)?\s*(.*?)\s*")
_BACKEND = re.compile(r"  -> (\S+)\s+(.*?)\s*")
_DAEMON = re.compile(r"(master|backup) sync daemon \(mcast=([^,]+), syncid=(\d+),")


class Listing:
    """The services and backends of one listing: {frozenset of labels: the words behind the address}."""

    def __init__(self, text):
        self.services = {}
        self.backends = {}
        service = None
        for line in text.splitlines():
            if match := _BACKEND.fullmatch(line):
                if match[1] == "RemoteAddress:Port":
                    continue
                address, port = split_address(match[1])
                labels = frozenset(service | {("remote_address", address), ("remote_port", port)})
                self.backends[labels] = match[2].split()
            elif match := _SERVICE.fullmatch(line):
                service = service_labels(match[1], match[2], bool(match[3]))
                self.services[service] = match[4].split()


def listing(host, *options):
    """The table of `host`, as `ipvsadm -Ln OPTIONS` shows it."""
    return Listing(host.run("ipvsadm", "-Ln", *options))


def service_labels(protocol, address, is_ipv6_mark):
    """The five labels of a service."""
    if protocol == "FWM":
        labels = {"local_address": "", "local_port": "0", "local_mark": f"{int(address):08X}"}
        family = "ipv6" if is_ipv6_mark else "ipv4"
    else:
        host, port = split_address(address)
        labels = {"local_address": host, "local_port": port, "local_mark": ""}
        family = "ipv6" if ":" in host else "ipv4"
    return frozenset((labels | {"proto": protocol, "address_family": family}).items())


def split_address(text):
    """`192.0.2.1:80` and `[2001:db8::1]:80` as (address, port), both text."""
    address, _, port = text.rpartition(":")
    return address.strip("[]"), port


def timeouts(host):
    """The three timeouts in seconds: {state: seconds}."""
    words = host.run("ipvsadm", "-Ln", "--timeout").split()
    return dict(zip(("tcp", "tcp_fin", "udp"), map(int, words[-3:])))


def daemons(host):
    """The running sync daemons: {(role, interface, sync id)}, all text."""
    return set(_DAEMON.findall(host.run("ipvsadm", "-Ln", "--daemon")))


def table_size(host):
    """The buckets of the connection table."""
    return int(re.search(r"\(size=(\d+)\)", host.run("ipvsadm", "-Ln"))[1])
