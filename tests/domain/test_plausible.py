"""End records that cannot be right are doubted, and no others."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import ChargerTime
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.domain.plausible import TOLERANCE_PERCENT, TOLERANCE_S, doubt

#: 1000 W for an hour
RECORD = ChargeEnded(
    order_id=1,
    port=1,
    start_meter_mwh=5_000_000,
    end_meter_mwh=6_000_000,
    duration_s=3600,
    reason=StopReason.FULL,
    at=ChargerTime(1, 4000),
)


def test_a_right_record_is_believed() -> None:
    """Within the rated power and with the meter that was told at the start."""
    assert doubt(RECORD, told_start_mwh=5_000_000, rated_w=1000, age_s=3600) is None


def test_a_start_that_was_never_told_cannot_differ() -> None:
    """The end record may be the first that the platform hears of the start."""
    assert doubt(RECORD, told_start_mwh=None, rated_w=1000, age_s=3600) is None


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (evolve(RECORD, end_meter_mwh=4_999_999), "meter-went-back"),
        (evolve(RECORD, start_meter_mwh=5_000_001), "start-meter-differs"),
        (evolve(RECORD, end_meter_mwh=915_000_000), "more-than-rated-power"),
        (evolve(RECORD, duration_s=315_360_000), "longer-than-its-order"),
    ],
)
def test_a_wrong_record_is_doubted(record: ChargeEnded, why: str) -> None:
    """Each kind of fault has its own word."""
    assert doubt(record, told_start_mwh=5_000_000, rated_w=1000, age_s=3600) == why


def test_a_start_from_nothing_is_doubted() -> None:
    """A register that was absent and taken for zero makes 910 kWh out of 0.083: whether
    the start was told or not, nobody is billed for it."""
    record = evolve(RECORD, start_meter_mwh=0, end_meter_mwh=910_000_000)
    assert (
        doubt(record, told_start_mwh=909_917_000, rated_w=1000, age_s=3600) == "start-meter-differs"
    )
    assert doubt(record, told_start_mwh=None, rated_w=1000, age_s=3600) == "more-than-rated-power"


@given(st.integers(1, 500_000), st.integers(0, 200_000), st.data())
def test_the_most_that_is_believed(rated_w: int, duration_s: int, data: st.DataObject) -> None:
    """Whatever the rated power gives in the time is believed; more than the tolerances
    allow is not."""
    believed = rated_w * duration_s * 1000 // 3600
    doubted = rated_w * (duration_s + TOLERANCE_S) * (100 + TOLERANCE_PERCENT) * 10 // 3600 + 1
    energy_mwh = data.draw(st.integers(0, believed))
    record = evolve(RECORD, start_meter_mwh=0, end_meter_mwh=energy_mwh, duration_s=duration_s)
    assert doubt(record, told_start_mwh=0, rated_w=rated_w, age_s=duration_s) is None
    record = evolve(record, end_meter_mwh=data.draw(st.integers(doubted, 2 * doubted)))
    assert (
        doubt(record, told_start_mwh=0, rated_w=rated_w, age_s=duration_s)
        == "more-than-rated-power"
    )
