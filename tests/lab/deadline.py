"""Waiting for something to become true, never longer than promised."""

import time

PAUSE = 0.05


def wait_until(seconds, what, condition, pause=PAUSE):
    """Asks `condition` until it gives something true and returns that; says what did not happen otherwise."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)
