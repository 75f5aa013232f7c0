"""Energy priced by the calendar."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from chargecloud.domain.errors import TariffError
from chargecloud.domain.events import StopReason
from chargecloud.domain.tariff import Mark, Usage
from chargecloud.interfaces import ITariff
from chargecloud.money.time_of_use import TimeOfUse
from chargecloud_calendar_price import CalendarPrice
from tests.world import World, native_plugins

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
RATES = {
    "peak": {"electricity": 110_000, "service": 40_000},
    "valley": {"electricity": 40_000, "service": 40_000},
    "deep valley": {"electricity": 15_000, "service": 30_000},
}
WORKDAY = [{"from": "00:00", "rate": "valley"}, {"from": "08:00", "rate": "peak"}]
HOLIDAY = [
    {"from": "00:00", "rate": "valley"},
    {"from": "10:00", "rate": "deep valley"},
    {"from": "14:00", "rate": "valley"},
]
TERMS: dict[str, Any] = {
    "rates": RATES,
    "days": {"workday": WORKDAY, "holiday": HOLIDAY},
    "calendar": [
        {"dates": ["2026-10-01", "2026-10-02"], "day": "holiday"},
        {"months": [7, 8], "weekdays": [6, 7], "day": "holiday"},
        {"day": "workday"},
    ],
}
PRICE = CalendarPrice()


def used(start: datetime, hours: int, mwh_an_hour: int = 1_000_000) -> Usage:
    """So much, evenly."""
    end = start + timedelta(hours=hours)
    marks = (Mark(start, 5_000), Mark(end, 5_000 + hours * mwh_an_hour))
    return Usage(start.tzinfo or UTC, hours * 3_600, marks)  # type: ignore[arg-type]


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """An instant of a site."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_it_keeps_to_the_interface() -> None:
    """And its own terms are what it gives back."""
    verifyObject(ITariff, PRICE)
    assert PRICE.check(TERMS) == TERMS
    assert PRICE.check(PRICE.check(TERMS)) == TERMS


def test_a_holiday_has_its_own_day() -> None:
    """From its midnight on: the evening before is a workday's peak."""
    lines = PRICE.lines(TERMS, used(at("2026-09-30T22:00"), 16))
    told = [(line.fee.value, line.quantity, line.unit_price) for line in lines]
    assert told == [
        ("electricity", 2_000_000, 110_000),
        ("service", 2_000_000, 40_000),
        ("electricity", 10_000_000, 40_000),
        ("service", 10_000_000, 40_000),
        ("electricity", 4_000_000, 15_000),
        ("service", 4_000_000, 30_000),
    ]
    assert lines[0].rule == "workday, rate peak: 1.10000 yuan/kWh"
    assert lines[-1].rule == "holiday, rate deep valley: 0.30000 yuan/kWh"


@pytest.mark.parametrize(
    ("day", "is_holiday"),
    [("2026-07-04", True), ("2026-07-06", False), ("2026-06-06", False), ("2026-10-02", True)],
)
def test_seasons_and_weekends(day: str, *, is_holiday: bool) -> None:
    """A Saturday in July, a Monday, a Saturday in June, and a holiday."""
    (line, _) = PRICE.lines(TERMS, used(at(f"{day}T11:00"), 1))
    assert ("deep valley" in line.rule) is is_holiday


INSTANTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30))


@given(INSTANTS, st.integers(1, 80), st.integers(0, 2_000_000), st.sampled_from([SHANGHAI, BERLIN]))
def test_the_parts_sum_to_the_whole(start: datetime, hours: int, mwh: int, zone: ZoneInfo) -> None:
    """Also where clocks change; and each stretch has one rate."""
    usage = used(start.replace(tzinfo=zone).astimezone(UTC), hours, mwh)
    usage = evolve(usage, zone=zone)
    lines = PRICE.lines(TERMS, usage)
    for fee in ("electricity", "service"):
        assert sum(line.quantity for line in lines if line.fee.value == fee) == usage.energy_mwh
    boundaries = PRICE.boundaries(TERMS, zone, usage.started_at, usage.ended_at)
    assert all(before < after for before, after in pairwise(boundaries))
    assert all(usage.started_at < each <= usage.ended_at for each in boundaries)


@given(INSTANTS, st.integers(1, 80), st.sampled_from([SHANGHAI, BERLIN]))
def test_one_kind_of_day_is_the_tariff_by_time_of_use(
    start: datetime, hours: int, zone: ZoneInfo
) -> None:
    """An independent account of the same."""
    rates = {name: RATES[name] for name in ("peak", "valley")}
    plain = {"rates": rates, "day": WORKDAY}
    ours = {"rates": rates, "days": {"d": WORKDAY}, "calendar": [{"day": "d"}]}
    usage = evolve(used(start.replace(tzinfo=zone).astimezone(UTC), hours), zone=zone)
    assert PRICE.boundaries(ours, zone, usage.started_at, usage.ended_at) == list(
        TimeOfUse().boundaries(plain, zone, usage.started_at, usage.ended_at)
    )
    assert [(line.start, line.amount_fen) for line in PRICE.lines(ours, usage)] == [
        (line.start, line.amount_fen) for line in TimeOfUse().lines(plain, usage)
    ]
    prices = PRICE.prices(ours, zone, usage.started_at, usage.ended_at)
    assert prices == TimeOfUse().prices(plain, zone, usage.started_at, usage.ended_at)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"rates": []}, "/rates"),
        ({"days": {}}, "/days"),
        ({"days": {"workday": [{"from": "01:00", "rate": "peak"}]}}, "/days/workday/0/from"),
        ({"days": {"workday": [{"from": "00:00", "rate": "night"}]}}, "/days/workday/0/rate"),
        ({"calendar": []}, "/calendar"),
        ({"calendar": [{"months": [1], "day": "workday"}]}, "/calendar/0"),
        ({"calendar": [{"day": "workday"}, {"day": "holiday"}]}, "/calendar/0"),
        ({"calendar": [{"day": "sunday"}]}, "/calendar/0/day"),
        ({"calendar": [{"months": [13], "day": "holiday"}, {"day": "workday"}]},
         "/calendar/0/months/0"),
        ({"calendar": [{"weekdays": [], "day": "holiday"}, {"day": "workday"}]},
         "/calendar/0/weekdays"),
        ({"calendar": [{"dates": ["2026-02-30"], "day": "holiday"}, {"day": "workday"}]},
         "/calendar/0/dates/0"),
        ({"calendar": [{"day": "workday"}]}, "/days/holiday"),
        ({"rates": {**RATES, "free": {"electricity": 0, "service": 0}}}, "/rates/free"),
        ({"rates": {**RATES, "peak": {"electricity": -1, "service": 0}}},
         "/rates/peak/electricity"),
        ({"seasons": []}, "/seasons"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(change: dict[str, Any], where: str) -> None:
    """Each, and all at once."""
    with pytest.raises(TariffError) as caught:
        PRICE.check(TERMS | change)
    errors: Any = caught.value.facts["errors"]
    assert where in [each["where"] for each in errors]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                    lambda each: st.lists(each) | st.dictionaries(st.text(), each)))  # fmt: skip
def test_any_terms_are_good_or_told_to_be_bad(terms: Any) -> None:
    """Whatever a person sends."""
    for given_terms in (
        terms,
        {"rates": terms},
        TERMS | {"days": terms},
        TERMS | {"calendar": terms},
    ):
        with suppress(TariffError):
            PRICE.check(given_terms)


def test_a_charge_is_billed_by_it(tmp_path: Path) -> None:
    """On the platform, over the API."""
    own = native_plugins()
    plugins = evolve(own, tariffs={**own.tariffs, "calendar": PRICE})
    world = World(tmp_path, plugins=plugins)
    box = world.box(world.site(TERMS, "calendar")).connect()
    order = world.order(box, world.customer())
    box.begin()
    world.pass_time(3_600, lambda: box.report(5_000))
    box.end(2, int(order["id"]), 5_000_000, 3_600, StopReason.FULL)
    bill = world.get(f"/orders/{order['id']}/bill")
    # a Monday morning in November: a workday's peak
    assert bill["lines"][0]["rule"] == "workday, rate peak: 1.10000 yuan/kWh"
    assert bill["amount_fen"] == 45
