"""Hands TCP connections from a listening socket to the guest and back; idle ones end, their number is bounded."""

import selectors
import socket
import threading

IDLE_LIMIT = 60
CONNECT_LIMIT = 5
MOST_CONNECTIONS = 64
CHUNK = 65536


def start(listener, target):
    """Serves `listener` from now on, on threads that end with the process."""
    free = threading.BoundedSemaphore(MOST_CONNECTIONS)
    threading.Thread(target=_accept, args=(listener, target, free), daemon=True).start()


def _accept(listener, target, free):
    while True:
        free.acquire()
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, target, free), daemon=True).start()


def _serve(connection, target, free):
    try:
        with connection, socket.create_connection(target, CONNECT_LIMIT) as guest:
            connection.settimeout(IDLE_LIMIT)
            guest.settimeout(IDLE_LIMIT)
            _copy_both_ways(connection, guest)
    except OSError:
        pass  # either side may go at any time; the other one sees its connection end
    finally:
        free.release()


def _copy_both_ways(left, right):
    """Until both have finished sending, or nothing has moved for the idle limit."""
    with selectors.DefaultSelector() as selector:
        selector.register(left, selectors.EVENT_READ, right)
        selector.register(right, selectors.EVENT_READ, left)
        while selector.get_map():
            ready = selector.select(IDLE_LIMIT)
            if not ready:
                return
            for key, _ in ready:
                chunk = key.fileobj.recv(CHUNK)
                if chunk:
                    key.data.sendall(chunk)
                else:
                    selector.unregister(key.fileobj)
                    key.data.shutdown(socket.SHUT_WR)
