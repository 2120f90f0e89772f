"""Servers that do wrong in every way a health check must notice, and whose behaviour changes while they run."""

import contextlib
import socket
import struct
import threading
import time

REQUEST_END = b"\r\n\r\n"
BODY = "all is well\n"
TRICKLE_PAUSE = 0.2
TRICKLE_LENGTH = 100
LONGEST_CONNECTION = 15


class FaultyServer:
    """A listening socket on a host; each connection is given to `behaviour`, which may be replaced at any time."""

    def __init__(self, host, address, port, behaviour):
        self.behaviour = behaviour
        self.connections = 0
        self.peers = set()
        with host.inside():
            self._listener = socket.create_server((address, port), backlog=64)
        threading.Thread(target=self._accept, name=f"faulty {address}:{port}", daemon=True).start()

    def _accept(self):
        while True:
            connection, peer = self._listener.accept()
            self.connections += 1
            self.peers.add(peer[0])
            threading.Thread(target=_serve, args=(connection, self.behaviour), daemon=True).start()


class Farm:
    """Faulty servers by name, each with an address and port 80 of its own on one host, all well at first."""

    FIRST = 130

    def __init__(self, host, *names):
        self.addresses = {name: f"192.168.1.{self.FIRST + number}" for number, name in enumerate(names)}
        host.ip(*(f"addr add {address}/24 dev eth0" for address in self.addresses.values()))
        self._servers = {name: FaultyServer(host, address, 80, answer()) for name, address in self.addresses.items()}

    def behave(self, behaviour, *names):
        """These (all, when none is named) behave so from now on."""
        for name in names or self._servers:
            self._servers[name].behaviour = behaviour

    def connections(self, name):
        """How many there have been."""
        return self._servers[name].connections

    def peers(self, name):
        """The addresses that they came from."""
        return self._servers[name].peers


def _serve(connection, behaviour):
    with connection, contextlib.suppress(OSError):
        connection.settimeout(LONGEST_CONNECTION)
        behaviour(connection)


def answer(status="200 OK", body=BODY, after=0):
    """A complete answer, perhaps a late one."""
    text = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()

    def behave(connection):
        _read_request(connection)
        time.sleep(after)
        connection.sendall(text)
    return behave


def script(*behaviours, then):
    """One behaviour for each connection, in this order, and the last one for all that follow."""
    remaining = iter(behaviours)
    return lambda connection: next(remaining, then)(connection)


def silent(connection):
    """Takes what comes and says nothing."""
    while connection.recv(4096):
        pass


def trickle_header(connection):
    """A header that does not end, a byte at a time."""
    _read_request(connection)
    _trickle(connection, b"HTTP/1.1 200 OK\r\nX-Long: ")


def trickle_body(connection):
    """A proper header, and then the body a byte at a time."""
    _read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    _trickle(connection, b"")


def reset(connection):
    """Ends the connection with RST as soon as it has begun."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection):
    """Reads the request and ends the connection without a word."""
    _read_request(connection)


def garble(connection):
    """Answers something that is neither HTTP nor TLS."""
    connection.sendall(b"220 mail.example ready for something else\r\n")
    silent(connection)


def over_tls(context, behaviour):
    """The same behind a TLS handshake."""
    def behave(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            behaviour(secure)
    return behave


def _read_request(connection):
    request = b""
    while REQUEST_END not in request:
        chunk = connection.recv(4096)
        if not chunk:
            return
        request += chunk


def _trickle(connection, beginning):
    for number in range(TRICKLE_LENGTH):
        connection.sendall(beginning[number:number + 1] or b"x")
        time.sleep(TRICKLE_PAUSE)
