"""What people are like: their bikes, what they order, and when they come back."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from chargecloud.domain.units import HOUR, MINUTE
from chargecloud.simulator.bikes import Bike, draw_bike

Order = Mapping[str, object]


@frozen
class Habits:
    """
    What people of a kind are like; all times are in seconds of the calendar.

    @ivar orders: limits of orders, as the API takes them, and how many people in a hundred
        place such ones; C{None} just wants a full battery.
    @ivar impatient_percent: of a hundred people, so many come back before their bike is
        full, and pull the plug.
    @ivar patience_s: after which those do, at the least and at the most, where their bike is
        not full before.
    @ivar linger_s: how long a bike that has been charged stays in the way, on average and at
        the most.
    @ivar look_s: between two looks at the lamp beside the socket.
    @ivar mean_charge_s: how long a charge lasts on average, as it follows from all this.
    """

    orders: tuple[tuple[Order | None, int], ...]
    impatient_percent: int
    patience_s: tuple[int, int]
    linger_s: tuple[int, int]
    look_s: int
    mean_charge_s: int


USUAL = Habits(
    orders=(
        (None, 50),
        ({"until_full": True}, 20),
        ({"duration_s": 4 * HOUR}, 12),
        ({"amount_fen": 100}, 10),
        ({"energy_wh": 500}, 8),
    ),
    impatient_percent=12,
    patience_s=(5 * MINUTE, 12 * HOUR),
    linger_s=(25 * MINUTE, 2 * HOUR),
    look_s=300,
    mean_charge_s=16_000,
)
#: for trials that cannot wait for a battery: charges of half a minute
HASTY = Habits(
    orders=(({"duration_s": 20}, 40), ({"energy_wh": 2}, 30), ({"until_full": True}, 30)),
    impatient_percent=100,
    patience_s=(10, 40),
    linger_s=(3, 10),
    look_s=2,
    mean_charge_s=20,
)


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
    limit: Order | None
    patience_s: int | None
    linger_s: int
    has_card: bool = False


def draw_plan(random: Random, habits: Habits, card_percent: int) -> Plan:
    """
    Somebody's plan.

    @param card_percent: of a hundred people, so many have a card.
    """
    bike = draw_bike(random)
    limits, weights = zip(*habits.orders, strict=True)
    patience_s = None
    if random.randrange(100) < habits.impatient_percent:
        least_s, most_s = habits.patience_s
        patience_s = random.randint(least_s, max(least_s, min(most_s, bike.remaining_s)))
    limit = random.choices(limits, weights)[0]
    has_card = random.randrange(100) < card_percent
    return Plan(bike, limit, patience_s, draw_linger_s(random, habits), has_card)


def draw_linger_s(random: Random, habits: Habits) -> int:
    """How long a bike stays after its charge."""
    mean_s, most_s = habits.linger_s
    return min(most_s, int(random.expovariate(1 / mean_s)))
