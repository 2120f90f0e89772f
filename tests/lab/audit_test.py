"""Every check of the audit on a real kernel: a set-up that violates it and one that does not, for both address families
where it knows them; and the same program on a real server."""

import connections_bench
import deadline
import exporter
import health
import ipvs_netlink
import labtest
import topology

LIMIT = 20
PAUSE = 0.3
QUICK = "audit: {interval: 1s}\n"
PAIR = QUICK + "director: {directors: 2}\n"
OF_AUDIT = ("--collector.disable-defaults", "--collector.ipvs", "--collector.director", "--collector.audit")
LONG_CHAINS = 103_000  # entries in 4,096 buckets

WEB = f"{topology.DR}:80/TCP"
WEB6 = f"[{topology.DR6}]:80/TCP"
MARK, MARK6 = "mark 0000000A ipv4", "mark 0000000A ipv6"


class AuditTest(labtest.LabTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alone = cls.enterClassContext(health.configured(cls.director, "alone", QUICK, *OF_AUDIT))
        cls.of_pair = cls.enterClassContext(health.configured(cls.director, "pair", PAIR, *OF_AUDIT))

    def assert_found(self, check, subject, wrong, program=None):
        """The audit comes to say so: True wrong, False right, None nothing."""
        program = program or self.alone
        wanted = None if wrong is None else float(wrong)
        deadline.wait_until(LIMIT, f"{check} of {subject!r} to be {wrong}",
                            lambda: finding(program.page(), check, subject) == wanted, PAUSE)

    def undo(self, *command):
        """On the director, when the test is over."""
        self.addCleanup(self.director.run, *command)

    def assert_setting(self, check, wrong, right, program=None, subject="", **more):
        """wrong and right: of settings of IPVS, named without their folder."""
        before = {name: self.director.read(f"/proc/sys/net/ipv4/vs/{name}").strip() for name in wrong | right | more}
        for settings, is_wrong in ((wrong, True), (right, False)):
            self.set_all(**settings, **more)
            self.assert_found(check, subject, is_wrong, program)
        self.set_all(**before)

    def set_all(self, **settings):
        self.director.sysctl(**{f"ipv4__vs__{name}": value for name, value in settings.items()})

    def test_mark_without_rule(self):
        for mark in (MARK, MARK6):
            self.assert_found("mark_without_rule", mark, False)
        self.assert_found("mark_without_rule", "mark 00000014 ipv4", True)
        self.director.run("ip6tables-legacy", "-t", "mangle", "-F")
        self.addCleanup(self.director.run, "ip6tables-legacy-restore", text=topology.MARK_RULES6)
        self.assert_found("mark_without_rule", MARK6, True)
        self.assert_found("mark_without_rule", MARK, False)

    def test_mark_rules_are_listed(self):
        page = self.alone.page()
        for port in (80, 22):
            for address, family in ((topology.MARKED, "ipv4"), (topology.MARKED6, "ipv6")):
                self.assertEqual(page.value("ipvs_mark_rule_info", local_mark="0000000A", address_family=family,
                                            destination=address, destination_port=str(port), proto="TCP"), 1)

    def test_rule_without_service(self):
        for program, address, family in (("iptables-legacy", topology.DR, "ipv4"),
                                         ("ip6tables-legacy", topology.DR6, "ipv6")):
            rule = ("PREROUTING", "-d", address, "-p", "tcp", "--dport", "8080", "-j", "MARK", "--set-mark", "99")
            self.director.run(program, "-t", "mangle", "-A", *rule)
            self.assert_found("rule_without_service", f"mark 00000063 {family}", True)
            self.director.run(program, "-t", "mangle", "-D", *rule)
            self.assert_found("rule_without_service", f"mark 00000063 {family}", None)
        self.assert_found("rule_without_service", MARK, False)

    def test_vip_not_local(self):
        cases = ((topology.DR, 32, WEB), (topology.DR6, 128, WEB6), (topology.MARKED, 32, f"{MARK} to {topology.MARKED}"),
                 (topology.MARKED6, 128, f"{MARK6} to {topology.MARKED6}"))
        for vip, length, subject in cases:
            with self.subTest(subject):
                self.assert_found("vip_not_local", subject, False)
                self.director.ip(f"addr del {vip}/{length} dev eth0")
                self.assert_found("vip_not_local", subject, True)
                self.director.ip(f"addr add {vip}/{length} dev eth0" + (" nodad" if ":" in vip else ""))
                self.assert_found("vip_not_local", subject, False)

    def test_a_director_without_the_vip_of_a_mark(self):
        """Policy routing delivers what is marked."""
        subject = f"{MARK} to {topology.MARKED}"
        self.director.ip(f"addr del {topology.MARKED}/32 dev eth0")
        self.undo("ip", "addr", "add", f"{topology.MARKED}/32", "dev", "eth0")
        self.assert_found("vip_not_local", subject, True)
        self.director.ip("rule add fwmark 10 table 100", "route add local default dev lo table 100")
        self.undo("ip", "rule", "del", "fwmark", "10", "table", "100")
        self.assert_found("vip_not_local", subject, False)

    def test_ip_forward(self):
        for setting, family in (("ipv4__ip_forward", "ipv4"), ("ipv6__conf__all__forwarding", "ipv6")):
            self.assert_found("ip_forward", family, False)
            self.director.sysctl(**{setting: 0})
            self.assert_found("ip_forward", family, True)
            self.director.sysctl(**{setting: 1})

    def test_send_redirects(self):
        self.assert_found("send_redirects", "eth0", False)
        self.director.sysctl(ipv4__conf__all__send_redirects=1)
        self.assert_found("send_redirects", "eth0", True)
        self.director.sysctl(ipv4__conf__all__send_redirects=0)

    def test_arp_and_reverse_path_of_a_director_that_is_a_real_server(self):
        self.director.ip(f"addr del {topology.DR}/32 dev eth0", f"addr add {topology.DR}/32 dev lo", "link set tunl0 up")
        subject = f"{topology.DR} on eth0"
        try:
            for check, setting, wrong, right in (("arp_ignore", "arp_ignore", 0, 1),
                                                 ("arp_announce", "arp_announce", 0, 2)):
                for value, is_wrong in ((wrong, True), (right, False)):
                    self.director.sysctl(**{f"ipv4__conf__all__{setting}": value})
                    self.assert_found(check, subject, is_wrong, self.of_pair)
            self.director.sysctl(ipv4__conf__all__rp_filter=0)
            for value, is_wrong in ((1, True), (0, False)):
                self.director.sysctl(ipv4__conf__tunl0__rp_filter=value)
                self.assert_found("rp_filter", "tunl0", is_wrong, self.of_pair)
        finally:
            self.director.sysctl(ipv4__conf__all__arp_ignore=0, ipv4__conf__all__arp_announce=0)
            self.director.ip(f"addr del {topology.DR}/32 dev lo", f"addr add {topology.DR}/32 dev eth0",
                             "link set tunl0 down")

    def test_settings_of_ipvs(self):
        self.assert_setting("conn_reuse_mode", {"conn_reuse_mode": 0}, {"conn_reuse_mode": 1})
        for name in ("expire_nodest_conn", "expire_quiescent_template"):
            self.assert_setting(name, {name: 0}, {name: 1})
        self.assert_setting("estimation", {"run_estimation": 0}, {"run_estimation": 1})
        for name in ("drop_entry", "drop_packet", "secure_tcp"):
            self.assert_setting("defence_mode", {name: 3}, {name: 0}, subject=name)
        self.assert_setting("sloppy_tcp", {"sloppy_tcp": 0}, {"sloppy_tcp": 1}, self.of_pair, sync_persist_mode=1)

    def test_backup_only(self):
        self.director.run("ipvsadm", "-a", "-t", f"{topology.DR}:80", "-r", f"{topology.IPV4['director']}:80", "-g")
        self.undo("ipvsadm", "-d", "-t", f"{topology.DR}:80", "-r", f"{topology.IPV4['director']}:80")
        self.assert_setting("backup_only", {"backup_only": 0}, {"backup_only": 1}, self.of_pair)

    def test_port_zero_without_persistence(self):
        """ipvsadm refuses to make one; the kernel and other programs do not."""
        subject = f"{topology.LIMITED}:0/TCP"
        with self.director.inside(), ipvs_netlink.Table() as table:
            table.add_service(ipvs_netlink.Service(topology.LIMITED, 0))
        self.undo("ipvsadm", "-D", "-t", f"{topology.LIMITED}:0")
        self.assert_found("port_zero_without_persistence", subject, True)
        self.director.run("ipvsadm", "-E", "-t", f"{topology.LIMITED}:0", "-s", "rr", "-p", "60")
        self.assert_found("port_zero_without_persistence", subject, False)

    def test_ftp_persistence(self):
        vip = f"{topology.PER_PORT}:21"
        self.assert_found("ftp_persistence", f"{vip}/TCP", True)
        self.director.run("ipvsadm", "-E", "-t", vip, "-s", "rr")
        self.undo("ipvsadm", "-E", "-t", vip, "-s", "rr", "-p", "300")
        self.assert_found("ftp_persistence", f"{vip}/TCP", False)

    def test_sync_role(self):
        """The director has its VIPs, so it is master."""
        for role, is_wrong in (("backup", True), ("master", False)):
            self.director.run("ipvsadm", "--start-daemon", role, "--mcast-interface", "eth0", "--syncid", "7")
            self.assert_found("sync_role", role, is_wrong, self.of_pair)
            self.director.run("ipvsadm", "--stop-daemon", role)
            self.assert_found("sync_role", role, None, self.of_pair)

    def test_connection_table_buckets(self):
        self.assert_found("connection_table_buckets", "", False)
        self.addCleanup(self.lab.fill_table)
        self.undo("ipvsadm", "-C")
        connections_bench.fill(self.director, LONG_CHAINS)
        self.assert_found("connection_table_buckets", "", True)

    def test_what_is_accepted_is_left_out(self):
        text = QUICK.replace("}", ", accept: [{check: mark_without_rule, subject: mark 00000014 ipv4}]}")
        with health.configured(self.director, "accepting", text, *OF_AUDIT) as program:
            self.assert_found("mark_without_rule", MARK, False, program)
            self.assertIsNone(finding(program.page(), "mark_without_rule", "mark 00000014 ipv4"))

    def test_what_may_not_be_looked_at_is_counted(self):
        """Legacy tables are root's."""
        with health.configured(self.director, "nobody", QUICK, *OF_AUDIT,
                               run_as=exporter.NOBODY_WITH_NET_ADMIN) as program:
            deadline.wait_until(LIMIT, "marks that could not be looked at", lambda: sum(program.page().series(
                "ipvs_audit_unknown", check="mark_without_rule").values()) == 4, PAUSE)
            page = program.page()
            self.assertIsNone(finding(page, "mark_without_rule", MARK))
            self.assertEqual(page.value("ipvs_scrape_collector_success", collector="audit"), 1)
            self.assertEqual(finding(page, "ip_forward", "ipv4"), 0)
            self.assertEqual(len([line for line in program.log() if "ip_tables_names" in line]), 1, program.log())

    def test_a_real_server(self):
        """The same program on rs1, unprivileged."""
        with health.configured(self.lab.rs1, "rs1", f"realserver: {{vips: [{topology.DR}, 10.7.7.7]}}\n",
                               "--collector.disable-defaults", "--collector.realserver",
                               run_as=exporter.NOBODY_WITHOUT_CAPABILITIES) as program:
            page = program.page()
            self.assertEqual(page.series("ipvs_realserver_vip_bound"), {
                frozenset({("address", topology.DR), ("interface", "lo")}): 1,
                frozenset({("address", "10.7.7.7"), ("interface", "")}): 0})
            self.assertEqual(page.value("ipvs_realserver_arp_ignore", interface="eth0"), 1)
            self.assertEqual(page.value("ipvs_realserver_arp_announce", interface="eth0"), 2)
            expected = {"realserver_vip_missing": {topology.DR: 0, "10.7.7.7": 1},
                        "realserver_vip_prefix": {f"{topology.DR} on lo": 0},
                        "realserver_arp_ignore": {"eth0": 0}, "realserver_arp_announce": {"eth0": 0}}
            for check, findings in expected.items():
                for subject, wrong in findings.items():
                    self.assertEqual(finding(page, check, subject), wrong, f"{check} {subject}")
            self.lab.rs1.ip(f"addr del {topology.DR}/32 dev lo", f"addr add {topology.DR}/24 dev lo")
            self.lab.rs1.sysctl(ipv4__conf__all__arp_ignore=0, ipv4__conf__all__arp_announce=1)
            page = program.page()
            self.lab.rs1.ip(f"addr del {topology.DR}/24 dev lo", f"addr add {topology.DR}/32 dev lo")
            self.lab.rs1.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
            for check, subject in (("realserver_vip_prefix", f"{topology.DR} on lo"), ("realserver_arp_ignore", "eth0"),
                                   ("realserver_arp_announce", "eth0")):
                self.assertEqual(finding(page, check, subject), 1, check)

    def test_a_real_server_behind_a_tunnel(self):
        with health.configured(self.lab.rs3, "rs3", "", "--collector.disable-defaults",
                               "--collector.realserver") as program:
            self.assertEqual(finding(program.page(), "realserver_rp_filter", "tunl0"), 0)
            self.lab.rs3.sysctl(ipv4__conf__tunl0__rp_filter=1)
            self.addCleanup(self.lab.rs3.sysctl, ipv4__conf__tunl0__rp_filter=0)
            self.assertEqual(finding(program.page(), "realserver_rp_filter", "tunl0"), 1)


def finding(page, check, subject):
    """1 wrong, 0 right, None nothing."""
    return next(iter(page.series("ipvs_audit_failed", check=check, subject=subject).values()), None)


if __name__ == "__main__":
    labtest.main()
