"""Simulated chargers in any dialect, each wired to a platform by bytes that somebody carries."""

from typing import Any

from twisted.internet.testing import StringTransport

from chargecloud.calendar import Calendar
from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.provisioning import facts_of
from chargecloud.simulator.speaking import ISimulatedDialect
from tests.garage import Wire
from tests.harness import NOW
from tests.simulator.charger_parts import bike
from tests.world import World

PORTS = 2
STEP_S = 5


class Station:
    """
    A charger of two ports.

    @ivar id: the platform's, of the charger.
    @ivar ended: what its charges have ended with, by its own account.
    """

    def __init__(self, world: World, speaks: ISimulatedDialect, site_id: str | None = None) -> None:
        body = {
            "site_id": site_id or world.site(),
            "dialect": speaks.name,
            "identity": speaks.identity(1, PORTS),
            "name": speaks.name,
            "ports": PORTS,
            "kind": "ebike",
            "rated_w": 1_600,
        }
        made = world.make("/chargers", body)
        self.world, self.id, identity = world, str(made["id"]), made["identity"]
        self.ended: list[ChargeEnded] = []
        self.charger = SimulatedCharger(
            identity, Memory.new(PORTS), NOW, lambda ended, _at: self.ended.append(ended)
        )
        if made.get("key"):
            self.charger.keys = Keyring(identity, made["key"])
        calendar = Calendar(world.clock.seconds)
        facts = facts_of(identity, PORTS)
        self._link = Link(self.charger, facts, calendar, world.clock, lambda: 0.0, speaks)
        self.connect()

    def connect(self) -> None:
        """A new connection."""
        self.wire = Wire(self._link.buildProtocol(None), self.world.listener.buildProtocol(None))
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

    def plug(self) -> "Station":
        """Somebody plugs in."""
        self.charger.plug(1, bike(), self.world.calendar.now())
        self.carry()
        return self

    def order(self, **more: Any) -> str:
        """Somebody orders; the order's id."""
        body = {"charger_id": self.id, "port": 1, "customer_id": self.world.customer(), **more}
        order_id: str = self.world.make("/orders", body)["id"]
        self.carry()
        return order_id

    def present(self, uid: str) -> None:
        """Somebody holds a card to it."""
        self.charger.present_card(1, uid, self.world.calendar.now())


def pass_time(seconds: int, *stations: Station) -> None:
    """Let time pass on a platform, a few seconds at a time."""
    for _ in range(seconds // STEP_S):
        stations[0].world.clock.advance(STEP_S)
        for each in stations:
            each.carry()
