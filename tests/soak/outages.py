"""
The database is taken from the platform again and again under running charges: another process
has locked it, for a minute each time, and every other time the platform is killed meanwhile.  The
books are gone through as after kills.

C{make soak} does it 6 times under 300 charges; C{tests/test_outages.py} does it twice, shortly.
"""

import argparse
import json
import re
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from attrs import asdict

from tests.live import wait_until
from tests.soak.kills import Trial

#: SQLite's driver waits for 10 s before it says that the database is locked
SHORTEST_S = 20
#: how much longer it may take until something waits
MOST_LONGER_S = 60


class Outages(Trial):
    """
    One run, in a folder.

    @ivar outage_s: how long the database is away each time.
    @ivar spooled: how many records waited in the spool at the end of each outage.
    @ivar caught_up_s: how long it took from there until none did, where it was not killed.
    """

    def __init__(self, folder: Path, boxes: int, seed: int, outage_s: float = 60) -> None:
        super().__init__(folder, boxes, seed)
        self.outage_s = outage_s
        self.spooled: list[int] = []
        self.caught_up_s: list[float] = []

    def end_it(self, *, orderly: bool) -> None:
        self._pause.wait(5)
        self.found.running.append(self._running())
        other = sqlite3.connect(self.live.folder / "var" / "chargecloud.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        self._pause.wait(self.outage_s)
        # on a busy machine people may not have pulled a plug yet
        until_s = time.monotonic() + MOST_LONGER_S
        while not self._waiting() and time.monotonic() < until_s:
            self._pause.wait(0.5)
        self.spooled.append(self._waiting())
        is_killed = len(self.spooled) % 2 == 0
        if is_killed:
            self.live.stop(signal.SIGKILL)
            self.found.killed += 1
        other.execute("ROLLBACK")
        other.close()
        began_s = time.monotonic()
        if is_killed:
            self.live.start()
        wait_until(lambda: not self._waiting(), 60, "the spool is empty")
        if not is_killed:
            self.caught_up_s.append(round(time.monotonic() - began_s, 1))

    def _waiting(self) -> int:
        text = self.live.text("/metrics")
        found = re.search(r"^chargecloud_spool_records (\S+)$", text, re.M)
        assert found is not None
        return int(float(found[1]))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=6)
    parser.add_argument("--outage-s", type=float, default=60)
    parser.add_argument("--charges", type=int, default=300)
    parser.add_argument("--boxes", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to leave the files")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    trial = Outages(folder, given.boxes, given.seed, max(given.outage_s, SHORTEST_S))
    found = trial.run(given.outages, given.charges)
    more = {"spooled": trial.spooled, "caught_up_s": trial.caught_up_s}
    sys.stdout.write(json.dumps(asdict(found) | more, indent=2) + "\n")
    return bool(found.faults) or not any(trial.spooled)


if __name__ == "__main__":
    sys.exit(main())
