"""Orders whose charger says that their charge is over, and tells no end of it: people are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.alarm import Level
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import Query, Question
from tests.harness import Notebook
from tests.web.resources.asking import Asking
from tests.world import Box, World, native_plugins

SETTINGS = ChargingSettings()
ROUND_S = 5


@pytest.fixture
def sink() -> Notebook:
    """Takes the alarms."""
    return Notebook()


@pytest.fixture
def world(tmp_path: Path, sink: Notebook) -> Iterator[World]:
    """A platform whose alarms are taken."""
    made = begun(tmp_path, sink)
    yield made
    made.killed()


def begun(folder: Path, sink: Notebook, clock: Clock | None = None) -> World:
    """A platform; by the clock of another one, that one after a restart."""
    return World(folder, clock, plugins=native_plugins(alarm_sinks={sink.name: sink}))


def charging(world: World) -> tuple[Box, int]:
    """A charge that has drawn for ten minutes."""
    box = world.box().connect()
    order_id = int(world.order(box, world.customer())["id"])
    box.begin()
    world.pass_time(600, lambda: box.report(3_000))
    return box, order_id


def idle(box: Box) -> None:
    """The box tells that its port is idle."""
    box.report(0, power_dw=0, state=PortState.IDLE)


def denied(world: World, box: Box) -> None:
    """It has told so twice, and the watchdog has looked."""
    idle(box)
    world.pass_time(60)
    idle(box)
    world.pass_time(ROUND_S)
    box.pump()


def shown(world: World, order_id: int) -> Any:
    """The order as the API shows it."""
    return world.get(f"/orders/{order_id}")


def happened(world: World, order_id: int) -> list[str]:
    """What has happened to it."""
    return [each["kind"] for each in world.get(f"/orders/{order_id}/events")["items"]]


def found(world: World, abnormal: bool) -> list[int]:
    """The orders that are found by it."""
    listed = world.get(f"/orders?abnormal={str(abnormal).lower()}")["items"]
    return [int(each["id"]) for each in listed]


def test_a_charge_that_its_charger_denies_twice_is_told_of(world: World, sink: Notebook) -> None:
    """Once, with what was said; and the charger is asked what its ports do."""
    box, order_id = charging(world)
    assert (found(world, True), found(world, False)) == ([], [order_id])
    denied(world, box)
    (alarm,) = sink.alarms
    assert (alarm.rule, alarm.level) == ("charge-denied", Level.WARNING)
    assert (alarm.order_id, alarm.charger_id, alarm.port) == (order_id, box.id, 1)
    assert alarm.evidence == {"state": "idle", "power_dw": 0, "says_stopped": False}
    assert [each.command for each in box.orders(Query)] == [Query(Question.PORTS)]
    order = shown(world, order_id)
    assert (order["state"], order["abnormal"]) == ("charging", "charge-denied")
    assert (found(world, True), found(world, False)) == ([order_id], [])
    assert happened(world, order_id)[-2:] == ["alarm.raised", "order.suspected"]
    world.pass_time(120, lambda: idle(box))
    assert sink.alarms == [alarm]


def test_a_port_that_charges_for_another_order_denies_its_own(world: World, sink: Notebook) -> None:
    """By the orders that it names; the stranger's charge is stopped."""
    box, order_id = charging(world)
    for _ in range(2):
        box.report(3_000, order_id=order_id + 1)
        world.pass_time(15)
    (alarm,) = sink.alarms
    assert (alarm.rule, alarm.order_id) == ("charge-denied", order_id)
    assert (alarm.evidence["state"], alarm.evidence["charges_for"]) == (
        "charging",
        str(order_id + 1),
    )


def test_what_is_said_twice_at_once_is_said_once(world: World, sink: Notebook) -> None:
    """The record is right behind it."""
    box, order_id = charging(world)
    idle(box)
    world.clock.advance(2)
    idle(box)
    world.pass_time(ROUND_S)
    assert shown(world, order_id)["abnormal"] is None
    box.end(2, order_id, 5_000_000, 600)
    assert shown(world, order_id)["state"] == "settled"
    assert sink.alarms == []


def test_a_charge_that_is_told_of_in_between_goes_on(world: World, sink: Notebook) -> None:
    """A reading was wrong, and the next one is not."""
    box, order_id = charging(world)
    for _ in range(3):
        idle(box)
        world.pass_time(60)
        box.report(3_000)
        world.pass_time(60)
    assert shown(world, order_id)["abnormal"] is None
    assert sink.alarms == []


def test_what_was_said_on_another_connection_waits_for_its_record(
    world: World, sink: Notebook
) -> None:
    """The record that was lost with the connection comes behind the first report."""
    box, order_id = charging(world)
    idle(box)
    box.drop()
    world.pass_time(30)
    box.connect()
    idle(box)
    world.pass_time(ROUND_S)
    assert shown(world, order_id)["abnormal"] is None
    world.pass_time(10)
    idle(box)
    world.pass_time(ROUND_S)
    assert shown(world, order_id)["abnormal"] == "charge-denied"
    assert len(sink.alarms) == 1


def test_the_mark_goes_with_the_record(world: World, sink: Notebook) -> None:
    """It was lost, and is told again: the order settles as any other; its history keeps it."""
    box, order_id = charging(world)
    denied(world, box)
    box.end(2, order_id, 5_000_000, 600)
    order = shown(world, order_id)
    assert (order["state"], order["stop_reason"], order["abnormal"]) == ("settled", "full", None)
    assert "order.suspected" in happened(world, order_id)
    assert found(world, True) == []
    assert world.get("/orders/disputes")["items"] == []


def test_an_order_that_nothing_more_is_told_of_is_closed_in_its_time(
    world: World, sink: Notebook
) -> None:
    """As without the mark, and not before."""
    box, order_id = charging(world)
    denied(world, box)
    world.pass_time(SETTINGS.forgotten_after_s - 120, box.heartbeat)
    assert shown(world, order_id)["state"] == "charging"
    world.pass_time(120, box.heartbeat)
    order = shown(world, order_id)
    assert (order["state"], order["stop_reason"], order["abnormal"]) == (
        "settled",
        "watchdog",
        None,
    )
    assert len(sink.alarms) == 1


def test_a_restart_tells_nobody_again(tmp_path: Path) -> None:
    """What people were told is written down with the order."""
    before, after = Notebook(), Notebook()
    world = begun(tmp_path, before)
    box, order_id = charging(world)
    denied(world, box)
    world.killed()
    again = begun(tmp_path, after, world.clock)
    box.world = again
    box.connect()
    denied(again, box)
    denied(again, box)
    assert (len(before.alarms), after.alarms) == (1, [])
    assert shown(again, order_id)["abnormal"] == "charge-denied"
    again.killed()


def test_a_dialect_without_a_deadline_has_no_late_records(world: World, sink: Notebook) -> None:
    """A box that has accepted a stop, and says nothing more."""
    box, order_id = charging(world)
    Asking(world).begin("POST", f"/orders/{order_id}/stop")
    box.pump().accept(box.stops()[-1])
    world.pass_time(SETTINGS.forgotten_after_s, box.heartbeat)
    assert shown(world, order_id)["abnormal"] is None
    assert sink.alarms == []
