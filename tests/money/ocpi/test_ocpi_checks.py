"""What is no tariff of OCPI 2.2.1, or has a part that is never reached; and time zones."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Mark, Usage
from chargecloud.money.ocpi.kind import Ocpi
from tests.money.ocpi.samples import component, tariff

ENERGY = [component("ENERGY", 0.25)]
NIGHT = {"start_time": "22:00", "end_time": "06:00"}
DAY = {"start_time": "06:00", "end_time": "22:00"}
FIRST = "/elements/0/restrictions"


def faults(terms: Any) -> list[str]:
    """Where they are."""
    with pytest.raises(TariffError) as caught:
        Ocpi().check(terms)
    errors: Any = caught.value.facts["errors"]
    return [each["where"] for each in errors]


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        (tariff(), "/elements"),
        (tariff(ENERGY, currency="yuan"), "/currency"),
        (tariff(ENERGY, colour="red"), "/colour"),
        (tariff([component("POWER", 1)]), "/elements/0/price_components/0/type"),
        (tariff([component("ENERGY", -1)]), "/elements/0/price_components/0/price"),
        (tariff([component("ENERGY", 0.12345)]), "/elements/0/price_components/0/price"),
        (tariff([component("TIME", 1, None, 0)]), "/elements/0/price_components/0/step_size"),
        (tariff(ENERGY * 2), "/elements/0/price_components/1"),
        (tariff((ENERGY, {"start_time": "24:00"})), f"{FIRST}/start_time"),
        (tariff((ENERGY, {"start_date": "2026-02-30"})), f"{FIRST}/start_date"),
        (tariff((ENERGY, {"min_kwh": 5, "max_kwh": 5})), f"{FIRST}/max_kwh"),
        (tariff((ENERGY, {"start_date": "2026-02-02", "end_date": "2026-02-02"})),
         f"{FIRST}/end_date"),
        (tariff((ENERGY, {"day_of_week": ["SOMEDAY"]})), f"{FIRST}/day_of_week"),
        (tariff((ENERGY, {"reservation": "RESERVATION"})), "/elements/0/price_components/0/type"),
        (tariff(ENERGY, min_price={"incl_vat": 1}), "/min_price/excl_vat"),
        # never reached: behind one that always holds, in a part of it, or behind two that share it
        (tariff(ENERGY, (ENERGY, NIGHT)), "/elements/1/price_components/0"),
        (tariff((ENERGY, {"max_kwh": 9}), (ENERGY, {"max_kwh": 5})),
         "/elements/1/price_components/0"),
        (tariff((ENERGY, DAY), (ENERGY, NIGHT), ENERGY), "/elements/2/price_components/0"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(terms: Any, where: str) -> None:
    """Each with the rule that it breaks."""
    assert where in faults(terms)


@pytest.mark.parametrize(
    "terms",
    [
        tariff((ENERGY, NIGHT), (ENERGY, DAY)),
        tariff((ENERGY, {"max_kwh": 5}), (ENERGY, {"max_kwh": 9}), ENERGY),
        tariff((ENERGY, DAY | {"day_of_week": ["MONDAY"]}), (ENERGY, NIGHT), ENERGY),
        tariff(ENERGY, ([component("TIME", 1)], NIGHT)),
        tariff((ENERGY, {"day_of_week": None}), tariff_alt_text=None),
    ],
)
def test_what_is_reached_is_no_fault(terms: Any) -> None:
    """A gap is none either: OCPI says that it is free."""
    assert Ocpi().check(Ocpi().check(terms)) == Ocpi().check(terms)


def quantities(terms: Any, start: datetime, hours: int, zone: str) -> list[int]:
    """The mWh of each line of an even charge at 1 kW."""
    end = start + timedelta(hours=hours)
    marks = (Mark(start, 0), Mark(end, hours * 1_000_000))
    lines = Ocpi().lines(Ocpi().check(terms), Usage(ZoneInfo(zone), hours * 3_600, marks))
    return [line.quantity for line in lines]


def test_hours_are_the_sites_also_where_clocks_change() -> None:
    """From 01:00 to 04:00 by the clock are two hours in March and four in October."""
    early = tariff((ENERGY, {"end_time": "03:00"}), ENERGY)
    march = datetime(2026, 3, 29, 0, tzinfo=UTC)  # 01:00 in Berlin; 02:00 is skipped
    assert quantities(early, march, 2, "Europe/Berlin") == [1_000_000, 1_000_000]
    october = datetime(2026, 10, 24, 23, tzinfo=UTC)  # 01:00 in Berlin; 02:00 comes twice
    assert quantities(early, october, 4, "Europe/Berlin") == [3_000_000, 1_000_000]


def test_weekdays_and_dates_begin_at_the_sites_midnight() -> None:
    """Friday 23:00 to Saturday 02:00, and an end date that is not in it."""
    weekend = tariff((ENERGY, {"day_of_week": ["SATURDAY", "SUNDAY"]}), ENERGY)
    friday = datetime(2026, 11, 27, 15, tzinfo=UTC)
    assert quantities(weekend, friday, 3, "Asia/Shanghai") == [1_000_000, 2_000_000]
    until = tariff((ENERGY, {"end_date": "2026-11-28"}), ENERGY)
    assert quantities(until, friday, 3, "Asia/Shanghai") == [1_000_000, 2_000_000]


def test_readings_are_kept_where_more_than_the_clock_decides() -> None:
    """Power is what the register comes to between two of them."""
    start, zone = datetime(2026, 11, 23, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
    until = start + timedelta(hours=1)
    by_power = Ocpi().check(tariff((ENERGY, {"max_power": 5})))
    assert len(Ocpi().boundaries(by_power, zone, start, until)) == 12
    assert Ocpi().boundaries(Ocpi().check(tariff(ENERGY)), zone, start, until) == []
