"""Charges priced by their time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import BillLine, Fee, Mark, Usage
from chargecloud.money.by_time import ByTime

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 22, 1, tzinfo=UTC)
ONE_YUAN_FOR_150_MINUTES = {"price_fen": 100, "block_s": 9_000, "electricity": 60_000}


def bill_lines(charged_s: int, energy_mwh: int = 0, **changed: int) -> tuple[BillLine, ...]:
    """The lines for a charge at one yuan for 150 minutes, or changed terms."""
    tariff = ByTime()
    terms = tariff.check({**ONE_YUAN_FOR_150_MINUTES, **changed})
    marks = (Mark(START, 0), Mark(START + timedelta(seconds=charged_s), energy_mwh))
    return tuple(tariff.lines(terms, Usage(SHANGHAI, charged_s, marks)))


def amount_fen(charged_s: int, energy_mwh: int = 0, **changed: int) -> int:
    """What such a charge costs."""
    return sum(line.amount_fen for line in bill_lines(charged_s, energy_mwh, **changed))


@pytest.mark.parametrize(
    ("charged_s", "amount"),
    [
        pytest.param(9_000, 100, id="150 minutes: 100 fen"),
        pytest.param(4_500, 50, id="75 minutes: 50 fen"),
        pytest.param(5_400, 60, id="90 minutes: 60 fen"),
        pytest.param(60, 1, id="a minute: 0.67 fen"),
        pytest.param(1, 1, id="a second is a minute"),
        pytest.param(61, 1, id="61 seconds are two minutes: 1.33 fen"),
        pytest.param(18_000, 200, id="two blocks"),
    ],
)
def test_time_is_paid_in_proportion(charged_s: int, amount: int) -> None:
    """Minutes that are begun are paid, rounded to the fen once."""
    assert amount_fen(charged_s) == amount


@pytest.mark.parametrize(
    ("charged_s", "amount"), [(1, 100), (9_000, 100), (9_001, 200), (18_000, 200)]
)
def test_a_step_as_long_as_the_block_is_paid_whole(charged_s: int, amount: int) -> None:
    """Every block that is begun costs its price."""
    assert amount_fen(charged_s, step_s=9_000) == amount


def test_the_lines_tell_both_fees_and_why() -> None:
    """90 minutes with 200 Wh: 60 fen, 12 of them for electricity."""
    electricity, service = bill_lines(5_390, 200_000)
    end = START + timedelta(seconds=5_390)
    assert electricity == BillLine(
        fee=Fee.ELECTRICITY,
        start=START,
        end=end,
        quantity=200_000,
        unit="mWh",
        unit_price=60_000,
        price_per="kWh",
        amount_fen=12,
        rule="0.60000 yuan/kWh, at most the 60 fen for the time",
    )
    assert service == BillLine(
        fee=Fee.SERVICE,
        start=START,
        end=end,
        quantity=5_400,
        unit="s",
        unit_price=100_000,
        price_per="9000s",
        amount_fen=48,
        rule=(
            "100 fen for each 9000 s, used 5400 s in steps of 60 s: 60 fen, "
            "of which electricity 12 fen"
        ),
    )


def test_electricity_is_never_more_than_the_whole() -> None:
    """A strong charger: 5 kWh would cost 300 fen, and its time only 50."""
    electricity, service = bill_lines(4_500, 5_000_000)
    assert (electricity.amount_fen, service.amount_fen) == (50, 0)
    assert electricity.quantity == 5_000_000


def test_time_without_energy_is_paid() -> None:
    """A port that was taken for 75 minutes and drew nothing costs its time."""
    electricity, service = bill_lines(4_500)
    assert (electricity.amount_fen, electricity.quantity) == (0, 0)
    assert service.amount_fen == 50


def test_suspended_time_is_not_paid() -> None:
    """Two hours on the wall and 75 minutes of charging cost 75 minutes."""
    tariff = ByTime()
    marks = (Mark(START, 0), Mark(START + timedelta(hours=2), 100_000))
    lines = tariff.lines(tariff.check(ONE_YUAN_FOR_150_MINUTES), Usage(SHANGHAI, 4_500, marks))
    assert sum(line.amount_fen for line in lines) == 50


@given(st.integers(0, 10**5), st.integers(0, 10**4), st.integers(0, 10**8), st.integers(1, 9_000))
def test_longer_never_costs_less(
    charged_s: int, longer_s: int, energy_mwh: int, step_s: int
) -> None:
    """More time never lowers the amount, and energy alone never changes it."""
    amount = amount_fen(charged_s, energy_mwh, step_s=step_s)
    assert amount_fen(charged_s + longer_s, energy_mwh, step_s=step_s) >= amount
    assert amount_fen(charged_s, step_s=step_s) == amount


def test_the_price_never_changes() -> None:
    """No instant asks for a meter reading."""
    tariff = ByTime()
    terms = tariff.check(ONE_YUAN_FOR_150_MINUTES)
    assert not tariff.boundaries(terms, SHANGHAI, START, START + timedelta(days=7))


def test_the_step_is_a_minute_unless_told() -> None:
    """Checked terms say it."""
    assert ByTime().check(ONE_YUAN_FOR_150_MINUTES) == {**ONE_YUAN_FOR_150_MINUTES, "step_s": 60}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"price_fen": -1}, "must be a whole number from 0 to 100000"),
        ({"price_fen": 100_001}, "must be a whole number from 0 to 100000"),
        ({"price_fen": True}, "must be a whole number from 0 to 100000"),
        ({"price_fen": 100.0}, "must be a whole number from 0 to 100000"),
        ({"block_s": 0}, "must be a whole number from 1 to 86400"),
        ({"block_s": 86_401}, "must be a whole number from 1 to 86400"),
        ({"step_s": 0}, "must be a whole number from 1 to 86400"),
        ({"step_s": None}, "must be a whole number from 1 to 86400"),
        ({"electricity": 10_000_001}, "must be a whole number from 0 to 10000000"),
        ({"electricity": "60000"}, "must be a whole number from 0 to 10000000"),
        ({"colour": 1}, "is not known here"),
    ],
)
def test_a_wrong_member_is_named(changed: dict[str, Any], what: str) -> None:
    """Each limit is checked, and only what breaks it is named."""
    with pytest.raises(TariffError) as refused:
        ByTime().check({**ONE_YUAN_FOR_150_MINUTES, **changed})
    assert refused.value.facts["errors"] == [{"where": f"/{next(iter(changed))}", "what": what}]


def test_missing_members_are_named() -> None:
    """Only the step has a value when nothing is said."""
    with pytest.raises(TariffError) as refused:
        ByTime().check({})
    assert refused.value.facts["errors"] == [
        {"where": "/price_fen", "what": "is missing"},
        {"where": "/block_s", "what": "is missing"},
        {"where": "/electricity", "what": "is missing"},
    ]
