"""A cluster whose processes are killed, or leave one after the other, or whose Redis goes, loses
no charge, settles none twice, and pays what was drawn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import wait_until
from tests.soak.cluster_kills import ClusterTrial, RollingRestart
from tests.soak.kills import Findings


@pytest.fixture
def trials() -> Iterator[list[ClusterTrial]]:
    """Those that were made leave nothing behind."""
    made: list[ClusterTrial] = []
    yield made
    for trial in made:
        trial.cluster.close()


def lost_nothing(found: Findings) -> None:
    """By the chargers' own books."""
    assert found.faults == []
    assert found.energy_mwh == found.meters_mwh > 0
    assert found.states["settled"] >= found.charges // 2 > 0


class AllEnds(ClusterTrial):
    """A gateway, the web process and a worker are killed, and then the wire between the nodes
    goes and comes back, empty; the nodes stay."""

    def end_it(self, *, orderly: bool) -> None:
        """One after the other."""
        if self.found.killed < len(self.victims()):
            super().end_it(orderly=False)
            return
        redis = self.cluster.redis
        redis.stop()
        assert self.cluster.is_ready()
        # charging is told of by the gateway itself: some time without any word between nodes
        self.wait_for_work()
        redis.start()
        wait_until(self._hears_all, 30, "all nodes listen again")
        redis.ask("flushall")
        self.count_end(orderly=True)

    def _hears_all(self) -> bool:
        """Whether two gateways, a web process and two workers are back."""
        said = self.cluster.redis.ask("pubsub", "numsub", "chargecloud:all").split()
        return said[-1:] == ["5"]


@pytest.mark.slow(lasts_s=90)
def test_a_cluster_whose_processes_and_wire_end(tmp_path: Path, trials: list[ClusterTrial]) -> None:
    """By the same trial as the long one of C{make soak}."""
    trial = AllEnds(tmp_path, boxes=4, seed=5, kind="mariadb")
    trials.append(trial)
    found = trial.run(kills=4, charges=10)
    lost_nothing(found)
    assert (found.killed, found.stopped) == (3, 1)


@pytest.mark.slow(lasts_s=90)
def test_a_cluster_that_is_restarted_node_by_node(
    tmp_path: Path, trials: list[ClusterTrial]
) -> None:
    """Each gateway leaves in order, and its chargers go to the others: no charge is killed."""
    trial = RollingRestart(tmp_path, boxes=6, seed=7, kind="postgresql", gateways=2)
    trials.append(trial)
    found = trial.run(kills=1, charges=20)
    lost_nothing(found)
    assert (found.killed, found.stopped) == (0, 2)
