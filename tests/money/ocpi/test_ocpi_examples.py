"""The worked examples of OCPI 2.2.1, section 11.4, with the corrections of its second edition."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from chargecloud.domain.tariff import Bill, Draw, Fee, Mark, Stay, StayKind, Usage
from chargecloud.domain.units import decimal_text
from chargecloud.money.ocpi.kind import Ocpi
from tests.money.ocpi.samples import AMSTERDAM, component, tariff

#: (minutes, kWh, state, power in W, current in mA)
Piece = tuple[float, float, str, int | None, int | None]
MONDAY = datetime(2026, 11, 23, tzinfo=AMSTERDAM)


def charge(minutes: float, kwh: float = 0, w: int | None = None, ma: int | None = None) -> Piece:
    """Energy flows."""
    return (minutes, kwh, "charging", w, ma)


def parked(minutes: float) -> Piece:
    """It is plugged in, and full."""
    return (minutes, 0, "parked", None, None)


def reserved(minutes: float) -> Piece:
    """Nobody has come so far."""
    return (minutes, 0, "reserved", None, None)


def usage(pieces: Sequence[Piece], start: datetime = MONDAY, *, expired: bool = False) -> Usage:
    """A charge of some pieces."""
    marks, stays, draws, charged = [Mark(start, 7_000)], [], [], timedelta()
    for minutes, kwh, state, power_w, current_ma in pieces:
        before = marks[-1]
        end = before.at + timedelta(minutes=minutes)
        marks.append(Mark(end, before.meter_mwh + round(kwh * 1_000_000)))
        if state != "charging":
            stays.append(Stay(before.at, end, StayKind(state)))
            continue
        charged += end - before.at
        draws.append(Draw(before.at, end, power_w, current_ma))
    seconds = charged // timedelta(seconds=1)
    return Usage(AMSTERDAM, seconds, tuple(marks), tuple(stays), tuple(draws), expired)


def bill(terms: dict[str, Any], used: Usage) -> Bill:
    """What terms make of a charge."""
    return Bill(1, 1, tuple(Ocpi().lines(Ocpi().check(terms), used)))


WORKDAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
WEEKEND = ["SATURDAY", "SUNDAY"]
ENERGY = component("ENERGY", 0.25, 10)
START = component("FLAT", 0.50, 20)
PER_KWH = tariff([ENERGY])
WITH_START = tariff([START, ENERGY])
LEAST = tariff([ENERGY], min_price={"excl_vat": 0.50, "incl_vat": 0.55})
MOST = tariff([START, ENERGY], max_price={"excl_vat": 10, "incl_vat": 11})
PARKING = tariff([START, ENERGY, component("PARKING_TIME", 2, 20, 900)])
HOURLY = tariff([component("TIME", 2, 10, 60)])
TWO_TIMES = tariff([component("TIME", 3, 10, 60)], [component("PARKING_TIME", 5, 20, 300)])
AD_HOC = tariff([component("TIME", 1.90, 5.2, 300)])
STEPS = tariff([START, component("ENERGY", 0.25, 10, 100)])
BY_CURRENT = tariff(
    [component("FLAT", 2.50, 15)],
    ([component("TIME", 1, 20, 900)], {"max_current": 32}),
    (
        [component("TIME", 2, 20, 600)],
        {
            "min_current": 32,
            "day_of_week": WORKDAYS,
        },
    ),
    (
        [component("TIME", 1.25, 20, 600)],
        {"min_current": 32, "day_of_week": WEEKEND},
    ),
    (
        [component("PARKING_TIME", 5, 10, 300)],
        {
            "start_time": "09:00",
            "end_time": "18:00",
            "day_of_week": WORKDAYS,
        },
    ),
    (
        [component("PARKING_TIME", 6, 10, 300)],
        {"start_time": "10:00", "end_time": "17:00", "day_of_week": ["SATURDAY"]},
    ),
)
SWITCH = tariff(
    ([component("TIME", 1.20, None, 1800)], {"start_time": "00:00", "end_time": "17:00"}),
    ([component("TIME", 2.40, None, 900)], {"start_time": "17:00", "end_time": "00:00"}),
    ([component("PARKING_TIME", 1, None, 900)], {"start_time": "00:00", "end_time": "20:00"}),
)
BY_POWER = tariff(
    ([component("ENERGY", 0.20)], {"max_power": 16}),
    ([component("ENERGY", 0.35)], {"max_power": 32}),
    [component("ENERGY", 0.50)],
)
BY_DURATION = tariff(
    ([component("ENERGY", 0)], {"max_duration": 1800}),
    ([component("ENERGY", 0.25)], {"max_duration": 3600}),
    [component("ENERGY", 0.40)],
)
STEP_ON_TOTAL = tariff(
    ([component("ENERGY", 0.20, None, 500)], {"end_time": "17:00"}),
    ([component("ENERGY", 0.27, None, 500)], {"start_time": "17:00"}),
)
FIRST_FREE = tariff(
    ([component("ENERGY", 0)], {"max_kwh": 1}),
    [component("ENERGY", 0.20)],
    ([component("PARKING_TIME", 0)], {"max_duration": 3600}),
    ([component("PARKING_TIME", 2, None, 60)], {"min_duration": 3600, "max_duration": 14400}),
    ([component("PARKING_TIME", 3, None, 60)], {"min_duration": 14400}),
)
BOOKED = {"reservation": "RESERVATION"}
LAPSED = {"reservation": "RESERVATION_EXPIRES"}
RESERVED = tariff(([component("TIME", 5, 20, 60)], BOOKED), [START, ENERGY])
RESERVED_FEE = tariff(
    ([component("FLAT", 2, 20), component("TIME", 5, 20, 300)], BOOKED), [START, ENERGY]
)
LAPSE_FEE = tariff(
    ([component("FLAT", 4, 20)], LAPSED), ([component("TIME", 2, 20, 600)], BOOKED), [START, ENERGY]
)
LAPSE_TIME = tariff(
    ([component("TIME", 3, 20, 600)], BOOKED), ([component("TIME", 6, 20, 600)], LAPSED),
    [START, ENERGY],
)  # fmt: skip


def at(hour: int, minute: int, day: int = 23) -> datetime:
    """An instant of that week."""
    return datetime(2026, 11, day, hour, minute, tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("terms", "used", "excl", "incl"),
    [
        (PER_KWH, usage([charge(60, 20)]), "5", "5.5"),
        (WITH_START, usage([charge(60, 20)]), "5.5", "6.1"),
        (LEAST, usage([charge(60, 1.9)]), "0.5", "0.55"),
        (LEAST, usage([charge(60, 20)]), "5", "5.5"),
        (MOST, usage([charge(60, 50)]), "10", "11"),
        (MOST, usage([charge(60, 30)]), "8", "8.85"),
        (PARKING, usage([charge(60, 20), parked(40)]), "7", "7.9"),
        (HOURLY, usage([charge(150, 20)]), "5", "5.5"),
        (TWO_TIMES, usage([charge(150, 20), parked(42)]), "11.25", "12.75"),
        (AD_HOC, usage([charge(150, 20)]), "4.75", "4.997"),
        (STEPS, usage([charge(60, 20.45)]), "5.625", "6.2375"),
        (
            BY_CURRENT,
            usage([charge(147, 20, ma=16_000), parked(42)], at(9, 30)),
            "8.7",
            "9.94",
        ),
        (
            BY_CURRENT,
            usage([charge(114, 20, ma=43_000), parked(71)], at(13, 30, 28)),
            "12.375",
            "13.975",
        ),
        (SWITCH, usage([charge(10, 1), parked(2)], at(16, 55)), "0.55", "0.55"),
        (SWITCH, usage([charge(35, 1)], at(16, 35)), "1.3", "1.3"),
        (SWITCH, usage([charge(12, 1), parked(20)], at(19, 40)), "0.73", "0.73"),
        (
            BY_POWER,
            usage([charge(10, 1, w=6_000), charge(50, 40, w=48_000), charge(8, 0.5, w=4_000)]),
            "20.3",
            "20.3",
        ),
        # without its power, what the energy comes to in its time
        (BY_POWER, usage([charge(10, 1), charge(50, 40), charge(7.5, 0.5)]), "20.3", "20.3"),
        (BY_DURATION, usage([charge(30, 5), charge(10, 1.2)]), "0.3", "0.3"),
        (BY_DURATION, usage([charge(30, 5), charge(30, 1.2), charge(10, 1)]), "0.7", "0.7"),
        (STEP_ON_TOTAL, usage([charge(60, 4.3), charge(60, 1.1)], at(16, 0)), "1.184", "1.184"),
        (FIRST_FREE, usage([charge(0.001, 20), parked(165)]), "7.2999833333", None),
        (RESERVED, usage([reserved(15), charge(60, 20)]), "6.75", "7.6"),
        (RESERVED_FEE, usage([reserved(13), charge(60, 20)]), "8.75", "10"),
        (LAPSE_FEE, usage([reserved(22), charge(60, 20)]), "6.5", "7.3"),
        (LAPSE_FEE, usage([reserved(60)], expired=True), "6", "7.2"),
        (LAPSE_TIME, usage([reserved(22), charge(60, 20)]), "7", "7.9"),
        (LAPSE_TIME, usage([reserved(90)], expired=True), "9", "10.8"),
        (tariff([component("FLAT", 0)]), usage([charge(60, 20), parked(9)]), "0", "0"),
    ],
)
def test_worked_examples(terms: dict[str, Any], used: Usage, excl: str, incl: str | None) -> None:
    """Exactly, and to the fen."""
    made = bill(terms, used)
    if incl is not None:
        assert (decimal_text(made.excl_vat), decimal_text(made.incl_vat)) == (excl, incl)
        assert made.amount_fen == int(Fraction(incl) * 100 + Fraction(1, 2))
    else:
        assert abs(made.excl_vat - Fraction("7.3")) < Fraction(1, 1_000)


def test_lines_tell_how() -> None:
    """Each line can be reckoned again from what it says."""
    made = bill(PARKING, usage([charge(60, 20), parked(40)]))
    told = [(line.fee, line.quantity, line.unit_price, line.amount_fen) for line in made.lines]
    assert told == [
        (Fee.SERVICE, 1, 50_000, 60),
        (Fee.ELECTRICITY, 20_000_000, 25_000, 550),
        (Fee.SERVICE, 2_700, 200_000, 180),
    ]
    assert made.lines[2].rule == (
        "element 1: PARKING_TIME 2 EUR an hour, VAT 20 %; 300 s added to fill steps of 900 s"
    )


def test_what_the_most_price_takes_off_is_a_line() -> None:
    """By each fee's part, so that neither is below zero."""
    made = bill(MOST, usage([charge(60, 50)]))
    assert [line.amount_fen for line in made.lines] == [60, 1375, -321, -14]
    assert made.fee_fen(Fee.ELECTRICITY) + made.fee_fen(Fee.SERVICE) == 1100
