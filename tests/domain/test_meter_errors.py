"""Formulas of metering: a perfect meter has no error, a scaled one has its scale's, and what was
not told accuses nobody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from attrs import frozen
from hypothesis import assume, given
from hypothesis import strategies as st

from chargecloud.domain.errors import Invalid
from chargecloud.domain.metering import (
    Comparison,
    Error,
    compare,
    over_rated,
    payment_error_fen,
    register_step_mwh,
)
from chargecloud.domain.plausible import most_mwh
from chargecloud.domain.trend import LEAST_POINTS, trend_of
from chargecloud.domain.verification import Energy, Occasion, Reading, find, measured
from chargecloud.features.metering.model import MeteringSettings

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
#: 0.1 W for 36 s is 1 mWh, and a trapezoid has halves: energies are whole at this
STEP_S = 72
LONGEST_S = 120


@frozen
class Measured:
    """A reading."""

    at: datetime
    power_dw: int | None
    meter_mwh: int | None


def curve(powers_dw: Sequence[int], start_mwh: int = 1_234_567) -> list[Measured]:
    """What a perfect meter shows of a power that goes evenly from reading to reading."""
    meter_mwh, readings = start_mwh, []
    for number, power_dw in enumerate(powers_dw):
        if number:
            meter_mwh += powers_dw[number - 1] + power_dw
        at = BEGIN + timedelta(seconds=STEP_S * number)
        readings.append(Measured(at, power_dw, meter_mwh))
    return readings


def scaled(readings: Sequence[Measured], percent: int) -> list[Measured]:
    """What a meter shows of the same that counts so many hundredths of it."""
    return [Measured(each.at, each.power_dw, (each.meter_mwh or 0) * percent) for each in readings]


def hundredfold(readings: Sequence[Measured]) -> list[Measured]:
    """The same, in which a hundredth is whole."""
    return [Measured(each.at, (each.power_dw or 0) * 100, each.meter_mwh) for each in readings]


POWERS = st.lists(st.integers(0, 70_000), min_size=2, max_size=40)
MANY = st.lists(st.integers(1_000, 70_000), min_size=30, max_size=45)


@given(POWERS)
def test_a_perfect_meter_has_no_error(powers_dw: list[int]) -> None:
    """Whatever is drawn."""
    found = compare(curve(powers_dw), LONGEST_S)
    assert found.register_mwh == found.integral_mwh == sum(powers_dw[:-1]) + sum(powers_dw[1:])
    error = found.error(0)
    assert error is None or error.value == error.proven == 0


@given(MANY, st.integers(1, 300))
def test_a_scaled_register_has_its_scales_error(powers_dw: list[int], percent: int) -> None:
    """Exactly k - 1; and that much is proven, if it is beyond what is uncertain."""
    error = compare(scaled(hundredfold(curve(powers_dw)), percent), LONGEST_S).error(0)
    assert error is not None
    assert error.value == Fraction(percent, 100) - 1
    assert abs(error.proven) == max(0, abs(error.value) - error.uncertainty)


@given(MANY, st.data())
def test_what_was_not_told_accuses_nobody(powers_dw: list[int], data: st.DataObject) -> None:
    """Readings that are lost, or came without their power or their register, whichever and however
    many; and all but what is left is passed over, not guessed."""
    whole = curve(powers_dw)
    fates = data.draw(st.lists(st.sampled_from("kkkplr"), min_size=len(whole), max_size=len(whole)))
    left = [
        Measured(
            each.at,
            None if fate == "p" else each.power_dw,
            None if fate == "r" else each.meter_mwh,
        )
        for each, fate in zip(whole, fates, strict=True)
        if fate != "l"
    ]
    found = compare(left, LONGEST_S)
    error = found.error(0)
    assert error is None or error.proven == 0
    registers = [each.meter_mwh for each in left if each.meter_mwh is not None]
    gained_mwh = registers[-1] - registers[0] if registers else 0
    assert found.register_mwh + found.passed_over_mwh == gained_mwh


@given(st.integers(2_000, 70_000), st.integers(60, 120), st.data())
def test_what_was_not_told_makes_it_more_uncertain(
    power_dw: int, count: int, data: st.DataObject
) -> None:
    """Or nothing is said at all."""
    whole = curve([power_dw] * count)
    lost = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    left = [each for number, each in enumerate(whole) if number not in lost]
    before, after = compare(whole, LONGEST_S).error(0), compare(left, LONGEST_S).error(0)
    assert before is not None
    assert after is None or after.uncertainty >= before.uncertainty


def seldom(watts: Sequence[int], percent: int = 100) -> list[Measured]:
    """What a meter shows that counts so many hundredths, of powers each of which lasts a minute;
    told every five minutes."""
    meter_mwh, readings = 0, []
    for minute, power_w in enumerate(watts):
        if minute % 5 == 0:
            at = BEGIN + timedelta(minutes=minute)
            readings.append(Measured(at, power_w * 10, meter_mwh * percent // 6_000))
        # 1 W for a minute is 100/6 mWh
        meter_mwh += power_w * 1_000
    return readings


#: a battery that takes the same for hours, and less and less for one
TAPERING_W = [200] * 180 + [200 - 3 * minute for minute in range(61)]


@pytest.mark.parametrize(("percent", "is_off"), [(85, True), (100, False), (115, True)])
def test_a_meter_that_is_read_every_five_minutes_is_compared(percent: int, is_off: bool) -> None:
    """What the power does in between makes it more uncertain, and hides no error of this size."""
    error = compare(seldom(TAPERING_W, percent), MeteringSettings().longest_step_s).error(20)
    assert error is not None
    assert (abs(error.proven) > Fraction(20, 1000)) is is_off
    assert error.proven == 0 or is_off


@given(st.integers(0, 4), st.integers(0, 200), st.integers(20, 180))
def test_a_pause_that_nobody_has_told_of_accuses_no_meter(
    phase: int, paused_w: int, minute: int
) -> None:
    """Some minutes with less power, wherever they are."""
    watts = [200] * 240
    for paused in range(4):
        watts[minute + paused] = paused_w
    error = compare(seldom(watts[phase:]), MeteringSettings().longest_step_s).error(20)
    assert error is not None
    assert error.proven == 0


def test_too_little_says_nothing() -> None:
    """Less than 50 Wh; or less than half of a charge."""
    assert compare(curve([100] * 5), LONGEST_S).error(0) is None
    assert Comparison(60_000, 60_000, 10, 60_001, 9).error(0) is None
    assert Comparison(60_000, 60_000, 10, 60_000, 9).error(0) is not None


def test_a_meter_that_stood_still_is_told() -> None:
    """Its error is -100 %."""
    still = [Measured(each.at, each.power_dw, 5_000) for each in curve([7_000] * 50)]
    error = compare(still, LONGEST_S).error(20)
    assert error is not None
    assert error.value == -1
    assert error.proven < Fraction(-9, 10)


def test_a_register_that_goes_back_is_not_compared() -> None:
    """It was reset: what is before and behind is."""
    first = curve([7_000] * 50, start_mwh=900_000)
    again = [
        Measured(each.at + timedelta(hours=2), each.power_dw, each.meter_mwh)
        for each in curve([7_000] * 50, start_mwh=0)
    ]
    error = compare([*first, *again], LONGEST_S).error(0)
    assert error is not None
    assert error.value == 0


def test_coarse_registers_are_uncertain() -> None:
    """One that goes on by 10 Wh at a time may show 10 Wh too little."""
    fine = curve([7_000] * 20, start_mwh=0)
    coarse = [
        Measured(each.at, each.power_dw, (each.meter_mwh or 0) // 10_000 * 10_000) for each in fine
    ]
    assert register_step_mwh([each.meter_mwh or 0 for each in coarse]) == 10_000
    error = compare(coarse, LONGEST_S).error(0)
    assert error is not None
    assert error.value < 0
    assert error.proven == 0


ENERGIES = st.integers(0, 10**9)


@given(st.lists(st.builds(Comparison, *[ENERGIES] * 5), min_size=1, max_size=5))
def test_comparisons_are_summed_up(found: list[Comparison]) -> None:
    """In any order."""
    assert sum(found, Comparison()) == sum(reversed(found), Comparison())


@pytest.mark.parametrize(
    ("told_e5", "billed_fen", "error_fen"),
    [(1_234_000, 1_234, 0), (1_234_499, 1_234, 0), (1_234_500, 1_234, 1), (0, 3, -3), (500, 1, -1)],
)
def test_an_amount_is_held_against_the_bill(told_e5: int, billed_fen: int, error_fen: int) -> None:
    """To the fen, half away from zero."""
    assert payment_error_fen(told_e5, billed_fen) == error_fen


@given(st.integers(1, 500_000), st.integers(0, 10**6))
def test_no_more_than_the_rated_power_gives(rated_w: int, charged_s: int) -> None:
    """What a bill is made of without a doubt accuses no meter; beyond it, each hundredth counts."""
    most = most_mwh(rated_w, charged_s)
    assert over_rated(most, rated_w, charged_s) == 0
    assert over_rated(most + 1, rated_w, charged_s) > 0
    assert over_rated(most * 2, rated_w, charged_s) == 1


# ----------------------------------------------------------------------------------- trends


@given(st.sets(st.integers(-500, 500), min_size=LEAST_POINTS, max_size=30), st.integers(-99, 99))
def test_a_line_is_its_own_trend(weeks: set[int], slope: int) -> None:
    """Whatever the weeks."""
    found = trend_of([(week, float(slope * week + 7)) for week in weeks])
    assert found is not None
    assert found.slope == found.least == found.most == slope
    assert found.is_proven == (slope != 0)


@given(st.integers(12, 30), st.integers(-50, 50), st.floats(-1e6, 1e6))
def test_a_week_that_is_anything_turns_no_trend(count: int, slope: int, odd: float) -> None:
    """One of a dozen or more."""
    points = [(week, float(slope * week)) for week in range(count)]
    points[count // 2] = (count // 2, odd)
    found = trend_of(points)
    assert found is not None
    assert found.slope == slope


def test_few_weeks_and_noise_have_no_proven_trend() -> None:
    """Three points are none; what goes up and down does not go anywhere."""
    assert trend_of([(0, 0.0), (1, 1.0), (2, 2.0)]) is None
    noise = trend_of([(week, float(week % 2)) for week in range(12)])
    assert noise is not None
    assert not noise.is_proven
    with pytest.raises(ValueError, match="two values"):
        trend_of([(1, 0.0), (1, 1.0)])


# ---------------------------------------------------------------------------------- on site


def test_too_little_energy_is_told_how_much_it_takes() -> None:
    """The least that is named is enough, and one less is not."""
    with pytest.raises(Invalid, match=r"take \d+ mWh or more") as refused:
        measured(Energy(9_000, 1_000, 9_000), 2, 10)
    least_mwh = int(str(refused.value).rpartition("take ")[2].partition(" ")[0])
    assert measured(Energy(least_mwh, 1_000, least_mwh), 2, 10) == Error(
        Fraction(), Fraction(2, 1000) + Fraction(1_000, least_mwh)
    )
    with pytest.raises(Invalid):
        measured(Energy(least_mwh - 1, 1_000, least_mwh - 1), 2, 10)


@given(st.integers(-40_000, 40_000), st.sampled_from([10, 20]))
def test_a_verification_passes_within_its_class(off_mwh: int, limit_permille: int) -> None:
    """Just at the limit it passes."""
    assume(off_mwh)
    reading = Reading(1, Energy(1_000_000 + off_mwh, 1_000, 1_000_000))
    found = find([reading], Occasion.LATER, limit_permille, 1)
    assert found.has_passed == (abs(off_mwh) <= limit_permille * 1_000)
    assert found.worst == Fraction(off_mwh, 1_000_000)


@pytest.mark.parametrize(
    ("occasion", "ahead_ms", "has_passed"),
    [
        (Occasion.FIRST, 5_000, True),
        (Occasion.FIRST, -5_001, False),
        (Occasion.LATER, -180_000, True),
        (Occasion.LATER, 180_001, False),
    ],
)
def test_a_clock_is_within_its_limit(occasion: Occasion, ahead_ms: int, has_passed: bool) -> None:
    """5 s at first, 3 min later."""
    good = Reading(1, Energy(10**6, 1_000, 10**6))
    found = find([good, Reading(1, clock_ahead_ms=ahead_ms)], occasion, 20, 2)
    assert found.has_passed is has_passed
    assert found.worst_clock_ms == ahead_ms


def test_an_amount_is_within_a_fen() -> None:
    """One is let pass."""
    good = Reading(1, Energy(10**6, 1_000, 10**6))
    assert find([good, Reading(1, told_fen=101, due_fen=100)], Occasion.FIRST, 20, 2).has_passed
    off = find([good, Reading(1, told_fen=98, due_fen=100)], Occasion.FIRST, 20, 2)
    assert off.faults == ("an amount is -2 fen off",)
