"""What people are like: their bikes, what they order, and when they come back."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from chargecloud.domain.units import HOUR, MINUTE
from chargecloud.simulator.bikes import Bike, draw_bike

#: orders, and how many people place such ones; most just want a full battery
ORDERS: tuple[tuple[Mapping[str, object] | None, int], ...] = (
    (None, 50),
    ({"until_full": True}, 20),
    ({"duration_s": 4 * HOUR}, 12),
    ({"amount_fen": 100}, 10),
    ({"energy_wh": 500}, 8),
)
#: of a hundred people, so many come back before their bike is full, and pull the plug
IMPATIENT_PERCENT = 12
#: how long a bike that has been charged stays in the way, on average and at the most
LINGER_S = 25 * MINUTE
LONGEST_LINGER_S = 2 * HOUR


@frozen
class Plan:
    """
    What somebody who comes has in mind.

    @ivar limit: of the order, as the API takes it.
    @ivar patience_s: after which the bike is taken away, charged or not; C{None} if it may
        take as long as it takes.
    @ivar has_card: whether it is shown at the charger, instead of ordering over the API.
    @ivar linger_s: from the end of the charge until the bike is fetched.
    """

    bike: Bike
    limit: Mapping[str, object] | None
    patience_s: int | None
    linger_s: int
    has_card: bool = False


def draw_plan(random: Random, card_percent: int) -> Plan:
    """
    Somebody's plan.

    @param card_percent: of a hundred people, so many have a card.
    """
    bike = draw_bike(random)
    limits, weights = zip(*ORDERS, strict=True)
    patience_s = None
    if random.randrange(100) < IMPATIENT_PERCENT:
        patience_s = random.randint(5 * MINUTE, max(5 * MINUTE, bike.remaining_s))
    limit = random.choices(limits, weights)[0]
    has_card = random.randrange(100) < card_percent
    return Plan(bike, limit, patience_s, draw_linger_s(random), has_card)


def draw_linger_s(random: Random) -> int:
    """How long a bike stays after its charge."""
    return min(LONGEST_LINGER_S, int(random.expovariate(1 / LINGER_S)))
