"""A tariff put together of parts; each is given, or is not there::

    {"rates": …, "days": …, "calendar": …,         energy (L{chargecloud.money.by_calendar})
     "time": {"price_fen": 100, "block_s": 9000,   time: 1 yuan for 150 minutes
              "step_s": 60, "least_s": 0,          in steps; at least so much, if no fee covers it
              "electricity": 60000,                of it for a kWh, where energy has no rates
              "tiers": [{"up_to_w": 200, "percent": 100}, {"percent": 50}],
              "dwell_s": 120, "falls": false},     L{chargecloud.money.composed.tiers}
     "start_fee": {"fen": 50, "covers_s": 2700},   and time that it covers
     "occupancy": {"grace_s": 1800, "price_fen": 100, "block_s": 3600, "step_s": 60,
                   "most_fen": 2000},              parked after the charge
     "discounts": [{"name": "members", "percent": 20, "of": ["service"]}],
     "least_fen": 50, "most_fen": 5000,            of all but occupancy
     "rounding": "line"}                           the one rule there is: a line, half up to the fen

Energy and time add up.  A charge that drew nothing costs nothing but occupancy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, evolve
from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import OCCUPANCY, BillLine, Fee, Remark, StayKind, Usage
from chargecloud.domain.units import (
    PRICE_UNITS_PER_FEN,
    divide_half_up,
    energy_price_fen,
    half_up,
    share,
    whole_parts,
)
from chargecloud.interfaces import IRemarks, ITariff
from chargecloud.money.by_calendar import plan_of, rule_of
from chargecloud.money.by_energy import lines_of, prices_of
from chargecloud.money.composed.terms import check
from chargecloud.money.composed.tiers import Tier, Tiers
from chargecloud.money.intervals import KEPT_EVERY, every
from chargecloud.money.remarks import BY_ENERGY_IS_DUE, NOT_PARKED
from chargecloud.money.terms import yuan

_SECOND = timedelta(seconds=1)
_WHOLE = 100


@implementer(ITariff, IRemarks)
class Composed:
    """The tariff of kind C{composed}."""

    kind = "composed"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        return check(terms)

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}."""
        found: set[datetime] = set()
        if "calendar" in terms:
            found.update(plan_of(terms).switches(zone, after, until))
        if "tiers" in terms.get("time", ()):
            found.update(every(KEPT_EVERY, after, until))
        return sorted(found)

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}: where a kWh is all that costs."""
        if not {"rates", "days", "calendar", "rounding", "occupancy"} >= terms.keys():
            return None
        return prices_of(plan_of(terms), terms["rates"], zone, after, until)

    def remarks(self, terms: Mapping[str, Any]) -> Sequence[Remark]:
        """See L{IRemarks.remarks}."""
        found = [BY_ENERGY_IS_DUE] if "time" in terms and "rates" not in terms else []
        return [*found, NOT_PARKED] if "occupancy" in terms else found

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """The charge, what is taken off or added to it, and occupancy."""
        lines: list[BillLine] = []
        if usage.energy_mwh:
            lines += _of_charge(terms, usage)
            lines += _discounts(terms, usage, lines)
            lines += _to_the_limits(terms, usage, lines)
        if "occupancy" in terms:
            lines += _occupancy(terms["occupancy"], usage)
        return tuple(lines)


def _of_charge(terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
    lines: list[BillLine] = []
    covered_s = 0
    if "start_fee" in terms:
        fee = terms["start_fee"]
        covered_s = fee["covers_s"]
        told = f"start fee, covers {covered_s} s" if covered_s else "start fee"
        lines.append(_once(Fee.SERVICE, usage, fee["fen"], told))
    if "calendar" in terms:
        plan = plan_of(terms)
        lines += lines_of(plan, terms["rates"], usage, rule_of(plan, usage.zone))
    if "time" in terms:
        lines += _of_time(terms["time"], usage, covered_s)
    return lines


@define
class _Stretch:
    start: datetime
    end: datetime
    tier: Tier
    seconds: int
    added: int = 0


def _of_time(terms: Mapping[str, Any], usage: Usage, covered_s: int) -> Sequence[BillLine]:
    """A line for each stretch in one tier; rounded together, so that they sum to what time
    costs in all, and then what of it is electricity."""
    stretches = [
        _Stretch(start, end, tier, usage.charged_between(start, end))
        for start, end, tier in Tiers.of(terms).stretches(usage)
    ]
    _cover(stretches, covered_s)
    used_s = sum(each.seconds for each in stretches)
    billed_s = max(used_s, terms["least_s"])
    billed_s += -billed_s % terms["step_s"]
    stretches[-1].added = billed_s - used_s
    price_fen, block_s = terms["price_fen"], terms["block_s"]
    exact = [
        Fraction((each.seconds + each.added) * price_fen * _WHOLE, block_s * each.tier.percent)
        for each in stretches
    ]
    total_fen = half_up(sum(exact, Fraction()))
    lines = []
    for each, amount_fen in zip(stretches, whole_parts(total_fen, exact), strict=True):
        gets_s = block_s * each.tier.percent // _WHOLE
        told = f"{price_fen} fen for {gets_s} s"
        if each.tier.percent != _WHOLE or "tiers" in terms:
            power = "above" if each.tier.up_to_w is None else f"up to {each.tier.up_to_w} W"
            told += f", {each.tier.percent} % of the time {power}"
        if each.added:
            told += f"; {each.added} s added to fill steps of {terms['step_s']} s"
            told += f" and {terms['least_s']} s at the least" if terms["least_s"] else ""
        lines.append(
            BillLine(
                Fee.SERVICE,
                each.start,
                each.end,
                each.seconds + each.added,
                "s",
                price_fen * PRICE_UNITS_PER_FEN,
                f"{gets_s}s",
                amount_fen,
                told,
            )
        )
    return (*lines, *_split(terms, usage, total_fen))


def _cover(stretches: Sequence[_Stretch], covered_s: int) -> None:
    """Take off the seconds that another fee covers, from the first on."""
    for each in stretches:
        covered = min(covered_s, each.seconds)
        each.seconds -= covered
        covered_s -= covered


def _split(terms: Mapping[str, Any], usage: Usage, total_fen: int) -> Sequence[BillLine]:
    """What of a price for time is for the metered electricity."""
    if "electricity" not in terms:
        return ()
    price = terms["electricity"]
    fen = min(total_fen, energy_price_fen(usage.energy_mwh, price))
    told = f"{yuan(price)} yuan/kWh, at most the {total_fen} fen for the time"
    electricity = BillLine.of_energy(
        Fee.ELECTRICITY, usage.started_at, usage.ended_at, usage.energy_mwh, price, told
    )
    return (
        evolve(electricity, amount_fen=fen),
        _once(Fee.SERVICE, usage, -fen, "of the price for time, told above as electricity"),
    )


def _discounts(
    terms: Mapping[str, Any], usage: Usage, lines: Sequence[BillLine]
) -> Sequence[BillLine]:
    """Each is taken off the full fee, and never more than what is left of it."""
    full = {fee: _sum(lines, fee) for fee in Fee}
    left = dict(full)
    found = []
    for each in terms.get("discounts", ()):
        for name in each["of"]:
            fee = Fee(name)
            off_fen = min(left[fee], divide_half_up(full[fee] * each["percent"], _WHOLE))
            left[fee] -= off_fen
            told = f"{each['name']}: {each['percent']} % off {name}"
            found.append(_once(fee, usage, -off_fen, told))
    return found


def _to_the_limits(
    terms: Mapping[str, Any], usage: Usage, lines: Sequence[BillLine]
) -> Sequence[BillLine]:
    fees = {fee: _sum(lines, fee) for fee in Fee}
    total = sum(fees.values())
    least, most = terms.get("least_fen", 0), terms.get("most_fen", total)
    if total < least:
        return (_once(Fee.SERVICE, usage, least - total, f"the least price is {least} fen"),)
    if total <= most:
        return ()
    # what is left of each fee sums to the most, and is never more than the fee
    parts = zip(fees, share(most, list(fees.values())), strict=True)
    told = f"the most price is {most} fen"
    return tuple([_once(fee, usage, part - fees[fee], told) for fee, part in parts if fees[fee]])


def _occupancy(terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
    """All parked time, less the grace, at one price."""
    parked = [stay for stay in usage.stays if stay.kind is StayKind.PARKED]
    parked_s = sum((stay.end - stay.start) // _SECOND for stay in parked)
    due_s = max(0, parked_s - terms["grace_s"])
    if not due_s:
        return ()
    due_s += -due_s % terms["step_s"]
    fen = divide_half_up(due_s * terms["price_fen"], terms["block_s"])
    told = f"{OCCUPANCY}: {parked_s} s parked, of which {terms['grace_s']} s are free"
    told += f", in steps of {terms['step_s']} s"
    if fen > terms.get("most_fen", fen):
        fen = terms["most_fen"]
        told += f"; {fen} fen at the most"
    start, end = parked[0].start, parked[-1].end
    price = terms["price_fen"] * PRICE_UNITS_PER_FEN
    return (
        BillLine(Fee.SERVICE, start, end, due_s, "s", price, f"{terms['block_s']}s", fen, told),
    )


def _once(fee: Fee, usage: Usage, fen: int, told: str) -> BillLine:
    price = abs(fen) * PRICE_UNITS_PER_FEN
    return BillLine(fee, usage.started_at, usage.ended_at, 1, "times", price, "time", fen, told)


def _sum(lines: Sequence[BillLine], fee: Fee) -> int:
    return sum(line.amount_fen for line in lines if line.fee is fee)
