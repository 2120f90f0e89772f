"""promtool and amtool as the tests call them."""

import subprocess

TIME_LIMIT = 120


def promtool(*arguments, folder=None):
    """(exit status, what it says)"""
    return _run("promtool", *arguments, folder=folder)


def amtool(*arguments):
    """(exit status, what it says)"""
    return _run("amtool", *arguments, folder=None)


def _run(*command, folder):
    done = subprocess.run(list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=TIME_LIMIT, check=False)
    return done.returncode, done.stdout
