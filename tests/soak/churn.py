"""
Chargers come, say something, and go, all the time, in front of a platform whose calendar runs sixty
times as fast as time and under charges of people: its memory may not grow.  It is looked at every
second; the mean of the last quarter of the run is held against that of the second.

C{make soak} does it for ten minutes: ten hours of charges.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import mean

from tests.live import Live, LiveFleet, wait_until
from tests.soak.kills import CONFIG
from tests.soak.peers import GOOD, Account, Peer, at_work, connected, registered
from tests.soak.report import Report

FAST = CONFIG + "\n[calendar]\nstart = 2026-11-23T07:30:00+08:00\nspeed = 60.0\n"
#: each may log in six times a minute
CHURNERS = 240
A_SECOND = 20
#: what the last quarter may be above the second
MOST_TIMES = 1.05
BOXES, PORTS = 60, 10


def churn(port: int, accounts: Sequence[Account], said: list[int]) -> Callable[..., None]:
    """Sessions of one charger after the other; every tenth one is nobody's."""

    def work(over: threading.Event) -> None:
        number = 0
        while not over.wait(1 / A_SECOND):
            number += 1
            with suppress(OSError):
                if number % 10 == 0:
                    connected(port, GOOD).close()
                    continue
                peer = Peer(port, accounts[number % len(accounts)], GOOD).log_in()
                for _ in range(number % 5):
                    peer.beat()
                peer.close()
                said[0] += 1

    return work


def resident_mb(pid: int) -> float:
    """What a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="churn-"))
    folder.mkdir(parents=True, exist_ok=True)
    live = Live(folder, FAST).start()
    fleet = LiveFleet(live, BOXES, PORTS, given.seed).start("blackouts")
    report, memory, sessions = Report(), [], [0]
    try:
        wait_until(lambda: live.all("/chargers"), 30, "the sites are there")
        accounts = registered(live, CHURNERS, "CHURN")
        pid = live.pid
        assert pid is not None
        until_s = time.monotonic() + given.minutes * 60
        with at_work(churn(live.chargers, accounts, sessions)):
            while time.monotonic() < until_s:
                memory.append(resident_mb(pid))
                time.sleep(1)
        orders = len(live.all("/orders"))
    finally:
        fleet.stop()
        live.stop()
    quarter = len(memory) // 4
    quarters = [mean(memory[at * quarter : (at + 1) * quarter]) for at in range(4)]
    times = quarters[3] / quarters[1]
    report.figures = {
        "sessions": sessions[0],
        "orders": orders,
        "minutes": given.minutes,
        "quarters_mb": [round(each, 1) for each in quarters],
        "times": round(times, 3),
    }
    report.check(
        "memory is flat", holds=times <= MOST_TIMES, otherwise=f"it grew {times:.3f} times"
    )
    report.check("there was churn", holds=sessions[0] > 100 * given.minutes, otherwise="hardly any")
    return report.tell()


if __name__ == "__main__":
    sys.exit(main())
