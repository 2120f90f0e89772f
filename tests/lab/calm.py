"""The lab with Prometheus: the same services, but nothing is wrong with any of them, so that whatever alerts was done
by the person at the terminal. rs2 has two fellow servers wherever it works, and one in the shop.
"""

import os
import shutil
import signal

import netns
import servers
import topology

TABLE_FILE = "/run/table"
EMPTY = f"{topology.LIMITED}:443"


def rules():
    """What the director's table has, as text for `ipvsadm -R`."""
    lines = [line.replace(" -w 0 ", " -w 1 ") for line in topology.rules().splitlines() if f" {EMPTY} " not in line]
    return "\n".join(lines + [_for_rs3(line) for line in lines if _is_of_rs2(line) and not _is_of_shop(line)]) + "\n"


def settle(lab, certificates):
    """Makes it so, in a lab that has the rules of the topology and servers with certificates in that folder. Whoever
    has changed the table finds it in a file."""
    netns.write_file(TABLE_FILE, rules())
    lab.director.run("iptables-legacy", "-t", "mangle", "-A", "PREROUTING", "-d", topology.MARKED, "-p", "tcp",
                     "--dport", "8080", "-j", "MARK", "--set-mark", "20")
    lab.director.run("ipvsadm", "-C")
    lab.director.run("ipvsadm", "-R", text=rules())
    for host in ("rs2", "rs3"):
        for end in ("pem", "key"):
            shutil.copy(certificates / f"rs1.{end}", certificates / f"{host}.{end}")
        os.kill(int((servers.FOLDER / host / "nginx.pid").read_text(encoding="ascii")), signal.SIGHUP)


def _is_of_rs2(line):
    return any(f"-r {address}:" in line for address in (topology.IPV4["rs2"], f"[{topology.IPV6['rs2']}]"))


def _is_of_shop(line):
    return f" {topology.DR}:" in line  # where rs3 is the spare server


def _for_rs3(line):
    for addresses in (topology.IPV4, topology.IPV6):
        line = line.replace(addresses["rs2"], addresses["rs3"])
    return line
