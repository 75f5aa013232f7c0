"""Energy priced by the time of day: peak, flat and valley hours, or one rate all day.

Its terms::

    {"rates": {"peak":   {"electricity": 110000, "service": 40000},
               "valley": {"electricity":  40000, "service": 40000}},
     "day": [{"from": "00:00", "rate": "valley"}, {"from": "07:00", "rate": "peak"}]}

Prices are in 1e-5 yuan for a kWh.  Each period of the day lasts until the next one
starts, in the local time of the site.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import BillLine, Usage
from chargecloud.interfaces import ITariff
from chargecloud.money.by_energy import FEES, lines_of, prices_of
from chargecloud.money.kept import kept
from chargecloud.money.local_day import LocalDay
from chargecloud.money.terms import MAX_PRICE, Faults, place, yuan

#: half hours of a day: the finest table that operators of piles work with
MAX_PERIODS = 48
#: a rate's name stands in lines of bills
MAX_NAME_LENGTH = 32

_PRICES = tuple(fee.value for fee in FEES)
_MIDNIGHT = "00:00"
_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")


@implementer(ITariff)
class TimeOfUse:
    """The tariff of kind C{time_of_use}."""

    kind = "time_of_use"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        faults = Faults()
        given = faults.members("", terms, required=("rates", "day"))
        if "rates" in given:
            _check_rates(faults, given["rates"])
        if "day" in given:
            _check_day(faults, given["day"])
        if len(given) == 2:
            _check_names(faults, given["rates"], given["day"])
        faults.refuse()
        return {
            "rates": {name: dict(prices) for name, prices in given["rates"].items()},
            "day": [dict(period) for period in given["day"]],
        }

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}."""
        return _local_day(terms).switches(zone, after, until)

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}: electricity and service together."""
        return prices_of(_local_day(terms), terms["rates"], zone, after, until)

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """For each stretch at one rate a line for electricity and one for service; none
        for a stretch that took no energy."""
        day = _local_day(terms)

        def rule(start: datetime, rate: str, price: int) -> str:
            return f"rate {rate} {yuan(price)} yuan/kWh {day.window_at(start, usage.zone)}"

        return lines_of(day, terms["rates"], usage, rule)


@kept
def _local_day(terms: Mapping[str, Any]) -> LocalDay:
    return LocalDay.of(
        [(time.fromisoformat(period["from"]), period["rate"]) for period in terms["day"]]
    )


def _check_rates(faults: Faults, rates: object) -> None:
    if not isinstance(rates, Mapping):
        faults.add("/rates", "must be an object")
        return
    for name, prices in rates.items():
        where = place("/rates", name)
        if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
            faults.add(where, f"must have a name of 1 to {MAX_NAME_LENGTH} printable characters")
        for key, price in faults.members(where, prices, required=_PRICES).items():
            faults.whole_number(place(where, key), price, 0, MAX_PRICE)


def _check_day(faults: Faults, day: object) -> None:
    if not isinstance(day, list):
        faults.add("/day", "must be a list")
        return
    if not 1 <= len(day) <= MAX_PERIODS:
        faults.add("/day", f"must have 1 to {MAX_PERIODS} periods")
    latest = ""
    for index, period in enumerate(day):
        where = place("/day", index)
        given = faults.members(where, period, required=("from", "rate"))
        if "from" not in given:
            continue
        start = given["from"]
        if not isinstance(start, str) or not _TIME.fullmatch(start):
            faults.add(f"{where}/from", "must be a time of day from 00:00 to 23:59")
        elif index == 0 and start != _MIDNIGHT:
            faults.add(f"{where}/from", f"must be {_MIDNIGHT}: the day begins with it")
        elif start <= latest:
            faults.add(f"{where}/from", f"must be later than {latest}, which comes before it")
        else:
            latest = start


def _check_names(faults: Faults, rates: object, day: object) -> None:
    """Check that the day uses the rates that there are, and all of them."""
    if not isinstance(rates, Mapping) or not isinstance(day, list):
        return
    used = set()
    for index, period in enumerate(day):
        if not isinstance(period, Mapping) or "rate" not in period:
            continue
        name = period["rate"]
        if not isinstance(name, str) or name not in rates:
            faults.add(f"/day/{index}/rate", "must name one of the rates")
        else:
            used.add(name)
    for name in rates:
        if name not in used:
            faults.add(place("/rates", name), "is not used in the day")
