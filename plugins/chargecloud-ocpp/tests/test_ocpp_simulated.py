"""The simulator's OCPP chargers on the platform: both sides by the same tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.testing import StringTransport

from chargecloud.calendar import Calendar
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.provisioning import facts_of
from chargecloud_ocpp.simulated import SimulatedOcpp
from ocpp_point import ocpp_world, register
from tests.garage import Wire
from tests.harness import NOW
from tests.simulator.charger_parts import bike
from tests.world import World


class Simulated:
    """A simulated charger of two ports, wired to a platform."""

    def __init__(self, world: World) -> None:
        speaks = SimulatedOcpp()
        identity = speaks.identity(1, 2)
        made = register(world, identity, kind="ebike", rated_w=1_600)
        self.world = world
        self.id: str = made["id"]
        self.ended: list[ChargeEnded] = []
        self.charger = SimulatedCharger(
            identity, Memory.new(2), NOW, lambda ended, _at: self.ended.append(ended)
        )
        self.charger.keys = Keyring(identity, made["key"])
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
            # what is due at once
            self.world.clock.advance(0)

    def pass_time(self, seconds: int) -> None:
        """Let time pass, five seconds at a time."""
        for _ in range(seconds // 5):
            self.world.clock.advance(5)
            self.carry()


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Simulated]:
    """A charger on a platform."""
    world = ocpp_world(tmp_path)
    yield Simulated(world)
    world.killed()


def start(simulated: Simulated, **more: object) -> str:
    """Somebody plugs in and orders; the order's id."""
    simulated.charger.plug(1, bike(), simulated.world.calendar.now())
    simulated.carry()
    customer = simulated.world.customer()
    body = {"charger_id": simulated.id, "port": 1, "customer_id": customer, **more}
    order_id: str = simulated.world.make("/orders", body)["id"]
    simulated.carry()
    return order_id


def test_a_charge_ends_as_a_bill(simulated: Simulated) -> None:
    """At the energy that was ordered or a little before, explained by its curve."""
    order_id = start(simulated, limit={"energy_wh": 300})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    simulated.pass_time(3 * 3_600)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert order["energy_mwh"] == ended.end_meter_mwh // 1_000 * 1_000
    assert 299_000 <= order["energy_mwh"] <= 300_000
    bill = simulated.world.get(f"/orders/{order_id}/bill")
    assert (order["amount_fen"], sum(line["amount_fen"] for line in bill["lines"])) == (30, 30)
    # nothing of it waits any more
    assert not simulated.charger.memory.records


def test_a_lost_acknowledgement_makes_no_second_bill(simulated: Simulated) -> None:
    """The end is told again on the next connection, with another message's number."""
    order_id = start(simulated)
    simulated.pass_time(600)
    simulated.charger.end(simulated.charger.port(1), StopReason.USER)
    simulated.world.clock.advance(0)
    # that nothing charges any more is told and answered first; what is answered to the end is lost
    simulated.wire.carry()
    simulated.wire.carry()
    simulated.wire.cloud.dataReceived(simulated.wire.station.transport.value())
    simulated.wire.drop()
    assert simulated.charger.memory.records
    bill = simulated.world.get(f"/orders/{order_id}")
    simulated.connect()
    simulated.pass_time(120)
    assert not simulated.charger.memory.records
    assert simulated.world.get(f"/orders/{order_id}") == bill
    assert (bill["state"], bill["stop_reason"]) == ("settled", "user")


def test_a_card_begins_and_ends_a_charge(simulated: Simulated) -> None:
    """The charge point asks whether it may, and begins by itself."""
    world, uid = simulated.world, "04A1B2C3"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.charger.plug(1, bike(), world.calendar.now())
    simulated.charger.present_card(1, uid, world.calendar.now())
    simulated.pass_time(600)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "offline")
    simulated.charger.present_card(1, uid, world.calendar.now())
    simulated.pass_time(30)
    bill = world.get(f"/orders/{order['id']}")
    assert (bill["state"], bill["stop_reason"]) == ("settled", "user")
