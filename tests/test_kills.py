"""A platform that is killed loses no charge, settles none twice, and pays what was drawn."""

from pathlib import Path

import pytest

from tests.soak.kills import Trial


@pytest.mark.slow(lasts_s=30)
def test_a_platform_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """Three kills under running charges, by the same trial as the long one of `make soak`."""
    found = Trial(tmp_path, boxes=8, seed=3).run(kills=3, charges=20)
    assert found.faults == []
    assert found.energy_mwh == found.meters_mwh > 0
    assert found.states["settled"] >= 20
