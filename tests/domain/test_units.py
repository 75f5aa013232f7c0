"""The rounding rules of the platform."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.units import divide_half_up, energy_price_fen, share, watts, wh

AMOUNTS = st.integers(0, 10**15)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any)


@given(AMOUNTS, st.integers(1, 10**15))
def test_half_up_is_the_floor_of_a_half_more(numerator: int, denominator: int) -> None:
    """Rounding agrees with exact fractions."""
    exact = Fraction(numerator, denominator)
    assert divide_half_up(numerator, denominator) == floor(exact + Fraction(1, 2))


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 1), (1, 0), (1, -1)])
def test_what_cannot_be_rounded(numerator: int, denominator: int) -> None:
    """Negative amounts and senseless denominators are faults, never rounded."""
    with pytest.raises(ValueError, match="cannot round"):
        divide_half_up(numerator, denominator)


@pytest.mark.parametrize(
    ("energy_mwh", "price", "amount_fen"),
    [
        (1_000_000, 60_000, 60),
        (1_000_000, 40_000, 40),
        (500_000, 61_000, 31),  # 30.5 fen
        (500_000, 60_999, 30),  # 30.4995 fen
        (0, 60_000, 0),
        (1_000_000, 0, 0),
    ],
)
def test_price_of_energy(energy_mwh: int, price: int, amount_fen: int) -> None:
    """Energy at a price, worked by hand."""
    assert energy_price_fen(energy_mwh, price) == amount_fen


def test_whole_units_to_show() -> None:
    """Wh and watts are rounded half up."""
    assert [wh(energy) for energy in (0, 499, 500, 1_499, 1_500)] == [0, 0, 1, 1, 2]
    assert [watts(power) for power in (0, 4, 5, 14, 15)] == [0, 0, 1, 1, 2]


@given(AMOUNTS, WEIGHTS)
def test_shares_sum_to_the_whole(total: int, weights: list[int]) -> None:
    """Nothing is lost or made, and each part is within one of its exact share."""
    parts = share(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@given(AMOUNTS, WEIGHTS)
def test_no_weight_no_share(total: int, weights: list[int]) -> None:
    """A remainder never goes to a part that has no weight."""
    assert share(total, [0, *weights, 0])[:: len(weights) + 1] == [0, 0]


def test_ties_go_to_the_earlier_part() -> None:
    """Equal remainders are given out from the front."""
    assert share(5, [1, 1, 1]) == [2, 2, 1]
    assert share(1, [1, 1]) == [1, 0]


def test_nothing_shared_among_no_weights() -> None:
    """Nothing can be split by weights of zero; something cannot."""
    assert share(0, [0, 0]) == [0, 0]
    assert share(0, []) == []
    with pytest.raises(ValueError, match="all zero"):
        share(1, [0, 0])


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [2, -1])])
def test_what_cannot_be_shared(total: int, weights: list[int]) -> None:
    """Negative amounts and weights are faults."""
    with pytest.raises(ValueError, match="negative"):
        share(total, weights)
