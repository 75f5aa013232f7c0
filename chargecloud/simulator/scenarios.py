"""Scenarios: how many people come to charge."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from chargecloud.domain.units import HOUR, MINUTE
from chargecloud.simulator.badnet import Network
from chargecloud.simulator.habits import HASTY, USUAL, Habits

#: real seconds in which the first people come to boxes that are to be filled at once
FILLING_S = 12.0
#: the week 2019-05-06..12 of the garage, from its Monday
ACN_WEEK = datetime(2019, 5, 6, tzinfo=ZoneInfo("America/Los_Angeles"))


@frozen
class Scenario:
    """
    @ivar busy_percent: of the ports, that charge on average; nobody comes for 0.
    @ivar fills: whether that many are taken at once, and not little by little.
    @ivar card_percent: of the people, who charge by a card and by nothing else.
    @ivar blackout_gap_s: seconds of the calendar between two cuts of a charger's power, on
        average; C{None} if it is never cut.
    @ivar blackout_s: how long a cut lasts, at the least and at the most.
    @ivar is_dark_together: whether the power of all chargers is cut at once.
    @ivar is_planned: whether a whole day is drawn beforehand, and nothing else here matters.
    @ivar report_least_real_s: real seconds between two reports of a charger, at the least.
    @ivar network: how bad the network is; C{None} for a good one.
    @ivar week: when the week of real sessions begins that is repeated, instead of people who
        come by chance; C{None} if there is none.
    """

    busy_percent: int
    fills: bool
    habits: Habits = USUAL
    card_percent: int = 20
    blackout_gap_s: int | None = None
    blackout_s: tuple[int, int] = (2 * MINUTE, 15 * MINUTE)
    is_dark_together: bool = False
    is_planned: bool = False
    report_least_real_s: float = 0.5
    network: Network | None = None
    week: datetime | None = None

    def arrival_gap_s(self, ports: int) -> float | None:
        """Seconds of the calendar between two arrivals on average; C{None} is for ever."""
        wanted = ports * self.busy_percent
        return self.habits.mean_charge_s * 100 / wanted if wanted else None


SCENARIOS: Mapping[str, Scenario] = {
    # boxes that are busy when somebody looks at them, and go on
    "demo": Scenario(busy_percent=40, fills=True),
    # people come and go, from empty boxes on
    "steady": Scenario(busy_percent=40, fills=False),
    # chargers connect, and nobody comes
    "quiet": Scenario(busy_percent=0, fills=False),
    # the mission's reference day, and nobody before or after it
    "campus": Scenario(busy_percent=0, fills=False, is_planned=True, report_least_real_s=4.0),
    # as busy as the demo, and each charger's power fails now and then
    "blackouts": Scenario(busy_percent=40, fills=True, blackout_gap_s=3 * HOUR),
    # trials in true time: many charges of less than a minute, and cuts of the power
    "hasty": Scenario(busy_percent=50, fills=True, habits=HASTY, blackout_gap_s=30 * MINUTE),
    # the same over a network that delays, holds back, swallows and cuts
    "badnet": Scenario(busy_percent=50, fills=True, habits=HASTY, network=Network(gap_s=40)),
    # a worse one, and the power of all of them fails at once, again and again
    "storm": Scenario(
        busy_percent=50,
        fills=True,
        habits=HASTY,
        blackout_gap_s=45,
        blackout_s=(5, 20),
        is_dark_together=True,
        network=Network(gap_s=20),
    ),
    # the sessions of a garage in its fullest week of May 2019, at stations of its own
    "acn": Scenario(busy_percent=0, fills=False, week=ACN_WEEK),
}


def find_scenario(name: str) -> Scenario:
    """
    The scenario of that name.

    @raise ValueError: naming those that there are.
    """
    if name not in SCENARIOS:
        raise ValueError(f"must be one of {', '.join(SCENARIOS)}, not {name!r}")
    return SCENARIOS[name]
