"""What a usage costs by a tariff of OCPI 2.2.1 (sections 11.3 and 11.4).

Of each dimension the first element whose restrictions hold and that has it is priced; where
none does, that dimension is free.  A C{FLAT} is due once for the charge and once for what was
reserved, by the first part in which one holds.

Steps are taken once: for C{ENERGY}, for C{TIME} and C{PARKING_TIME} together, and for what was
reserved.  The step is that of the last part that is priced; it rounds up all that was used of
that part's dimension, and what it adds is priced as the last part is.  So charging that parking
follows is not rounded.

Elements for an expired reservation come before those for any reservation.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction

from attrs import define, evolve, frozen

from chargecloud.domain.tariff import BillLine, Fee, StayKind, Usage, Vat
from chargecloud.domain.units import (
    FEN_PER_UNIT,
    HOUR,
    MWH_PER_KWH,
    MWH_PER_WH,
    PRICE_UNITS_PER_FEN,
    decimal_text,
    half_up,
    whole_parts,
)
from chargecloud.money.ocpi.cutting import Part, cut
from chargecloud.money.ocpi.model import Component, Dimension, Limit, OcpiTariff, Reservation

_PRICE_UNITS = FEN_PER_UNIT * PRICE_UNITS_PER_FEN
_HUNDRED = 100


@frozen
class _Dim:
    """How a dimension is told in a line."""

    fee: Fee
    unit: str
    per: str
    of_a_unit: int
    step: int
    words: str


_DIMS = {
    Dimension.ENERGY: _Dim(Fee.ELECTRICITY, "mWh", "kWh", MWH_PER_KWH, MWH_PER_WH, "a kWh"),
    Dimension.TIME: _Dim(Fee.SERVICE, "s", f"{HOUR}s", HOUR, 1, "an hour"),
    Dimension.PARKING_TIME: _Dim(Fee.SERVICE, "s", f"{HOUR}s", HOUR, 1, "an hour"),
    Dimension.FLAT: _Dim(Fee.SERVICE, "times", "time", 1, 1, "once"),
}


@define
class _Stretch:
    """Parts in a row that are priced by one component."""

    element: int
    component: Component
    reserved: bool
    start: datetime
    end: datetime
    quantity: int
    added: int = 0

    @property
    def excl(self) -> Fraction:
        dimension = _DIMS[self.component.dimension]
        return self.component.price * (self.quantity + self.added) / dimension.of_a_unit

    @property
    def incl(self) -> Fraction:
        return self.excl * (1 + (self.component.percent or 0) / Fraction(_HUNDRED))


def lines_of(tariff: OcpiTariff, usage: Usage) -> Sequence[BillLine]:
    """The lines of a bill, in the order in which what they price began."""
    stretches = _stretches(tariff, usage)
    _take_steps(each for each in stretches if each.component.dimension is Dimension.ENERGY)
    timed = [each for each in stretches if each.component.dimension is not Dimension.ENERGY]
    timed = [each for each in timed if each.component.dimension is not Dimension.FLAT]
    _take_steps(each for each in timed if not each.reserved)
    _take_steps(each for each in timed if each.reserved)
    lines = [_line(tariff, each) for each in stretches]
    if not _only_reserved(usage):
        lines += _to_the_limits(tariff, usage, lines)
    return _in_fen(lines)


def _only_reserved(usage: Usage) -> bool:
    return any(
        stay.kind is StayKind.RESERVED
        and stay.start == usage.started_at
        and stay.end == usage.ended_at
        for stay in usage.stays
    )


def _stretches(tariff: OcpiTariff, usage: Usage) -> list[_Stretch]:
    found: list[_Stretch] = []
    open_: dict[Dimension, _Stretch] = {}
    flat_due = {False, True}
    for part in cut(tariff, usage):
        reserved = part.moment.stay is StayKind.RESERVED
        for dimension, quantity in _used(part):
            if dimension is Dimension.FLAT and reserved not in flat_due:
                continue
            chosen = _choose(tariff, part, dimension, expired=usage.reservation_expired)
            if chosen is None:
                continue
            if dimension is Dimension.FLAT:
                flat_due.discard(reserved)
            element, component = chosen
            before = open_.get(dimension)
            if (
                before is not None
                and before.component is component
                and before.end == part.start
                and before.reserved == reserved
            ):
                before.end = part.end
                before.quantity += quantity
                continue
            stretch = _Stretch(element, component, reserved, part.start, part.end, quantity)
            open_[dimension] = stretch
            found.append(stretch)
    return found


def _used(part: Part) -> Iterable[tuple[Dimension, int]]:
    yield Dimension.FLAT, 1
    stay = part.moment.stay
    if part.energy_mwh and stay is not StayKind.RESERVED:
        yield Dimension.ENERGY, part.energy_mwh
    if part.seconds:
        is_parked = stay is StayKind.PARKED
        yield (Dimension.PARKING_TIME if is_parked else Dimension.TIME), part.seconds


def _choose(
    tariff: OcpiTariff, part: Part, dimension: Dimension, *, expired: bool
) -> tuple[int, Component] | None:
    """The number of the element that prices a dimension of a part, counted from 1, and its
    component; C{None} if it is free."""
    reserved = part.moment.stay is StayKind.RESERVED
    wanted: Sequence[Reservation | None] = (None,)
    if reserved:
        wanted = (Reservation.RESERVATION,)
        if expired:
            wanted = (Reservation.EXPIRES, Reservation.RESERVATION)
    for kind in wanted:
        for number, element in enumerate(tariff.elements, 1):
            component = element.component(dimension)
            if (
                component is not None
                and element.restrictions.reservation is kind
                and element.restrictions.hold(part.moment)
            ):
                return number, component
    return None


def _take_steps(stretches: Iterable[_Stretch]) -> None:
    """Round up to whole steps what was used of the last one's dimension."""
    given = list(stretches)
    if not given:
        return
    last = max(given, key=lambda each: each.end)
    component = last.component
    step = component.step * _DIMS[component.dimension].step
    used = sum(each.quantity for each in given if each.component.dimension is component.dimension)
    last.added = -used % step


def _line(tariff: OcpiTariff, stretch: _Stretch) -> BillLine:
    component = stretch.component
    dimension = _DIMS[component.dimension]
    told = f"element {stretch.element}: {component.dimension.value} "
    told += f"{decimal_text(component.price)} {tariff.currency} {dimension.words}"
    if stretch.reserved:
        told += ", reserved"
    if component.percent is not None:
        told += f", VAT {decimal_text(component.percent)} %"
    if stretch.added:
        told += f"; {stretch.added} {dimension.unit} added to fill steps of {component.step}"
        told += " Wh" if component.dimension is Dimension.ENERGY else " s"
    return BillLine(
        fee=dimension.fee,
        start=stretch.start,
        end=stretch.end,
        quantity=stretch.quantity + stretch.added,
        unit=dimension.unit,
        unit_price=int(component.price * _PRICE_UNITS),
        price_per=dimension.per,
        amount_fen=0,
        rule=told,
        vat=Vat(stretch.excl, stretch.incl, component.percent),
    )


def _to_the_limits(
    tariff: OcpiTariff, usage: Usage, lines: Sequence[BillLine]
) -> Sequence[BillLine]:
    """What the least and the most price add and take off."""
    excl = sum((line.exact.excl for line in lines), Fraction())
    incl = sum((line.exact.incl for line in lines), Fraction())
    found: list[BillLine] = []
    for limit, is_least in ((tariff.least, True), (tariff.most, False)):
        if limit is None:
            continue
        bound = max if is_least else min
        excl_to = bound(excl, limit.excl)
        incl_to = bound(incl, _incl(limit, excl, incl))
        if (excl_to, incl_to) != (excl, incl):
            word = "least" if is_least else "most"
            told = f"the {word} price is {decimal_text(limit.excl)} {tariff.currency} without VAT"
            if limit.incl is not None:
                told += f", {decimal_text(limit.incl)} with it"
            found += _adjustments(usage, (*lines, *found), excl_to - excl, incl_to - incl, told)
        excl, incl = excl_to, incl_to
    return found


def _incl(limit: Limit, excl: Fraction, incl: Fraction) -> Fraction:
    """A limit with tax; where only the one without is given, in the proportion of the bill."""
    if limit.incl is not None:
        return limit.incl
    return limit.excl * incl / excl if excl else limit.excl


def _adjustments(
    usage: Usage, lines: Sequence[BillLine], excl: Fraction, incl: Fraction, told: str
) -> Sequence[BillLine]:
    """What is added is service; what is taken off is taken off each fee by its part."""

    def line(fee: Fee, part: Fraction) -> BillLine:
        vat = Vat(excl * part, incl * part)
        price = abs(half_up(vat.excl * _PRICE_UNITS))
        start, end = usage.started_at, usage.ended_at
        return BillLine(fee, start, end, 1, "times", price, "time", 0, told, vat)

    if incl >= 0:
        return (line(Fee.SERVICE, Fraction(1)),)
    sums = {
        fee: sum((each.exact.incl for each in lines if each.fee is fee), Fraction()) for fee in Fee
    }
    whole = sum(sums.values(), Fraction())
    return tuple(line(fee, part / whole) for fee, part in sums.items() if part)


def _in_fen(lines: Sequence[BillLine]) -> Sequence[BillLine]:
    """Their amounts in whole fen: the bill is rounded half up once, then its fees and their
    lines get their parts by the largest remainder."""
    exact = {
        fee: [line.exact.incl * FEN_PER_UNIT for line in lines if line.fee is fee] for fee in Fee
    }
    sums = [sum(parts, Fraction()) for parts in exact.values()]
    of_fees = dict(zip(exact, whole_parts(half_up(sum(sums, Fraction())), sums), strict=True))
    amounts = {fee: iter(whole_parts(of_fees[fee], parts)) for fee, parts in exact.items()}
    return tuple([evolve(line, amount_fen=next(amounts[line.fee])) for line in lines])
