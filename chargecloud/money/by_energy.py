"""What tariffs by energy share: two prices a kWh at each rate, and rates that switch."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from chargecloud.domain.commands import Price
from chargecloud.domain.tariff import BillLine, Fee, Mark, Usage

#: what a kWh is paid for; each rate has a price of each
FEES = (Fee.ELECTRICITY, Fee.SERVICE)
#: prices by rate and by fee, in 1e-4 yuan a kWh, as the terms have them
Rates = Mapping[str, Mapping[str, Any]]
#: the rule that a line shows, from when it begins, its rate and its price
Rule = Callable[[datetime, str, int], str]


class Plan(Protocol):
    """Which rate holds when."""

    def rate_at(self, instant: datetime, zone: ZoneInfo) -> str:
        """The rate at an instant."""

    def switches(self, zone: ZoneInfo, after: datetime, until: datetime) -> Sequence[datetime]:
        """Instants within (after, until] at which the rate becomes another, in order."""


def prices_of(
    plan: Plan, rates: Rates, zone: ZoneInfo, after: datetime, until: datetime
) -> Sequence[Price]:
    """What a kWh costs in each stretch at one rate: electricity and service together."""
    switches = plan.switches(zone, after, until)
    return tuple(
        [
            Price(
                int(end.timestamp()),
                sum(rates[plan.rate_at(start, zone)][fee.value] for fee in FEES),
            )
            for start, end in zip([after, *switches], [*switches, until], strict=True)
        ]
    )


def lines_of(plan: Plan, rates: Rates, usage: Usage, rule: Rule) -> Sequence[BillLine]:
    """For each stretch at one rate a line for electricity and one for service; none for a
    stretch that took no energy."""
    switches = plan.switches(usage.zone, usage.started_at, usage.ended_at)
    # The register's first and last mark themselves, so that the parts sum to the whole
    # even if it went on between two marks of one instant.
    marks = (
        usage.marks[0],
        *[Mark(instant, usage.meter_at(instant)) for instant in switches],
        usage.marks[-1],
    )
    lines = []
    for start, end in pairwise(marks):
        energy_mwh = end.meter_mwh - start.meter_mwh
        if energy_mwh == 0:
            continue
        rate = plan.rate_at(start.at, usage.zone)
        for fee in FEES:
            price = rates[rate][fee.value]
            told = rule(start.at, rate, price)
            lines.append(BillLine.of_energy(fee, start.at, end.at, energy_mwh, price, told))
    return lines
