"""A database that another process has locked loses no charge, and settles none twice."""

from pathlib import Path

import pytest

from tests.soak.outages import SHORTEST_S, Outages


@pytest.mark.slow(lasts_s=100)
def test_a_database_that_is_away_loses_nothing(tmp_path: Path) -> None:
    """Two outages under running charges, and a kill in the second, by the same trial as the long
    one of `make soak`."""
    trial = Outages(tmp_path, boxes=12, seed=3, outage_s=SHORTEST_S)
    found = trial.run(kills=2, charges=40)
    assert found.faults == []
    assert any(trial.spooled)
    assert found.energy_mwh == found.meters_mwh > 0
    assert found.states["settled"] >= 40
