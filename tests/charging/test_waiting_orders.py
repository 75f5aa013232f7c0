"""Orders that wait for the cheapest start that is in time."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.charging.waiting import MOST_LATE
from chargecloud.charging.watchdog import ROUND_S
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.commands import StartCharge, StopCharge
from chargecloud.storage.audit import ledger_faults
from tests.harness import NOW, result_of
from tests.nodes.in_step import know_each_other
from tests.world import Box, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A whole platform in memory."""
    return World(tmp_path)


#: the local time of the site is 09:00 at L{NOW}
RATES = {
    "rates": {
        "dear": {"electricity": 100_000, "service": 20_000},
        "cheap": {"electricity": 30_000, "service": 20_000},
    },
    "day": [{"from": "00:00", "rate": "dear"}, {"from": "12:00", "rate": "cheap"}],
}


def ask(box: Box, customer: str, ready_by: Any, **more: Any) -> dict[str, Any]:
    """The body of an order that takes an hour."""
    return {
        "charger_id": str(box.id),
        "port": 1,
        "customer_id": customer,
        "prepaid_fen": 300,
        "limit": {"duration_s": 3600, "energy_wh": 400},
        "ready_by": (NOW + ready_by).isoformat(),
    } | more


def waiting(world: World, ready_by: timedelta = 8 * HOUR) -> tuple[Box, str, Any]:
    """An order that waits until 12:00, in three hours."""
    box, customer = world.box(world.site(RATES)).connect(), world.customer(1000)
    return box, customer, world.make("/orders", ask(box, customer, ready_by))


def until(world: World, box: Box, to: timedelta) -> None:
    """Let time pass until an instant, with a charger that stays."""
    left_s = (NOW + to - world.calendar.now()).total_seconds()
    world.pass_time(left_s, box.heartbeat if box.welcomed else None)
    box.pump()


def sound(world: World) -> None:
    """The books agree with each other."""
    assert result_of(world.store.read(lambda connection: list(ledger_faults(connection)))) == []


def test_it_starts_when_it_costs_the_least(world: World) -> None:
    """Its port is taken and its money held meanwhile; then it is an order like any other."""
    box, customer, order = waiting(world)
    assert (order["state"], order["held_fen"]) == ("waiting", 300)
    assert order["start_at"] == (NOW + 3 * HOUR).isoformat()
    assert order["ready_by"] == (NOW + 8 * HOUR).isoformat()
    taken = {"charger_id": str(box.id), "port": 1, "customer_id": customer}
    assert world.http("POST", "/orders", taken)[1]["type"] == "/problems/port-busy"
    until(world, box, 3 * HOUR - timedelta(seconds=1))
    assert box.orders(StartCharge) == []
    world.pass_time(ROUND_S + 1)
    box.pump()
    assert world.get(f"/orders/{order['id']}")["state"] == "starting"
    box.begin()
    world.pass_time(3600, lambda: box.report(4_000))
    box.end(2, int(order["id"]), 5_000_000, 3600)
    settled = world.get(f"/orders/{order['id']}")
    # 0.24 kWh at 0.5 yuan
    assert (settled["state"], settled["amount_fen"]) == ("settled", 12)
    sound(world)


def test_what_costs_the_least_at_once_does_not_wait(world: World) -> None:
    """There is nothing to be won by it."""
    box, customer = world.box().connect(), world.customer(1000)
    order = world.make("/orders", ask(box, customer, 8 * HOUR))
    assert (order["state"], order["start_at"]) == ("starting", NOW.isoformat())
    assert len(box.pump().orders(StartCharge)) == 1


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"ready_by": (NOW + HOUR - timedelta(seconds=1)).isoformat()}, "/ready_by"),
        ({"ready_by": (NOW - HOUR).isoformat()}, "/ready_by"),
        ({"ready_by": (NOW + 73 * HOUR).isoformat()}, "/ready_by"),
        ({"ready_by": "soon"}, "/ready_by"),
        ({"limit": {"energy_wh": 400}}, "/limit/duration_s"),
    ],
)
def test_a_deadline_that_cannot_be_met(world: World, wrong: dict[str, Any], place: str) -> None:
    """It is told with its place, and nothing is held or taken."""
    box, customer = world.box(world.site(RATES)).connect(), world.customer(1000)
    status, problem = world.http("POST", "/orders", ask(box, customer, 8 * HOUR) | wrong)
    assert (status, [each["pointer"] for each in problem["errors"]]) == (422, [place])
    assert world.get("/orders")["items"] == []
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0


def test_its_customer_may_think_again(world: World) -> None:
    """Its money and its port are free at once, and no charger hears of it."""
    box, customer, order = waiting(world)
    status, cancelled = world.http("POST", f"/orders/{order['id']}/stop")
    assert (status, cancelled["state"], cancelled["failure"]) == (200, "cancelled", "user")
    wallet = world.get(f"/wallets/{customer}")
    assert (wallet["balance_fen"], wallet["held_fen"]) == (1000, 0)
    assert box.pump().orders(StopCharge) == []
    assert world.make("/orders", ask(box, customer, 8 * HOUR))["state"] == "waiting"
    until(world, box, 3 * HOUR + timedelta(minutes=1))
    assert len(box.orders(StartCharge)) == 1
    sound(world)


def test_a_command_to_stop_is_not_sent_for_it(world: World) -> None:
    """Its charger knows of no charge; the one who asks is told what to stop, and it starts."""
    box, _customer, order = waiting(world)
    stop = {"name": "stop", "port": 1}
    status, refused = world.http("POST", f"/chargers/{box.id}/commands", stop)
    assert (status, refused["type"]) == (409, "/problems/conflict")
    assert order["id"] in refused["detail"]
    assert box.pump().stops() == []
    until(world, box, timedelta(hours=3, seconds=ROUND_S))
    assert len(box.orders(StartCharge)) == 1


def test_a_danger_at_its_port_ends_its_waiting(world: World) -> None:
    """Nothing begins by itself at night where it was too hot in the evening."""
    box, customer, order = waiting(world)
    alarm = Alarm("hot", Level.CRITICAL, 1, box.id, NOW)
    world.platform.watching.raised(alarm, True)
    cancelled = world.get(f"/orders/{order['id']}")
    assert (cancelled["state"], cancelled["failure"]) == ("cancelled", "safety")
    assert world.get(f"/wallets/{customer}")["held_fen"] == 0
    until(world, box, 4 * HOUR)
    assert box.orders(StartCharge) == []


def busy(world: World, box: Box) -> "Deferred[None]":
    """Somebody decides about the charger's orders; fire it to let the next one."""
    gate: Deferred[None] = Deferred()

    async def hold() -> None:
        await gate

    world.platform.book.turns.take(box.id, hold)
    return gate


def test_a_danger_as_its_start_is_sent_stops_it(world: World) -> None:
    """Whichever of the two is first: a danger is not lost."""
    box, _customer, order = waiting(world)
    until(world, box, 3 * HOUR - timedelta(seconds=1))
    gate = busy(world, box)
    world.pass_time(ROUND_S + 1)
    world.platform.watching.raised(Alarm("hot", Level.CRITICAL, 1, box.id, NOW), True)
    gate.callback(None)
    box.pump()
    assert len(box.orders(StartCharge)) == 1
    (stop,) = box.orders(StopCharge)
    assert stop.command == StopCharge(int(order["id"]), 1)


def test_a_charger_that_drops_as_its_start_is_due(world: World) -> None:
    """It is waited for, as it would be if it had dropped a moment before."""
    box, _customer, order = waiting(world)
    until(world, box, 3 * HOUR - timedelta(seconds=1))
    gate = busy(world, box)
    world.pass_time(ROUND_S + 1)
    box.drop()
    gate.callback(None)
    assert world.get(f"/orders/{order['id']}")["state"] == "waiting"
    box.connect()
    world.pass_time(ROUND_S)
    assert len(box.pump().orders(StartCharge)) == 1


def test_a_charger_that_is_away_is_waited_for_as_long_as_it_helps(world: World) -> None:
    """It starts when it comes back."""
    box, _customer, order = waiting(world)
    box.drop()
    until(world, box, 5 * HOUR)
    assert world.get(f"/orders/{order['id']}")["state"] == "waiting"
    box.connect()
    world.pass_time(ROUND_S)
    assert len(box.pump().orders(StartCharge)) == 1


def test_a_charger_that_stays_away(world: World) -> None:
    """The order fails when it would be over too late."""
    box, customer, order = waiting(world)
    box.drop()
    until(world, box, 7 * HOUR + MOST_LATE - timedelta(minutes=1))
    assert world.get(f"/orders/{order['id']}")["state"] == "waiting"
    world.pass_time(90)
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "charger-offline")
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000
    sound(world)


def test_a_charger_that_was_taken_out_of_service(world: World) -> None:
    """Nobody begins to charge there, also not later."""
    box, _customer, order = waiting(world)
    assert world.http("PATCH", f"/chargers/{box.id}", {"status": "out_of_service"})[0] == 200
    until(world, box, 3 * HOUR + timedelta(minutes=1))
    failed = world.get(f"/orders/{order['id']}")
    assert (failed["state"], failed["failure"]) == ("failed", "out-of-service")


def test_a_start_that_the_charger_refuses_gives_the_money_back(world: World) -> None:
    """As with any order: nobody confirms it in time."""
    box, customer, order = waiting(world)
    until(world, box, 3 * HOUR + timedelta(minutes=5))
    assert len(box.orders(StartCharge)) == 1
    assert world.get(f"/orders/{order['id']}")["state"] == "failed"
    assert world.get(f"/wallets/{customer}")["balance_fen"] == 1000


def test_after_a_restart_it_starts_all_the_same(tmp_path: Path) -> None:
    """All that it waits for is written down."""
    world = World(tmp_path)
    box, _customer, order = waiting(world)
    world.killed()
    world.clock.advance(7200)
    again = World(tmp_path, world.clock)
    box.world = again
    box.connect()
    until(again, box, 3 * HOUR + timedelta(seconds=ROUND_S))
    assert len(box.orders(StartCharge)) == 1
    assert again.get(f"/orders/{order['id']}")["state"] == "starting"


def test_another_node_starts_it(tmp_path: Path) -> None:
    """Its charger went there; the node before, which was not told, starts nothing."""
    here = World(tmp_path)
    there = World(tmp_path, here.clock, slot=2)
    know_each_other(here, there)
    box, _customer, order = waiting(here)
    box.world = there
    box.connect()
    until(there, box, 3 * HOUR + timedelta(seconds=ROUND_S))
    assert len(box.orders(StartCharge)) == 1
    assert there.get(f"/orders/{order['id']}")["state"] == "starting"
    sound(there)


def test_a_node_that_is_late_does_not_start_it_again(tmp_path: Path) -> None:
    """Its charger went to another node, which has sent the start."""
    here = World(tmp_path)
    there = World(tmp_path, here.clock, slot=2)
    box, _customer, order = waiting(here)
    until(here, box, 3 * HOUR - timedelta(seconds=1))
    gate = busy(here, box)
    here.pass_time(ROUND_S + 1)
    # nobody tells it of the move
    before = box.transport
    box.world = there
    box.connect()
    until(there, box, 3 * HOUR + timedelta(seconds=3 * ROUND_S))
    assert len(box.orders(StartCharge)) == 1
    before.clear()
    gate.callback(None)
    here.pass_time(1)
    assert before.value() == b""
    assert there.get(f"/orders/{order['id']}")["state"] == "starting"
