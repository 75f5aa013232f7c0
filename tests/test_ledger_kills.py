"""Money that moves while the platform is killed moves once, and is split by the rule."""

from pathlib import Path

import pytest

from tests.soak.ledger_kills import Trial


@pytest.mark.slow(lasts_s=60)
def test_a_platform_that_is_killed_moves_money_once(tmp_path: Path) -> None:
    """Two kills under charges, tills and settlements, by the same trial as the long one of
    C{make soak}."""
    report = Trial(tmp_path, seed=5, boxes=3).run(kills=2, charges=3)
    assert report.faults == []
    assert report.figures["orders_split"] >= 3
