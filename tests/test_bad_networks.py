"""Over a bad network and through a storm no charge is lost, none is doubled, and none is billed
otherwise than it was: the sums are those of a quiet day."""

from pathlib import Path

import pytest

from tests.soak.kills import Trial


@pytest.mark.slow(lasts_s=100)
@pytest.mark.parametrize("scenario", ["badnet", "storm"])
def test_the_books_agree_after(tmp_path: Path, scenario: str) -> None:
    """Connections are cut, half open, held back; the power of all fails at once; and the platform
    starts anew in between.  The same trial as the long one of `make soak`."""
    found = Trial(tmp_path, boxes=8, seed=5).run(1, 20, scenario, lasting_s=15)
    assert found.faults == []
    assert found.energy_mwh == found.meters_mwh > 0
    assert found.states["settled"] >= 20
