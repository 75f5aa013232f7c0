"""Energy priced by the calendar: seasons, weekends and holidays have days of their own, with deep
valleys where the grid has too much.

Its terms are the three members of L{chargecloud.money.by_calendar}, and nothing else::

    {"rates": {"peak": {"electricity": 110000, "service": 40000},
               "valley": {"electricity": 40000, "service": 40000},
               "deep valley": {"electricity": 15000, "service": 30000}},
     "days": {"workday": [{"from": "00:00", "rate": "valley"}, {"from": "08:00", "rate": "peak"}],
              "holiday": [{"from": "00:00", "rate": "valley"},
                          {"from": "10:00", "rate": "deep valley"},
                          {"from": "14:00", "rate": "valley"}]},
     "calendar": [{"dates": ["2026-10-01", "2026-10-02"], "day": "holiday"},
                  {"months": [7, 8], "weekdays": [6, 7], "day": "holiday"},
                  {"day": "workday"}]}
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from zope.interface import implementer

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import BillLine, Usage
from chargecloud.hookspecs import hookimpl
from chargecloud.interfaces import ITariff
from chargecloud.money.by_calendar import MEMBERS, canonical, check_calendar, plan_of, rule_of
from chargecloud.money.by_energy import lines_of, prices_of
from chargecloud.money.terms import Faults

chargecloud_api = 1
__version__ = "1.0"


@implementer(ITariff)
class CalendarPrice:
    """The tariff of kind C{calendar}."""

    kind = "calendar"

    def check(self, terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """See L{ITariff.check}."""
        faults = Faults()
        check_calendar(faults, faults.members("", terms, required=MEMBERS))
        faults.refuse()
        return canonical(terms)

    def boundaries(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """See L{ITariff.boundaries}."""
        return plan_of(terms).switches(zone, after, until)

    def prices(
        self, terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """See L{ITariff.prices}: electricity and service together."""
        return prices_of(plan_of(terms), terms["rates"], zone, after, until)

    def lines(self, terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """For each stretch at one rate a line for electricity and one for service."""
        plan = plan_of(terms)
        return lines_of(plan, terms["rates"], usage, rule_of(plan, usage.zone))


@hookimpl
def chargecloud_tariffs() -> Sequence[ITariff]:
    """By the calendar."""
    return [CalendarPrice()]
