"""What several nodes cost: CPU of heartbeats, and the way of a command, against one process.

Both are whole services, in processes of their own, with the sample configuration: one process
on SQLite; and two gateways, a web process and two workers on MariaDB, Redis and HAProxy.

C{python -m bench.cluster [--connections 100] [--seconds 5] [--rounds 3]}
"""

import argparse
import itertools
import select
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench.results import keep
from bench.served import cpu_s
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.received import Welcomed
from chargecloud.domain.charger import Secret
from tests.cluster import LiveCluster
from tests.live import Live, LiveFleet, wait_until
from tests.soak.kills import CONFIG

#: one connection stands for the chargers of a whole city
MORE = "\n[limits]\nbytes_a_second = 10000000\nlogins_at_a_time = 1000\n"
SITE = {"name": "bench", "address": "here", "time_zone": "Asia/Shanghai"}


def register(live: Live, count: int) -> list[tuple[str, bytes]]:
    """Chargers, with their keys."""
    site = live.ask("POST", "/sites", SITE)["id"]
    made = []
    for number in range(count):
        identity = f"BENCH-{number:04}"
        body = {"site_id": site, "dialect": "native", "identity": identity, "name": identity}
        body |= {"ports": 1, "kind": "ebike", "rated_w": 800}
        made.append((identity, bytes.fromhex(live.ask("POST", "/chargers", body)["key"])))
    return made


def _log_in(port: int, identity: str, key: bytes, boot: int, *, first: bytes) -> Any:
    line = socket.create_connection(("127.0.0.1", port))
    line.settimeout(5)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(first)
    charger = NativeCharger(identity, Secret(key, 1), boot=boot, connection=0)
    charger.hello(uptime_s=1)
    line.sendall(charger.data_to_send())
    while not any(isinstance(each, Welcomed) for each in charger.receive(line.recv(4096))):
        pass
    # who is known from before has no LOGIN to send
    if login := charger.data_to_send():
        line.sendall(login)
        line.recv(4096)
    return line, charger


def _frames(charger: Any, count: int) -> Iterator[bytes]:
    made = []
    for _ in range(count):
        charger.heartbeat()
        made.append(charger.data_to_send())
    return itertools.chain(made, iter(lambda: b"", None))


def cpu_of_a_million(
    port: int, pids: Sequence[int], keys: Sequence[tuple[str, bytes]], boot: int, seconds: float
) -> float:
    """CPU seconds of the gateways for a million heartbeats, one under way on each connection."""
    # what a proxy says first; one process has none before it
    first = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" if len(pids) > 1 else b""
    poll, lines = select.epoll(), {}
    most = int(seconds * 60_000 / len(keys))
    for identity, key in keys:
        line, charger = _log_in(port, identity, key, boot, first=first)
        lines[line.fileno()] = line, _frames(charger, most)
        poll.register(line.fileno(), select.EPOLLIN)
    for line, frames in lines.values():
        line.send(next(frames))
    answered, busy_s = 0, sum(map(cpu_s, pids))
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for number, _event in poll.poll(1):
            line, frames = lines[number]
            line.recv(4096)
            answered += 1
            line.send(next(frames))
    busy_s = sum(map(cpu_s, pids)) - busy_s
    for line, _left in lines.values():
        line.close()
    return busy_s / answered * 1e6


def command_ms(live: Live, count: int) -> list[float]:
    """How long commands took from the request to its answer, 20 of them each second."""
    chargers = [
        each["id"] for each in live.all("/chargers?online=true") if "SIM" in each["identity"]
    ]
    took = []
    for number in range(count):
        began = time.perf_counter()
        path = f"/chargers/{chargers[number % len(chargers)]}/commands"
        live.ask("POST", path, {"name": "locate"})
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(max(0.0, 0.05 - (time.perf_counter() - began)))
    return took


def measure(
    live: Live, port: int, pids: Sequence[int], given: Any
) -> tuple[list[float], list[float]]:
    """CPU seconds of a million heartbeats, several times; and milliseconds of commands."""
    keys = register(live, given.connections)
    cpu = [
        cpu_of_a_million(port, pids, keys, boot, given.seconds)
        for boot in range(1, given.rounds + 1)
    ]
    fleet = LiveFleet(live, 20, 2).start("quiet")
    try:
        wait_until(lambda: len(live.all("/chargers?online=true&q=SIM")) == 20, 60, "a fleet")
        return cpu, command_ms(live, given.commands)
    finally:
        fleet.stop()


def main() -> None:
    """Measure both, one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commands", type=int, default=600)
    given = parser.parse_args()
    alone = Live(Path(mkdtemp(prefix="bench-")), CONFIG + MORE)
    alone.start()
    try:
        assert alone.pid is not None
        cpu_alone, ms_alone = measure(alone, alone.chargers, [alone.pid], given)
    finally:
        alone.stop()
    cluster = LiveCluster(Path(mkdtemp(prefix="bench-")), more=MORE)
    try:
        cluster.start()
        cpu, ms = measure(cluster, cluster.inner_chargers, cluster.gateways.pids(), given)
    finally:
        cluster.stop()
        cluster.close()
    ratios = [there / statistics.median(cpu_alone) for there in cpu]
    figures = {
        "connections": given.connections,
        "cpu_s_a_million_alone": round(statistics.median(cpu_alone), 1),
        "cpu_s_a_million_cluster": round(statistics.median(cpu), 1),
        "cluster_cpu_ratio": round(statistics.median(ratios), 2),
        "cluster_cpu_ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "commands": given.commands,
        **_spread("alone_command", ms_alone),
        **_spread("cluster_command", ms),
    }
    keep("cluster", figures)


def _spread(name: str, took_ms: list[float]) -> dict[str, float]:
    parts = statistics.quantiles(took_ms, n=100)
    return {f"{name}_p50_ms": round(parts[49], 1), f"{name}_p99_ms": round(parts[98], 1)}


if __name__ == "__main__":
    main()
