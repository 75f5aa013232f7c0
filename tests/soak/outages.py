"""
The database is taken from the platform again and again under running charges, for a minute each
time, and every other time the platform is killed meanwhile.  The books are gone through as after
kills.

With SQLite another process has locked it.  A server is stopped where it is, so that its connections
hang, twice, and then twice killed and started again; while orders are being committed, as they
always are with so many charges.

C{make soak} does it on each kind of database under 300 charges; C{tests/test_outages.py} does it
twice with SQLite, shortly.
"""

import argparse
import json
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError

from attrs import asdict

from chargecloud.charging.at_hand import LOOK_S
from tests.databases import KINDS, Server, new_server
from tests.live import Live, wait_until
from tests.soak.kills import CONFIG, Trial

#: SQLite's driver waits for 10 s before it says that the database is locked; a connection to a
#: server that hangs is given up after 20 s
SHORTEST_S = 20
SHORTEST_HANG_S = 40
#: how much longer it may take until something waits
MOST_LONGER_S = 60
#: the platform is killed in one of so many outages
KILLED_ONE_IN = 2


class Outages(Trial):
    """
    One run, in a folder.

    @ivar outage_s: how long the database is away each time.
    @ivar server: the database's; C{None} for SQLite.
    @ivar spooled: how many records waited in the spool at the end of each outage.
    @ivar caught_up_s: how long it took from there until none did, where it was not killed.
    @ivar lent: how many orders were placed in each outage, by cards.
    @ivar most_memory_mb: that the platform had at the end of an outage.
    """

    def __init__(
        self,
        folder: Path,
        boxes: int,
        seed: int,
        outage_s: float = 60,
        server: Server | None = None,
        *,
        is_lending: bool = False,
    ) -> None:
        config = CONFIG
        if is_lending:
            config += '\n[charging]\nwhen_database_away = "allow"\naway_limit_fen = 100\n'
        if server is not None:
            config += f'\n[database]\nurl = "{server.new_database()}"\n'
        super().__init__(folder, boxes, seed, Live(folder, config))
        self.outage_s = outage_s
        self.is_lending = is_lending
        self.server = server
        self.spooled: list[int] = []
        self.caught_up_s: list[float] = []
        self.most_memory_mb = 0
        self.lent: list[int] = []

    def end_it(self, *, orderly: bool) -> None:
        # what is lent is known from a look that was taken before
        self._pause.wait(LOOK_S + 5 if self.is_lending else 5)
        self.found.running.append(self._running())
        number = len(self.spooled) + 1
        is_killed = number % KILLED_ONE_IN == 0
        went_at = datetime.now(UTC)
        with self._away(hangs=number % 4 in (1, 2)):
            self._pause.wait(self.outage_s)
            # on a busy machine people may not have pulled a plug yet
            until_s = time.monotonic() + MOST_LONGER_S
            while not self._waiting() and time.monotonic() < until_s:
                self._pause.wait(0.5)
            self.spooled.append(self._waiting())
            back_at = datetime.now(UTC)
            self.most_memory_mb = max(self.most_memory_mb, self._memory_mb())
            if is_killed:
                self.live.stop(signal.SIGKILL)
                self.found.killed += 1
        began_s = time.monotonic()
        if is_killed:
            self.live.start()
        wait_until(lambda: not self._waiting(), 90, "the spool is empty")
        if not is_killed:
            self.caught_up_s.append(round(time.monotonic() - began_s, 1))
        wait_until(self._answers, 90, "the API answers again")
        placed = [
            datetime.fromisoformat(each["created_at"])
            for each in self.live.all("/orders")
            if each["origin"] == "card"
        ]
        self.lent.append(sum(went_at < at < back_at for at in placed))

    @contextmanager
    def _away(self, *, hangs: bool) -> Iterator[None]:
        if self.server is None:
            path = self.live.folder / "var" / "chargecloud.db"
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
            other.close()
        elif hangs:
            self.server.hang()
            yield
            self.server.go_on()
        else:
            self.server.kill()
            yield
            self.server.start()

    def _answers(self) -> bool:
        try:
            return bool(self.live.all("/chargers"))
        except URLError:
            return False

    def _waiting(self) -> int:
        text = self.live.text("/metrics")
        found = re.search(r"^chargecloud_spool_records (\S+)$", text, re.M)
        assert found is not None
        return int(float(found[1]))

    def _memory_mb(self) -> int:
        status = Path(f"/proc/{self.live.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)
        assert found is not None
        return int(found[1]) // 1000


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=6)
    parser.add_argument("--outage-s", type=float, default=60)
    parser.add_argument("--charges", type=int, default=300)
    parser.add_argument("--boxes", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="sqlite", choices=KINDS)
    parser.add_argument("--allow", action="store_true", help="have cards begin charges meanwhile")
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    server = None if given.database == "sqlite" else new_server(given.database, durable=True)
    least_s = SHORTEST_S if server is None else SHORTEST_HANG_S
    outage_s = max(given.outage_s, least_s)
    trial = Outages(folder, given.boxes, given.seed, outage_s, server, is_lending=given.allow)
    found = trial.run(given.outages, given.charges)
    more = {
        "spooled": trial.spooled,
        "caught_up_s": trial.caught_up_s,
        "lent": trial.lent,
        "most_memory_mb": trial.most_memory_mb,
    }
    sys.stdout.write(json.dumps(asdict(found) | more, indent=2) + "\n")
    is_idle = not any(trial.spooled) or (given.allow and not any(trial.lent))
    return bool(found.faults) or is_idle


if __name__ == "__main__":
    sys.exit(main())
