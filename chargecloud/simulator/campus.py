"""The campus day: who comes when, to which port, with which bike, and for how long.

The reference is a campus with 200 boxes of ten ports, on which 4,000 charges a day take
6,000 kWh, and cutting off full batteries saves 400 kWh of it.  All of a day is drawn before
it begins, so that the same seed brings the same people whatever the platform does; nobody
leaves sooner because a charge has ended.  docs/campus.rst states the mix and why.
"""

from collections.abc import Sequence
from random import Random

from attrs import frozen

from chargecloud.domain.units import HOUR, MINUTE
from chargecloud.simulator.bikes import CAMPUS, Bike, draw_bike
from chargecloud.simulator.habits import Order

#: when the first of them may come, by the clock on the wall
OPENS_HOUR = 7

ORDERS: tuple[tuple[Order | None, int], ...] = (
    (None, 60),
    ({"until_full": True}, 32),
    ({"duration_s": 6 * HOUR}, 8),
)
CARD_PERCENT = 20
#: of its charge, that a bike has left when it comes
LEFT_PERCENT = (8, 48)


@frozen
class Stay:
    """
    A time of the day at which people leave their bikes.

    @ivar comes_s: when they come, from the opening on, at the soonest and at the latest.
    @ivar goes_s: when they fetch their bikes.
    """

    comes_s: tuple[int, int]
    goes_s: tuple[int, int]


def _hours(soonest: float, latest: float) -> tuple[int, int]:
    return int((soonest - OPENS_HOUR) * HOUR), int((latest - OPENS_HOUR) * HOUR)


#: lectures of a day, of a morning and of an afternoon; noon; and the night, up to 8 o'clock
DAY = Stay(_hours(7.2, 9.5), _hours(16.5, 18.4))
MORNING = Stay(_hours(7.1, 7.6), _hours(12.3, 12.7))
AFTERNOON = Stay(_hours(12.9, 13.3), _hours(18, 18.4))
NOON = Stay(_hours(11, 12.5), _hours(17.5, 18.4))
NIGHT = Stay(_hours(18.6, 21.5), _hours(30.2, 32.2))

#: what a port sees in a day, and how many ports in a thousand see that: 2,000 visits
PORT_DAYS: Sequence[tuple[Sequence[Stay], int]] = (
    ((DAY, NIGHT), 450),
    ((NOON, NIGHT), 150),
    ((MORNING, AFTERNOON, NIGHT), 200),
    ((NIGHT,), 125),
    ((DAY,), 75),
)


@frozen
class Visit:
    """
    Somebody's visit, as it is planned.

    @ivar box: number of the box, from 0.
    @ivar comes_s: seconds of the calendar after the opening; C{goes_s} when the bike is
        fetched, charged or not.
    @ivar has_card: whether it is shown at the charger, instead of ordering over the API.
    """

    box: int
    port: int
    comes_s: int
    goes_s: int
    bike: Bike
    limit: Order | None
    has_card: bool


def draw_day(random: Random, boxes: int, ports: int) -> Sequence[Visit]:
    """
    All visits of a day, in the order in which people come.

    @param ports: of each box.
    """
    places = [(box, port) for box in range(boxes) for port in range(1, ports + 1)]
    random.shuffle(places)
    visits: list[Visit] = []
    for (box, port), stays in zip(places, _port_days(len(places)), strict=True):
        visits += [_draw_visit(random, box, port, stay) for stay in stays]
    return sorted(visits, key=lambda visit: (visit.comes_s, visit.box, visit.port))


def _port_days(ports: int) -> list[Sequence[Stay]]:
    """As many days of each sort as its share is; what is rounded away is the first sort."""
    days: list[Sequence[Stay]] = []
    for stays, permille in PORT_DAYS:
        days += [stays] * (ports * permille // 1_000)
    return days + [PORT_DAYS[0][0]] * (ports - len(days))


def _draw_visit(random: Random, box: int, port: int, stay: Stay) -> Visit:
    limits, weights = zip(*ORDERS, strict=True)
    return Visit(
        box=box,
        port=port,
        comes_s=random.randint(*stay.comes_s),
        goes_s=random.randint(*stay.goes_s),
        bike=draw_bike(random, CAMPUS, LEFT_PERCENT),
        limit=random.choices(limits, weights)[0],
        has_card=random.randrange(100) < CARD_PERCENT,
    )


#: how long after the opening everybody has fetched their bike
LASTS_S = NIGHT.goes_s[1] + 10 * MINUTE
