"""Where a probe comes from and where it goes: the socket options of a probe, on a real kernel."""

import faulty_server
import health
import labtest
import topology
from labtest import backend, mark, service

SECOND_ADDRESS = "192.168.1.77"
MARK = 32
VIP = topology.MASQUERADED

# One service for each probe, with the same server: port 8000 + n.
PROBES = {
    "plain": "type: http",
    "source": f"type: http, source: {SECOND_ADDRESS}",
    "eth0": "type: http, interface: eth0",
    "out0": "type: http, interface: out0",
    "marked": f"type: http, mark: {MARK}",
    "elsewhere": "type: http, netns: rs3, address: 127.0.0.1, port: 8000",
    "override": "type: http, address: OVERRIDE",
}
SERVICES = {name: service(VIP, 8000 + number) for number, name in enumerate(PROBES)}


class HealthSocketsTest(health.HealthTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.farm = faulty_server.Farm(cls.lab.rs1, *PROBES)
        cls.inner = faulty_server.FaultyServer(cls.lab.rs3, "127.0.0.1", 8000, faulty_server.answer())
        cls.director.ip(f"addr add {SECOND_ADDRESS}/24 dev eth0", "route add unreachable default table 200")
        cls.director.run("ip", "rule", "add", "fwmark", str(MARK), "lookup", "200")
        cls.fill_table()
        cls.program = cls.enterClassContext(health.configured(cls.director, "sockets", cls.configuration()))
        cls.page = health.settle(cls.program, lambda page: len(page.series("ipvs_backend_up")) == len(PROBES) + 1)

    @classmethod
    def server(cls, name):
        """The address of a probe's backend; nobody has the one whose probe looks elsewhere."""
        return topology.ABSENT if name in ("elsewhere", "override") else cls.farm.addresses[name]

    @classmethod
    def fill_table(cls):
        lines = ["-A -f 10 -s rr", f"-a -f 10 -r {cls.farm.addresses['plain']}:0 -g -w 1"]
        for name, of_service in SERVICES.items():
            vip = f"{VIP}:{of_service['local_port']}"
            lines += [f"-A -t {vip} -s rr", f"-a -t {vip} -r {cls.server(name)}:80 -m -w 1"]
        cls.load("\n".join(lines))

    @classmethod
    def configuration(cls):
        probes = "".join(f"  {name}: {{{text}}}\n" for name, text in PROBES.items())
        services = "".join(f"  - {{match: {{address: {VIP}, port: {of_service['local_port']}, proto: TCP}}, "
                           f"probes: [{name}]}}\n" for name, of_service in SERVICES.items())
        text = (f"{health.QUICK}\nprobes:\n{probes}  web: {{type: http, port: 80}}\nservices:\n{services}"
                "  - {match: {mark: 10}, probes: [web]}\n")
        return text.replace("OVERRIDE", cls.farm.addresses["override"])

    def backend(self, name):
        return backend(SERVICES[name], self.server(name), 80)

    def test_the_kernel_chooses(self):
        self.assertEqual(health.up(self.page, **self.backend("plain")), 1)
        self.assertEqual(self.farm.peers("plain"), {topology.IPV4["director"]})

    def test_source(self):
        self.assertEqual(health.up(self.page, **self.backend("source")), 1)
        self.assertEqual(self.farm.peers("source"), {SECOND_ADDRESS})

    def test_interface(self):
        self.assertEqual(health.up(self.page, **self.backend("eth0")), 1)
        self.assertEqual(health.up(self.page, **self.backend("out0")), 0)
        self.assertEqual(health.down_reason(self.page, **self.backend("out0"))[0], "l3")
        self.assertEqual(self.farm.connections("out0"), 0)

    def test_mark(self):
        """A rule sends what has the mark to a table that leads nowhere."""
        self.assertEqual(health.down_reason(self.page, **self.backend("marked")), ("l3", "host_unreachable"))
        self.assertEqual(self.farm.connections("marked"), 0)

    def test_network_namespace(self):
        self.assertEqual(health.up(self.page, **self.backend("elsewhere")), 1)
        self.assertEqual(self.inner.peers, {"127.0.0.1"})

    def test_address(self):
        self.assertEqual(health.up(self.page, **self.backend("override")), 1)
        self.assertGreater(self.farm.connections("override"), 0)

    def test_port_of_a_mark_service(self):
        self.assertEqual(health.up(self.page, **backend(mark(10), self.farm.addresses["plain"], 0)), 1)
        self.assertEqual(health.layers(self.page, probe="web", port="80"), {"l4": 1, "l7": 1})


if __name__ == "__main__":
    labtest.main()
