"""The table changes while the page is read: no series is ever double, and nothing that stays in the kernel ever leaves.

Changes go straight over netlink, some thousands a second, so that many fall between two datagrams of a dump. The
exporter runs at the lowest priority: with one processor that makes it give way in the middle of its work.
"""

import contextlib
import os
import re
import threading
import time

import exporter
import ipvs_netlink
import labtest
from labtest import service

SCRAPES = 120
BACKENDS = 600
CHANGE_PAUSE = 0.0003
SERVICE = ipvs_netlink.Service("10.1.0.1", 80)
SERVICE_MARK = 'local_address="10.1.0.1"'
REMOTE_ADDRESS = re.compile(r'remote_address="([^"]*)"')
PASSING = [f"10.9.0.{number}" for number in range(1, 5)]
PROC_FILE = "/proc/net/ip_vs"
YIELDING = ("nice", "-n", "19")


def permanent(number):
    """The address of one of the backends that stay."""
    return f"10.2.{number // 250}.{number % 250 + 1}"


PERMANENT = frozenset(permanent(number) for number in range(BACKENDS))


class ChurnTest(labtest.LabTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.add_permanent_backends()

    @classmethod
    def add_permanent_backends(cls):
        with cls.director.inside(), ipvs_netlink.Table() as table:
            table.add_service(SERVICE)
            for address in PERMANENT:
                table.add_backend(SERVICE, ipvs_netlink.backend_key(address))

    def refill(self):
        """Everything back into the empty table, the module too."""
        self.lab.load_module()
        self.add_permanent_backends()

    @contextlib.contextmanager
    def changing(self, change):
        """Runs `change(table)` again and again on a thread of its own; yields the list that counts the rounds."""
        stop, rounds = threading.Event(), []

        def work():
            with ipvs_netlink.Table() as table:
                while not stop.is_set():
                    change(table)
                    rounds.append(None)

        thread = self.director.start_thread(work)
        try:
            yield rounds
        finally:
            stop.set()
            thread.join(timeout=20)

    def check(self, text):
        """No series twice, nobody missing. (The strict reader would take longer than the scrape.)"""
        series = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
        self.assertIn("\nipvs_up 1\n", text)
        self.assertEqual(len(series), len(set(series)), "there are series twice")
        weights = [one for one in series if one.startswith("ipvs_backend_weight{") and SERVICE_MARK in one]
        listed = {REMOTE_ADDRESS.search(one)[1] for one in weights}
        self.assertFalse(PERMANENT - listed, "in the kernel all the time, but not on the page")

    def scrape_through(self, change):
        with exporter.exporter(self.director, exporter.TABLE_ONLY, run_as=YIELDING) as ours:
            with self.changing(change) as rounds:
                for _ in range(SCRAPES):
                    self.check(ours.text())
            last = ours.page()
        self.assertGreater(len(rounds), SCRAPES // 2)
        repaired = sum(last.series("ipvs_exporter_dump_inconsistencies_total").values())
        print(f"[{SCRAPES} scrapes, {len(rounds)} rounds of changes, {repaired} faulty dumps put right] ",
              end="", flush=True)
        return last

    def test_the_kernel_itself_doubles_and_omits(self):
        """The fault that the other tests are about, seen with a reader that believes one dump."""
        omitted = doubled = 0
        newcomer = ipvs_netlink.backend_key(PASSING[0])
        with self.director.inside(), ipvs_netlink.Table() as reader, ipvs_netlink.Table() as writer:
            for _ in range(20):
                rows = reader.naive_dump(SERVICE, lambda: writer.add_backend(SERVICE, newcomer))
                doubled += len(rows) - len(set(rows))
                rows = reader.naive_dump(SERVICE, lambda: writer.delete_backend(SERVICE, newcomer))
                omitted += len(PERMANENT - set(rows))
        self.assertEqual((doubled, omitted), (20, 20))

    def test_backends_come_and_go(self):
        def change(table):
            for address in PASSING:
                table.add_backend(SERVICE, ipvs_netlink.backend_key(address))
                time.sleep(CHANGE_PAUSE)
            for address in PASSING:
                table.delete_backend(SERVICE, ipvs_netlink.backend_key(address))
                time.sleep(CHANGE_PAUSE)
        self.scrape_through(change)

    def test_services_come_and_go(self):
        neighbours = [ipvs_netlink.Service("10.3.0.1", port) for port in range(1, 6)]

        def change(table):
            for neighbour in neighbours:
                table.add_service(neighbour)
                table.add_backend(neighbour, ipvs_netlink.backend_key(PASSING[0]))
                time.sleep(CHANGE_PAUSE)
            for neighbour in neighbours:
                table.delete_service(neighbour)
                time.sleep(CHANGE_PAUSE)
        self.scrape_through(change)

    def test_a_service_made_again_has_no_ghosts(self):
        """Deleted and made again with its backends: what is on the page may be any of that, but never double."""
        passing = ipvs_netlink.Service("10.3.0.2", 80)

        def change(table):
            table.add_service(passing)
            for address in PASSING:
                table.add_backend(passing, ipvs_netlink.backend_key(address))
            time.sleep(CHANGE_PAUSE)
            table.delete_service(passing)
            time.sleep(CHANGE_PAUSE)

        last = self.scrape_through(change)
        self.assertFalse(last.series("ipvs_backend_weight", **service("10.3.0.2", 80)))

    def test_flush_and_restore(self):
        with exporter.exporter(self.director, exporter.TABLE_ONLY) as ours:
            whole = ours.page().series("ipvs_backend_weight")
            for _ in range(3):
                self.director.run("ipvsadm", "-C")
                flushed = ours.page()
                self.refill()
                self.assertFalse(flushed.series("ipvs_backend_weight"))
                self.assertEqual(flushed.value("ipvs_up"), 1)
                self.assert_same_samples(ours.page().series("ipvs_backend_weight"), whole)

    def test_module_unloaded_and_loaded(self):
        with exporter.exporter(self.director, exporter.TABLE_ONLY) as ours:
            whole = ours.page().series("ipvs_backend_weight")
            for _ in range(2):
                self.lab.unload_module()
                absent = [ours.page() for _ in range(5)]
                loaded_by_asking = os.path.exists(PROC_FILE)
                self.refill()
                self.assertEqual({page.value("ipvs_up") for page in absent}, {0})
                self.assertFalse([page for page in absent if page.series("ipvs_backend_weight")])
                self.assertFalse(loaded_by_asking, "asking has loaded the module")
                back = ours.page()
                self.assertEqual(back.value("ipvs_up"), 1)
                self.assert_same_samples(back.series("ipvs_backend_weight"), whole)


if __name__ == "__main__":
    labtest.main()
