"""Month cards: charges that were paid for before, and what is left of the price."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from chargecloud.domain.taken_off import line_off
from chargecloud.domain.tariff import Bill, Fee, Mark, Usage

#: what the rules of lines begin with that a month card covers
MONTH_CARD = "month card"
#: seconds that a charger may take to stop: nobody owes a fen for them
STOPS_WITHIN_S = 60
#: power is averaged over so much, as demand is metered: the step of a coarse meter from one reading
#: to the next is not what a bike draws
STRETCH = timedelta(minutes=15)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: mWh in so many seconds are so many W: 1 W for 18 s is 5 mWh
_S, _MWH = 18, 5


@frozen(kw_only=True)
class Cover:
    """
    What a month card covers of one order; the order keeps it, so that its bill can be made again.

    @ivar number: which use of the card it is.
    @ivar seconds: of charging that it covers: what was left of the day; C{None} for any.
    @ivar power_w: a charge that drew more than this is not covered; C{None} for any.
    """

    id: int
    number: int
    seconds: int | None = None
    power_w: int | None = None

    def covered_s(self, usage: Usage) -> int:
        """Seconds of a charge that it covers: none of one that drew too much, by the highest of
        the averages of its stretches."""
        if self._is_above(usage):
            return 0
        if self.seconds is None or usage.charged_s <= self.seconds + STOPS_WITHIN_S:
            return usage.charged_s
        return self.seconds

    def is_lost(self, usage: Usage) -> bool:
        """Whether a charge that goes on has drawn too much already; its first minutes do not
        tell."""
        return usage.charged_s * _SECOND >= STRETCH and self._is_above(usage)

    def _is_above(self, usage: Usage) -> bool:
        return self.power_w is not None and _most_w(usage) > self.power_w


def _most_w(usage: Usage) -> int:
    """Rounded down: a charge at just the cap is covered."""
    spans = [
        (after.meter_mwh - before.meter_mwh, (after.at - before.at) // _SECOND)
        for before, after in pairwise(_stretches(usage.marks))
    ]
    return max([mwh * _S // (_MWH * seconds) for mwh, seconds in spans if seconds], default=0)


def _stretches(marks: Sequence[Mark]) -> Sequence[Mark]:
    """The readings that part a charge into stretches of at least L{STRETCH}; a shorter one is one
    stretch."""
    ends = list(marks[:1])
    for mark in marks[1:]:
        if min(mark.at - ends[-1].at, marks[-1].at - mark.at) >= STRETCH:
            ends.append(mark)
    return (*ends, *marks[-1:])


def covered(bill: Bill, cover: Cover | None, usage: Usage) -> Bill:
    """A bill with what a month card covers of it, a line for each fee: all of it, or of each fee
    the share of the time that is covered, rounded down."""
    if cover is None or not usage.charged_s:
        return bill
    seconds = cover.covered_s(usage)
    told = f"{MONTH_CARD} {cover.id}: {seconds} of {usage.charged_s} s"
    lines = []
    for fee in Fee:
        off_fen = bill.fee_fen(fee) * seconds // usage.charged_s
        if off_fen:
            lines.append(line_off(bill, fee, off_fen, told, usage.started_at, usage.ended_at))
    return evolve(bill, lines=(*bill.lines, *lines))


def is_covered(bill: Bill) -> bool:
    """Whether a month card covers something of a bill."""
    return any(line.rule.startswith(f"{MONTH_CARD} ") for line in bill.lines)


def unused_fen(price_fen: int, days: int, starts_at: datetime, at: datetime) -> int:
    """What of a card's price goes back when it is given back at an instant: for its days that
    have not begun, rounded down; what it was used for and what goes back sum to the price."""
    begun = min(days, max(0, -(-(at - starts_at) // _DAY)))
    return price_fen * (days - begun) // days


def cover_of(column: Mapping[str, Any] | None) -> Cover | None:
    """The cover that an order's column holds."""
    return None if column is None else Cover(**column)
