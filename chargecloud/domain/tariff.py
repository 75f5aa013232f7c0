"""What a charge used, and the bill that a tariff makes of it.

A tariff itself (its terms and how they price) is an L{chargecloud.interfaces.ITariff};
here are the values that go in and come out, and the rules all tariffs share: where the
energy between two meter marks fell in time, and how a line is rounded.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, instance_of, le, min_len

from chargecloud.domain.units import energy_price_fen


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


@frozen
class Usage:
    """
    What a charge used.

    Energy between two marks is taken to have flowed evenly; so a price that changes
    between them splits it by time, and the parts sum to the whole because they are
    differences of one interpolated register.

    @ivar marks: at least the first and the last reading, in order.
    @ivar charged_s: seconds of charging, without suspended time.
    @ivar zone: time zone of the site, in which prices change.
    """

    zone: ZoneInfo
    charged_s: int = field(validator=ge(0))
    marks: tuple[Mark, ...] = field(validator=[min_len(1), _in_order])

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

    def energy_between(self, start: datetime, end: datetime) -> int:
        """Energy in mWh within [start, end); what the register gained at the very instant
        C{start} is not in it."""
        return self.meter_at(end) - self.meter_at(start)


_MICROSECOND = datetime.resolution

#: of a line, in any unit: as far as every reader of JSON counts exactly
MOST_OF_A_LINE = 2**53 - 1


def _aware(_instance: object, _attribute: object, instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} is no instant: it has no offset")


# A tariff may be a plugin: what is no whole number, below zero, or more than can be written
# down is its own fault, told where it makes the line, and never comes to the ledger.
_COUNT = [instance_of(int), ge(0), le(MOST_OF_A_LINE)]
_INSTANT = [instance_of(datetime), _aware]
_WORDS = instance_of(str)


@frozen
class BillLine:
    """
    One line of a bill.

    @ivar quantity: in C{unit}: C{"mWh"} or C{"s"}.
    @ivar unit_price: in 1e-5 yuan for C{price_per} (C{"kWh"}, or a number of seconds
        such as C{"9000s"}).
    @ivar rule: which rule of the tariff made it, for the one who asks why.
    """

    fee: Fee = field(validator=instance_of(Fee))
    start: datetime = field(validator=_INSTANT)
    end: datetime = field(validator=_INSTANT)
    quantity: int = field(validator=_COUNT)
    unit: str = field(validator=_WORDS)
    unit_price: int = field(validator=_COUNT)
    price_per: str = field(validator=_WORDS)
    amount_fen: int = field(validator=_COUNT)
    rule: str = field(validator=_WORDS)

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
class Bill:
    """
    The lines that make an amount, and which tariff in which version made them.

    @ivar made_by: the plugin that priced them, with its version; C{None} on bills that are
        older than this.
    """

    tariff_id: int
    tariff_version: int
    lines: tuple[BillLine, ...] = field(validator=deep_iterable(instance_of(BillLine)))
    made_by: str | None = None

    @property
    def amount_fen(self) -> int:
        """What is to be paid."""
        return sum(line.amount_fen for line in self.lines)

    def fee_fen(self, fee: Fee) -> int:
        """The part of the amount that is for one fee."""
        return sum(line.amount_fen for line in self.lines if line.fee is fee)
