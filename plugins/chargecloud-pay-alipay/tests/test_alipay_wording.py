"""Money is in fen here, and in yuan there; nothing is lost between."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud_pay_alipay.wording import beijing, fen_of, instant, yuan


@given(st.integers(min_value=0, max_value=10**12))
def test_there_and_back(fen: int) -> None:
    """All amounts, exactly, and with two decimals."""
    assert fen_of(yuan(fen)) == fen
    assert Decimal(yuan(fen)) * 100 == fen
    assert yuan(fen)[-3] == "."


@pytest.mark.parametrize(
    ("given", "fen"), [("1", 100), ("0.1", 10), ("88.88", 8888), ("-5.00", -500), ("-0.01", -1)]
)
def test_amounts_that_alipay_writes(given: str, fen: int) -> None:
    """With fewer decimals, and below zero in bills."""
    assert fen_of(given) == fen


@pytest.mark.parametrize(
    "given", ["", "1.234", "1e3", "NaN", ".5", "1.", "\N{FULLWIDTH DIGIT ONE}", 1, 1.5, None, "+1"]
)
def test_what_is_no_amount(given: object) -> None:
    """It is not guessed at."""
    with pytest.raises(ValueError, match="no amount"):
        fen_of(given)


def test_no_amount_is_below_zero() -> None:
    """Nobody is paid by paying."""
    with pytest.raises(ValueError, match="below zero"):
        yuan(-1)


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_instants(unix_s: int) -> None:
    """By the clock of Beijing."""
    assert instant(beijing(unix_s)).timestamp() == unix_s


def test_an_instant_with_milliseconds() -> None:
    """As C{gmt_refund} has them."""
    assert instant("2026-11-28 08:00:00.250") == datetime(
        2026, 11, 28, 0, 0, 0, 250_000, tzinfo=UTC
    )


@pytest.mark.parametrize("given", ["", "yesterday", None, 5])
def test_what_is_no_instant(given: object) -> None:
    """It is told."""
    with pytest.raises(ValueError, match=r".+"):
        instant(given)
