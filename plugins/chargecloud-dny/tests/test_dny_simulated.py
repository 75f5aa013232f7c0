"""The simulator's DNY chargers on the platform: both sides by the same tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.testing import StringTransport

from chargecloud.calendar import Calendar
from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.link import Link
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.provisioning import facts_of
from chargecloud_dny.simulated import REPORT_S, SimulatedDny
from dny_box import dny_world
from tests.garage import Wire
from tests.harness import NOW
from tests.simulator.charger_parts import bike
from tests.world import World


class Simulated:
    """A simulated charger of two ports, wired to a platform."""

    def __init__(self, world: World) -> None:
        speaks = SimulatedDny()
        identity = speaks.identity(1, 2)
        body = {
            "site_id": world.site(),
            "dialect": "dny",
            "identity": identity,
            "name": identity,
            "ports": 2,
            "kind": "ebike",
            "rated_w": 1_600,
        }
        self.world = world
        self.id: str = world.make("/chargers", body)["id"]
        self.ended: list[ChargeEnded] = []
        self.charger = SimulatedCharger(
            identity, Memory.new(2), NOW, lambda ended, _at: self.ended.append(ended)
        )
        calendar = Calendar(world.clock.seconds)
        facts = facts_of(identity, 2)
        self.link = Link(self.charger, facts, calendar, world.clock, lambda: 0.0, speaks)
        self.connect()

    def connect(self) -> None:
        """A new connection."""
        self.wire = Wire(self.link.buildProtocol(None), self.world.listener.buildProtocol(None))
        self.wire.cloud.makeConnection(StringTransport())
        self.wire.station.makeConnection(StringTransport())
        self.carry()

    def carry(self) -> None:
        """Carry what was said both ways, until nothing moves."""
        while self.wire.carry():
            pass

    def pass_time(self, seconds: int) -> None:
        """Let time pass, a quarter of a minute at a time."""
        for _ in range(seconds // 15):
            self.world.clock.advance(15)
            self.carry()


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Simulated]:
    """A charger on a platform."""
    world = dny_world(tmp_path)
    yield Simulated(world)
    world.killed()


def start(simulated: Simulated, **more: object) -> str:
    """Somebody plugs in and orders; the order's id."""
    simulated.charger.plug(1, bike(), simulated.world.calendar.now())
    simulated.carry()
    body = {
        "charger_id": simulated.id,
        "port": 1,
        "customer_id": simulated.world.customer(),
        **more,
    }
    order_id: str = simulated.world.make("/orders", body)["id"]
    simulated.carry()
    return order_id


def test_a_charge_ends_as_a_bill(simulated: Simulated) -> None:
    """By the units that DNY has: hundredths of a kWh, of which it tells whole ones."""
    order_id = start(simulated, limit={"energy_wh": 300})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    simulated.pass_time(4 * 3_600)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert ended.start_meter_mwh is not None
    assert order["energy_mwh"] == ended.end_meter_mwh - ended.start_meter_mwh == 300_000
    # nothing of it waits any more
    assert not simulated.charger.memory.records


def test_a_lost_acknowledgement_makes_no_second_bill(simulated: Simulated) -> None:
    """The settlement is told again on the next connection, with another number."""
    order_id = start(simulated)
    simulated.pass_time(REPORT_S)
    simulated.charger.unplug(1, simulated.world.calendar.now())
    # what the cloud says to it is lost
    simulated.world.clock.advance(130)
    up = simulated.wire.station.transport.value()
    simulated.wire.cloud.dataReceived(up)
    simulated.wire.drop()
    assert simulated.charger.memory.records
    bill = simulated.world.get(f"/orders/{order_id}")
    simulated.connect()
    simulated.pass_time(120)
    assert not simulated.charger.memory.records
    assert simulated.world.get(f"/orders/{order_id}") == bill
    assert bill["state"] == "settled"


def test_a_card_is_asked_about(simulated: Simulated) -> None:
    """Its number is longer than DNY's own field, and stands in the one for such."""
    world = simulated.world
    uid = f"{7:016X}"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.charger.plug(1, bike(), world.calendar.now())
    simulated.charger.present_card(1, uid, world.calendar.now())
    simulated.pass_time(30)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "card")
