"""A charge priced by its time, as e-bike boxes have it: one yuan for 150 minutes.

Its terms::

    {"price_fen": 100, "block_s": 9000, "step_s": 60, "electricity": 60000}

The time used, rounded up to whole steps, is paid in proportion to a block; with a step as
long as the block each block that is begun is paid whole.  The electricity that was metered,
at its price in 1e-5 yuan for a kWh, is a part of that amount, and the rest is service: so
both fees are told apart although the time alone decides what is paid.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import BillLine, Fee, Remark, Usage
from chargecloud.domain.units import (
    DAY,
    MINUTE,
    PRICE_UNITS_PER_FEN,
    divide_half_up,
    energy_price_fen,
)
from chargecloud.interfaces import IRemarks, ITariff
from chargecloud.money.remarks import BY_ENERGY_IS_DUE
from chargecloud.money.terms import MAX_PRICE, Faults, place, yuan

#: 1000 yuan for a block: far above any price that is charged, so that a slip of units is found
MAX_PRICE_FEN = 100_000

#: the lowest and the highest value of each member
_LIMITS = {
    "price_fen": (0, MAX_PRICE_FEN),
    "block_s": (1, DAY),
    "step_s": (1, DAY),
    "electricity": (0, MAX_PRICE),
}
_DEFAULTS = {"step_s": MINUTE}
_REQUIRED = tuple(key for key in _LIMITS if key not in _DEFAULTS)


@implementer(ITariff, IRemarks)
class ByTime:
    """The tariff of kind C{by_time}."""

    kind = "by_time"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        faults = Faults()
        given = faults.members("", terms, required=_REQUIRED, optional=_DEFAULTS)
        for key, value in given.items():
            faults.whole_number(place("", key), value, *_LIMITS[key])
        faults.refuse()
        return {**_DEFAULTS, **given}

    def boundaries(
        self,
        terms: Mapping[str, Any],
        zone: ZoneInfo,
        after: datetime,
        until: datetime,
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}: there are none, for the price never changes."""
        return ()

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}: time is what costs."""
        return None

    def remarks(self, terms: Mapping[str, Any]) -> Sequence[Remark]:
        """See L{IRemarks.remarks}."""
        return (BY_ENERGY_IS_DUE,)

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """One line for electricity and one for service; none for a charge that drew nothing
        in no time."""
        if usage.charged_s == 0 and usage.energy_mwh == 0:
            return ()
        step_s, block_s, price_fen = terms["step_s"], terms["block_s"], terms["price_fen"]
        used_s = -(-usage.charged_s // step_s) * step_s
        total_fen = divide_half_up(used_s * price_fen, block_s)
        price = terms["electricity"]
        electricity_fen = min(total_fen, energy_price_fen(usage.energy_mwh, price))
        return (
            BillLine(
                fee=Fee.ELECTRICITY,
                start=usage.started_at,
                end=usage.ended_at,
                quantity=usage.energy_mwh,
                unit="mWh",
                unit_price=price,
                price_per="kWh",
                amount_fen=electricity_fen,
                rule=f"{yuan(price)} yuan/kWh, at most the {total_fen} fen for the time",
            ),
            BillLine(
                fee=Fee.SERVICE,
                start=usage.started_at,
                end=usage.ended_at,
                quantity=used_s,
                unit="s",
                unit_price=price_fen * PRICE_UNITS_PER_FEN,
                price_per=f"{block_s}s",
                amount_fen=total_fen - electricity_fen,
                rule=(
                    f"{price_fen} fen for each {block_s} s, used {used_s} s in steps of "
                    f"{step_s} s: {total_fen} fen, of which electricity {electricity_fen} fen"
                ),
            ),
        )
