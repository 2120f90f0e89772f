"""What a person types into the terminal of `lab serve`, and what the runbooks say to type:

  HOST COMMAND...   a line of shell for a host of the lab
  wait SECONDS
  # a comment
  help
"""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import threading
import time

import commands
import topology

HOSTS = topology.HOSTS
LONGEST_WAIT = 600
MARGIN = 10

HELP = f"""HOST COMMAND... runs a command on a host of the lab: {' '.join(HOSTS)}
wait SECONDS waits. Lines that begin with # say nothing. For example:
  director ipvsadm -Ln
  client curl -s http://{topology.DR}/
  rs2 iptables-legacy -P INPUT DROP        # {topology.IPV4["rs2"]} is dead ...
  rs2 iptables-legacy -P INPUT ACCEPT      # ... and is back
  rs2 ip addr del {topology.DR}/32 dev lo  # it loses the VIP ...
  rs2 ip addr add {topology.DR}/32 dev lo  # ... and has it again"""


class WrongInput(Exception):
    """A line that cannot be carried out, in one sentence."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A line of shell for a host."""
    host: str
    text: str


@dataclasses.dataclass(frozen=True)
class Wait:
    """Nothing for some seconds."""
    seconds: float


@dataclasses.dataclass(frozen=True)
class Help:
    """The hosts and a few examples."""


def parse(line):
    """A Command, a Wait or Help; None for a line that asks for nothing."""
    first, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not first or first.startswith("#"):
        return None
    if first == "help":
        return Help()
    if first == "wait":
        return _parse_wait(rest)
    if first not in HOSTS:
        raise WrongInput(f"there is no host {first}: a line is HOST COMMAND..., with one of {' '.join(HOSTS)}; or help")
    if not rest:
        raise WrongInput(f"a command is missing: {first} COMMAND...")
    return Command(first, rest)


def _parse_wait(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_WAIT:
        raise WrongInput(f"wait takes a number of seconds up to {LONGEST_WAIT}, not {text or 'nothing'}")
    return Wait(seconds)


def start(address):
    """Reads lines from standard input from now on and has them run by the guest at `address`; its end ends nothing."""
    # Reading in the background of a shell would stop the whole lab; like this it is the end of the input.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    threading.Thread(target=_read, args=(address,), daemon=True).start()


def _read(address):
    # Not by sys.stdin: a thread that sleeps in its buffer would disturb the end of the process.
    rest = b""
    with contextlib.suppress(OSError):  # the terminal has gone: nobody types any more
        while chunk := os.read(0, 4096):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                _carry_out(line.decode(errors="replace"), address)


def _carry_out(line, address):
    try:
        wish = parse(line)
        if isinstance(wish, Help):
            print(HELP, flush=True)
        elif isinstance(wish, Wait):
            time.sleep(wish.seconds)
        elif isinstance(wish, Command):
            _show(wish.host, ask(address, wish))
    except WrongInput as error:
        print(f"lab: {error}", flush=True)


def ask(address, command):
    """The outcome of a command in the guest."""
    request = json.dumps(dataclasses.asdict(command)).encode() + b"\n"
    if len(request) > commands.LONGEST_REQUEST:
        raise WrongInput(f"the line is longer than {commands.LONGEST_REQUEST} bytes")
    try:
        with socket.create_connection((address, commands.PORT), commands.TIME_LIMIT + MARGIN) as connection:
            connection.sendall(request)
            with connection.makefile(encoding="utf-8") as answer:
                return commands.Outcome(**json.loads(answer.readline()))
    except (OSError, ValueError) as error:
        raise WrongInput(f"the lab did not answer: {error}") from None


def _show(host, outcome):
    text = outcome.output
    if text and not text.endswith("\n"):
        text += "\n"
    end = outcome.cut and f", ended: {outcome.cut}"
    print(f"{text}{host}: exit status {outcome.status}{end}", flush=True)
