"""Not a test: from the death of a real server to the message at the webhook, with the files exactly as shipped.

  lab run --timeout 600 tests/lab/alert_bench.py [--rounds N]

Every service has four real servers of its own; one of them dies, at a random moment. All services are watched by one
exporter with its default checks, one Prometheus and one Alertmanager. How: its port refuses, or packets to it vanish.
"""

import argparse
import random
import statistics
import time

import alerting
import alerttest
import deadline
import exporter
import servers
import topology

FOLDER = alerttest.FOLDER
SPREAD_SECONDS = 20  # the faults begin within so many
LIMIT = 120
SERVERS = 4
# (how, what iptables does with packets to the server, the bar in seconds)
FAULTS = (("refused port", ("-j", "REJECT", "--reject-with", "tcp-reset"), 25), ("black hole", ("-j", "DROP"), 30))


def addresses(number):
    """(VIP, real servers) of a service."""
    return f"10.50.0.{number}", [f"10.60.{number}.{server}" for server in range(1, SERVERS + 1)]


def build(count):
    """The lab with so many services, which rs1 serves on addresses of its own."""
    lab = topology.Topology().build()
    lab.rs1.ip("route add local 10.60.0.0/16 dev lo")
    numbers = range(1, count + 1)
    lab.director.ip(f"route add 10.60.0.0/16 via {topology.IPV4['rs1']}",
                    *(f"addr add {addresses(number)[0]}/32 dev eth0" for number in numbers))
    rules = ""
    for vip, real_servers in map(addresses, numbers):
        rules += f"-A -t {vip}:80 -s rr\n"
        rules += "".join(f"-a -t {vip}:80 -r {server}:80 -m -w 1\n" for server in real_servers)
    lab.director.run("ipvsadm", "-R", text=rules)
    servers.Nginx(lab.rs1, 'server { listen 80; location / { return 200 "well\\n"; } }')
    servers.wait_until_listening(lab.rs1, 80)
    return lab


def break_all(lab, rounds):
    """{VIP: (how, when)}: one real server of each service dies."""
    plan = [(number, FAULTS[number % len(FAULTS)]) for number in range(1, len(FAULTS) * rounds + 1)]
    random.shuffle(plan)
    moments = sorted(random.uniform(0, SPREAD_SECONDS) for _ in plan)
    begin = time.monotonic()
    broken = {}
    for (number, (how, target, _)), moment in zip(plan, moments):
        time.sleep(max(0, begin + moment - time.monotonic()))
        vip, real_servers = addresses(number)
        broken[vip] = (how, time.time())
        lab.rs1.run("iptables-legacy", "-w", "-I", "INPUT", "-d", random.choice(real_servers), "-p", "tcp", *target)
    return broken


def arrivals(monitoring):
    """{VIP: the first message about the death of one of its real servers}"""
    found = {}
    for message in monitoring.messages():
        if message.name == "LVSRealServerDown":
            found.setdefault(message.labels["local_address"], message)
    return found


def measure(lab, rounds):
    """{how: [seconds]}, the services whose message did not come left out."""
    with exporter.exporter(lab.director) as program:
        FOLDER.mkdir()
        with alerting.Monitoring(lab.director, FOLDER, [program.target]) as monitoring:
            count = len(FAULTS) * rounds * SERVERS
            deadline.wait_until(LIMIT, "all real servers to be up",
                                lambda: monitoring.query(f"count(ipvs_backend_up == 1) == {count}"), 0.5)
            broken = break_all(lab, rounds)
            try:
                deadline.wait_until(LIMIT, "a message about each", lambda: broken.keys() <= arrivals(monitoring).keys())
            except AssertionError as error:
                print(error)
            found = arrivals(monitoring)
    times = {how: [] for how, _, _ in FAULTS}
    for vip, (how, moment) in broken.items():
        if vip in found:
            times[how].append(found[vip].arrived - moment)
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10, help="deaths of each kind")
    rounds = parser.parse_args().rounds
    times = measure(build(len(FAULTS) * rounds), rounds)
    print("\n| a real server's death | messages | min | p50 | p95 | max | bar |\n|---|---|---|---|---|---|---|")
    for how, _, bar in FAULTS:
        found = sorted(times[how])
        p95 = found[min(len(found) - 1, round(0.95 * len(found)))]
        print(f"| {how} | {len(found)} of {rounds} | {found[0]:.1f} | {statistics.median(found):.1f} | {p95:.1f} "
              f"| {found[-1]:.1f} | {bar} |")


if __name__ == "__main__":
    main()
