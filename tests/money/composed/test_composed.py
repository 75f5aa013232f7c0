"""A tariff put together of the customs of China's charging."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark, Stay, StayKind, Usage
from chargecloud.money.by_time import ByTime
from chargecloud.money.composed.kind import Composed
from chargecloud.money.time_of_use import TimeOfUse

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 23, 8, tzinfo=SHANGHAI)
BLOCK = {"price_fen": 100, "block_s": 9_000, "step_s": 60, "electricity": 60_000}
TIERS = [
    {"up_to_w": 200, "percent": 100},
    {"up_to_w": 400, "percent": 75},
    {"up_to_w": 600, "percent": 50},
    {"percent": 25},
]
BY_POWER = {**BLOCK, "tiers": TIERS, "dwell_s": 120}
RATES = {
    "valley": {"electricity": 40_000, "service": 80_000},
    "peak": {"electricity": 100_000, "service": 80_000},
}
HALF_OFF = {"name": "a", "percent": 50, "of": ["service"]}
SLOTS = ["valley"] * 16 + ["peak"] * 26 + ["valley"] * 6
ENERGY = {"rates": RATES, "days": {"any": SLOTS}, "calendar": [{"day": "any"}]}


def charge(*pieces: tuple[int, int], parked_s: int = 0) -> Usage:
    """Pieces of (minutes, W), one after the other, and time parked after them."""
    marks = [Mark(MORNING, 5_000)]
    for minutes, power_w in pieces:
        last = marks[-1]
        end = last.at + timedelta(minutes=minutes)
        marks.append(Mark(end, last.meter_mwh + power_w * 1_000 * minutes // 60))
    end = marks[-1].at
    charged_s = int((end - MORNING).total_seconds())
    if not parked_s:
        return Usage(SHANGHAI, charged_s, tuple(marks))
    left = end + timedelta(seconds=parked_s)
    marks.append(Mark(left, marks[-1].meter_mwh))
    return Usage(SHANGHAI, charged_s, tuple(marks), (Stay(end, left, StayKind.PARKED),))


def lines(terms: dict[str, Any], usage: Usage) -> Sequence[BillLine]:
    """What terms make of a charge."""
    return Composed().lines(Composed().check(terms), usage)


def fen(terms: dict[str, Any], usage: Usage) -> int:
    """What a charge costs."""
    return Bill(1, 1, tuple(lines(terms, usage))).amount_fen


def seconds(terms: dict[str, Any], usage: Usage) -> list[tuple[int, str]]:
    """How long each tier lasted, and how much time it gets for the price."""
    return [
        (line.quantity, line.price_per)
        for line in lines({"time": terms}, usage)
        if line.unit == "s"
    ]


@pytest.mark.parametrize("minutes", [1, 59, 150, 400])
def test_time_alone_is_the_tariff_by_time(minutes: int) -> None:
    """The same fees, told in more lines."""
    usage = charge((minutes, 150))
    theirs = Bill(1, 1, tuple(ByTime().lines(ByTime().check(BLOCK), usage)))
    ours = Bill(1, 1, tuple(lines({"time": BLOCK}, usage)))
    assert [ours.fee_fen(fee) for fee in Fee] == [theirs.fee_fen(fee) for fee in Fee]


def test_energy_alone_is_the_tariff_by_time_of_use() -> None:
    """48 slots of a day are its periods."""
    usage = charge((60, 7_000), (800, 7_000))
    day = [{"from": "00:00", "rate": "valley"}, {"from": "08:00", "rate": "peak"},
           {"from": "21:00", "rate": "valley"}]  # fmt: skip
    theirs = TimeOfUse().lines(TimeOfUse().check({"rates": RATES, "day": day}), usage)
    told = [(line.fee, line.start, line.quantity, line.amount_fen) for line in theirs]
    ours = lines(ENERGY, usage)
    assert [(line.fee, line.start, line.quantity, line.amount_fen) for line in ours] == told


def test_a_higher_tier_takes_over_after_its_dwell_time() -> None:
    """From then on it shrinks the time that is left; a lower one does not give it back."""
    usage = charge((30, 150), (30, 350), (60, 100))
    # 32 minutes at the full block, the rest at three quarters of it
    assert seconds(BY_POWER, usage) == [(1_920, "9000s"), (5_280, "6750s")]
    assert fen({"time": BY_POWER}, usage) == 100  # 21.33 + 78.22, rounded together


def test_a_lower_tier_takes_over_only_where_tiers_fall() -> None:
    """In the same way as a higher one."""
    usage = charge((30, 350), (60, 100))
    falls = {**BY_POWER, "falls": True}
    assert seconds(falls, usage) == [(120, "9000s"), (1_800, "6750s"), (3_480, "9000s")]


def test_a_surge_is_no_tier() -> None:
    """A charger that starts, or a reading out of line, passes within the dwell time."""
    assert seconds(BY_POWER, charge((1, 900), (59, 150), (1, 700), (59, 150))) == [(7_200, "9000s")]


def test_a_rise_over_two_tiers_counts_as_the_lower_first() -> None:
    """What was held for the dwell time is what counts."""
    usage = charge((10, 100), (1, 300), (59, 500))
    assert seconds(BY_POWER, usage) == [(720, "9000s"), (60, "6750s"), (3_420, "4500s")]


def test_a_package_is_returned_in_part_and_has_a_least_use() -> None:
    """One yuan is held for 150 minutes; what was not used of it goes back."""
    terms = {"time": {**BLOCK, "least_s": 1_800}}
    assert [fen(terms, charge((minutes, 150))) for minutes in (5, 30, 75, 150)] == [20, 20, 50, 100]


def test_a_charge_that_drew_nothing_costs_nothing() -> None:
    """The whole of what was held goes back, start fee and all."""
    assert lines({"time": BLOCK, "start_fee": {"fen": 50}}, charge((60, 0))) == ()


def test_a_start_fee_covers_the_first_time() -> None:
    """45 minutes of it; after them time is paid as ever."""
    terms = {"time": BLOCK, "start_fee": {"fen": 50, "covers_s": 2_700}}
    assert [fen(terms, charge((minutes, 150))) for minutes in (20, 45, 60)] == [50, 50, 60]


def test_occupancy_after_its_grace() -> None:
    """And not above its most."""
    part = {"price_fen": 100, "block_s": 3_600, "step_s": 600, "grace_s": 1_800, "most_fen": 300}
    terms = {**ENERGY, "occupancy": part}
    alone = fen(ENERGY, charge((60, 1_000)))
    for parked_s, more in ((1_800, 0), (1_801, 17), (5_400, 100), (90_000, 300)):
        assert fen(terms, charge((60, 1_000), parked_s=parked_s)) == alone + more


def test_discounts_are_lines_of_their_own() -> None:
    """Each off the full fee."""
    discounts = [
        {"name": "members", "percent": 50, "of": ["service"]},
        {"name": "green week", "percent": 10, "of": ["electricity", "service"]},
    ]
    made = lines({**ENERGY, "discounts": discounts}, charge((60, 1_000)))
    told = [(line.fee.value, line.amount_fen) for line in made]
    assert told == [("electricity", 100), ("service", 80), ("service", -40),
                    ("electricity", -10), ("service", -8)]  # fmt: skip
    assert made[2].rule == "members: 50 % off service"


def test_the_least_and_the_most_price() -> None:
    """What is taken off is taken off each fee by its part."""
    usage = charge((60, 1_000))
    assert fen({**ENERGY, "least_fen": 250}, usage) == 250
    bill = Bill(1, 1, tuple(lines({**ENERGY, "most_fen": 90}, usage)))
    assert [bill.fee_fen(fee) for fee in Fee] == [50, 40]


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({}, ""),
        ({"time": {"price_fen": 1, "block_s": 1}}, "/time/electricity"),
        ({**ENERGY, "time": BLOCK}, "/time/electricity"),
        ({"rates": RATES, "days": {"any": SLOTS}}, "/calendar"),
        ({**ENERGY, "days": {"any": SLOTS[:47]}}, "/days/any/0"),
        ({**ENERGY, "calendar": [{"day": "any"}, {"day": "any"}]}, "/calendar/0"),
        ({"time": {**BLOCK, "dwell_s": 5}}, "/time/dwell_s"),
        ({"time": {**BY_POWER, "tiers": TIERS[:3]}}, "/time/tiers/2/up_to_w"),
        ({"time": {**BY_POWER, "tiers": [TIERS[1], *TIERS]}}, "/time/tiers/1"),
        ({"time": {**BY_POWER, "tiers": [TIERS[3], TIERS[3]]}}, "/time/tiers/0"),
        ({"time": {**BY_POWER, "block_s": 9_001}}, "/time/tiers/1/percent"),
        ({**ENERGY, "start_fee": {"fen": 5, "covers_s": 5}}, "/start_fee/covers_s"),
        (
            {"time": {**BLOCK, "least_s": 60}, "start_fee": {"fen": 5, "covers_s": 5}},
            "/time/least_s",
        ),
        (
            {**ENERGY, "discounts": [{"name": "a", "percent": 60, "of": ["service"]}] * 2},
            "/discounts",
        ),
        ({**ENERGY, "least_fen": 5, "most_fen": 4}, "/most_fen"),
        ({**ENERGY, "rounding": "total"}, "/rounding"),
        ({**ENERGY, "occupancy": {"block_s": 1}}, "/occupancy/price_fen"),
    ],
)
def test_a_fault_is_told_with_its_place(terms: dict[str, Any], where: str) -> None:
    """Gaps, overlaps, what is never reached, and what is no number."""
    with pytest.raises(TariffError) as caught:
        Composed().check(terms)
    errors: Any = caught.value.facts["errors"]
    assert where in [each["where"] for each in errors]
