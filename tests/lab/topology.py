"""The network and the tables of the lab: the set-ups that an operator of a director runs, on a real kernel.

    client .10 ----+---- 192.168.1.0/24, 2001:db8:1::/64 ----+---- rs1 .102
                   |      (a bridge in the guest's first     +---- rs2 .103
    client         |       namespace)                        +---- rs3 .104 (tunnel end)
    10.9.0.2 --- director .1
    2001:db8:9::2   10.9.0.1, 2001:db8:9::1

Everything that is balanced by DR or tunnel is reached over the bridge; what is masqueraded is reached through the
second link, so that replies must come back through the director.

A pair of directors has .1 and .2 instead, neither the second link nor any VIP of its own, and a network apart from the
other one for whoever watches it:

    director 10.8.0.1 ---+--- watcher 10.8.0.10
    director2 10.8.0.2 --+
"""

import netns

REAL_SERVERS = ("rs1", "rs2", "rs3")
HOSTS = ("client", "director", *REAL_SERVERS)
MORE_REAL_SERVERS = ("rs4", "rs5", "rs6", "rs7", "rs8")  # for those who ask for them
WATCHER = "watcher"
NUMBERS = {"client": 0x10, "director": 0x1, "director2": 0x2, "rs1": 0x102, "rs2": 0x103, "rs3": 0x104,
           **{host: 0x105 + number for number, host in enumerate(MORE_REAL_SERVERS)}}
IPV4 = {"client": "192.168.1.10", "director": "192.168.1.1", "director2": "192.168.1.2",
        "rs1": "192.168.1.102", "rs2": "192.168.1.103", "rs3": "192.168.1.104",
        **{host: f"192.168.1.{105 + number}" for number, host in enumerate(MORE_REAL_SERVERS)}}
IPV6 = {host: f"2001:db8:1::{number:x}" for host, number in NUMBERS.items()}
WATCHED = {"director": "10.8.0.1", "director2": "10.8.0.2", WATCHER: "10.8.0.10"}
ABSENT = "192.168.1.192"  # nobody has it: a typing error for .102 in a real rule
CLIENT_ADDRESSES = tuple(f"192.168.1.{number}" for number in range(20, 30))

# VIPs, named by the situation they serve.
DR = "192.168.1.111"
MARKED = "192.168.1.112"
MASQUERADED = "192.168.1.113"
TUNNELLED = "192.168.1.114"
SCHEDULED = "192.168.1.115"
PER_PORT = "192.168.1.116"
PER_MARK = "192.168.1.117"
PER_CLIENT = "192.168.1.118"
LIMITED = "192.168.1.119"
DR6 = "2001:db8:1::111"
MARKED6 = "2001:db8:1::112"
MASQUERADED6 = "2001:db8:1::113"

VIPS = (DR, MARKED, MASQUERADED, TUNNELLED, SCHEDULED, PER_PORT, PER_MARK, PER_CLIENT, LIMITED)
VIPS6 = (DR6, MARKED6, MASQUERADED6)
VIPS_ON_REAL_SERVERS = tuple(vip for vip in VIPS + VIPS6 if vip not in (MASQUERADED, MASQUERADED6))

GUE_PORT = 6080

# ip_vs and what the table makes the kernel load with it, in the order in which they can be removed.
MODULES = ("ip_vs_rr", "ip_vs_wrr", "ip_vs_wlc", "ip_vs_lc", "ip_vs_nq", "ip_vs_sh", "ip_vs_mh", "ip_vs_pe_sip",
           "ip_vs")

MARK_RULES = f"""*mangle
-A PREROUTING -d {MARKED} -p tcp -m multiport --dports 80,22 -j MARK --set-mark 10
-A PREROUTING -d {PER_MARK} -p tcp -m multiport --dports 80,22,443 -j MARK --set-mark 30
COMMIT
"""
MARK_RULES6 = f"""*mangle
-A PREROUTING -d {MARKED6} -p tcp -m multiport --dports 80,22 -j MARK --set-mark 10
COMMIT
"""

# One block for each row of the list of situations.
RULES = {
    "1 direct routing": f"""
        -A -t {DR}:80 -s rr
        -a -t {DR}:80 -r 192.168.1.102:80 -g -w 1
        -a -t {DR}:80 -r 192.168.1.103:80 -g -w 1
        -A -t [{DR6}]:80 -s rr
        -a -t [{DR6}]:80 -r [2001:db8:1::102]:80 -g -w 1
        -a -t [{DR6}]:80 -r [2001:db8:1::103]:80 -g -w 1""",
    "2 one mark for several ports": """
        -A -f 10 -s wrr
        -a -f 10 -r 192.168.1.102:0 -g -w 3
        -a -f 10 -r 192.168.1.103:0 -g -w 1
        -A -f 10 -6 -s rr
        -a -f 10 -6 -r [2001:db8:1::102]:0 -g -w 1
        -a -f 10 -6 -r [2001:db8:1::103]:0 -g -w 1
        -A -f 20 -s wlc
        -a -f 20 -r 192.168.1.102:0 -g -w 1""",
    "3 TLS": f"""
        -A -t {DR}:443 -s wlc
        -a -t {DR}:443 -r 192.168.1.102:443 -g -w 1
        -a -t {DR}:443 -r 192.168.1.103:443 -g -w 1""",
    "4 forwarding methods": f"""
        -A -t {MASQUERADED}:80 -s rr
        -a -t {MASQUERADED}:80 -r 192.168.1.102:80 -m -w 1
        -a -t {MASQUERADED}:80 -r 192.168.1.103:8080 -m -w 1
        -A -t [{MASQUERADED6}]:80 -s rr
        -a -t [{MASQUERADED6}]:80 -r [2001:db8:1::102]:80 -m -w 1
        -a -t [{MASQUERADED6}]:80 -r [2001:db8:1::103]:80 -m -w 1
        -A -u {MASQUERADED}:53 -s rr
        -a -u {MASQUERADED}:53 -r 192.168.1.102:53 -m -w 1
        -a -u {MASQUERADED}:53 -r 192.168.1.103:53 -m -w 1
        -A -u [{MASQUERADED6}]:53 -s rr
        -a -u [{MASQUERADED6}]:53 -r [2001:db8:1::102]:53 -m -w 1
        -A --sctp-service {MASQUERADED}:9000 -s rr
        -a --sctp-service {MASQUERADED}:9000 -r 192.168.1.102:9000 -m -w 1
        -a --sctp-service {MASQUERADED}:9000 -r 192.168.1.103:9000 -m -w 1
        -A --sctp-service [{MASQUERADED6}]:9000 -s rr
        -a --sctp-service [{MASQUERADED6}]:9000 -r [2001:db8:1::102]:9000 -m -w 1
        -A -t {TUNNELLED}:80 -s rr
        -a -t {TUNNELLED}:80 -r 192.168.1.104:80 -i -w 1
        -A -t {TUNNELLED}:8080 -s rr
        -a -t {TUNNELLED}:8080 -r 192.168.1.104:8080 -i -w 1 --tun-type gue --tun-port {GUE_PORT} --tun-nocsum
        -A -t {TUNNELLED}:443 -s rr
        -a -t {TUNNELLED}:443 -r 192.168.1.104:443 -i -w 1 --tun-type gre --tun-nocsum""",
    "5 schedulers and their flags": f"""
        -A -t {SCHEDULED}:80 -s sh -b sh-fallback,sh-port
        -a -t {SCHEDULED}:80 -r 192.168.1.102:80 -g -w 1
        -a -t {SCHEDULED}:80 -r 192.168.1.103:80 -g -w 1
        -A -t {SCHEDULED}:443 -s mh -b mh-port
        -a -t {SCHEDULED}:443 -r 192.168.1.102:443 -g -w 2
        -a -t {SCHEDULED}:443 -r 192.168.1.103:443 -g -w 1
        -A -t {SCHEDULED}:8080 -s sh
        -a -t {SCHEDULED}:8080 -r 192.168.1.102:8080 -g -w 1
        -A -u {SCHEDULED}:53 -s rr -o
        -a -u {SCHEDULED}:53 -r 192.168.1.102:53 -g -w 1
        -a -u {SCHEDULED}:53 -r 192.168.1.103:53 -g -w 1""",
    "6 persistence per port": f"""
        -A -t {PER_PORT}:80 -s rr -p 300
        -a -t {PER_PORT}:80 -r 192.168.1.102:80 -g -w 1
        -a -t {PER_PORT}:80 -r 192.168.1.103:80 -g -w 1
        -A -t {PER_PORT}:8080 -s rr -p 600 -M 255.255.255.0
        -a -t {PER_PORT}:8080 -r 192.168.1.102:8080 -g -w 1
        -A -t [{DR6}]:8080 -s rr -p 600 -M 64
        -a -t [{DR6}]:8080 -r [2001:db8:1::102]:8080 -g -w 1
        -A -t {PER_PORT}:21 -s rr -p 300
        -a -t {PER_PORT}:21 -r 192.168.1.102:21 -g -w 1
        -A -u {PER_PORT}:5060 -s rr -p 300 -o --pe sip
        -a -u {PER_PORT}:5060 -r 192.168.1.102:5060 -g -w 1""",
    "7 persistence per mark": """
        -A -f 30 -s rr -p 300
        -a -f 30 -r 192.168.1.102:0 -g -w 1
        -a -f 30 -r 192.168.1.103:0 -g -w 1""",
    "8 persistence per client": f"""
        -A -t {PER_CLIENT}:0 -s rr -p 360
        -a -t {PER_CLIENT}:0 -r 192.168.1.102:0 -g -w 1
        -a -t {PER_CLIENT}:0 -r 192.168.1.103:0 -g -w 1""",
    "limits, a drained and a missing backend": f"""
        -A -t {LIMITED}:80 -s lc
        -a -t {LIMITED}:80 -r 192.168.1.102:80 -g -w 1 -x 100 -y 50
        -a -t {LIMITED}:80 -r 192.168.1.103:80 -g -w 0 -x 200
        -A -t {LIMITED}:443 -s nq""",
}


def rules():
    """All blocks as the text that `ipvsadm -R` reads."""
    return "".join(line.strip() + "\n" for block in RULES.values() for line in block.strip().splitlines())


class Topology:
    """The hosts, wired and addressed. Build one per guest."""

    def __init__(self, more_real_servers=0):
        self.client, self.director = netns.Namespace("client"), netns.Namespace("director")
        self.real_servers = [netns.Namespace(name)
                             for name in REAL_SERVERS + MORE_REAL_SERVERS[:more_real_servers]]
        self.rs1, self.rs2, self.rs3 = self.real_servers[:3]
        self.directors = [self.director]

    def build(self):
        """Makes the namespaces and links, addresses and real server set-up; no rules yet."""
        netns.run("modprobe", "-a", "ip_vs", "veth", "bridge", "sctp", "ipip", "ip_gre", "fou")
        wire("br0", "eth0", [self.client, *self.directors, *self.real_servers])
        for host in self.directors:
            self._address_director(host)
        self._address_client()
        self._give_vips()
        for host in self.real_servers:
            self._address_real_server(host)
        self._open_tunnel_ends()
        return self

    def load_rules(self):
        """Sets the marks and fills the director's table."""
        self.director.run("iptables-legacy-restore", text=MARK_RULES)
        self.director.run("ip6tables-legacy-restore", text=MARK_RULES6)
        self.fill_table()

    def fill_table(self):
        """Fills the director's table, which must be empty. (`ipvsadm -S` would not save everything: no thresholds.)"""
        self.director.run("ipvsadm", "-R", text=rules())

    def unload_module(self):
        """Empties the table, ends the daemons and removes ip_vs from the kernel."""
        for role in ("master", "backup"):
            if role in self.director.run("ipvsadm", "-Ln", "--daemon"):
                self.director.run("ipvsadm", "--stop-daemon", role)
        self.director.run("ipvsadm", "-C")
        self.director.run("modprobe", "-r", *MODULES)

    def load_module(self):
        """The reverse, with the table and without daemons."""
        self.director.run("modprobe", "ip_vs")
        self.fill_table()

    def start_sync_daemons(self):
        """Both roles, as a director without an elected state runs them."""
        self.director.run("ipvsadm", "--start-daemon", "master", "--mcast-interface", "eth0", "--syncid", "7")
        self.director.run("ipvsadm", "--start-daemon", "backup", "--mcast-interface", "lo", "--syncid", "9")

    def _address_director(self, host):
        host.ip("link set lo up", "link set eth0 up",
                f"addr add {IPV4[host.name]}/24 dev eth0", f"addr add {IPV6[host.name]}/64 dev eth0 nodad")
        host.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__conf__all__send_redirects=0,
                    ipv4__conf__eth0__send_redirects=0)

    def _address_client(self):
        self.client.ip("link set lo up", "link set eth0 up",
                       *(f"addr add {address}/24 dev eth0" for address in CLIENT_ADDRESSES),
                       f"addr add {IPV4['client']}/24 dev eth0", f"addr add {IPV6['client']}/64 dev eth0 nodad")

    def _give_vips(self):
        """The director alone has them all, and the second link."""
        addresses = [f"addr add {vip}/32 dev eth0" for vip in VIPS]
        addresses += [f"addr add {vip}/128 dev eth0 nodad" for vip in VIPS6]
        self.director.ip(*addresses,
                         "link add out0 type veth peer name out0 netns client", "link set out0 up",
                         "addr add 10.9.0.1/24 dev out0", "addr add 2001:db8:9::1/64 dev out0 nodad")
        self.client.ip("link set out0 up", "addr add 10.9.0.2/24 dev out0", "addr add 2001:db8:9::2/64 dev out0 nodad",
                       f"route add {MASQUERADED}/32 via 10.9.0.1 src 10.9.0.2",
                       f"route add {MASQUERADED6}/128 via 2001:db8:9::1 src 2001:db8:9::2")

    def _address_real_server(self, host):
        vips = [f"addr add {vip}/{128 if ':' in vip else 32} dev lo" for vip in VIPS_ON_REAL_SERVERS]
        host.ip("link set lo up", "link set eth0 up",
                f"addr add {IPV4[host.name]}/24 dev eth0", f"addr add {IPV6[host.name]}/64 dev eth0 nodad",
                f"route add default via {IPV4['director']}", f"route add default via {IPV6['director']}", *vips)
        host.sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)

    def _open_tunnel_ends(self):
        self.rs3.ip("link set tunl0 up", "link set gre0 up", f"fou add port {GUE_PORT} gue")
        self.rs3.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__tunl0__rp_filter=0, ipv4__conf__gre0__rp_filter=0)


class PairTopology(Topology):
    """The same with two directors, whose VIPs somebody else hands out, and with a host that reaches both of them whatever
    becomes of their common network."""

    def __init__(self, more_real_servers=0):
        super().__init__(more_real_servers)
        self.director2 = netns.Namespace("director2")
        self.directors.append(self.director2)
        self.watcher = netns.Namespace(WATCHER)

    def build(self):
        """Makes the second network as well."""
        super().build()
        hosts = [*self.directors, self.watcher]
        wire("br1", "eth1", hosts)
        for host in hosts:
            host.ip("link set lo up", "link set eth1 up", f"addr add {WATCHED[host.name]}/24 dev eth1")
        return self

    def _give_vips(self):
        """keepalived does."""


def wire(bridge, interface, hosts):
    """Connects hosts with a bridge in the guest's first namespace; those that do not exist yet are made."""
    lines = [f"link add {bridge} type bridge", f"link set {bridge} up"]
    for host in hosts:
        port = f"{bridge}-{host.name}"
        lines += [] if host.exists() else [f"netns add {host.name}"]
        lines += [f"link add {port} type veth peer name {interface} netns {host.name}",
                  f"link set {port} master {bridge} up"]
    netns.ip_batch(lines)
