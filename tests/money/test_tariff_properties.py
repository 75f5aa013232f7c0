"""What holds for every tariff that the field's rules allow, whoever wrote it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Bill, BillLine, Fee, Mark, Stay, StayKind, Usage
from chargecloud.domain.units import half_up
from chargecloud.interfaces import ITariff
from chargecloud.money.composed.kind import Composed
from chargecloud.money.ocpi.kind import Ocpi
from tests.money.ocpi.samples import component, tariff

PRICES = st.integers(0, 20_000).map(lambda units: units / 10_000)
RATES = ("valley", "flat", "peak")
SECOND = timedelta(seconds=1)


@st.composite
def ocpi_terms(draw: st.DrawFn, *, plain: bool = False) -> dict[str, Any]:
    """Elements with restrictions of many kinds, and one of each dimension for the rest.

    @param plain: without what may make more cost less: power, limits, and later prices that
        are lower than earlier ones, which all depend on how the charge went.
    """
    vat = st.none() | st.sampled_from([0, 5.2, 10, 19])
    steps = st.sampled_from([1, 60, 900])
    elements: list[Any] = []
    for _ in range(draw(st.integers(0, 4))):
        limits: dict[str, Any] = {}
        if draw(st.booleans()):
            limits |= {"start_time": "07:30", "end_time": draw(st.sampled_from(["00:00", "21:15"]))}
        if draw(st.booleans()):
            limits["day_of_week"] = ["SATURDAY", "SUNDAY"]
        if not plain and draw(st.booleans()):
            limits["max_kwh"] = draw(st.integers(1, 20))
        if not plain and draw(st.booleans()):
            limits["min_power"] = draw(st.integers(1, 30))
        if not plain and draw(st.booleans()):
            limits["min_duration"] = draw(st.integers(1, 7_200))
        kind = draw(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"]))
        step = 1 if plain else draw(steps)
        elements.append(([component(kind, draw(PRICES), draw(vat), step)], limits))
    for kind in ("ENERGY", "TIME", "PARKING_TIME"):
        step = 1 if plain else draw(steps)
        elements.append([component(kind, draw(PRICES), draw(vat), step)])
    more = {}
    if not plain and draw(st.booleans()):
        more["max_price"] = {"excl_vat": draw(PRICES)}
    return tariff(*elements, **more)


@st.composite
def composed_terms(draw: st.DrawFn, *, plain: bool = False) -> dict[str, Any]:
    """Any parts."""
    fen = st.integers(0, 500)
    terms: dict[str, Any] = {}
    if has_rates := draw(st.booleans()):
        price = st.integers(0, 200_000)
        terms["rates"] = {
            name: {"electricity": draw(price), "service": draw(price)} for name in RATES
        }
        slots = st.lists(st.sampled_from(RATES), min_size=45, max_size=45)
        terms["days"] = {"any": [*RATES, *draw(slots)]}
        terms["calendar"] = [{"day": "any"}]
    if not has_rates or draw(st.booleans()):
        terms["time"] = {
            "price_fen": draw(fen),
            "block_s": 3_600,
            "step_s": draw(st.integers(1, 900)),
        }
        if not has_rates:
            terms["time"]["electricity"] = draw(st.integers(0, 100_000))
        if not plain and draw(st.booleans()):
            terms["time"] |= {
                "tiers": [{"up_to_w": 500, "percent": 100}, {"percent": draw(st.integers(1, 99))}],
                "dwell_s": draw(st.integers(0, 600)),
                "falls": draw(st.booleans()),
            }
    if draw(st.booleans()):
        terms["start_fee"] = {"fen": draw(fen)}
    if draw(st.booleans()):
        terms["occupancy"] = {"price_fen": draw(fen), "block_s": 3_600, "grace_s": draw(fen)}
    if not plain and draw(st.booleans()):
        of = draw(st.sampled_from([["service"], ["electricity", "service"]]))
        terms["discounts"] = [{"name": "d", "percent": draw(st.integers(1, 100)), "of": of}]
    if not plain and draw(st.booleans()):
        terms["most_fen"] = draw(st.integers(1, 300))
    return terms


@st.composite
def charges(draw: st.DrawFn) -> Usage:
    """Charges of some readings, some of which are followed by parking."""
    start = datetime(2026, 10, 24, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 200_000)))
    marks = [Mark(start, 5_000)]
    steps = st.tuples(st.integers(1, 7_200), st.integers(0, 5_000_000))
    for later, more in draw(st.lists(steps, min_size=1, max_size=5)):
        marks.append(Mark(marks[-1].at + later * SECOND, marks[-1].meter_mwh + more))
    end = marks[-1].at
    stays: tuple[Stay, ...] = ()
    if draw(st.booleans()):
        marks.append(Mark(end + draw(st.integers(1, 9_000)) * SECOND, marks[-1].meter_mwh))
        stays = (Stay(end, marks[-1].at, StayKind.PARKED),)
    zone = ZoneInfo(draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"])))
    charged_s = (end - start) // SECOND
    return Usage(zone, charged_s - draw(st.integers(0, charged_s // 4)), tuple(marks), stays)


def priced() -> st.SearchStrategy[tuple[ITariff, Any]]:
    """A tariff of each kind."""
    return st.tuples(st.just(Ocpi()), ocpi_terms()) | st.tuples(
        st.just(Composed()), composed_terms()
    )


def lines(priced_by: tuple[ITariff, Any], usage: Usage) -> Sequence[BillLine]:
    """What a tariff makes of a charge; one that is not to be is no example."""
    kind, terms = priced_by
    return kind.lines(kind.check(terms), usage)


def _is_sound(by: tuple[ITariff, Any]) -> bool:
    """Whether no element was made that is never reached."""
    try:
        by[0].check(by[1])
    except TariffError:
        return False
    return True


@given(priced().filter(_is_sound), charges())
def test_parts_make_the_whole(by: tuple[ITariff, Any], usage: Usage) -> None:
    """No fee is below zero, lines sum to the bill, and what is exact rounds to it."""
    bill = Bill(1, 1, tuple(lines(by, usage)))
    assert all(bill.fee_fen(fee) >= 0 for fee in Fee)
    assert sum(line.amount_fen for line in bill.lines) == bill.amount_fen
    assert half_up(bill.incl_vat * 100) == bill.amount_fen
    assert bill == Bill(1, 1, tuple(lines(by, usage)))


@given(priced().filter(_is_sound), charges(), st.integers(1, 3_599), st.data())
def test_readings_on_the_line_change_nothing(
    by: tuple[ITariff, Any], usage: Usage, more: int, data: st.DataObject
) -> None:
    """What the register is taken to have been between two readings, it may as well have said."""
    index = data.draw(st.integers(0, len(usage.marks) - 2))
    before, after = usage.marks[index : index + 2]
    # a multiple of as many steps as there are seconds lies on the line in whole mWh
    parts = (after.at - before.at) // SECOND
    gained = (after.meter_mwh - before.meter_mwh) // parts * parts
    shift = after.meter_mwh - before.meter_mwh - gained
    moved = [*usage.marks[: index + 1]]
    moved += [evolve(mark, meter_mwh=mark.meter_mwh - shift) for mark in usage.marks[index + 1 :]]
    step = more % parts
    on_line = Mark(before.at + step * SECOND, before.meter_mwh + gained // parts * step)
    plain = evolve(usage, marks=tuple(moved))
    denser = evolve(usage, marks=tuple(sorted([*moved, on_line], key=lambda mark: mark.at)))
    if step:
        assert _told(lines(by, denser)) == _told(lines(by, plain))


def _told(made: Sequence[BillLine]) -> list[tuple[Fee, int, int, str]]:
    return [(line.fee, line.quantity, line.amount_fen, line.rule) for line in made]


@given(
    st.tuples(st.just(Ocpi()), ocpi_terms(plain=True)).filter(_is_sound)
    | st.tuples(st.just(Composed()), composed_terms(plain=True)).filter(_is_sound),
    charges(),
    st.integers(0, 7_200),
    st.integers(0, 5_000_000),
)
def test_more_never_costs_less(
    by: tuple[ITariff, Any], usage: Usage, longer_s: int, more_mwh: int
) -> None:
    """More energy, and more time, at the end of a charge: without caps, coupons or tiers."""
    last = usage.marks[-1]
    later = Mark(last.at + longer_s * SECOND, last.meter_mwh + more_mwh)
    before = evolve(usage, charged_s=_whole_s(usage), stays=())
    after = evolve(before, marks=(*before.marks, later), charged_s=before.charged_s + longer_s)
    assert Bill(1, 1, tuple(lines(by, after))).amount_fen >= (
        Bill(1, 1, tuple(lines(by, before))).amount_fen
    )


def _whole_s(usage: Usage) -> int:
    return (usage.ended_at - usage.started_at) // SECOND
