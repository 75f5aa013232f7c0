from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.simulator.battery import Curve
from chargecloud.simulator.bikes import CAMPUS, KINDS, draw_bike
from tests.simulator.charger_parts import KIND, bike

#: those whose chargers are switched on
DRAWING = sorted(name for name, kind in KINDS.items() if kind.plateau_w)
kinds = st.sampled_from(DRAWING)
places = st.integers(0, 100_000)


@given(kinds, places, st.lists(st.integers(0, 20_000), max_size=20))
def test_energy_is_the_same_in_whatever_steps_it_is_taken(
    kind: str, start_s: int, steps: list[int]
) -> None:
    """The parts of any split sum to the whole, to the mWh."""
    curve = bike(kind=kind).curve
    drawn, at_s = 0, start_s
    for step in steps:
        drawn += curve.energy_mwh(at_s + step) - curve.energy_mwh(at_s)
        at_s += step
    assert drawn == curve.energy_mwh(at_s) - curve.energy_mwh(start_s)


@given(kinds, places, places)
def test_energy_rises_and_power_falls(kind: str, one_s: int, other_s: int) -> None:
    """A meter never goes back, and a battery never takes more than before."""
    curve = bike(kind=kind).curve
    early_s, late_s = sorted((one_s, other_s))
    assert curve.energy_mwh(early_s) <= curve.energy_mwh(late_s)
    assert curve.power_mw(early_s) >= curve.power_mw(late_s) > 0


@pytest.mark.parametrize("kind", DRAWING)
def test_a_curve_has_a_plateau_a_taper_and_a_float(kind: str) -> None:
    """Even at first, then falling by an even share of what is above the float, then even."""
    curve = bike(kind=kind).curve
    figures = KINDS[kind]
    plateau, *taper, floating = curve.stretches
    assert plateau.power_mw == figures.plateau_w * 1_000
    assert 100 < plateau.power_mw / 1_000 <= 600
    assert floating.power_mw == figures.float_w * 1_000
    assert curve.power_mw(curve.full_s + 10**6) == floating.power_mw
    above = [stretch.power_mw - floating.power_mw for stretch in (plateau, *taper)]
    for before, after in pairwise(above):
        assert after == pytest.approx(before * (1_000 - figures.fall_permille) / 1_000, abs=1)


@given(kinds, st.integers(0, 100))
def test_a_bike_takes_what_it_lacks(kind: str, left_percent: int) -> None:
    """Up to the float a bike draws its capacity less what it came with, within what a
    second of the plateau gives."""
    curve = bike(kind=kind).curve
    capacity_mwh = KINDS[kind].capacity_wh * 1_000
    came_with_mwh = capacity_mwh * left_percent // 100
    place_s = curve.place_of_energy(came_with_mwh)
    assert place_s is not None
    place_s = min(place_s, curve.full_s)
    drawn_mwh = curve.energy_mwh(curve.full_s) - curve.energy_mwh(place_s)
    a_second_mwh = curve.power_mw(0) // 3_600 + 1
    assert drawn_mwh == pytest.approx(capacity_mwh - came_with_mwh, abs=2 * a_second_mwh)


@given(kinds, st.integers(0, 10_000_000))
def test_the_place_of_an_energy_is_the_first_one(kind: str, energy_mwh: int) -> None:
    """There so much has been drawn, and a second before not yet."""
    curve = bike(kind=kind).curve
    place_s = curve.place_of_energy(energy_mwh)
    assert place_s is not None
    assert curve.energy_mwh(place_s) >= energy_mwh
    assert place_s == 0 or curve.energy_mwh(place_s - 1) < energy_mwh


@given(kinds, st.integers(1, 700_000))
def test_the_place_below_a_power_is_the_first_one(kind: str, power_mw: int) -> None:
    """There the power is lower, and a second before not yet; or it never is."""
    curve = bike(kind=kind).curve
    place_s = curve.place_below(power_mw)
    if place_s is None:
        assert curve.power_mw(10**9) >= power_mw
    else:
        assert curve.power_mw(place_s) < power_mw
        assert place_s == 0 or curve.power_mw(place_s - 1) >= power_mw


def test_a_battery_smaller_than_its_taper_is_refused() -> None:
    """Figures that fit to no battery are a fault of the table."""
    with pytest.raises(ValueError, match="takes more than 1000 mWh"):
        Curve.of(capacity_mwh=1_000, plateau_mw=200_000, fall_permille=20, float_mw=5_000)


def test_bikes_are_drawn_by_the_seed() -> None:
    """The same seed brings the same bikes, of all kinds, with some of their charge left."""
    drawn = [draw_bike(Random(7)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    random = Random(7)
    many = [draw_bike(random) for _ in range(500)]
    assert {one.kind for one in many} == set(KINDS) - {kind.name for kind in CAMPUS}
    assert all(0 < one.place_s < one.curve.full_s for one in many if one.plateau_mw)


def test_a_bike_knows_how_long_it_takes() -> None:
    """From empty as long as its curve is, and not at all when it is full."""
    assert bike().remaining_s == bike().curve.full_s
    assert not bike().is_full
    full = bike(bike().curve.full_s + 5)
    assert full.remaining_s == 0
    assert full.is_full
    assert KIND.name == full.kind


def test_a_bike_that_is_not_switched_on_draws_nothing() -> None:
    """It is not full either, and no energy is ever reached."""
    dead = bike(kind="switched off")
    assert not dead.is_full
    assert dead.remaining_s == 0
    assert dead.curve.power_mw(10**6) == dead.curve.energy_mwh(10**6) == 0
    assert dead.curve.place_of_energy(0) == 0
    assert dead.curve.place_of_energy(1) is None
