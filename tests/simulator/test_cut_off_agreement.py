"""A charger that cuts off by itself, and the platform that reads its port, find the same end.

The charger knows its bike's curve to the second; the platform is given a reading when a
charge begins or a plug moves, and one a minute after that, as chargers report.  What it
reads is a charge that nothing cuts off, so that its readings go on.

Tolerance: with rules of whole minutes the platform is never early, and late by less than
one reading.  With any other rules there is one more: the first tells that something began,
and the second that it has lasted.
"""

import pytest
from attrs import evolve, frozen
from hypothesis import assume, given
from hypothesis import strategies as st

from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.drawing import Drawing
from chargecloud.domain.events import StopReason
from chargecloud.simulator.bikes import KINDS, Bike
from chargecloud.simulator.readings import read_port
from tests.simulator.charger_parts import Stand, bike, new_stand

READING_S = 60
#: longer than the longest curve with the longest hold
AT_MOST_S = 250_000


@frozen
class Moved:
    """A plug is pulled, or with a bike put in, so many seconds after the start."""

    after_s: int
    bike: Bike | None


@frozen
class End:
    """Why a charge ends, when, and how often a plug was moved until then."""

    reason: StopReason | None
    after_s: int
    moves: int = 0


def begin(first: Bike, rules: CutOff) -> Stand:
    """A charge until full."""
    stand = new_stand()
    stand.charger.plug(1, first, stand.now)
    assert stand.start(cut_off=rules) == "ok"
    return stand


def move(stand: Stand, moved: Moved) -> None:
    """Do at the socket what somebody does."""
    if moved.bike is None:
        stand.charger.unplug(1, stand.now)
    else:
        stand.charger.plug(1, moved.bike, stand.now)


def own_end(first: Bike, rules: CutOff, moves: list[Moved]) -> End:
    """By the charger."""
    stand = begin(first, rules)
    at_s = done = 0
    for moved in moves:
        stand.after(moved.after_s - at_s)
        at_s = moved.after_s
        stand.charger.advance(stand.now)
        if stand.book:
            break
        move(stand, moved)
        done += 1
    stand.charger.advance(stand.after(AT_MOST_S))
    if not stand.book:
        return End(None, AT_MOST_S, done)
    ended = stand.ended
    assert ended.duration_s is not None
    return End(ended.reason, ended.duration_s, done)


def read_end(first: Bike, rules: CutOff, moves: list[Moved], until_s: int) -> End:
    """By the platform, of the same bikes at a charger that cuts nothing off."""
    stand = new_stand()
    stand.charger.plug(1, first, stand.now)
    patient = evolve(
        rules, no_load_dw=1, no_load_for_s=7_200, never_drawing_s=7_200, replug_grace_s=3_600
    )
    assert stand.start(cut_off=patient, until_full=False) == "ok"
    drawing, waiting = Drawing(rules, True, 0), list(moves)
    at_s = read_s = 0
    while at_s <= until_s:
        if waiting and waiting[0].after_s == at_s:
            move(stand, waiting.pop(0))
            read_s = at_s
        stand.charger.advance(stand.now)
        port = stand.charger.port(1)
        reading = read_port(port)
        found = drawing.take(at_s, reading.power_dw, port.bike is not None)
        if found.end is not None:
            return End(found.end, at_s)
        next_s = read_s + READING_S
        if waiting:
            next_s = min(next_s, waiting[0].after_s)
        stand.after(next_s - at_s)
        at_s = read_s = next_s
    return End(None, at_s)


def assert_agree(
    first: Bike, rules: CutOff, moves: list[Moved], late_s: int = READING_S
) -> StopReason | None:
    """Both find the same reason, and the platform within so much after the charger."""
    charger = own_end(first, rules, moves)
    until_s = charger.after_s + 3 * READING_S if charger.reason else 4_000
    platform = read_end(first, rules, moves[: charger.moves], until_s)
    assert platform.reason is charger.reason
    if charger.reason is not None:
        assert 0 <= platform.after_s - charger.after_s < late_s
    return charger.reason


kinds = st.sampled_from(sorted(KINDS))


def rules_of(scale_s: int) -> st.SearchStrategy[CutOff]:
    """Rules whose times are multiples of so many seconds."""

    def times(least_s: int, most_s: int) -> st.SearchStrategy[int]:
        return st.integers(-(-least_s // scale_s), most_s // scale_s).map(lambda n: n * scale_s)

    return st.builds(
        CutOff,
        full_w=st.integers(10, 45),
        plateau_percent=st.integers(1, 30),
        full_for_s=times(0, 1_200),
        float_hold_s=times(0, 7_200),
        no_load_dw=st.integers(1, 60),
        no_load_for_s=times(10, 900),
        replug_grace_s=times(0, 600),
        never_drawing_s=times(30, 600),
    )


@st.composite
def bikes(draw: st.DrawFn) -> Bike:
    """A bike of any kind, at any place of its curve, the float among them."""
    kind = draw(kinds)
    spread = draw(st.integers(95, 105))
    new = Bike(kind, KINDS[kind].plateau_w * 10 * spread, place_s=0)
    return evolve(new, place_s=draw(st.integers(0, new.curve.full_s + 3_600)))


def can_be_told_apart(first: Bike, rules: CutOff) -> bool:
    """Whether no other end comes within two readings of the charger's own: of those, what is
    read once a minute does not tell which was first."""
    curve = first.curve
    gone_s = curve.place_below(rules.no_load_dw * 100)
    low_s = [
        place_s
        for percent in (0, rules.plateau_percent)
        if (
            place_s := curve.place_below(
                max(rules.full_w * 1_000, curve.power_mw(0) * percent // 100)
            )
        )
        is not None
    ]
    if gone_s is None:
        return True
    hold_s = rules.full_for_s + rules.float_hold_s
    ends_s = [max(0, each - first.place_s) + hold_s for each in low_s]
    gone_after_s = gone_s - first.place_s
    return gone_after_s <= 0 or all(abs(end_s - gone_after_s) > 2 * READING_S for end_s in ends_s)


@given(bikes(), rules_of(60))
def test_they_agree_on_a_bike_that_stays(first: Bike, rules: CutOff) -> None:
    """Of every kind, from every place of its curve: full, or without a load."""
    assume(can_be_told_apart(first, rules))
    assert_agree(first, rules, [])


@given(bikes(), rules_of(1))
def test_they_agree_by_any_rules(first: Bike, rules: CutOff) -> None:
    """Also where the times are no whole readings."""
    assume(can_be_told_apart(first, rules))
    assert_agree(first, rules, [], late_s=2 * READING_S)


@given(bikes(), rules_of(60), st.integers(121, 7_200))
def test_they_agree_on_a_plug_that_is_pulled(first: Bike, rules: CutOff, after_s: int) -> None:
    """Whenever it is pulled, and whatever was drawn."""
    assume(can_be_told_apart(first, rules))
    assert_agree(first, rules, [Moved(after_s, None)])


def is_clear(power_dw: int, than_dw: int, percent: int) -> bool:
    """Whether it is well within, or well beyond, so much more or less: a reading may be a
    step of the taper, or two, behind the charger."""
    return all(
        abs(power_dw * 100 - than_dw * limit) > 10 * than_dw
        for limit in (100 - percent, 100, 100 + percent)
    )


@given(bikes(), rules_of(60), st.integers(121, 40_000), st.integers(1, 900), bikes(), st.booleans())
def test_they_agree_on_a_plug_that_is_put_back(
    first: Bike, rules: CutOff, after_s: int, out_s: int, other: Bike, is_same: bool
) -> None:
    """By the same bike or by another one, within the grace or after it."""
    left = evolve(first, place_s=first.place_s + after_s)
    came = left if is_same else other
    assume(can_be_told_apart(first, rules))
    assume(can_be_told_apart(came, rules))
    plateau_dw, left_dw = (
        first.curve.power_dw(first.place_s + 60),
        left.curve.power_dw(left.place_s),
    )
    came_dw = came.curve.power_dw(came.place_s + 60)
    if not is_same and plateau_dw:
        assume(is_clear(came_dw, plateau_dw, rules.swap_percent))
        assume(is_clear(left_dw, plateau_dw, rules.swap_percent))
        assume(is_clear(came_dw, left_dw, rules.swap_percent))
    moves = [Moved(after_s, None), Moved(after_s + out_s, came)]
    assert_agree(first, rules, moves, late_s=2 * READING_S)


@pytest.mark.parametrize(
    ("first", "moves", "reason"),
    [
        (bike(), [], StopReason.FULL),
        (bike(kind="switched off"), [], StopReason.NO_LOAD),
        (bike(), [Moved(1_000, None)], StopReason.UNPLUGGED),
        (bike(), [Moved(1_000, None), Moved(1_060, bike(1_000))], StopReason.FULL),
        (
            bike(),
            [Moved(1_000, None), Moved(1_060, bike(kind="etrike 60V45Ah"))],
            StopReason.FULL,
        ),
        (bike(), [Moved(1_000, None), Moved(1_060, bike(kind="switched off"))], StopReason.NO_LOAD),
        (bike(), [Moved(1_000, None), Moved(1_130, bike(1_000))], StopReason.UNPLUGGED),
    ],
)
def test_they_agree_on_each_reason(first: Bike, moves: list[Moved], reason: StopReason) -> None:
    """By the rules that boxes have by default."""
    assert assert_agree(first, CutOff(), moves, late_s=2 * READING_S) is reason
