"""A charge that its charger interrupts: its time is not counted, and it goes on."""

from pathlib import Path

import pytest

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import PauseReason
from tests.world import Box, World


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A charger that charges, and has been reporting for a minute."""
    world = World(tmp_path)
    made = world.box().connect()
    world.order(made)
    made.pump().begin()
    world.pass_time(60, lambda: made.report(5_000, order_id=order_id(made)))
    return made


def order_id(box: Box) -> int:
    """Of the order that runs."""
    return int(box.world.get("/orders")["items"][0]["id"])


def state(box: Box) -> tuple[str, int]:
    """Of the order, and how long it was suspended."""
    order = box.world.get(f"/orders/{order_id(box)}")
    return order["state"], order["suspended_s"]


def test_a_pause_is_not_counted(box: Box) -> None:
    """From the charger's word to the reading that tells that it charges again."""
    box.pause(order_id(box), PauseReason.HEAT)
    assert state(box) == ("suspended", 0)
    box.world.pass_time(
        120, lambda: box.report(0, 0, state=PortState.PAUSED, order_id=order_id(box))
    )
    assert state(box) == ("suspended", 0)
    box.world.pass_time(60, lambda: box.report(1_000, order_id=order_id(box)))
    assert state(box)[0] == "charging"
    assert 120 <= state(box)[1] <= 180
    events = box.world.get(f"/orders/{order_id(box)}/events")["items"]
    assert [each["why"] for each in events if each["kind"] == "order.suspended"] == ["paused-heat"]


def test_a_pause_whose_word_was_lost_is_seen_by_its_readings(box: Box) -> None:
    """The port is told to be paused."""
    box.report(0, 0, state=PortState.PAUSED, order_id=order_id(box))
    assert state(box)[0] == "suspended"


def test_a_pause_of_another_order_is_none(box: Box) -> None:
    """It is never guessed."""
    box.pause(order_id(box) + 1, PauseReason.HEAT)
    assert state(box)[0] == "charging"


def test_a_charge_is_not_ended_for_what_it_does_not_draw_in_a_pause(box: Box) -> None:
    """A port that is paused draws nothing, and that is no missing load."""
    box.pause(order_id(box), PauseReason.LOAD)
    for _ in range(15):
        box.world.pass_time(
            60, lambda: box.report(0, 0, state=PortState.PAUSED, order_id=order_id(box))
        )
    assert box.stops() == []
    assert state(box)[0] == "suspended"
