"""A start whose confirmation was lost: what the port tells of it is one, too."""

from pathlib import Path

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import StartCharge
from tests.world import Box, World

CONFIRM_DEADLINE_S = ChargingSettings().confirm_deadline_s


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A charger that has closed its relay for an order, and whose word of it was lost."""
    world = World(tmp_path)
    made = world.box().connect()
    world.order(made)
    made.pump().accept(made.orders(StartCharge)[-1])
    return made


def order(box: Box) -> dict[str, object]:
    """The order, as operators see it."""
    (shown,) = box.world.get("/orders")["items"]
    return dict(shown)


def let_the_deadline_pass(box: Box, state: PortState, order_id: int) -> None:
    """The charger reports meanwhile."""
    for _ in range(0, CONFIRM_DEADLINE_S + 1, 15):
        box.report(2_000, order_id=order_id, state=state)
        box.world.pass_time(15)


def test_readings_that_name_an_order_confirm_its_start(box: Box) -> None:
    """The charge is paid like any other."""
    order_id, began_mwh = int(str(order(box)["id"])), box.meter_mwh
    let_the_deadline_pass(box, PortState.CHARGING, order_id)
    assert order(box)["state"] == "charging"
    assert box.stops() == []
    box.world.pass_time(600, lambda: box.report(2_000, order_id=order_id))
    box.end(1, order_id, began_mwh, 660)
    assert order(box)["state"] == "settled"


def test_its_own_word_is_better(box: Box) -> None:
    """It came late: the register that it tells is the one that counts."""
    order_id = int(str(order(box)["id"]))
    began_mwh = box.meter_mwh
    box.report(2_000, order_id=order_id)
    box.say_started(1, order_id, began_mwh)
    (started,) = box.world.logged("order.started")
    assert started["start_meter_mwh"] == began_mwh


@pytest.mark.parametrize("state", [PortState.PLUGGED, PortState.IDLE])
def test_a_port_that_does_not_charge_confirms_nothing(box: Box, state: PortState) -> None:
    """Whatever it names."""
    let_the_deadline_pass(box, state, int(str(order(box)["id"])))
    assert order(box)["state"] == "failed"


def test_a_reading_of_another_order_confirms_nothing(box: Box) -> None:
    """It is never guessed."""
    let_the_deadline_pass(box, PortState.CHARGING, int(str(order(box)["id"])) + 1)
    assert order(box)["state"] == "failed"


def test_a_charger_that_charges_under_anothers_order_is_stopped(box: Box) -> None:
    """Nobody would pay for it: the order is billed by its own charger's words."""
    order_id = int(str(order(box)["id"]))
    other = box.world.box(identity="EB-0002").connect()
    other.report(2_000, order_id=order_id)
    assert len(other.stops()) == 1
    assert box.stops() == []
