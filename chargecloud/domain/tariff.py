"""What a charge used, and the bill that a tariff makes of it.

A tariff itself (its terms and how they price) is an L{chargecloud.interfaces.ITariff};
here are the values that go in and come out, and the rules all tariffs share: where the
energy between two meter marks fell in time, and how a line is rounded.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, instance_of, min_len, optional

from chargecloud.domain.units import FEN_PER_UNIT, energy_price_fen

#: what the rules of lines begin with that are for a place that was taken without charging
OCCUPANCY = "occupancy"


class Fee(Enum):
    """What a line of a bill is for.  Notice 537/2024 (NDRC) wants the first two apart."""

    ELECTRICITY = "electricity"
    SERVICE = "service"


@frozen
class Mark:
    """A reading of the port's energy register at an instant."""

    at: datetime
    meter_mwh: int


def _in_order(_instance: object, _attribute: object, marks: Sequence[Mark]) -> None:
    for before, after in pairwise(marks):
        if after.at < before.at or after.meter_mwh < before.meter_mwh:
            raise ValueError(f"marks go back from {before} to {after}")


class StayKind(Enum):
    """What a place was taken for while nothing charged."""

    PARKED = "parked"
    RESERVED = "reserved"


@frozen
class Stay:
    """A part of a usage in which nothing charged: [start, end)."""

    start: datetime
    end: datetime
    kind: StayKind


@frozen
class Draw:
    """What was drawn in a part of a usage, where that is known better than by the register.

    @ivar power_w: C{None} if only the register tells.
    @ivar current_ma: summed over the phases; C{None} if nobody knows.
    """

    start: datetime
    end: datetime
    power_w: int | None = None
    current_ma: int | None = None


_Span = TypeVar("_Span", Stay, Draw)


@frozen
class Usage:
    """
    What a charge used.

    Energy between two marks is taken to have flowed evenly; so a price that changes
    between them splits it by time, and the parts sum to the whole because they are
    differences of one interpolated register.

    @ivar marks: at least the first and the last reading, in order.
    @ivar charged_s: seconds of charging, without suspended time.  Where these fall is not
        known, so that they are spread evenly over all that is no stay.
    @ivar zone: time zone of the site, in which prices change.
    @ivar stays: parts in which nothing charged, in order.
    @ivar draws: what was drawn in some parts, in order.
    @ivar reservation_expired: whether nobody came for what was reserved.
    """

    zone: ZoneInfo
    charged_s: int = field(validator=ge(0))
    marks: tuple[Mark, ...] = field(validator=[min_len(1), _in_order])
    stays: tuple[Stay, ...] = ()
    draws: tuple[Draw, ...] = ()
    reservation_expired: bool = False

    @property
    def started_at(self) -> datetime:
        """When the first mark was taken."""
        return self.marks[0].at

    @property
    def ended_at(self) -> datetime:
        """When the last mark was taken."""
        return self.marks[-1].at

    @property
    def energy_mwh(self) -> int:
        """All the energy."""
        return self.marks[-1].meter_mwh - self.marks[0].meter_mwh

    def meter_at(self, instant: datetime) -> int:
        """The register at an instant: interpolated, rounded down, and the first or the
        last mark's outside of them."""
        index = bisect_right(self.marks, instant, key=lambda mark: mark.at)
        if index == 0:
            return self.marks[0].meter_mwh
        if index == len(self.marks):
            return self.marks[-1].meter_mwh
        before, after = self.marks[index - 1], self.marks[index]
        gone = (instant - before.at) // _MICROSECOND
        whole = (after.at - before.at) // _MICROSECOND
        return before.meter_mwh + (after.meter_mwh - before.meter_mwh) * gone // whole

    def charged_between(self, start: datetime, end: datetime) -> int:
        """Seconds of charging in [start, end): they are spread evenly over all that is no stay,
        and parts sum to the whole because they are differences of totals rounded down."""
        whole = self._no_stay(self.ended_at)
        if not whole:
            # a charge without length: it is all in the one part that there is
            return 0 if self.stays else self.charged_s
        until, before = self._no_stay(min(end, self.ended_at)), self._no_stay(start)
        return self.charged_s * until // whole - self.charged_s * before // whole

    def stay_at(self, instant: datetime) -> Stay | None:
        """The stay that an instant is in; the very end of all is in the one that ends there."""
        return _span_at(self.stays, instant, self.ended_at)

    def draw_at(self, instant: datetime) -> Draw | None:
        """What is known of what was drawn at an instant, beside the register."""
        return _span_at(self.draws, instant, self.ended_at)

    def power_w_at(self, instant: datetime) -> Fraction | None:
        """The power from an instant on: as it was told, or else what the register comes to
        between the two marks around it; C{None} where nobody knows."""
        draw = self.draw_at(instant)
        if draw is not None and draw.power_w is not None:
            return Fraction(draw.power_w)
        if self.stay_at(instant) is not None:
            return Fraction()
        index = bisect_right(self.marks, instant, key=lambda mark: mark.at)
        if not 0 < index < len(self.marks):
            return None
        before, after = self.marks[index - 1], self.marks[index]
        whole_us = (after.at - before.at) // _MICROSECOND
        return Fraction((after.meter_mwh - before.meter_mwh) * _MW_US_PER_MWH, whole_us * 1_000)

    def _no_stay(self, until: datetime) -> int:
        """Microseconds from the start to an instant that are no stay."""
        stays = sum(
            max(0, (min(stay.end, until) - max(stay.start, self.started_at)) // _MICROSECOND)
            for stay in self.stays
        )
        return max(0, (until - self.started_at) // _MICROSECOND - stays)

    def energy_between(self, start: datetime, end: datetime) -> int:
        """Energy in mWh within [start, end); what the register gained at the very instant
        C{start} is not in it."""
        return self.meter_at(end) - self.meter_at(start)


def _span_at(spans: Sequence[_Span], at: datetime, last: datetime) -> _Span | None:
    for span in spans:
        if span.start <= at < span.end or at == span.end == last:
            return span
    return None


_MICROSECOND = datetime.resolution
#: a mWh in a microsecond is so many mW
_MW_US_PER_MWH = 3_600_000_000

#: of a line, in any unit: as far as every reader of JSON counts exactly
MOST_OF_A_LINE = 2**53 - 1


@frozen
class Vat:
    """
    What a line comes to with and without value-added tax, exactly, in units of its currency.

    @ivar percent: C{None} where none applies, or the line stands for several rates.
    """

    excl: Fraction = field(validator=instance_of(Fraction))
    incl: Fraction = field(validator=instance_of(Fraction))
    percent: Fraction | None = field(default=None, validator=optional(instance_of(Fraction)))


@frozen
class BillLine:
    """
    One line of a bill.

    @ivar quantity: in C{unit}: C{"mWh"}, C{"s"}, or C{"times"}.
    @ivar unit_price: in 1e-5 yuan for C{price_per} (C{"kWh"}, or a number of seconds
        such as C{"9000s"}, or C{"time"}); without tax where C{vat} is given.
    @ivar amount_fen: below zero for what is taken off.
    @ivar rule: which rule of the tariff made it, for the one who asks why.
    @ivar vat: C{None} where the price is what the customer pays in all.
    """

    fee: Fee
    start: datetime
    end: datetime
    quantity: int
    unit: str
    unit_price: int
    price_per: str
    amount_fen: int
    rule: str
    vat: Vat | None = None

    def __attrs_post_init__(self) -> None:
        # A tariff may be a plugin: what is no whole number, below zero, or more than can be
        # written down is its own fault, told where it makes the line, and never comes to the
        # ledger.  Bills are made at each reading, so the way of sound lines is short.
        if not (
            isinstance(self.fee, Fee)
            and isinstance(self.start, datetime)
            and isinstance(self.end, datetime)
            and self.start.tzinfo is not None
            and self.end.tzinfo is not None
            and isinstance(self.quantity, int)
            and 0 <= self.quantity <= MOST_OF_A_LINE
            and isinstance(self.unit_price, int)
            and 0 <= self.unit_price <= MOST_OF_A_LINE
            and isinstance(self.amount_fen, int)
            and -MOST_OF_A_LINE <= self.amount_fen <= MOST_OF_A_LINE
            and isinstance(self.unit, str)
            and isinstance(self.price_per, str)
            and isinstance(self.rule, str)
            and (self.vat is None or isinstance(self.vat, Vat))
        ):
            raise ValueError(
                f"no line of a bill: {self.fee!r} from {self.start!r} until {self.end!r},"
                f" {self.quantity!r} {self.unit!r} at {self.unit_price!r} for {self.price_per!r},"
                f" {self.amount_fen!r} fen, {self.rule!r}, {self.vat!r}"
            )

    @property
    def exact(self) -> Vat:
        """What it comes to in units of its currency."""
        whole = Fraction(self.amount_fen, FEN_PER_UNIT)
        return self.vat or Vat(whole, whole)

    @classmethod
    def of_energy(
        cls,
        fee: Fee,
        start: datetime,
        end: datetime,
        energy_mwh: int,
        price_per_kwh: int,
        rule: str,
    ) -> "BillLine":
        """A line for energy at a price in 1e-5 yuan for a kWh, rounded once."""
        amount_fen = energy_price_fen(energy_mwh, price_per_kwh)
        return cls(fee, start, end, energy_mwh, "mWh", price_per_kwh, "kWh", amount_fen, rule)


@frozen
class Remark:
    """
    What the one who uses a tariff, or reads a bill, should know, though it is no fault.

    @ivar forbids_orders: whether charges cannot be billed by it as it says.
    """

    code: str
    words: str
    forbids_orders: bool = False


@frozen
class Bill:
    """
    The lines that make an amount, and which tariff in which version made them.

    @ivar made_by: the plugin that priced them, with its version; C{None} on bills that are
        older than this.
    @ivar remarks: what is to be known of how it was made.
    """

    tariff_id: int
    tariff_version: int
    lines: tuple[BillLine, ...] = field(validator=deep_iterable(instance_of(BillLine)))
    made_by: str | None = None
    remarks: tuple[Remark, ...] = ()

    def __attrs_post_init__(self) -> None:
        # what is taken off is taken off something
        for fee in Fee if any(line.amount_fen < 0 for line in self.lines) else ():
            if self.fee_fen(fee) < 0:
                raise ValueError(
                    f"{self.fee_fen(fee)} fen for {fee.value}: nobody pays less than 0"
                )

    @property
    def amount_fen(self) -> int:
        """What is to be paid."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def excl_vat(self) -> Fraction:
        """The amount without tax, exactly, in units of its currency."""
        return sum((line.exact.excl for line in self.lines), Fraction())

    @property
    def incl_vat(self) -> Fraction:
        """The amount with tax, exactly, in units of its currency."""
        return sum((line.exact.incl for line in self.lines), Fraction())

    def fee_fen(self, fee: Fee) -> int:
        """The part of the amount that is for one fee."""
        return sum(line.amount_fen for line in self.lines if line.fee is fee)
