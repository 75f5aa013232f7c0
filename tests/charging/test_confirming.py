"""A start whose confirmation was lost: what the port tells of it is one, too."""

from datetime import timedelta
from pathlib import Path

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.starting import COMES_BACK_S, LONGEST_AWAY_S
from chargecloud.charging.watchdog import ROUND_S
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import StartCharge
from tests.charging.test_waiting_orders import until, waiting
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


def test_a_charger_that_comes_back_late_has_not_begun_in_vain(box: Box, tmp_path: Path) -> None:
    """The service was killed, and its charger takes its time to connect again."""
    order_id, began_mwh = int(str(order(box)["id"])), box.meter_mwh
    box.world.killed()
    box.world = World(tmp_path, box.world.clock)
    box.world.pass_time(1_000)
    assert order(box)["state"] == "starting"
    box.connect()
    box.world.pass_time(COMES_BACK_S - 5, box.heartbeat)
    box.say_started(1, order_id, began_mwh)
    assert order(box)["state"] == "charging"
    assert box.stops() == []


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_charger_is_not_waited_for_for_ever(box: Box, tmp_path: Path, comes_back: bool) -> None:
    """Whether it says nothing when it is back, however often it is, or stays away."""
    box.world.killed()
    box.world = world = World(tmp_path, box.world.clock)
    world.pass_time(1_000)
    if comes_back:
        for _ in range(3):
            box.connect()
            world.pass_time(COMES_BACK_S / 2, box.heartbeat)
            box.drop()
    else:
        world.pass_time(LONGEST_AWAY_S - 1_000 + COMES_BACK_S)
    assert (order(box)["state"], order(box)["failure"]) == ("failed", "not-confirmed")


def test_an_order_that_waited_is_young_when_it_starts(tmp_path: Path) -> None:
    """Its deadline counts from then, also at another process."""
    world = World(tmp_path)
    made, _customer, _order = waiting(world)
    until(world, made, timedelta(hours=3, seconds=ROUND_S))
    made.accept(made.orders(StartCharge)[-1])
    world.killed()
    made.world = again = World(tmp_path, world.clock)
    made.connect()
    again.pass_time(CONFIRM_DEADLINE_S - 2 * ROUND_S, made.heartbeat)
    assert order(made)["state"] == "starting"
    again.pass_time(2 * ROUND_S, made.heartbeat)
    assert order(made)["state"] == "failed"
