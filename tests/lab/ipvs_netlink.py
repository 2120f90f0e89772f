"""A small writer (and naive reader) of the kernel's IPVS table over generic netlink.

It changes the table in microseconds where ipvsadm needs a process, can act between two datagrams of a dump, and shows
what a dump looks like to a program that believes it.
"""

import os
import socket
import struct

_NETLINK_GENERIC = 16
_GENL_ID_CTRL, _CTRL_GET_FAMILY, _CTRL_FAMILY_ID, _CTRL_FAMILY_NAME = 0x10, 3, 1, 2
_NEW_SERVICE, _DEL_SERVICE, _NEW_DEST, _DEL_DEST, _GET_DEST = 1, 3, 5, 7, 8
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_NESTED = 0x8000
_SERVICE, _DEST = 1, 2
_TIMEOUT = 10
_RECEIVE_BYTES = 32768


class Service:
    """An IPv4 TCP service, given as (address, port)."""

    def __init__(self, address, port, scheduler="rr"):
        self.key = b"".join((_attribute(1, struct.pack("=H", socket.AF_INET)),
                             _attribute(2, struct.pack("=H", socket.IPPROTO_TCP)),
                             _attribute(3, socket.inet_aton(address)), _attribute(4, struct.pack("!H", port))))
        self.configuration = b"".join((_attribute(6, scheduler.encode() + b"\0"), _attribute(7, bytes(8)),
                                       _attribute(8, bytes(4)), _attribute(9, b"\xff\xff\xff\xff")))


def backend_key(address, port=80):
    """The attributes that name an IPv4 backend."""
    return _attribute(1, socket.inet_aton(address)) + _attribute(2, struct.pack("!H", port))


_BACKEND_CONFIGURATION = b"".join((struct.pack("=HHI", 8, 3, 3), struct.pack("=HHI", 8, 4, 1),
                                   struct.pack("=HHI", 8, 5, 0), struct.pack("=HHI", 8, 6, 0)))


class Table:
    """A connection to the table of the host on which the calling thread is. A context manager: leaving it closes it."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC)
        self._socket.bind((0, 0))
        self._socket.settimeout(_TIMEOUT)
        self._sequence = 0
        self._family = self._resolve()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def add_service(self, service):
        """Adds a service without backends."""
        self._change(_NEW_SERVICE, _attribute(_SERVICE | _NESTED, service.key + service.configuration))

    def delete_service(self, service):
        """Deletes a service with its backends."""
        self._change(_DEL_SERVICE, _attribute(_SERVICE | _NESTED, service.key))

    def add_backend(self, service, backend):
        """Adds a backend (a `backend_key`), direct routing, weight 1."""
        self._change(_NEW_DEST, _attribute(_SERVICE | _NESTED, service.key)
                     + _attribute(_DEST | _NESTED, backend + _BACKEND_CONFIGURATION))

    def delete_backend(self, service, backend):
        """Deletes a backend."""
        self._change(_DEL_DEST, _attribute(_SERVICE | _NESTED, service.key) + _attribute(_DEST | _NESTED, backend))

    def naive_dump(self, service, after_first_datagram):
        """The addresses of a service's backends, believed as they come; acts after the first datagram of them."""
        self._send(_GET_DEST, _DUMP, _attribute(_SERVICE | _NESTED, service.key))
        addresses = []
        while True:
            datagram = self._socket.recv(_RECEIVE_BYTES)
            for kind, payload in _messages(datagram):
                if kind == _DONE:
                    return addresses
                nest = dict(_attributes(payload[4:]))[_DEST]
                addresses.append(socket.inet_ntoa(dict(_attributes(nest))[1][:4]))
            if after_first_datagram:
                after_first_datagram()
                after_first_datagram = None

    def _resolve(self):
        self._send_to(_GENL_ID_CTRL, _CTRL_GET_FAMILY, 0, _attribute(_CTRL_FAMILY_NAME, b"IPVS\0"))
        for kind, payload in _messages(self._socket.recv(_RECEIVE_BYTES)):
            if kind == _ERROR:
                raise OSError(-struct.unpack_from("=i", payload)[0], "resolving the IPVS netlink family")
            return struct.unpack("=H", dict(_attributes(payload[4:]))[_CTRL_FAMILY_ID])[0]

    def _change(self, command, attributes):
        self._send(command, _ACK, attributes)
        for _, payload in _messages(self._socket.recv(_RECEIVE_BYTES)):
            error = -struct.unpack_from("=i", payload)[0]
            if error:
                raise OSError(error, f"IPVS command {command}: {os.strerror(error)}")

    def _send(self, command, flags, attributes):
        self._send_to(self._family, command, flags, attributes)

    def _send_to(self, family, command, flags, attributes):
        self._sequence += 1
        body = struct.pack("=BBH", command, 1, 0) + attributes
        header = struct.pack("=IHHII", 16 + len(body), family, _REQUEST | flags, self._sequence, 0)
        self._socket.send(header + body)


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data):
    position = 0
    while position + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, position)
        yield kind & 0x3FFF, data[position + 4:position + length]
        position += length + (-length % 4)


def _messages(datagram):
    position = 0
    while position + 16 <= len(datagram):
        length, kind = struct.unpack_from("=IH", datagram, position)
        yield kind, datagram[position + 16:position + length]
        position += length + (-length % 4)
