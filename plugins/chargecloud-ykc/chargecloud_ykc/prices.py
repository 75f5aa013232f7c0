"""Billing models (0x0A, 0x58): four prices, and which of them holds in each half hour of a day.

A pile shows what a charge costs by its model, and ends it where the balance is used up.  What is
paid is decided by the platform; so a model that cannot say a tariff exactly is never cheaper.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zlib import crc32

from attrs import frozen

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.commands import Price
from chargecloud_ykc.kinds import BEIJING
from chargecloud_ykc.messages import PERIODS, SLOTS

#: a pile that never had a model says so
NO_MODEL = "0000"
_SLOT = timedelta(minutes=30)
_SLOT_S, _DAY_S = 1_800, 86_400
_MOST_MODEL = 9_999
_MOST_E5 = 0xFFFF_FFFF


@frozen
class Model:
    """
    @ivar rates_e5: 0.00001 yuan for a kWh, which is a thousandth of a fen: sharp, peak, flat and
        valley, with all that belongs to it.
    @ivar slots: of each half hour of the day in Beijing, which of them.
    """

    rates_e5: tuple[int, int, int, int]
    slots: bytes

    @property
    def number(self) -> str:
        """By which a pile knows whether its model is this one: four digits, by what is in it."""
        told = b"".join([rate.to_bytes(4, "little") for rate in self.rates_e5]) + self.slots
        return f"{crc32(told) % _MOST_MODEL + 1:04}"

    def fields(self, pile: str) -> Fields:
        """What 0x0A and 0x58 say."""
        rates: Fields = {}
        for period, rate_e5 in zip(PERIODS, self.rates_e5, strict=True):
            rates[f"{period}_electricity_e5"] = rate_e5
            rates[f"{period}_service_e5"] = 0
        return {
            "pile": pile,
            "model": self.number,
            **rates,
            "loss_percent": 0,
            "slots": self.slots,
        }


def model_of(prices: Sequence[Price], now_s: int) -> Model:
    """
    The model of the prices of the next 24 hours; without prices it is free at the pile.

    @param now_s: Unix time from which they hold.
    """
    day = [_dearest(prices, spans) for spans in _slots_from(now_s)]
    rates = _four(set(day))
    dearest_first = sorted(rates, reverse=True)
    slots = bytes(
        # the nearest that is not cheaper
        max(index for index, rate in enumerate(dearest_first) if rate >= price)
        for price in day
    )
    sharp, peak, flat, valley = dearest_first
    return Model((sharp, peak, flat, valley), slots)


def _slots_from(now_s: int) -> list[list[tuple[int, int]]]:
    """Of each half hour of a day, when it is that half hour within the next 24 hours: from and
    until, twice for the one that has begun."""
    now = datetime.fromtimestamp(now_s, UTC).astimezone(BEIJING)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    spans = []
    for number in range(SLOTS):
        starts_s = int((midnight + number * _SLOT).timestamp())
        each = [(starts_s, starts_s + _SLOT_S), (starts_s + _DAY_S, starts_s + _SLOT_S + _DAY_S)]
        within = [(max(at_s, now_s), min(end_s, now_s + _DAY_S)) for at_s, end_s in each]
        spans.append([(at_s, end_s) for at_s, end_s in within if at_s < end_s])
    return spans


def _dearest(prices: Sequence[Price], spans: Sequence[tuple[int, int]]) -> int:
    """The dearest price that holds in some time: prices may change within a half hour."""
    found = [0]
    for at_s, end_s in spans:
        since_s = 0
        for price in prices:
            if at_s < price.until_s and since_s < end_s:
                found.append(price.millifen_per_kwh)
            since_s = price.until_s
        if prices and since_s < end_s:
            found.append(prices[-1].millifen_per_kwh)
    return min(_MOST_E5, max(found))


def _four(prices: set[int]) -> list[int]:
    """Four prices for however many; one that is none of them is rounded up to the next."""
    told = sorted(prices)
    while len(told) > len(PERIODS):
        # leave out the one whose next is nearest: it is overstated by the least
        del told[min(range(len(told) - 1), key=lambda at: told[at + 1] - told[at])]
    return [told[0]] * (len(PERIODS) - len(told)) + told
