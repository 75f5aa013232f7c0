"""What a cut-off has saved: an estimate that says what it rests on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.saving import NOT_TOLD, UNPLUGGED, Saved, saved

floats_dw = st.integers(0, 10_000)


def test_a_plug_that_is_sensed_gives_the_product() -> None:
    """5 W for an hour and a half, and a fifth more or less."""
    assert saved(50, 5_400) == Saved(7_500, 6_000, 9_000, UNPLUGGED)


def test_a_plug_that_is_not_sensed_is_assumed_to_stay() -> None:
    """Two hours, between nothing and half a day; and it is said so."""
    assert saved(50, None) == Saved(10_000, 0, 60_000, NOT_TOLD)
    assert "two hours" in NOT_TOLD


def test_energy_is_rounded_down() -> None:
    """0.1 W for 35 s is less than 1 mWh, also at the upper end's 42."""
    assert saved(1, 35) == Saved(0, 0, 1, UNPLUGGED)
    assert saved(1, 29) == Saved(0, 0, 0, UNPLUGGED)


@given(floats_dw, st.none() | st.integers(0, 10**6))
def test_an_estimate_is_within_its_range(float_dw: int, stayed_s: int | None) -> None:
    """Whatever was measured; and never below zero."""
    estimate = saved(float_dw, stayed_s)
    assert 0 <= estimate.least_mwh <= estimate.energy_mwh <= estimate.most_mwh


@given(floats_dw, floats_dw, st.none() | st.integers(0, 10**6))
def test_a_higher_float_saves_no_less(one_dw: int, other_dw: int, stayed_s: int | None) -> None:
    """Nor does a longer stay, by the same product."""
    low, high = sorted((one_dw, other_dw))
    assert saved(low, stayed_s).energy_mwh <= saved(high, stayed_s).energy_mwh


@pytest.mark.parametrize(("float_dw", "stayed_s"), [(-1, None), (10, -1)])
def test_nonsense_is_refused(float_dw: int, stayed_s: int | None) -> None:
    """A plug that was pulled before the cut-off is a fault of the caller."""
    with pytest.raises(ValueError, match="no float has"):
        saved(float_dw, stayed_s)
