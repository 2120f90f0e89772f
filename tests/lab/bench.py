"""Not a test: the lab benchmark. Bare netlink dumps, our scrape and node_exporter's, in turns, in one boot, as a table.

  lab run --mem 1G --timeout 600 tests/lab/bench.py --bare-dumps PATH [--rounds N]

Absolute times mean nothing in this guest (a system call is dear, there is one processor); ratios within a run do.
"""

import argparse
import contextlib
import gzip
import http.client
import statistics
import subprocess
import time

import exporter
import ipvs_netlink
import topology

TABLES = ((100, 10), (1000, 20))
IDLE_TABLE = (1, 10)
LOADED_TABLE = (1000, 20)
LOADED_FOR = 30  # seconds; every backend has been probed by then, or left out for want of time, which is counted


class BareDumps:
    """The yardstick: a process that makes one round of dumps whenever it is given a line."""

    def __init__(self, path, director):
        self._process = director.start(path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def round(self):
        """Seconds of one reading of the whole table."""
        print(file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline().split()[0])


def scrape(host, program):
    """(seconds, the page as it came): one scrape on a connection of its own, gzip wanted."""
    with host.inside(), contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)) as connection:
        start = time.perf_counter()
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        body = connection.getresponse().read()
        return time.perf_counter() - start, body


def fill(director, services, backends):
    """A table of that size, and nothing else."""
    director.run("ipvsadm", "-C")
    with director.inside(), ipvs_netlink.Table() as table:
        for number in range(services):
            service = ipvs_netlink.Service(f"10.1.{number // 250}.{number % 250 + 1}", 80)
            table.add_service(service)
            for backend in range(backends):
                table.add_backend(service, ipvs_netlink.backend_key(f"10.2.{number % 250}.{backend + 1}"))


def measure(director, bare_dumps, rounds):
    """(medians by name, sizes of our page, sizes of node_exporter's, our resident bytes)"""
    with contextlib.ExitStack() as stack:
        bare = stack.enter_context(BareDumps(bare_dumps, director))
        ours = stack.enter_context(exporter.exporter(director, exporter.TABLE_ONLY))
        theirs = stack.enter_context(exporter.node_exporter(director))
        times = {"bare": [], "ours": [], "node_exporter": []}
        for turn in range(rounds + 1):
            bare_time = bare.round()
            our_time, page = scrape(director, ours)
            their_time, their_page = scrape(director, theirs)
            if turn:  # the first turn warms everything up
                for name, seconds in (("bare", bare_time), ("ours", our_time), ("node_exporter", their_time)):
                    times[name].append(seconds)
        medians = {name: statistics.median(values) for name, values in times.items()}
        return medians, sizes(page), sizes(their_page), ours.resident_bytes()


def sizes(page):
    """(series, bytes, compressed bytes)"""
    text = gzip.decompress(page)
    return sum(not line.startswith(b"#") for line in text.splitlines()), len(text), len(page)


def idle_resident_bytes(director):
    """Our memory with ten backends, after a few scrapes."""
    fill(director, *IDLE_TABLE)
    with exporter.exporter(director) as ours:
        for _ in range(5):
            scrape(director, ours)
        return ours.resident_bytes()


def loaded_resident_bytes(director):
    """(our memory with a table full of backends that are all probed and scraped, once a second; a lonely page's size)"""
    fill(director, *LOADED_TABLE)
    with exporter.exporter(director) as ours:
        end = time.monotonic() + LOADED_FOR
        while time.monotonic() < end:
            _, page = scrape(director, ours)
            time.sleep(1)
        return ours.resident_bytes(), sizes(page)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bare-dumps", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    director = topology.Topology().build().director
    idle = idle_resident_bytes(director)
    print("| table | bare dumps | our scrape | node_exporter | ours / bare | ours / node_exporter "
          "| our series, page, gzip | node_exporter's | our memory |\n|---|---|---|---|---|---|---|---|---|")
    for services, backends in TABLES:
        fill(director, services, backends)
        medians, ours, theirs, resident = measure(director, options.bare_dumps, options.rounds)
        print(f"| {services} x {backends} | {medians['bare'] * 1e3:.1f} ms | {medians['ours'] * 1e3:.1f} ms "
              f"| {medians['node_exporter'] * 1e3:.1f} ms | {medians['ours'] / medians['bare']:.2f} "
              f"| {medians['ours'] / medians['node_exporter']:.2f} | {describe(ours)} | {describe(theirs)} "
              f"| {resident / 1e6:.1f} MB |")
    print(f"\nMedians of {options.rounds} interleaved rounds in one boot. "
          f"Memory with {IDLE_TABLE[1]} backends: {idle / 1e6:.1f} MB.")
    loaded, page = loaded_resident_bytes(director)
    print(f"Memory with {LOADED_TABLE[0]} x {LOADED_TABLE[1]} backends that are probed for {LOADED_FOR} s: "
          f"{loaded / 1e6:.1f} MB; the page: {describe(page)}.")


def describe(page):
    """The three sizes of a page, for people."""
    series, text, compressed = page
    return f"{series}, {text / 1e6:.2f} MB, {compressed / 1e6:.2f} MB"


if __name__ == "__main__":
    main()
