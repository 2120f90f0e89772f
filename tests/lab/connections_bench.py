"""Not a test: a director with a connection table of a million entries, on the kernel whose file is quadratic to read.

  lab run --mem 2G --timeout 900 tests/lab/connections_bench.py [--entries N] [--seconds N]

Prints what the scanner costs (its share of a core; the time of a scrape with it and without, in turns; memory) and how
far its estimates are from the truth, which is known because the entries were made by synchronisation messages.
Absolute times mean nothing in this guest; ratios within a run do.
"""

import argparse
import collections
import ipaddress
import math
import statistics
import time

import bench
import connection_table
import deadline
import exporter
import netns
import topology

TABLE_BITS = 20
SYNC_ID = 7
TCP = 6
VIP, PERSISTENT_VIP = "10.70.0.1", "10.70.0.2"
SERVERS = tuple(f"10.71.0.{number}" for number in range(1, 5))
ESTABLISHED, FIN_WAIT = 1, 4
SHARES = {"ESTABLISHED": 0.7, "FIN_WAIT": 0.3}  # of the connections
TEMPLATES = 0.2                                 # of the entries
ASSURED = 0.6                                   # of the templates
FIRST_CLIENT = int(ipaddress.ip_address("20.0.0.0"))
AT_ONCE = 20_000
SEND_LIMIT = 300
PAUSE = 0.73  # seconds; out of step with the table, which the program reads every second when nobody asks


class Pattern:
    """Entries that differ in their client only."""

    def __init__(self, virtual, server, **properties):
        client_port = 0 if properties.get("template") else 40000
        entry = connection_table.entry(TCP, ("0.0.0.0", client_port), (virtual, 80), (server, 80), masquerade=True,
                                       timeout=100_000, **properties)
        self._head, self._tail = entry[:-12], entry[-8:]

    def of(self, client):
        return self._head + client.to_bytes(4, "big") + self._tail


def entries(count):
    """(entries, how many of each kind): in the shares above, mixed as far as the kernel can tell."""
    connections = [(state, [Pattern(VIP, server, state=number) for server in SERVERS])
                   for state, number in (("ESTABLISHED", ESTABLISHED), ("FIN_WAIT", FIN_WAIT))]
    templates = [(status, [Pattern(PERSISTENT_VIP, server, template=True, state=number) for server in SERVERS])
                 for status, number in (("assured", 1), ("unassured", 0))]
    made, exact = [], collections.Counter()
    for number in range(count):
        is_template, of_ten = number % 100 < TEMPLATES * 100, number // 100 % 10
        kinds, share = (templates, ASSURED) if is_template else (connections, SHARES["ESTABLISHED"])
        name, patterns = kinds[of_ten >= share * 10]
        made.append(patterns[number % len(SERVERS)].of(FIRST_CLIENT + number))
        exact.update((name, "templates" if is_template else "connections"))
    return made, exact


def fill(director, count):
    """Puts that many entries into the table of `director`; returns how many of each kind."""
    director.run("ipvsadm", "-R", text="".join(
        f"-A -t {vip}:80 -s rr{flags}\n" + "".join(f"-a -t {vip}:80 -r {server}:80 -m -w 1\n" for server in SERVERS)
        for vip, flags in ((VIP, ""), (PERSISTENT_VIP, " -p 86400"))))
    netns.run("sysctl", "-qw", "net.core.rmem_max=67108864")
    director.sysctl(ipv4__vs__sync_sock_size=67108864)
    director.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "lo", "--syncid", str(SYNC_ID))
    every, exact = entries(count)
    with exporter.exporter(director, exporter.TABLE_ONLY, "--no-collector.connections") as program:
        for first in range(0, count, AT_ONCE):
            wanted = min(first + AT_ONCE, count)
            part = every[first:wanted]

            def arrived(wanted=wanted, part=part):
                if total(program.page()) >= wanted:
                    return True
                connection_table.synchronise(director, part, SYNC_ID)  # what was lost comes again
                return False
            deadline.wait_until(SEND_LIMIT, f"{wanted} entries", arrived, 0.1)
        director.run("ipvsadm", "--stop-daemon", "backup")
    return exact


def total(page):
    """Entries of configured backends, as netlink counts them."""
    return sum(value for name in ("connections_active", "connections_inactive", "persistence_templates")
               for value in page.series(f"ipvs_backend_{name}").values())


def processor_seconds(program):
    """What the whole program has used."""
    with open(f"/proc/{program.pid}/stat", encoding="ascii") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100


def measure(director, seconds):
    """Both programs side by side for a while: (scrape times without and with, the last page, shares, memory)"""
    with exporter.exporter(director, exporter.TABLE_ONLY, "--no-collector.connections") as without, \
            exporter.exporter(director, exporter.TABLE_ONLY) as scanning:
        times = {"without": [], "with": []}
        turns = [("without", without), ("with", scanning)]
        deadline.wait_until(120, "a pass", lambda: passes(scanning.page()) > 0)
        memory = [scanning.resident_bytes()]
        begin, used = time.monotonic(), (processor_seconds(without), processor_seconds(scanning))
        scanned = scanning.page().value("ipvs_connections_scan_cpu_seconds_total")
        while time.monotonic() < begin + seconds:
            turns.reverse()  # who is second in a turn is slower
            for name, program in turns:
                times[name].append(bench.scrape(director, program)[0])
            time.sleep(PAUSE)
        elapsed = time.monotonic() - begin
        memory.append(scanning.resident_bytes())
        page = scanning.page()
        shares = {"scanner": (page.value("ipvs_connections_scan_cpu_seconds_total") - scanned) / elapsed,
                  "program without": (processor_seconds(without) - used[0]) / elapsed,
                  "program with": (processor_seconds(scanning) - used[1]) / elapsed}
        return times, page, shares, memory


def passes(page):
    """Complete ones and others."""
    return sum(page.series("ipvs_connections_scans_total").values())


def print_estimates(page, exact):
    """Each estimate beside the truth, and how far it may be off: two standard errors, 19 times of 20."""
    coverage = page.value("ipvs_connections_scan_coverage_ratio")
    states = page.series("ipvs_service_connection_states", local_address=VIP)
    estimates = {state: sum(value for labels, value in states.items() if dict(labels)["state"] == state)
                 for state in SHARES}
    estimates["assured"] = sum(page.series("ipvs_table_persistence_templates", status="assured").values())
    print("\n| | truth | estimate | off by | two standard errors |\n|---|---|---|---|---|")
    for name, estimate in estimates.items():
        whole = exact["templates" if name == "assured" else "connections"]
        share, rows = exact[name] / whole, max(1, coverage * whole)
        error = 2 * whole * math.sqrt(share * (1 - share) / rows * (1 - coverage))
        print(f"| {name} | {exact[name]} | {estimate:.0f} | {abs(estimate - exact[name]):.0f} | {error:.0f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=150)
    options = parser.parse_args()
    netns.run("modprobe", "ip_vs", f"conn_tab_bits={TABLE_BITS}")
    director = topology.Topology().build().director
    exact = fill(director, options.entries)
    print(f"{exact['connections']} connections and {exact['templates']} templates in 2^{TABLE_BITS} buckets")
    times, page, shares, memory = measure(director, options.seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"scrape with the scanner / without: {medians['with'] / medians['without']:.2f} "
          f"(medians of {len(times['with'])} turns, {medians['with'] * 1e3:.1f} and {medians['without'] * 1e3:.1f} ms)")
    print(", ".join(f"{name}: {share:.2%} of a core" for name, share in shares.items()))
    print(f"passes: {passes(page):.0f}, the last one {page.value('ipvs_connections_scan_duration_seconds'):.2f} s, "
          f"{page.value('ipvs_connections_scan_rows'):.0f} rows, "
          f"coverage {page.value('ipvs_connections_scan_coverage_ratio'):.4f}")
    print(f"memory after the first pass and at the end: {memory[0] / 1e6:.1f} and {memory[1] / 1e6:.1f} MB")
    print_estimates(page, exact)


if __name__ == "__main__":
    main()
