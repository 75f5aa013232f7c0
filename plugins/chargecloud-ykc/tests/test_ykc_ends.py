"""Ends that a YKC pile tells without their record (protocol V1.6, 13.3(4) and (7))."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chargecloud.charging.settings import ChargingSettings
from chargecloud.domain.alarm import Level
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.simulated import REPORT_S, SimulatedYkc
from chargecloud_ykc.trades import NO_TRADE
from tests.harness import Notebook
from tests.stations import Station
from tests.stations import pass_time as pass_together
from tests.web.resources.asking import Asking
from tests.world import World
from ykc_pile import Pile, charging, pass_time, pile, state, ykc_world

RECORD_S = YkcDialect.record_deadline_s
ROUND_S = 10
FORGOTTEN_S = ChargingSettings().forgotten_after_s


@pytest.fixture
def sink() -> Notebook:
    """Takes the alarms."""
    return Notebook()


@pytest.fixture
def world(tmp_path: Path, sink: Notebook) -> Iterator[World]:
    """A platform whose alarms are taken."""
    made = ykc_world(tmp_path, alarm_sinks={sink.name: sink})
    yield made
    made.killed()


@pytest.fixture
def dc(world: World) -> Pile:
    """A pile that has logged in."""
    made = pile(world)
    made.login()
    return made


def drawn(world: World, dc: Pile) -> tuple[str, str]:
    """A charge that has drawn 1 kWh."""
    order_id, trade = charging(world, dc)
    pass_time(world, dc, 120)
    dc.reading(trade, energy_e4=10_000)
    return order_id, trade


def stop(world: World, dc: Pile, order_id: str) -> None:
    """Somebody stops it, and the pile says that it does."""
    Asking(world).begin("POST", f"/orders/{order_id}/stop", {})
    dc.say("stop_reply", dc.told("stop")[-1][0].sequence, gun=1, result=1, reason=0)


def idle(dc: Pile) -> None:
    """Its gun is idle."""
    dc.reading(NO_TRADE, current_da=0)


def end(world: World, dc: Pile, trade: str) -> None:
    """It tells the record after all."""
    dc.record(trade, 10_000, started=world.calendar.now() - timedelta(seconds=120))


def rules(sink: Notebook) -> list[str]:
    """What people were told."""
    return [alarm.rule for alarm in sink.alarms]


def test_a_gun_that_is_idle_twice_is_asked_and_told_of(
    world: World, dc: Pile, sink: Notebook
) -> None:
    """13.3(4): the order is abnormal, the gun is read (0x12), and the order goes on."""
    order_id, _ = drawn(world, dc)
    idle(dc)
    pass_time(world, dc, 10)
    queries = len(dc.told("query"))
    idle(dc)
    pass_time(world, dc, ROUND_S)
    assert rules(sink) == ["charge-denied"]
    assert [fields["gun"] for _, fields in dc.told("query")[queries:]] == [1]
    shown = state(world, order_id)
    assert (shown["state"], shown["abnormal"]) == ("charging", "charge-denied")


def test_a_record_that_does_not_follow_an_idle_gun_is_late(
    world: World, dc: Pile, sink: Notebook
) -> None:
    """13.3(7): an idle pile tells of its guns every five minutes, and once is enough."""
    order_id, _ = drawn(world, dc)
    idle(dc)
    pass_time(world, dc, RECORD_S - 10)
    assert sink.alarms == []
    pass_time(world, dc, 10 + ROUND_S)
    (alarm,) = sink.alarms
    assert (alarm.rule, alarm.level, alarm.order_id) == (
        "record-late",
        Level.WARNING,
        int(order_id),
    )
    assert alarm.evidence == {
        "state": "plugged",
        "power_dw": 0,
        "says_stopped": False,
        "waited_s": RECORD_S,
    }
    assert state(world, order_id)["abnormal"] == "record-late"
    # that it is idle still is nothing new
    idle(dc)
    pass_time(world, dc, 60)
    assert rules(sink) == ["record-late"]


def test_a_record_that_does_not_follow_a_stop_is_late(
    world: World, dc: Pile, sink: Notebook
) -> None:
    """The pile says that it stops, and nothing more."""
    order_id, _ = drawn(world, dc)
    stop(world, dc, order_id)
    pass_time(world, dc, RECORD_S - 10)
    assert sink.alarms == []
    pass_time(world, dc, 10 + ROUND_S)
    (alarm,) = sink.alarms
    assert (alarm.rule, alarm.evidence["says_stopped"]) == ("record-late", True)
    assert state(world, order_id)["abnormal"] == "record-late"


def test_a_pile_that_says_it_stops_and_goes_on_owes_no_record(
    world: World, dc: Pile, sink: Notebook
) -> None:
    """It is asked again; that it does not stop is another alarm, later."""
    order_id, trade = drawn(world, dc)
    stop(world, dc, order_id)
    for energy_e4 in range(11_000, 20_000, 1_000):
        pass_time(world, dc, 10)
        dc.reading(trade, energy_e4=energy_e4)
    assert sink.alarms == []
    assert state(world, order_id)["abnormal"] is None


def test_both_are_told_of_one_order_once(world: World, dc: Pile, sink: Notebook) -> None:
    """First that it is idle, then that its record is late; and the record settles it."""
    order_id, trade = drawn(world, dc)
    for _ in range(20):
        idle(dc)
        pass_time(world, dc, 10)
    assert rules(sink) == ["charge-denied", "record-late"]
    assert state(world, order_id)["abnormal"] == "record-late"
    end(world, dc, trade)
    shown = state(world, order_id)
    assert (shown["state"], shown["abnormal"], shown["energy_mwh"]) == ("settled", None, 1_000_000)
    events = world.get(f"/orders/{order_id}/events")["items"]
    assert [each["why"] for each in events if each["kind"] == "order.suspected"] == [
        "charge-denied",
        "record-late",
    ]
    assert world.get("/orders/disputes")["items"] == []


def test_the_time_without_a_connection_is_not_the_piles(
    world: World, dc: Pile, sink: Notebook
) -> None:
    """What was told before waits for its record from the new login on."""
    order_id, trade = drawn(world, dc)
    idle(dc)
    dc.wire.drop()
    world.clock.advance(RECORD_S + ROUND_S)
    dc.wire.connect()
    dc.login()
    pass_time(world, dc, RECORD_S - 10)
    assert sink.alarms == []
    end(world, dc, trade)
    assert state(world, order_id)["state"] == "settled"
    pass_time(world, dc, FORGOTTEN_S)
    assert sink.alarms == []


def test_a_simulated_pile_that_loses_its_record_is_found(world: World, sink: Notebook) -> None:
    """Its memory fails, and its gun is idle: the order is closed at last."""
    station = Station(world, SimulatedYkc()).plug()
    order_id = station.order()
    pass_together(300, station)
    station.charger.memory.ports[0].charge = None
    pass_together(REPORT_S + RECORD_S + ROUND_S, station)
    assert rules(sink) == ["record-late"]
    shown = state(world, order_id)
    assert (shown["state"], shown["abnormal"]) == ("charging", "record-late")
    pass_together(FORGOTTEN_S, station)
    shown = state(world, order_id)
    assert (shown["stop_reason"], shown["abnormal"]) == ("watchdog", None)


def test_a_simulated_pile_that_ends_as_it_should_is_never_told_of(
    world: World, sink: Notebook
) -> None:
    """Its idle gun and its record come together."""
    station = Station(world, SimulatedYkc()).plug()
    order_id = station.order(limit={"energy_wh": 50})
    pass_together(3_600, station)
    assert state(world, order_id)["stop_reason"] == "limit_energy"
    assert sink.alarms == []
    assert world.logged("order.suspected") == []
