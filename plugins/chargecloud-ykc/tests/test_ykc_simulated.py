"""The simulator's YKC piles on the platform: both sides by the same tables."""

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
from chargecloud_ykc.prices import NO_MODEL
from chargecloud_ykc.simulated import SimulatedYkc, YkcSession
from tests.garage import Wire
from tests.harness import NOW
from tests.simulator.charger_parts import bike
from tests.world import World
from ykc_pile import pile, ykc_world


class Simulated:
    """A simulated pile of two guns, wired to a platform."""

    def __init__(self, world: World) -> None:
        speaks = SimulatedYkc()
        identity = speaks.identity(1, 2)
        self.world, self.id = world, pile(world, identity).charger_id
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
        """Let time pass, five seconds at a time."""
        for _ in range(seconds // 5):
            self.world.clock.advance(5)
            self.carry()

    def order(self, **more: object) -> str:
        """Somebody orders; the order's id."""
        customer = self.world.customer()
        body = {"charger_id": self.id, "port": 1, "customer_id": customer, **more}
        order_id: str = self.world.make("/orders", body)["id"]
        self.carry()
        return order_id

    def plug(self) -> None:
        """Somebody plugs in."""
        self.charger.plug(1, bike(), self.world.calendar.now())
        self.carry()


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[Simulated]:
    """A pile on a platform."""
    world = ykc_world(tmp_path)
    yield Simulated(world)
    world.killed()


def test_a_charge_ends_as_a_bill(simulated: Simulated) -> None:
    """The pile knows no limit of energy: the platform ends the charge by its readings, and the
    record says what was drawn to the last 0.0001 kWh."""
    simulated.plug()
    order_id = simulated.order(limit={"energy_wh": 50})
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"
    simulated.pass_time(3_600)
    order = simulated.world.get(f"/orders/{order_id}")
    assert (order["state"], order["stop_reason"]) == ("settled", "limit_energy")
    (ended,) = simulated.ended
    assert ended.end_meter_mwh is not None
    assert ended.start_meter_mwh is not None
    drawn_mwh = ended.end_meter_mwh - ended.start_meter_mwh
    assert order["energy_mwh"] == drawn_mwh // 100 * 100
    assert not simulated.charger.memory.records


def test_the_plug_may_come_later(simulated: Simulated) -> None:
    """Within the second chance."""
    order_id = simulated.order()
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "starting"
    simulated.pass_time(30)
    simulated.plug()
    simulated.pass_time(15)
    assert simulated.world.get(f"/orders/{order_id}")["state"] == "charging"


def test_a_card_begins_a_charge(simulated: Simulated) -> None:
    """By the answer to its question."""
    world, uid = simulated.world, f"{7:016X}"
    world.make("/cards", {"uid": uid, "customer_id": world.customer(), "status": "active"})
    simulated.plug()
    simulated.charger.present_card(1, uid, world.calendar.now())
    simulated.pass_time(30)
    (order,) = world.get(f"/orders?charger_id={simulated.id}")["items"]
    assert (order["state"], order["origin"]) == ("charging", "card")


def test_it_is_given_a_billing_model(simulated: Simulated) -> None:
    """It has none when it comes."""
    session = simulated.wire.station.session
    assert isinstance(session, YkcSession)
    assert session.model != NO_MODEL
