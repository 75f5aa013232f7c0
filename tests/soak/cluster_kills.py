"""
The processes of a cluster are killed again and again under running charges: no charge is lost,
none is settled twice, and energy and money are those of the chargers' own books.

C{make soak} kills each kind 30 times on each database; C{tests/test_cluster.py} a few times.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict

from tests.cluster import LiveCluster, Part
from tests.soak.kills import CONFIG, Trial

#: of the trial's own configuration, what is not the sample's
MORE = CONFIG[CONFIG.index("# people who pull") :]


class ClusterTrial(Trial):
    """One run on a cluster, in a folder."""

    def __init__(self, folder: Path, boxes: int, seed: int, kind: str, gateways: int = 2) -> None:
        self.cluster = LiveCluster(folder, kind, gateways, more="\n" + MORE)
        super().__init__(folder, boxes, seed, self.cluster)
        self._turn = 0

    def victims(self) -> Sequence[Part]:
        """Whose processes are ended, in turns."""
        return self.cluster.parts

    def end_it(self, *, orderly: bool) -> None:
        """End one process; the others go on, and it is started again."""
        self.wait_for_work()
        victims = self.victims()
        part = victims[self._turn % len(victims)]
        self._turn += 1
        part.end_one(signal.SIGTERM if orderly else signal.SIGKILL, self.random)
        self.count_end(orderly=orderly)


class RollingRestart(ClusterTrial):
    """Gateways only, each ended in order, one after the other."""

    def victims(self) -> Sequence[Part]:
        """The gateways."""
        return [self.cluster.gateways]

    def end_it(self, *, orderly: bool) -> None:
        """Each gateway leaves in its turn."""
        del orderly
        for pid in self.cluster.gateways.pids():
            self.wait_for_work()
            self.cluster.gateways.leave(pid)
            self.count_end(orderly=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=90)
    parser.add_argument("--charges", type=int, default=100)
    parser.add_argument("--boxes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rolling", action="store_true", help="restart three gateways instead")
    parser.add_argument("--database", default="mariadb", choices=("mariadb", "postgresql"))
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    trial: ClusterTrial
    if given.rolling:
        trial = RollingRestart(folder, given.boxes, given.seed, given.database, gateways=3)
    else:
        trial = ClusterTrial(folder, given.boxes, given.seed, given.database)
    try:
        found = trial.run(1 if given.rolling else given.kills, given.charges)
    finally:
        trial.cluster.close()
    sys.stdout.write(json.dumps(asdict(found), indent=2) + "\n")
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
