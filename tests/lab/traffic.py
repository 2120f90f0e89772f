"""Real clients of the balanced services. Call these on the client host (`with topology.client.inside()`)."""

import contextlib
import http.client
import socket
import ssl

import certificates
import servers

TIMEOUT = 5
DATAGRAM_TIMEOUT = 2


def http_get(address, port=80, source=None):
    """One HTTP request on one connection; the name of the host that answered."""
    connection = http.client.HTTPConnection(address, port, TIMEOUT, source_address=source and (source, 0))
    return _get(connection)


def https_get(address, authority, port=443, source=None):
    """One HTTPS request with a checked certificate; the name of the host that answered."""
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_connection((address, port), TIMEOUT, source and (source, 0)) as plain, \
            context.wrap_socket(plain, server_hostname=certificates.SERVER_NAME) as secure:
        secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return _read_all(secure).rpartition(b"\r\n\r\n")[2].strip().decode()


def connect(address, port):
    """An open TCP connection."""
    return socket.create_connection((address, port), TIMEOUT)


def read_greeting(address, port, protocol=socket.IPPROTO_TCP, source=None):
    """Connects to a greeting server (TCP or SCTP); the name it greets with."""
    with socket.socket(_family(address), socket.SOCK_STREAM, protocol) as connection:
        connection.settimeout(TIMEOUT)
        if source:
            connection.bind((source, 0))
        connection.connect((address, port))
        return _read_all(connection).decode()


def sctp_greeting(address):
    """The same over SCTP."""
    return read_greeting(address, servers.SCTP_PORT, servers.IPPROTO_SCTP)


def udp_ask(address, port=53, source=None):
    """One datagram from a fresh port, one answer; the name of the host that gave it."""
    with socket.socket(_family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(DATAGRAM_TIMEOUT)
        if source:
            client.bind((source, 0))
        client.sendto(b"who is there?", (address, port))
        return client.recvfrom(2048)[0].decode()


def _get(connection):
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().strip().decode()


def _read_all(connection):
    answer = b""
    while chunk := connection.recv(4096):
        answer += chunk
    return answer


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET
