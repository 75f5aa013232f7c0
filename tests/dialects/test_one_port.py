"""All dialects on one port: each is known by its first bytes, and a charge in each ends alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.testing import StringTransport

from chargecloud.calendar import Calendar
from chargecloud.interfaces import IDialect
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.native import SimulatedNative
from chargecloud.simulator.provisioning import facts_of
from chargecloud.simulator.speaking import ISimulatedDialect
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.simulated import SimulatedDny
from chargecloud_ocpp.dialect import OcppDialect
from chargecloud_ocpp.simulated import SimulatedOcpp
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.simulated import SimulatedYkc
from tests.garage import Wire
from tests.harness import NOW
from tests.simulator.charger_parts import bike
from tests.world import World, native_plugins

SPEAKS: dict[str, ISimulatedDialect] = {
    "native": SimulatedNative(),
    "dny": SimulatedDny(),
    "ykc": SimulatedYkc(),
    "ocpp": SimulatedOcpp(),
}
PORTS = 2
STEP_S = 5


class Station:
    """A simulated charger of a dialect, wired to a platform."""

    def __init__(self, world: World, site_id: str, dialect: str) -> None:
        speaks = SPEAKS[dialect]
        identity = speaks.identity(1, PORTS)
        body = {
            "site_id": site_id,
            "dialect": dialect,
            "identity": identity,
            "name": dialect,
            "ports": PORTS,
            "kind": "ebike",
            "rated_w": 1_600,
        }
        made = world.make("/chargers", body)
        self.world, self.id = world, made["id"]
        self.charger = SimulatedCharger(
            made["identity"], Memory.new(PORTS), NOW, lambda _ended, _at: None
        )
        if made.get("key"):
            self.charger.keys = Keyring(identity, made["key"])
        calendar = Calendar(world.clock.seconds)
        facts = facts_of(made["identity"], PORTS)
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
        if self.wire.is_hung_up:
            # it has been told another key
            self.wire.drop()
            self.connect()

    def plug(self) -> None:
        """Somebody plugs in."""
        self.charger.plug(1, bike(), self.world.calendar.now())
        self.carry()

    def order(self) -> str:
        """Somebody orders; the order's id."""
        body = {"charger_id": self.id, "port": 1, "customer_id": self.world.customer()}
        order_id: str = self.world.make("/orders", body)["id"]
        self.carry()
        return order_id


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A platform with one port for all of them."""
    own = native_plugins()
    vendors: list[IDialect] = [DnyDialect(), YkcDialect(), OcppDialect()]
    dialects = {**own.dialects, **{each.name: each for each in vendors}}
    made = World(tmp_path, plugins=evolve(own, dialects=dialects))
    yield made
    made.killed()


def test_a_charge_in_each_dialect_ends_as_the_same_kind_of_bill(world: World) -> None:
    """Settled, with lines that explain it; all four charge at the same time."""
    site_id = world.site()
    stations = [Station(world, site_id, dialect) for dialect in SPEAKS]
    for each in stations:
        each.plug()
    orders = [each.order() for each in stations]
    pass_time(world, stations, 3_600)
    assert states(world, orders) == ["charging"] * len(stations)
    for each in stations:
        each.charger.unplug(1, world.calendar.now())
        each.carry()
    pass_time(world, stations, 1_200)
    assert states(world, orders) == ["settled"] * len(stations)
    bills: list[dict[str, Any]] = [world.get(f"/orders/{order_id}") for order_id in orders]
    assert len({frozenset(bill) for bill in bills}) == 1
    for order in bills:
        assert order["energy_mwh"] > 0
        bill = world.get(f"/orders/{order['id']}/bill")
        assert order["amount_fen"] == sum(line["amount_fen"] for line in bill["lines"]) > 0


def pass_time(world: World, stations: list[Station], seconds: int) -> None:
    """Let time pass."""
    for _ in range(seconds // STEP_S):
        world.clock.advance(STEP_S)
        for each in stations:
            each.carry()


def states(world: World, orders: list[str]) -> list[str]:
    """How far orders have come."""
    return [world.get(f"/orders/{order_id}")["state"] for order_id in orders]
