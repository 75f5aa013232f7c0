"""Draws C{docs/order-life.svg}: the life of an order, from the table that decides it.

Run it after a change of L{TRANSITIONS}::

    .venv/bin/python -m docs.draw_order_life

A state needs a place in L{PLACES}.  An arrow is straight unless L{WAYS} says otherwise.
The same table gives the same bytes, which a test compares with the file.
"""

import re
from collections.abc import Mapping
from html import escape
from math import hypot
from pathlib import Path

from attrs import frozen

from chargecloud.domain.order import TRANSITIONS
from chargecloud.domain.order_value import OrderState

FILE = Path(__file__).with_name("order-life.svg")

#: in the units of the picture
WIDTH, HEIGHT = 1170, 690
BOX_WIDTH, BOX_HEIGHT = 176, 114
#: of the small words in a box
LINE = 16
#: of a head of an arrow, from its point back and from its middle to the sides
HEAD_LENGTH, HEAD_SIDE = 11, 4

#: where the middle of each state is
PLACES: Mapping[OrderState, tuple[int, int]] = {
    OrderState.WAITING: (222, 150),
    OrderState.STARTING: (222, 350),
    OrderState.CHARGING: (480, 350),
    OrderState.SUSPENDED: (480, 150),
    OrderState.ENDED: (738, 350),
    OrderState.SETTLED: (996, 350),
    OrderState.FAILED: (222, 590),
    OrderState.HELD: (738, 590),
    OrderState.CANCELLED: (996, 590),
}

#: the colour of each state; in the others it runs, or passes at once
COLOURS: Mapping[OrderState, str] = {
    OrderState.SETTLED: "#e3f4e4",
    OrderState.HELD: "#fff0d1",
    OrderState.FAILED: "#ececec",
    OrderState.CANCELLED: "#ececec",
}
USUAL_COLOUR = "#e4eefb"


@frozen
class Point:
    """A place in the picture."""

    x: float
    y: float

    def __str__(self) -> str:
        return f"{self.x:.1f} {self.y:.1f}"

    def towards(self, other: "Point", share: float) -> "Point":
        """The point at a share of the way to another."""
        return Point(self.x + (other.x - self.x) * share, self.y + (other.y - self.y) * share)

    def beside(self, away: tuple[int, int]) -> "Point":
        """The point that is so far to the right and down."""
        return Point(self.x + away[0], self.y + away[1])

    def distance(self, other: "Point") -> float:
        """How far it is to another."""
        return hypot(other.x - self.x, other.y - self.y)


@frozen
class Way:
    """
    How an arrow goes, if it is not straight from middle to middle.

    @ivar leaves: where it leaves its box, seen from the middle of that.
    @ivar reaches: where it reaches the other box, seen from the middle of that.
    @ivar knee: where it would go through if it did not bend; straight if C{None}.
    """

    leaves: tuple[int, int]
    reaches: tuple[int, int]
    knee: tuple[int, int] | None = None


WAYS: Mapping[tuple[OrderState, OrderState], Way] = {
    # there and back
    (OrderState.CHARGING, OrderState.SUSPENDED): Way((44, -57), (44, 57)),
    (OrderState.SUSPENDED, OrderState.CHARGING): Way((-44, 57), (-44, -57)),
    (OrderState.ENDED, OrderState.HELD): Way((52, 57), (52, -57)),
    (OrderState.HELD, OrderState.ENDED): Way((-16, -57), (-16, 57)),
    (OrderState.ENDED, OrderState.CANCELLED): Way((88, 36), (30, -57), (940, 430)),
    (OrderState.CANCELLED, OrderState.ENDED): Way((-60, -57), (78, 57), (822, 500)),
    # around the states in between
    (OrderState.WAITING, OrderState.FAILED): Way((-88, 20), (-60, -57), (40, 350)),
    (OrderState.WAITING, OrderState.ENDED): Way((68, -57), (0, -57), (680, 0)),
    (OrderState.WAITING, OrderState.CANCELLED): Way((44, -57), (88, -20), (1320, -60)),
    (OrderState.STARTING, OrderState.ENDED): Way((50, 57), (-88, 28), (440, 522)),
    (OrderState.FAILED, OrderState.ENDED): Way((88, 0), (-60, 57), (646, 590)),
    (OrderState.SUSPENDED, OrderState.ENDED): Way((88, 20), (-44, -57), (670, 190)),
}

#: where orders come from: the state that each way in leads to, where it begins, seen from
#: the middle of that, and what it is
ENTRIES = (
    (OrderState.WAITING, (-20, -110), "placed"),
    (OrderState.STARTING, (-64, -100), "placed"),
    (OrderState.ENDED, (56, -110), "told of when it was over"),
)

HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" \
font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" text-anchor="middle">
<title>The life of an order</title>
<desc>{{description}}</desc>
<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#fff"/>
"""
TAIL = f"""\
<text x="{WIDTH / 2:.1f}" y="{HEIGHT - 18}" font-size="13" fill="#555">\
Bold: a state.  At an arrow: what leads from it.  Small: what may occur and changes no state.\
</text>
</svg>
"""


def words(name: str) -> str:
    """A class's name as words: C{HoldReleased} is C{hold released}."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def place_of(state: OrderState) -> Point:
    """
    The middle of a state.

    @raise LookupError: for one that was not given a place.
    """
    if state not in PLACES:
        raise LookupError(f"where is {state.value} to be drawn?  PLACES does not say")
    return Point(*PLACES[state])


def labels() -> Mapping[tuple[OrderState, OrderState], tuple[str, ...]]:
    """What leads from each state to each, itself included, in the order of the table."""
    found: dict[tuple[OrderState, OrderState], tuple[str, ...]] = {}
    for (before, occurrence), (_action, after) in TRANSITIONS.items():
        way = before, after
        found[way] = (*found.get(way, ()), words(occurrence.__name__))
    return found


def drawing() -> str:
    """The whole picture."""
    found = labels()
    ways = {way: names for way, names in found.items() if way[0] is not way[1]}
    sentences = [f"{a.value} to {b.value}: {', '.join(names)}" for (a, b), names in ways.items()]
    # labels lie over all lines
    lines, texts = zip(*(_arrow(*way, names) for way, names in ways.items()), strict=True)
    entries, entry_texts = zip(*(_entry(*each) for each in ENTRIES), strict=True)
    boxes = [_box(state, found.get((state, state), ())) for state in OrderState]
    return "".join(
        (
            HEAD.format(description=escape("; ".join(sentences))),
            *(*lines, *entries, *boxes, *texts, *entry_texts),
            TAIL,
        )
    )


def _box(state: OrderState, small: tuple[str, ...]) -> str:
    middle = place_of(state)
    left, top = middle.x - BOX_WIDTH / 2, middle.y - BOX_HEIGHT / 2
    colour = COLOURS.get(state, USUAL_COLOUR)
    box = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8" '
        f'fill="{colour}" stroke="#444" stroke-width="1.5"/>\n'
    )
    # name and small words together stand in the middle
    down = middle.y - LINE * len(small) / 2 + 6
    name = f'<text x="{middle.x:.1f}" y="{down:.1f}" font-size="18" font-weight="bold" fill="#111">'
    box += f"{name}{escape(state.value)}</text>\n"
    for number, line in enumerate(small, 1):
        at = f'x="{middle.x:.1f}" y="{down + 2 + LINE * number:.1f}"'
        box += f'<text {at} font-size="13" fill="#555">{escape(line)}</text>\n'
    return box


def _arrow(before: OrderState, after: OrderState, names: tuple[str, ...]) -> tuple[str, str]:
    """The arrow from one state to another, and its label."""
    start, end = place_of(before), place_of(after)
    way = WAYS.get((before, after))
    if way is None:
        start, end = _edge(start, end), _edge(end, start)
        knee = start.towards(end, 0.5)
    else:
        start, end = start.beside(way.leaves), end.beside(way.reaches)
        knee = start.towards(end, 0.5) if way.knee is None else Point(*way.knee)
    half = start.towards(knee, 0.5).towards(knee.towards(end, 0.5), 0.5)
    return _line(start, knee, end), _label(half, ", ".join(names))


def _entry(state: OrderState, away: tuple[int, int], name: str) -> tuple[str, str]:
    """A way in: from a dot to a state."""
    dot = place_of(state).beside(away)
    end = Point(dot.x, place_of(state).y - BOX_HEIGHT / 2)
    line = f'<circle cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="6" fill="#444"/>\n'
    return line + _line(dot, dot.towards(end, 0.5), end), _label(dot.beside((0, -18)), name)


def _line(start: Point, knee: Point, end: Point) -> str:
    length = knee.distance(end)
    back = end.towards(knee, HEAD_LENGTH / length)
    side_x = (end.y - knee.y) / length * HEAD_SIDE
    side_y = (knee.x - end.x) / length * HEAD_SIDE
    one, other = Point(back.x + side_x, back.y + side_y), Point(back.x - side_x, back.y - side_y)
    return (
        f'<path d="M{start}Q{knee} {back}" fill="none" stroke="#444" stroke-width="1.5"/>\n'
        f'<path d="M{end}L{one}L{other}z" fill="#444"/>\n'
    )


def _label(at: Point, name: str) -> str:
    """Words on a line: first as a white shade of themselves, so that they can be read."""
    place = f'<text x="{at.x:.1f}" y="{at.y + 5:.1f}" font-size="14"'
    shade = f'{place} fill="#fff" stroke="#fff" stroke-width="7" stroke-linejoin="round"'
    return f'{shade}>{escape(name)}</text>\n{place} fill="#111">{escape(name)}</text>\n'


def _edge(middle: Point, towards: Point) -> Point:
    """Where the way from the middle of a box to a point leaves the box."""
    wide, high = abs(towards.x - middle.x), abs(towards.y - middle.y)
    if wide * BOX_HEIGHT > high * BOX_WIDTH:
        return middle.towards(towards, BOX_WIDTH / 2 / wide)
    return middle.towards(towards, BOX_HEIGHT / 2 / high)


if __name__ == "__main__":
    FILE.write_text(drawing(), encoding="utf-8")
