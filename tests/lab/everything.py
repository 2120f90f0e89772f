"""A little traffic through every kind of service, for tests that compare what two programs say of the result."""

import topology
import traffic


def send(servers):
    """Call on the client host. Each service gets at least one connection, persistent ones several clients."""
    authority = servers.certificates / "ca.pem"
    for _ in range(3):
        for address in (topology.DR, topology.DR6, topology.MARKED, topology.MARKED6, topology.MASQUERADED,
                        topology.MASQUERADED6, topology.TUNNELLED, topology.SCHEDULED, topology.LIMITED):
            traffic.http_get(address)
        for address in (topology.DR, topology.TUNNELLED, topology.SCHEDULED):
            traffic.https_get(address, authority)
        for address in (topology.MASQUERADED, topology.MASQUERADED6, topology.SCHEDULED):
            traffic.udp_ask(address)
        for address in (topology.MASQUERADED, topology.MASQUERADED6):
            traffic.sctp_greeting(address)
        traffic.http_get(topology.TUNNELLED, 8080)
        traffic.http_get(topology.DR6, 8080)
    for client in topology.CLIENT_ADDRESSES[:5]:
        for address in (topology.PER_PORT, topology.PER_MARK, topology.PER_CLIENT):
            traffic.http_get(address, source=client)
        traffic.http_get(topology.PER_PORT, 8080, client)
        traffic.read_greeting(topology.PER_PORT, 21, source=client)
