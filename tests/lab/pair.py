"""Two directors that elect one of them: on each keepalived and the exporter, and the same services in both tables.

Clients reach the elected one. VRRP runs twice as fast as with keepalived's own second between two adverts: any faster, and
a guest that stands still for a moment loses its master. The audit and the search for ARP leaks run five times as fast.
"""

import contextlib
import dataclasses
import os
import pathlib
import pwd

import deadline
import exporter
import health
import keepalived
import netns
import servers
import topology

LIMIT = 20
PAUSE = 0.3

INSTANCE, VRID = "VI_1", 51
MARK = 10
# keepalived binds these itself. The last one has a script of its: when it is gone, nobody puts it back.
VIPS = (topology.DR, topology.DR6, topology.MARKED, topology.SCHEDULED)
SCRIPTED = topology.SCHEDULED

KEEPALIVED = """
global_defs {{
  router_id {name}
  vrrp_version 3
  vrrp_priority -20
  umask 022
  script_user root
  enable_script_security
  lvs_sync_daemon eth0 {instance}
  vrrp_notify_fifo {fifo} nobody nogroup
}}
track_file course {{
  file {folder}/course
  init_file 0 overwrite
}}
vrrp_instance {instance} {{
  state BACKUP
  interface eth0
  virtual_router_id {vrid}
  priority {priority}
  advert_int 0.5
  virtual_ipaddress {{
    {vip}/32 dev eth0
    {marked}/32 dev eth0
  }}
  virtual_ipaddress_excluded {{
    {vip6}/128 dev eth0
  }}
  track_file {{
    course weight 1
  }}
  notify_master "/bin/ip addr replace {scripted}/32 dev eth0"
  notify_backup "/bin/ip addr del {scripted}/32 dev eth0"
  notify_fault "/bin/ip addr del {scripted}/32 dev eth0"
  notify_stop "/bin/ip addr del {scripted}/32 dev eth0"
}}
"""

CONFIGURATION = """
checker:
  defaults: {{interval: 2s, fast_interval: 1s}}
  arp_leak: {{interval: 6s}}
probes:
  web: {{type: tcp, port: 80}}
services:
  - match: {{mark: {mark}, family: ipv4}}
    vip: {marked}
    probes: [web]
audit: {{interval: 3s}}
director:
  directors: {directors}
  keepalived:
{keepalived}
"""

NGINX = 'server {{ listen 80; listen [::]:80; location / {{ return 200 "{host}\\n"; }} }}'


@dataclasses.dataclass(frozen=True)
class Standing:
    """What an exporter says of its director."""
    role: str
    vrrp: int | None          # ipvs_vrrp_state
    keepalived: int | None
    bound: frozenset          # VIPs on a network card
    carried: frozenset        # VIPs whose service this director carries
    wanted: frozenset         # roles of the sync daemon that should run
    running: frozenset        # and that do
    evidence: str = "vrrp"

    @classmethod
    def of(cls, page):
        """Read off a page, on which each word stands once."""
        def words(name, label, value=1):
            return frozenset(dict(series)[label] for series, found in page.series(name).items() if found == value)

        def number(name):
            return next(iter(page.series(name).values()), None)
        role, = words("ipvs_director_role", "role")
        evidence, = words("ipvs_director_role_evidence", "evidence")
        carried = words("ipvs_service_active", "local_address")
        return cls(role, number("ipvs_vrrp_state"), number("ipvs_keepalived_up"), words("ipvs_vip_bound", "address"),
                   frozenset(address or topology.MARKED for address in carried),
                   words("ipvs_sync_daemon_expected", "role"), words("ipvs_sync_daemon_running", "role"), evidence)

    def but(self, **changes):
        """The same with some differences."""
        return dataclasses.replace(self, **{name: frozenset(value) if isinstance(value, (set, tuple)) else value
                                            for name, value in changes.items()})


_ALL, _NONE = frozenset(VIPS), frozenset()
MASTER = Standing("master", 2, 1, _ALL, _ALL, frozenset({"master"}), frozenset({"master"}))
BACKUP = Standing("backup", 1, 1, _NONE, _NONE, frozenset({"backup"}), frozenset({"backup"}))
FAULT = BACKUP.but(role="fault", vrrp=3, wanted=())
STOPPED = Standing("unknown", 0, 0, _NONE, _NONE, _NONE, _NONE)


class Director:
    """One of the two. A context manager: it starts keepalived and the exporter, and ends them."""

    def __init__(self, host, priority, run_as):
        self.host = host
        self.name = host.name
        self._folder = keepalived.folder_of(host)
        self._fifo_folder = pathlib.Path(f"/run/notify-{host.name}")
        self.fifo = self._fifo_folder / "vrrp.fifo"
        self.keepalived = keepalived.Keepalived(host, KEEPALIVED.format(
            name=host.name, instance=INSTANCE, vrid=VRID, priority=priority, fifo=self.fifo, folder=self._folder,
            vip=topology.DR, vip6=topology.DR6, marked=topology.MARKED, scripted=SCRIPTED), "--vrrp")
        self.exporter = exporter.exporter(host, f"--config.file={self.configure()}", run_as=run_as,
                                          address=topology.WATCHED[host.name])
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        self._prepare()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.exporter)
            stack.enter_context(self.keepalived)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def configure(self, name="", directors=2, **changes):
        """Writes the configuration of its exporter, or that of another one on the same director; its path. `changes`
        are of the section `keepalived`; what is None there is left out."""
        section = {"expected": "true", "pid_file": self.keepalived.pid_file, "notify_fifo": self.fifo,
                   "json_file": self.keepalived.json_file, "instances": f"{{{INSTANCE}: {VRID}}}"} | changes
        return health.write_configuration(name or self.name, CONFIGURATION.format(
            mark=MARK, marked=topology.MARKED, directors=directors,
            keepalived="\n".join(f"    {key}: {value}" for key, value in section.items() if value is not None)))

    def give_way(self):
        """Hands its role over: the other one has the higher priority from now on."""
        netns.write_file(self._folder / "course", "-100\n")

    def take_back(self):
        """The reverse."""
        netns.write_file(self._folder / "course", "0\n")

    def restart_exporter(self):
        """Ends it and starts another one."""
        self.exporter.stop()
        self.exporter.__enter__()

    def wait_until(self, standing, seconds=LIMIT):
        """The first page on which it stands so."""
        seen = None

        def look():
            nonlocal seen
            page = self.exporter.page()
            seen = Standing.of(page)
            return page if seen == standing else None
        try:
            return deadline.wait_until(seconds, "", look, PAUSE)
        except AssertionError:
            raise AssertionError(f"{self.name} is not as it should be:\n{_difference(seen, standing)}\n"
                                 f"keepalived: {self.keepalived.log()[-1500:]}") from None

    def transitions(self):
        """Into which state VRRP went how often."""
        found = self.exporter.page().series("ipvs_vrrp_transitions_total", vrrp_instance=INSTANCE, vrid=str(VRID))
        return {dict(series)["to"]: value for series, value in found.items()}

    def _prepare(self):
        """The services, and a folder like the one that an init system gives an exporter without privileges."""
        self.host.run("ipvsadm", "-R", text=rules())
        self.host.run("iptables-legacy-restore", text=topology.MARK_RULES)
        self.host.sysctl(ipv4__vs__expire_nodest_conn=1, ipv6__conf__eth0__keep_addr_on_down=1)
        self._fifo_folder.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(self._fifo_folder, nobody.pw_uid, nobody.pw_gid)


class Pair:
    """Both directors, the first of which is to be elected, and web servers behind them. A context manager."""

    def __init__(self, lab, run_as=()):
        """`lab` is a PairTopology; `run_as` is the exporters' command that lowers their privileges."""
        self._lab = lab
        self.directors = [Director(host, priority, run_as) for host, priority in zip(lab.directors, (150, 100))]
        self.first, self.second = self.directors
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for host in self._lab.real_servers:
                stack.callback(servers.Nginx(host, NGINX.format(host=host.name)).stop)
            for director in self.directors:
                stack.enter_context(director)
            for host in self._lab.real_servers:
                servers.wait_until_listening(host, 80)
            self.wait_for_rest()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def wait_for_rest(self):
        """Returns when the first one is master and the second one its standby."""
        self.first.wait_until(MASTER)
        self.second.wait_until(BACKUP)

    def bring_to_rest(self):
        """The same, by force if need be: keepalived 2.2.7 waits for ever for an answer about the sync daemon when it
        becomes master and backup at the same moment, as after a guest that stood still. Then both stay master."""
        try:
            self.wait_for_rest()
        except AssertionError:
            for director in self.directors:
                director.keepalived.stop()
                director.keepalived.start()
            self.wait_for_rest()

    def block_vrrp(self):
        """Neither hears the adverts of the other any more."""
        self._filter_vrrp("-I")

    def unblock_vrrp(self):
        """The reverse."""
        self._filter_vrrp("-D")

    def _filter_vrrp(self, command):
        for director in self.directors:
            director.host.run("iptables-legacy", "-w", command, "INPUT", "-i", "eth0", "-p", "112", "-j", "DROP")


def rules():
    """The services of both tables."""
    lines = []
    for service, addresses in ((f"-t {topology.DR}:80", topology.IPV4), (f"-t [{topology.DR6}]:80", topology.IPV6),
                               (f"-t {SCRIPTED}:80", topology.IPV4), (f"-f {MARK}", topology.IPV4)):
        lines.append(f"-A {service} -s rr")
        for name in topology.REAL_SERVERS:
            server = f"[{addresses[name]}]" if ":" in addresses[name] else addresses[name]
            lines.append(f"-a {service} -r {server}:{0 if service.startswith('-f') else 80} -g -w 1")
    return "\n".join(lines) + "\n"


def _difference(seen, expected):
    """Where two standings differ, for people."""
    return "\n".join(f"  {field.name}: {_shown(getattr(seen, field.name))} instead of "
                     f"{_shown(getattr(expected, field.name))}" for field in dataclasses.fields(expected)
                     if getattr(seen, field.name) != getattr(expected, field.name))


def _shown(value):
    return sorted(value) if isinstance(value, frozenset) else value
