"""The connection table counted by a program that knows nothing of the exporter: what its metrics must say.

Rows are those of /proc/net/ip_vs_conn_sync; what they belong to follows from `ipvsadm -S`. Everything is kept as text and
found by going through all services: slow and plain.
"""

import collections
import ipaddress
import socket
import struct

import ipvsadm

Row = collections.namedtuple("Row", "protocol client client_port virtual virtual_port server server_port state origin")
Service = collections.namedtuple("Service", "labels protocol address port mark family persistent servers")
Server = collections.namedtuple("Server", "address port drained masquerade")

GROUP = ("224.0.0.81", 8848)
_TEMPLATE, _MASQUERADE, _ROUTE = 0x1000, 0, 3


def rows(host):
    """The rows of the table of `host`; addresses as people write them, ports as numbers."""
    lines = host.read("/proc/net/ip_vs_conn_sync").splitlines()[1:]
    return [_row(line.split()) for line in lines]


def services(host):
    """The services of `host` with their servers, from `ipvsadm -S`."""
    found = []
    for line in host.run("ipvsadm", "-Sn").splitlines():
        command, kind, address, *words = line.split()
        if command == "-A":
            found.append(_service(kind, address, words))
        else:
            server, port = ipvsadm.split_address(words[words.index("-r") + 1])
            service = _find(found, kind, address, words)
            service.servers.append(Server(server, int(port), words[words.index("-w") + 1] == "0", "-m" in words))
    return found


def expected(host):
    """({(metric, labels): count}, unsure): what the scan says of this table where it is not 0, and the labels of the
    services and backends whose connections may be somebody else's: of those that have any it says nothing."""
    known, counts, unsure = services(host), collections.Counter(), set()
    for row in rows(host):
        if _is_template(row):
            _count_template(row, known, counts)
        else:
            _count_connection(row, known, counts, unsure)
    return +counts, unsure


def synchronise(host, entries, sync_id):
    """Sends entries (of `entry`) to the backup daemon that runs on the loopback of `host`."""
    with host.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for first in range(0, len(entries), 200):
            part = entries[first:first + 200]
            body = b"".join(part)
            sender.sendto(struct.pack("!BBHBBH", 0, sync_id, 8 + len(body), len(part), 1, 0) + body, GROUP)


def entry(protocol, client, virtual, server, *, state, template=False, mark=0, masquerade=False, timeout=600):
    """One entry of a synchronisation message; client, virtual and server are (address, port)."""
    addresses = [ipaddress.ip_address(address).packed for address, _ in (client, virtual, server)]
    is_ipv6 = len(addresses[0]) == 16
    flags = 0x80 | (_MASQUERADE if masquerade else _ROUTE) | (_TEMPLATE if template else 0)
    head = struct.pack("!BBHIHHHHII", int(is_ipv6), protocol, 72 if is_ipv6 else 36, flags, state,
                       client[1], virtual[1], server[1], mark, timeout)
    return head + b"".join(addresses)


def mark_address(mark, family):
    """A mark as the virtual address of a template."""
    packed = struct.pack("!I", mark)
    return str(ipaddress.ip_address(packed if family == "ipv4" else packed + bytes(12)))


def _row(words):
    protocol, client, client_port, virtual, virtual_port, server, server_port, state, origin, _ = words
    return Row(protocol, _address(client), int(client_port, 16), _address(virtual), int(virtual_port, 16),
               _address(server), int(server_port, 16), state, origin.lower())


def _address(text):
    return str(ipaddress.ip_address(text) if ":" in text else ipaddress.ip_address(int(text, 16)))


_PROTOCOLS = {"-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP", "-f": "FWM"}


def _service(kind, address, words):
    protocol = _PROTOCOLS[kind]
    labels = dict(ipvsadm.service_labels(protocol, address, "-6" in words))
    is_mark = protocol == "FWM"
    return Service(labels, protocol, labels["local_address"], int(labels["local_port"]),
                   int(address) if is_mark else None, labels["address_family"], "-p" in words, [])


def _find(found, kind, address, words):
    """The service that a line -a belongs to: of two of one mark the one whose servers have the family."""
    server, _ = ipvsadm.split_address(words[words.index("-r") + 1])
    family = "ipv6" if ":" in server else "ipv4"
    wanted = dict(ipvsadm.service_labels(_PROTOCOLS[kind], address, family == "ipv6"))
    return next(service for service in found if service.labels == wanted)


def _is_template(row):
    return row.client_port == 0 and (row.protocol == "IP" or row.state in ("NONE", "ASSURED"))


def _family(row):
    return "ipv6" if ":" in row.client else "ipv4"


def _kind(service):
    if service.mark is not None:
        return "pfwmc"
    return {0: "pcc", 21: "ftp"}.get(service.port, "ppc")


def _labels(service, **more):
    return frozenset((service.labels | more).items())


def _count_template(row, known, counts):
    invalidated = row.virtual_port == row.server_port == 0xFFFF
    status = "invalidated" if invalidated else {"ASSURED": "assured", "NONE": "unassured"}[row.state]
    service, servers = _template_owner(row, known, invalidated)
    kind = _kind(service) if servers else "orphan"
    counts["ipvs_table_persistence_templates",
           frozenset({"type": kind, "status": status, "origin": row.origin}.items())] += 1
    if service:
        counts["ipvs_service_persistence_templates", _labels(service, type=kind)] += 1
    if servers:
        counts["ipvs_service_persistence_template_remaining_seconds_count", _labels(service)] += 1
        if all(server.drained for server in servers):
            counts["ipvs_service_drained_persistence_templates", _labels(service, status=status)] += 1


def _template_owner(row, known, invalidated):
    """(the service or None, its servers that the template may be bound to)."""
    if row.protocol == "IP":
        found = [s for s in known if s.mark is not None and s.family == _family(row)
                 and mark_address(s.mark, s.family) == row.virtual]
    else:
        found = [s for s in known if s.protocol == row.protocol and s.address == row.virtual and s.persistent]
        if not invalidated:
            ports = [row.virtual_port] if row.virtual_port else [0, 21]
            found = [s for port in ports for s in found if s.port == port][:1]
        elif len({_kind(s) for s in found}) > 1:
            return None, []
        elif len(found) > 1:
            found = [s for s in found if any(server.address == row.server for server in s.servers)]
    if len(found) != 1:
        return None, []
    service = found[0]
    by_port = row.protocol != "IP" and row.virtual_port and not invalidated
    servers = [server for server in service.servers
               if server.address == row.server and (not by_port or server.port == row.server_port)]
    # What the kernel cannot bind when it comes from another director: it looks for the ports of the template.
    if row.origin == "sync" and _kind(service) == "ftp":
        return service, []
    if row.origin == "sync" and not by_port:
        servers = [server for server in servers if not server.port]
    return service, servers


def _count_connection(row, known, counts, unsure):
    protocol = row.protocol if row.protocol in ("TCP", "UDP", "SCTP") else "other"
    counts["ipvs_table_connections",
           frozenset({"proto": protocol, "state": row.state, "origin": row.origin}.items())] += 1
    service = _service_on_address(row, known)
    servers = _servers_of(row, service) if service else []
    if not servers:
        marks = [(s, found) for s in known if s.mark is not None and s.family == _family(row)
                 and (found := _servers_of(row, s))]
        # A row does not show its mark: it may be one of several marks, or no mark but a removed server of the service.
        if len(marks) > 1 or (marks and service):
            for mark, of_mark in marks:
                unsure.add(_labels(mark))
                unsure.update(_backend_labels(mark, server) for server in of_mark)
            return
        service, servers = marks[0] if marks else (service, [])
    if not servers:
        counts["ipvs_table_orphan_connections", frozenset({"origin": row.origin}.items())] += 1
        return
    counts["ipvs_service_connection_states", _labels(service, state=row.state)] += 1
    if len(servers) == 1:
        counts["ipvs_backend_connection_states", _backend_labels(service, servers[0], state=row.state)] += 1
    else:
        unsure.update(_backend_labels(service, server) for server in servers)


def _backend_labels(service, server, **more):
    return _labels(service, remote_address=server.address, remote_port=str(server.port), **more)


def _service_on_address(row, known):
    on_address = {s.port: s for s in known if s.protocol == row.protocol and s.address == row.virtual}
    is_ftp_data = row.protocol == "TCP" and (row.virtual_port == 20 or row.virtual_port >= 1024)
    service = on_address.get(row.virtual_port)
    ftp = on_address.get(21)
    if not service and is_ftp_data and ftp and (ftp.persistent or any(
            server.masquerade and server.address == row.server for server in ftp.servers)):
        service = ftp
    return service or on_address.get(0)


def _servers_of(row, service):
    other_port = service.mark is not None or service.port != row.virtual_port
    any_port = other_port and (service.persistent or service.port == 21) and row.origin != "sync"
    return [server for server in service.servers
            if server.address == row.server and (any_port or server.port in (0, row.server_port))]
