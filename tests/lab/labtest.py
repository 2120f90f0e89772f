"""The frame of every lab test: one guest, one topology, and names printed as they run."""

import os
import sys
import unittest

import deadline
import servers
import stalls
import topology

ESTIMATOR_LIMIT = 20
LONG_STALL = 1.0  # after which a director that hears nothing of the other one may take over, and probes time out
MOST_FAULTS = 10


class LabTest(unittest.TestCase):
    """Builds the topology once for all tests of a class, with all services in the director's table unless `with_rules`
    says no, and with the real servers running if `with_servers` says so."""

    with_rules = True
    with_servers = False
    more_real_servers = 0
    topology_class = topology.Topology
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.topology_class(cls.more_real_servers).build()
        cls.director = cls.lab.director
        if cls.with_rules:
            cls.lab.load_rules()
        if cls.with_servers:
            cls.servers = servers.Servers(cls.lab.real_servers).start()
            cls.addClassCleanup(cls.servers.stop)

    def assert_same_samples(self, actual, expected, what=""):
        """Two dictionaries of samples are equal; says only where they are not."""
        missing = [f"missing: {key}" for key in expected.keys() - actual.keys()]
        surplus = [f"too many: {key}" for key in actual.keys() - expected.keys()]
        different = [f"{key}: {actual[key]} instead of {expected[key]}"
                     for key in expected.keys() & actual.keys() if actual[key] != expected[key]]
        faults = missing + surplus + different
        first = "\n".join(faults[:MOST_FAULTS])
        self.assertFalse(faults, f"{what}: {len(faults)} faults, the first of them:\n{first}")

    @classmethod
    def wait_for_estimator(cls, host=None):
        """Returns when the kernel has summed all counters of a director: its total has caught up with the live per-CPU
        rows."""
        host = host or cls.director
        deadline.wait_until(ESTIMATOR_LIMIT, "the estimator to catch up",
                            lambda: live_totals(host) == percpu_rows(host)["~"])


def service(address, port, proto="TCP"):
    """The page's labels of a service."""
    return {"local_address": address, "local_port": str(port), "proto": proto, "local_mark": "",
            "address_family": "ipv6" if ":" in address else "ipv4"}


def mark(number, family="ipv4"):
    """The page's labels of a firewall mark service."""
    return {"local_address": "", "local_port": "0", "proto": "FWM", "local_mark": f"{number:08X}",
            "address_family": family}


def backend(of_service, address, port):
    """The page's labels of a backend of a service."""
    return of_service | {"remote_address": address, "remote_port": str(port)}


def live_totals(host):
    """Connections, packets in and out, bytes in and out, of all CPUs, not up to 2 s old."""
    return [sum(column) for column in zip(*(row for cpu, row in percpu_rows(host).items() if cpu != "~"))]


def percpu_rows(host):
    """The counting rows of ip_vs_stats_percpu: {CPU or "~": the five numbers}."""
    rows = {}
    for line in host.read("/proc/net/ip_vs_stats_percpu").splitlines()[2:]:
        words = line.split()
        if len(words) != 6 or words[0] in rows:
            break
        rows[words[0]] = [int(word, 16) for word in words[1:]]
    return rows


def main():
    """Runs the tests of the calling script. When some fail and the guest was seen to stand still, asks for another guest."""
    with stalls.Stalls(LONG_STALL) as found:
        result = unittest.main(verbosity=2, exit=False).result
    if result.wasSuccessful():
        return
    if found.longest():
        print(f"the guest stood still for {found.longest():.1f} s at most")
        sys.exit(os.EX_TEMPFAIL)
    sys.exit(1)
