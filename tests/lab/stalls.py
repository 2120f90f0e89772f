"""When the guest stood still: a guest is a process of a machine that may have something better to do."""

import threading
import time

TICK = 0.05


class Stalls:
    """A clock that ticks on a thread of its own and notes how late it is. A context manager: leaving it stops it."""

    def __init__(self, least):
        """What is shorter than `least` seconds is nothing."""
        self._least = least
        self._found = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="stalls", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def longest(self, begin=0, end=float("inf")):
        """How long the longest one was that ended between these moments, in seconds since 1970; 0 without one."""
        return max((seconds for moment, seconds in list(self._found) if begin <= moment <= end), default=0)

    def _tick(self):
        before = time.monotonic()
        while not self._stop.wait(TICK):
            now = time.monotonic()
            if now - before - TICK >= self._least:
                self._found.append((time.time(), now - before - TICK))
            before = now
