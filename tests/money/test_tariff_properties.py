"""What holds for every tariff that the field's rules allow, whoever wrote it."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chargecloud.conformance.usages import gone_on, on_the_line, usages
from chargecloud.domain.errors import TariffError
from chargecloud.domain.tariff import Bill, BillLine, Fee, Usage
from chargecloud.domain.units import half_up
from chargecloud.interfaces import ITariff
from chargecloud.money.composed.kind import Composed
from chargecloud.money.ocpi.kind import Ocpi
from tests.money.ocpi.samples import component, tariff

PRICES = st.integers(0, 20_000).map(lambda units: units / 10_000)
RATES = ("valley", "flat", "peak")


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


@given(priced().filter(_is_sound), usages())
def test_parts_make_the_whole(by: tuple[ITariff, Any], usage: Usage) -> None:
    """No fee is below zero, lines sum to the bill, and what is exact rounds to it."""
    bill = Bill(1, 1, tuple(lines(by, usage)))
    assert all(bill.fee_fen(fee) >= 0 for fee in Fee)
    assert sum(line.amount_fen for line in bill.lines) == bill.amount_fen
    assert half_up(bill.incl_vat * 100) == bill.amount_fen
    assert bill == Bill(1, 1, tuple(lines(by, usage)))


@given(priced().filter(_is_sound), on_the_line())
def test_readings_on_the_line_change_nothing(
    by: tuple[ITariff, Any], pair: tuple[Usage, Usage]
) -> None:
    """What the register is taken to have been between two readings, it may as well have said."""
    plain, denser = pair
    assert _told(lines(by, denser)) == _told(lines(by, plain))


def _told(made: Sequence[BillLine]) -> list[tuple[Fee, int, int, str]]:
    return [(line.fee, line.quantity, line.amount_fen, line.rule) for line in made]


@given(
    st.tuples(st.just(Ocpi()), ocpi_terms(plain=True)).filter(_is_sound)
    | st.tuples(st.just(Composed()), composed_terms(plain=True)).filter(_is_sound),
    gone_on(),
)
def test_more_never_costs_less(by: tuple[ITariff, Any], pair: tuple[Usage, Usage]) -> None:
    """More energy, and more time, at the end of a charge: without caps, coupons or tiers."""
    before, after = (Bill(1, 1, tuple(lines(by, usage))) for usage in pair)
    assert after.amount_fen >= before.amount_fen
