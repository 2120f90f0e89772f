"""What the panels say of two directors of which one carries the service: its view, and nothing counted twice.

promtool evaluates the panels' own expressions over series that are written here."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import yaml  # noqa: E402

import dashboard_files  # noqa: E402
import expressions      # noqa: E402

SHOP = {"local_address": "192.168.1.111", "local_port": "80", "proto": "TCP", "address_family": "ipv4"}
MARK = {"local_port": "0", "proto": "FWM", "local_mark": "0000000A", "address_family": "ipv4"}
WELL = {"remote_address": "192.168.1.102", "remote_port": "80"}
SICK = {"remote_address": "192.168.1.103", "remote_port": "80"}
SERVICE_STATES = ("ok", "degraded", "spof", "backup", "sorry", "down", "unknown")
BACKEND_STATES = ("up", "down", "unknown", "drain", "maintenance")
NOW = "2m"


class World:
    """Series of two directors, one sample every 5 s."""

    def __init__(self):
        self.series = []

    def has(self, metric, values, director="director1", /, **labels):
        """A series; `values` in promtool's notation, or a number that stays."""
        labels = {"cluster": "lvs1", "job": "ipvs", "instance": director} | labels
        text = ",".join(f'{label}="{value}"' for label, value in labels.items())
        values = values if isinstance(values, str) else f"{values}x60"
        self.series.append({"series": f"{metric}{{{text}}}", "values": values})

    def state(self, metric, states, the_one, director="director1", /, **labels):
        """A set of states of which one is 1."""
        for state in states:
            self.has(metric, int(state == the_one), director, state=state, **labels)

    def director(self, name, active, service_state, sick_state, rate):
        """Both directors have the same table, and connections are synchronised; each sees for itself."""
        self.has("up", 1, name)
        self.has("ipvs_up", 1, name)
        self.has("ipvs_service_info", 1, name, **SHOP, name="shop", scheduler="rr", persistence="none")
        self.has("ipvs_service_active", active, name, **SHOP)
        self.state("ipvs_service_state", SERVICE_STATES, service_state, name, **SHOP)
        self.has("ipvs_service_backends", int(service_state == "ok") + 1, name, **SHOP, state="usable")
        for backend, state, connections in ((WELL, "up", 10), (SICK, sick_state, 4)):
            self.state("ipvs_backend_health_state", BACKEND_STATES, state, name, **SHOP, **backend)
            self.has("ipvs_backend_connections_active", connections, name, **SHOP, **backend)
            self.has("ipvs_backend_weight", 1, name, **SHOP, **backend)
            self.has("ipvs_backend_connections_total", f"0+{rate * 5}x60", name, **SHOP, **backend)
        self.has("ipvs_service_connections_total", f"0+{rate * 10}x60", name, **SHOP)
        falls = f"0x20 {int(sick_state == 'down')}x40"
        self.has("ipvs_backend_transitions_total", falls, name, **SHOP, **SICK, to="down")

    def without(self, name, director):
        """The same world where that director has nothing of this name."""
        def is_one(series):
            return series["series"].startswith(name + "{") and f'instance="{director}"' in series["series"]
        self.series = [series for series in self.series if not is_one(series)]
        return self


def pair(active="director1"):
    """director1 sees one real server down, director2 sees none down."""
    world = World()
    world.director("director1", int(active == "director1"), "spof", "down", 10 * (active == "director1"))
    world.director("director2", int(active == "director2"), "ok", "up", 10 * (active == "director2"))
    return world


class TwoDirectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.expressions = {query.place: expressions.filled(query.expression, dashboard)
                           for dashboard in dashboard_files.load().values()
                           for query in dashboard_files.queries(dashboard)}

    def test_states_are_those_of_the_director_that_carries(self):
        self.assert_panel("lvs-overview: Services by state: A", pair(), _states(SERVICE_STATES, spof=1))
        self.assert_panel("lvs-overview: Real servers by state: A", pair(), _states(BACKEND_STATES, up=1, down=1))
        self.assert_panel("lvs-overview: Services over time: A", pair(), [(_shop(), 2)])

    def test_after_a_failover_they_are_those_of_the_other_one(self):
        world = pair("director2")
        self.assert_panel("lvs-overview: Services by state: A", world, _states(SERVICE_STATES, ok=1))
        self.assert_panel("lvs-overview: Services: B", world, [(_shop(), 2)])
        self.assert_panel("lvs-overview: Services: D", world, [(_shop(instance="director2"), 1)])

    def test_where_nobody_carries_every_view_counts(self):
        world = pair("nobody")
        self.assert_panel("lvs-overview: Services by state: A", world, _states(SERVICE_STATES, spof=1, ok=1))
        self.assert_panel("lvs-overview: Services over time: A", world, [(_shop(), 2)])

    def test_while_the_director_that_carries_is_silent_the_other_one_is_believed(self):
        world = World()
        world.director("director2", 0, "ok", "up", 0)
        self.assert_panel("lvs-overview: Services by state: A", world, _states(SERVICE_STATES, ok=1))
        self.assert_panel("lvs-service: Real servers over time: A", world, [(_shop(**WELL), 1), (_shop(**SICK), 1)])

    def test_synchronised_connections_count_once(self):
        self.assert_panel("lvs-overview: Services: F", pair(), [(_shop(), 14)])
        self.assert_panel("lvs-service: Real servers: F", pair(), [(_shop(**WELL), 10), (_shop(**SICK), 4)])
        self.assert_panel("lvs-service: Active connections: A", pair(), [(_shop(**WELL), 10), (_shop(**SICK), 4)])

    def test_synchronised_templates_count_once(self):
        world = self._bound_clients()
        self.assert_panel("lvs-sessions: Templates: A", world, [({}, 45)])
        self.assert_panel("lvs-sessions: On drained real servers: A", world, [({}, 5)])
        self.assert_panel("lvs-sessions: Templates by real server: A", world,
                          [(_shop(**WELL), 40), (_shop(**SICK), 5)])
        self.assert_panel("lvs-sessions: Templates by type: A", world, [({"type": "ppc"}, 45), ({"type": "orphan"}, 3)])
        self.assert_panel("lvs-sessions: Of removed real servers: A", world, [({}, 3)])
        self.assert_panel("lvs-sessions: Of removed real servers: B", world, [({}, 7)])
        self.assert_panel("lvs-sessions: Remaining time: A", world, [({"le": "60"}, 10), ({"le": "+Inf"}, 45)])

    def test_without_a_drain_nothing_is_on_drained_servers(self):
        self.assert_panel("lvs-sessions: On drained real servers: A", pair(), [({}, 0)])

    def test_a_service_says_what_part_of_its_directors_table_was_read(self):
        place = "lvs-sessions: How services bind their clients: F"
        world = self._bound_clients()
        self.assert_panel(place, world, [(_shop(), 0.25)])
        self.assert_panel(place, world.without("ipvs_connections_scan_coverage_ratio", "director1"), [(_shop(), -1)])

    def test_a_drained_server_has_its_clients_and_whether_the_kernel_keeps_them(self):
        world = self._bound_clients()
        world.has("ipvs_sysctl", 0, "director1", name="expire_quiescent_template")
        world.has("ipvs_sysctl", 1, "director2", name="expire_quiescent_template")
        for query, value in (("A", 0), ("B", 5), ("C", 0), ("D", 10), ("E", 4)):
            self.assert_panel(f"lvs-sessions: Drained real servers: {query}", world, [(_shop(**SICK), value)])

    def test_skew_is_of_templates_per_weight(self):
        world = self._bound_clients(sick_weight=2)
        self.assert_panel("lvs-sessions: Skew by service: A", world, [(_shop(), 40 / ((40 + 2.5) / 2))])
        self.assert_panel("lvs-sessions: Share of templates against weight: A", world,
                          [(_shop(**WELL), 40 / 45 - 1 / 3), (_shop(**SICK), 5 / 45 - 2 / 3)])

    def test_the_table_is_as_full_as_it_was_read_or_as_the_kernel_counts(self):
        world = self._bound_clients()
        for director in ("director1", "director2"):
            world.has("ipvs_connection_table_buckets", 100, director)
            for backend in (WELL, SICK):
                world.has("ipvs_backend_connections_inactive", 20, director, **SHOP, **backend)
        world.has("ipvs_table_connections", 72, proto="TCP", state="ESTABLISHED", origin="local")
        world.has("ipvs_table_connections", 30, proto="UDP", state="UDP", origin="local")
        for place in ("Entries in a bucket", "Entries in a bucket over time"):
            self.assert_panel(f"lvs-kernel: {place}: A", world, [
                ({"cluster": "lvs1", "job": "ipvs", "instance": "director1"}, 1.5),
                ({"cluster": "lvs1", "job": "ipvs", "instance": "director2"}, 0.99)])

    def test_a_vip_on_both_is_told(self):
        world = pair().without("ipvs_service_active", "director2")
        world.has("ipvs_service_active", 1, "director2", **SHOP)
        for place in ("lvs-overview: Services: D", "lvs-service: Service: E"):
            self.assert_panel(place, pair(), [(_shop(instance="director1"), 1)])
            self.assert_panel(place, world, [(_shop(instance="SEVERAL"), 1)])

    def test_rates_are_summed_over_both(self):
        world = pair()
        world.has("ipvs_service_info", 1, "director3", **SHOP, name="shop")
        world.has("ipvs_service_connections_total", "0+25x60", "director3", **SHOP)
        self.assert_panel("lvs-overview: Services: E", world, [(_shop(), 25)])

    def test_shares_are_of_all_that_came(self):
        self.assert_panel("lvs-service: Real servers: J", pair(), [(_shop(**WELL), 0.5), (_shop(**SICK), 0.5)])
        self.assert_panel("lvs-service: Real servers: K", pair(), [(_shop(**WELL), 0.5), (_shop(**SICK), 0.5)])

    def test_a_transition_that_both_saw_counts_once(self):
        world = pair()
        world.without("ipvs_backend_transitions_total", "director2")
        world.has("ipvs_backend_transitions_total", "0x20 1x40", "director2", **SHOP, **SICK, to="down")
        expression = self.expressions["lvs-overview: Transitions: A"].replace("[20s]", "[1m]")
        self.assert_expression(expression, world, [({"to": "down"}, 1)])

    def test_a_service_that_nobody_carries_is_told_unless_a_director_is_silent(self):
        place = "lvs-overview: Services not carried: A"
        self.assert_panel(place, pair(), [({}, 0)])
        self.assert_panel(place, pair("nobody"), [({}, 1)])
        silent = pair("nobody").without("up", "director1")
        silent.has("up", 0, "director1")
        self.assert_panel(place, silent, [({}, 0)])

    def test_a_configured_service_that_is_in_no_table_has_a_name_all_the_same(self):
        world = World()
        world.state("ipvs_service_state", SERVICE_STATES, "down", **SHOP)
        world.state("ipvs_service_state", SERVICE_STATES, "down", **MARK)
        self.assert_panel("lvs-overview: Services: A", world,
                          [({"cluster": "lvs1", "name": "192.168.1.111:80"}, 0),
                           ({"cluster": "lvs1", "name": "mark 0000000A"}, 0)])

    def test_a_mark_without_addresses_is_seen_by_both_and_counts_once(self):
        world = World()
        for director in ("director1", "director2"):
            world.state("ipvs_service_state", SERVICE_STATES, "ok", director, **MARK)
        self.assert_panel("lvs-overview: Services by state: A", world, _states(SERVICE_STATES, ok=1))

    def test_directors_say_which_is_silent_and_which_cannot_read_its_table(self):
        world = World()
        for director, up, table in (("director1", 1, 1), ("director2", 1, 0), ("director3", 0, None)):
            world.has("up", up, director)
            if table is not None:
                world.has("ipvs_up", table, director)
        both = {"cluster": "lvs1", "job": "ipvs"}
        self.assert_panel("lvs-overview: Directors: A", world, [
            ({**both, "instance": "director1"}, 2), ({**both, "instance": "director2"}, 1),
            ({"__name__": "up", **both, "instance": "director3"}, 0)])

    def test_a_pair_has_a_master_and_a_standby(self):
        world = self._roles("master", "backup")
        self.assert_panel("lvs-director: Roles: A", world, [(_of("director1"), 2), (_of("director2"), 1)])
        self.assert_panel("lvs-director: Roles over time: A", world, [(_of("director1"), 2), (_of("director2"), 1)])
        for place in ("lvs-director: No standby: A", "lvs-overview: No standby: A"):
            self.assert_panel(place, world, [({}, 0)])

    def test_a_master_alone_is_told_where_two_are_expected(self):
        for world, alone in ((self._roles("master", "fault"), 1), (self._roles("master", "backup", keepalived=0), 1),
                             (self._roles("master", None), 1), (self._roles("master", "master"), 0),
                             (self._roles("backup", "backup"), 0), (self._roles("master", None, expected=1), 0)):
            for place in ("lvs-director: No standby: A", "lvs-overview: No standby: A"):
                self.assert_panel(place, world, [({}, alone)])
            both = {"cluster": "lvs1", "job": "ipvs"}
            self.assert_panel("lvs-overview: Directors: A", world, [
                ({**both, "instance": "director1"}, 2 + alone), ({**both, "instance": "director2"}, 2)])

    def test_vips_are_on_cards_or_on_lo_or_nowhere(self):
        world = World()
        for director, address, interface, bound in (
                ("director1", "192.168.1.111", "eth0", 1), ("director2", "192.168.1.111", "", 0),
                ("director1", "192.168.1.112", "eth0", 1), ("director2", "192.168.1.112", "bond0", 1),
                ("director1", "192.168.1.113", "lo", 1), ("director2", "192.168.1.113", "", 0),
                ("director1", "192.168.1.114", "", 0), ("director2", "192.168.1.114", "", 0)):
            world.has("ipvs_vip_bound", bound, director, address=address, **{"interface": interface} if interface else {})
            world.has("ipvs_vip_on_network_card", int(interface not in ("", "lo")), director, address=address)
        self.assert_panel("lvs-director: VIPs: A", world, [
            ({"instance": director, "address": f"192.168.1.{number}"}, place)
            for number, places in ((111, (2, 0)), (112, (2, 2)), (113, (1, 0)), (114, (0, 0)))
            for director, place in zip(("director1", "director2"), places)])
        self.assert_panel("lvs-director: VIPs on several directors: A", world, [({}, 1)])
        self.assert_panel("lvs-director: VIPs bound nowhere: A", world, [({}, 1)])
        self.assert_panel("lvs-director: Directors: D", world, [(_of("director1"), 2), (_of("director2"), 1)])

    def test_a_sync_daemon_that_does_not_run_is_counted(self):
        world = self._roles("master", "backup")
        for director, expected in (("director1", "master"), ("director2", "backup")):
            for role in ("master", "backup"):
                world.has("ipvs_sync_daemon_expected", int(role == expected), director, role=role)
        world.has("ipvs_sync_daemon_running", 1, "director2", role="backup", interface="eth0", sync_id="7")
        self.assert_panel("lvs-director: Sync daemons missing: A", world, [({}, 1)])
        self.assert_panel("lvs-overview: Roles and synchronisation: C", world,
                          [(_of("director1"), 1), (_of("director2"), 0)])
        world.without("ipvs_sync_daemon_running", "director2")
        world.without("ipvs_sync_daemon_expected", "director2")
        self.assert_panel("lvs-overview: Roles and synchronisation: C", world, [(_of("director1"), 1)])

    def test_what_only_one_director_sees_down_has_a_row_for_each(self):
        self.assert_panel("lvs-director: Real servers that one director sees down: A", pair(), [
            (_shop(**SICK, instance="director1"), 1), (_shop(**SICK, instance="director2"), 0)])

    def test_services_that_differ_have_their_tables_and_variants_counted(self):
        world = pair().without("ipvs_service_info", "director2")
        self._assert_differ(world, [({"cluster": "lvs1", **SHOP}, 1)], [({"cluster": "lvs1", **SHOP}, 1)])
        world.has("ipvs_service_info", 1, "director2", **SHOP, name="shop", scheduler="wlc", persistence="none")
        self._assert_differ(world, [({"cluster": "lvs1", **SHOP}, 2)], [({"cluster": "lvs1", **SHOP}, 2)])
        self._assert_differ(pair(), [], [])

    def test_rules_that_mark_have_the_service_that_they_feed_or_none(self):
        world, web, other = self._marks()
        rule = {**_of("director1"), "address_family": "ipv4", "proto": "TCP"}
        self.assert_panel("lvs-director: What feeds the marks: A", world, [
            ({**rule, **web, "name": "web"}, 1), ({**rule, **other}, 1)])
        self.assert_panel("lvs-sessions: What feeds the marks: A", world, [({**rule, **web, "name": "web"}, 1)])

    def test_a_mark_service_without_a_rule_is_told_where_all_rules_could_be_read(self):
        place = "lvs-sessions: Mark services that no rule feeds: A"
        world, _, _ = self._marks()
        unfed = {"cluster": "lvs1", "instance": "director1", "name": "forgotten", "local_mark": "00000014",
                 "address_family": "ipv4"}
        self.assert_panel(place, world, [])
        world.has("ipvs_audit_last_run_timestamp_seconds", 1)
        self.assert_panel(place, world, [(unfed, 1)])
        world.has("ipvs_audit_unknown", 1, check="mark_without_rule")
        self.assert_panel(place, world, [])

    def test_a_failed_check_names_its_runbook(self):
        world = World()
        for check, subject, failed in (("conn_reuse_mode", "", 1), ("expire_nodest_conn", "", 0),
                                       ("mark_without_rule", "mark 0000000A ipv4", 1), ("estimation", "", 1)):
            world.has("ipvs_audit_failed", failed, check=check, **{"subject": subject} if subject else {})
        for dashboard in ("lvs-director", "lvs-kernel"):
            self.assert_panel(f"{dashboard}: Failed checks: A", world, [
                ({**_of("director1"), "check": "conn_reuse_mode", "runbook": "LVSAuditFailed"}, 1),
                ({**_of("director1"), "check": "mark_without_rule", "subject": "mark 0000000A ipv4",
                  "runbook": "LVSFwmarkRuleMissing"}, 1),
                ({**_of("director1"), "check": "estimation", "runbook": "LVSStatsFrozen"}, 1)])

    def test_a_failure_shorter_than_a_pixel_is_seen(self):
        world = pair()
        world.without("ipvs_backend_health_state", "director1")
        down, up = "0x21 1 0x38", "1x21 0 1x38"
        for state in BACKEND_STATES:
            world.has("ipvs_backend_health_state", {"down": down, "up": up}.get(state, 0), **SHOP, **SICK, state=state)
        self.assert_panel("lvs-service: Real servers over time: A", world, [(_shop(**SICK), 0)])

    def _assert_differ(self, world, tables, variants):
        self.assert_panel("lvs-director: Services that differ: A", world, tables)
        self.assert_panel("lvs-director: Services that differ: B", world, variants)

    @staticmethod
    def _roles(first, second, expected=2, keepalived=1):
        """Two directors that are scraped, with these roles; None is one that has none to tell. keepalived is that of the
        second."""
        world = World()
        for director, role in (("director1", first), ("director2", second)):
            world.has("up", 1, director)
            world.has("ipvs_up", 1, director)
            if role:
                world.has("ipvs_directors_expected", expected, director)
                world.has("ipvs_keepalived_up", keepalived if director == "director2" else 1, director)
                for other in ("master", "backup", "fault", "unknown"):
                    world.has("ipvs_director_role", int(role == other), director, role=other)
        return world

    @staticmethod
    def _marks():
        """(the world, a rule that feeds a service, one that feeds none); a second service is fed by none."""
        world = World()
        web = {"local_mark": "0000000A", "destination": "192.168.1.112", "destination_port": "80"}
        other = {"local_mark": "0000001E", "destination_port": "443"}
        for rule in (web, other):
            world.has("ipvs_mark_rule_info", 1, **rule, address_family="ipv4", proto="TCP")
        world.has("ipvs_service_info", 1, **MARK, name="web")
        world.has("ipvs_service_info", 1, **MARK | {"local_mark": "00000014"}, name="forgotten")
        return world, web, other

    @staticmethod
    def _bound_clients(sick_weight=0):
        """The pair with persistence: 40 clients are bound to one real server and 5 to the other, and director1, which
        carries, has read a quarter of its table."""
        world = pair()
        for director, origin in (("director1", "local"), ("director2", "sync")):
            world.without("ipvs_backend_weight", director)
            for backend, templates, weight in ((WELL, 40, 1), (SICK, 5, sick_weight)):
                world.has("ipvs_backend_persistence_templates", templates, director, **SHOP, **backend)
                world.has("ipvs_backend_weight", weight, director, **SHOP, **backend)
            for kind, templates in (("ppc", 45), ("orphan", 3)):
                world.has("ipvs_table_persistence_templates", templates, director, type=kind, status="assured",
                          origin=origin)
                world.has("ipvs_service_persistence_templates", templates, director, **SHOP, type=kind)
            world.has("ipvs_table_orphan_connections", 7, director, origin=origin)
            for bound, templates in (("60", 10), ("+Inf", 45)):
                world.has("ipvs_service_persistence_template_remaining_seconds_bucket", templates, director, **SHOP,
                          le=bound)
            world.has("ipvs_connections_scan_truncated", int(director == "director1"), director)
            world.has("ipvs_connections_scan_coverage_ratio", 0.25 if director == "director1" else 1, director)
        return world

    def assert_panel(self, place, world, expected):
        """The expression of a panel, with All chosen, has exactly these results: [(labels, value)]."""
        self.assert_expression(self.expressions[place], world, expected)

    def assert_expression(self, expression, world, expected):
        samples = [{"labels": _selector(labels), "value": value} for labels, value in expected]
        test = {"interval": "5s", "input_series": world.series,
                "promql_expr_test": [{"expr": expression, "eval_time": NOW, "exp_samples": samples}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
            yaml.safe_dump({"rule_files": [], "tests": [test]}, file)
            file.flush()
            done = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def _states(states, **counts):
    return [({"state": state}, counts.get(state, 0)) for state in states]


def _of(director):
    return {"cluster": "lvs1", "instance": director}


def _shop(**labels):
    return {"cluster": "lvs1", "name": "shop", **labels}


def _selector(labels):
    name = labels.get("__name__", "")
    return name + "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items() if label != "__name__") + "}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
