"""The garage of real sessions in memory: the simulator's own stations, links and drivers, and a
whole platform, in step with clocks.  Bytes go through both sides' codecs, and requests through
the API, without a socket.

A station is connected while one of its cars charges, and not in the weeks between: years of
heartbeats would say nothing of energy.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from attrs import define
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.domain.events import ChargeEnded
from chargecloud.simulator.acn.drivers import Drivers
from chargecloud.simulator.acn.providing import GarageProvisioning
from chargecloud.simulator.acn.sessions import ChargingSession
from chargecloud.simulator.acn.stations import stations_of
from chargecloud.simulator.api import Api
from chargecloud.simulator.boxes import Box
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.customers import Customers
from chargecloud.simulator.flash import FleetMemory
from chargecloud.simulator.link import Link
from chargecloud.simulator.provisioning import facts_of
from chargecloud.web.serving import make_resource
from tests.harness import clock_at
from tests.world import World

#: a station is there this long before its car, and again after it has hung up
BEFORE_S = 2
AGAIN_S = 0.5


@define(eq=False)
class Wire:
    """A station's connection, whose bytes somebody has to carry."""

    station: Any
    cloud: Any

    def carry(self) -> bool:
        """Carry what was said both ways; whether there was anything."""
        up, down = self.station.transport.value(), self.cloud.transport.value()
        self.station.transport.clear()
        self.cloud.transport.clear()
        if up:
            self.cloud.dataReceived(up)
        if down:
            self.station.dataReceived(down)
        return bool(up or down)

    @property
    def is_hung_up(self) -> bool:
        """Whether a side has closed it: a station does when it has got another key."""
        up, down = self.station.transport, self.cloud.transport
        return bool(up.disconnecting or down.disconnecting)

    def drop(self) -> None:
        """The network takes it."""
        gone = Failure(ConnectionLost())
        self.station.connectionLost(gone)
        self.cloud.connectionLost(gone)


class Garage:
    """
    The stations of some sessions, and a platform.

    @ivar clock: the simulator's; the platform's goes with it.
    @ivar drivers: not started yet.
    @ivar ended: what each charge drew, by the stations' own account, with its station.
    """

    def __init__(self, folder: Path, sessions: Sequence[ChargingSession]) -> None:
        first = min(each.arrived_at for each in sessions).astimezone(UTC)
        opening = first - timedelta(hours=1)
        self.clock = clock_at(opening)
        self.world = World(folder, clock_at(opening), connections=100)
        self.sessions = sessions
        self.ended: list[tuple[str, ChargeEnded]] = []
        self._wires: dict[str, Wire] = {}
        self._agent: Any = RequestTraversalAgent(
            make_resource(self.world.platform.routes, lambda _token: succeed(self.world.caller))
        )
        self._calendar = calendar = Calendar(self.clock.seconds)
        self._due: dict[str, int] = {}
        self._arrivals: dict[str, list[datetime]] = {}
        for each in sessions:
            self._arrivals.setdefault(each.station, []).append(each.arrived_at)
        api = Api(self._agent, self.clock, "http://test", "test")
        memory = FleetMemory()
        made = self._asked(
            GarageProvisioning(api, memory, lambda: succeed(None)).provide(stations_of(sessions))
        )
        self.links: dict[str, Link] = {}
        boxes: dict[str, Box] = {}
        for member in made:
            member.memory.boot = 1
            charger = SimulatedCharger(
                member.identity, member.memory, calendar.now(), partial(self._end, member.identity)
            )
            charger.keys = member.keys
            jitter = Random(1).random
            facts = facts_of(member.identity, 1)
            self.links[member.identity] = Link(charger, facts, calendar, self.clock, jitter)
            boxes[member.identity] = Box(member.charger_id, charger)
        self.boxes = boxes
        customers = Customers(api, memory.customers)
        self.drivers = Drivers(api, customers, self.clock, calendar, sessions, boxes)

    def play(self) -> "Garage":
        """Let all cars come, charge and go."""
        for session in self.sessions:
            at_s = session.arrived_at.timestamp() - BEFORE_S - self.clock.seconds()
            self.clock.callLater(at_s, self._connect, session.station)
        self.drivers.startService()
        while len(self.drivers.done) < len(self.sessions) or self._wires:
            self._pass(max(0.0, self.clock.calls[0].getTime() - self.clock.seconds()))
            self._part()
        self.drivers.stopService()
        return self

    def orders(self) -> dict[str, Any]:
        """All orders of the platform, by their ids."""
        found: dict[str, Any] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = self.world.get("/orders?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            found |= {order["id"]: order for order in page["items"]}
            cursor = page["next"]
        return found

    def _end(self, station: str, ended: ChargeEnded, _at: datetime) -> None:
        self.ended.append((station, ended))

    def _asked(self, coroutine: Any) -> Any:
        """The result of what only waits for the platform's answers."""
        asked = Deferred.fromCoroutine(coroutine)
        results: list[Any] = []
        asked.addBoth(results.append)
        self._carry()
        (result,) = results
        assert not isinstance(result, Failure), result
        return result

    def _pass(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.clock.advance(seconds)
        self._carry()

    def _carry(self) -> None:
        moved = True
        while moved:
            moved = any(wire.carry() for wire in list(self._wires.values()))
            moved = (bool(self._agent._pumps) and self._flush()) or moved
        for station in [name for name, wire in self._wires.items() if wire.is_hung_up]:
            self._wires.pop(station).drop()
            self.clock.callLater(AGAIN_S, self._connect, station)

    def _flush(self) -> bool:
        before = len(self._agent._pumps)
        self._agent.flush()
        return len(self._agent._pumps) != before

    def _connect(self, station: str) -> None:
        if station not in self._wires:
            wire = Wire(
                self.links[station].buildProtocol(None), self.world.listener.buildProtocol(None)
            )
            self._wires[station] = wire
            wire.cloud.makeConnection(StringTransport())
            wire.station.makeConnection(StringTransport())

    def _part(self) -> None:
        """Connections are over with their charges, once the platform has all records and no
        driver is about to do something."""
        now = self._calendar.now()
        for station, wire in list(self._wires.items()):
            memory = self.boxes[station].charger.memory
            is_over = memory.ports[0].charge is None and not memory.records
            due = self._due.get(station, 0)
            while due < len(self._arrivals[station]) and self._arrivals[station][due] < now:
                due += 1
            self._due[station] = due
            arrivals = self._arrivals[station]
            is_alone = due == len(arrivals) or arrivals[due] - now > timedelta(seconds=2 * BEFORE_S)
            if is_over and is_alone and self._has_enough(station):
                del self._wires[station]
                wire.drop()

    def _has_enough(self, station: str) -> bool:
        bike = self.boxes[station].charger.memory.ports[0].bike
        return bike is None or bike.is_full
