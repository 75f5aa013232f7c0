"""The drivers of the sessions: each comes, plugs in, orders, and fetches the car.

They act through the platform's HTTP API and at the station's socket, as all people do; what
they know of a charge is the lamp beside the socket, and their own car.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.simulator.acn.sessions import WEEK, ChargingSession
from chargecloud.simulator.acn.stations import Station
from chargecloud.simulator.api import Api, ApiError, Problem
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.boxes import Box, Spot
from chargecloud.simulator.customers import Customers

#: held for a charge: more than any car of the data takes, at the garage's price
LIMIT_FEN = 10_000
#: real seconds between two looks at the lamp, while something is to happen at once
LOOK_REAL_S = 0.25
#: real seconds in which the lamp has to go on after an order, and off after a stop
LAMP_REAL_S = 20.0
#: real seconds to the next try when the platform did not answer, or not sensibly
TRY_LATER_REAL_S = 5.0


@define(eq=False, slots=False)
class Drivers(Service):
    """
    The drivers of some sessions.

    @ivar sessions: in the order of their arrival.  Those of one station come one after the
        other; one that is taken when the next car arrives is waited for.
    @ivar boxes: the stations, by their names.
    @ivar done: the sessions that are over, with the ids of their orders.
    """

    sessions: Sequence[ChargingSession]
    boxes: Mapping[str, Box]
    api: Api
    customers: Customers
    clock: IReactorTime
    calendar: Calendar
    done: dict[str, list[str]] = field(factory=dict, init=False)
    _queues: "list[Deferred[None]]" = field(factory=list, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Wait for the first car at each station."""
        super().startService()
        for name, box in self.boxes.items():
            queue = [session for session in self.sessions if session.station == name]
            queuing = Deferred.fromCoroutine(self._attend(Spot(box, 1), queue))
            queuing.addErrback(self._broken_off)
            self._queues.append(queuing)

    def stopService(self) -> None:
        """Nobody does anything any more; cars stay where they are."""
        super().stopService()
        for queuing in self._queues:
            queuing.cancel()

    def _broken_off(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a station's sessions have failed", failure)

    async def _attend(self, spot: Spot, queue: Sequence[ChargingSession]) -> None:
        """The sessions of a station, one after the other."""
        if spot.box.taken_ports:
            # of a run before this one; its driver comes for it at once
            await self._leave(spot, None)
        for session in queue:
            await self._wait_until(session.arrived_at)
            customer_id = await self._come(session)
            try:
                await self._stay(spot, session, customer_id)
            finally:
                self.customers.come_home(customer_id)

    async def _come(self, session: ChargingSession) -> str:
        while True:
            try:
                return await self.customers.take()
            except ApiError as error:
                await self._complain(session, error)

    async def _stay(self, spot: Spot, session: ChargingSession, customer_id: str) -> None:
        """From plugging in to leaving: not before the data say, and with all of the energy."""
        station, port = Station(session.station), spot.box.charger.port(spot.port)
        car = Bike("car", station.rated_w * 1_000, 0, session.energy_mwh)
        spot.box.charger.plug(spot.port, car, self.calendar.now())
        orders: list[str] = []
        while not self._has_enough(spot):
            if spot.is_lit(self.calendar.now()):
                charge = port.charge
                left_s = car.curve.full_s - (0 if charge is None else charge.place_s)
                await self._wait(max(LOOK_REAL_S, left_s / self.calendar.anchor.speed))
                continue
            order_id = await self._order(spot, session, customer_id)
            orders.append(order_id)
            await self._wait_for_lamp(spot, is_lit=True)
        await self._wait_until(session.left_at)
        await self._leave(spot, orders[-1])
        self.done[session.id] = orders

    async def _order(self, spot: Spot, session: ChargingSession, customer_id: str) -> str:
        body = {
            "charger_id": spot.box.charger_id,
            "port": spot.port,
            "customer_id": customer_id,
            "limit": {"amount_fen": LIMIT_FEN},
        }
        key = self.api.new_key()
        while True:
            try:
                return str((await self.api.post("/orders", body, key))["id"])
            except Problem as problem:
                # an order that got no answer keeps its key, as it may have been placed
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self._top_up(session, customer_id)
                else:
                    await self._complain(session, problem)
            except ApiError as error:
                await self._complain(session, error)

    async def _top_up(self, session: ChargingSession, customer_id: str) -> None:
        try:
            await self.customers.top_up(customer_id)
        except ApiError as error:
            await self._complain(session, error)

    async def _leave(self, spot: Spot, order_id: str | None) -> None:
        """Stop the charge if the station has not ended it, and take the car away."""
        while order_id is not None and spot.is_lit(self.calendar.now()):
            try:
                await self.api.post(f"/orders/{order_id}/stop", {})
            except ApiError as error:
                self._log.info("a charge cannot be stopped: {error}", error=error)
            await self._wait_for_lamp(spot, is_lit=False)
        spot.unplug(self.calendar.now())
        await self._wait_for_lamp(spot, is_lit=False)

    async def _wait_for_lamp(self, spot: Spot, *, is_lit: bool) -> None:
        """Look until the lamp is on or off, or for as long as one can bear."""
        waited_s = 0.0
        while waited_s < LAMP_REAL_S:
            if spot.is_lit(self.calendar.now()) is is_lit or (is_lit and self._has_enough(spot)):
                return
            await self._wait(LOOK_REAL_S)
            waited_s += LOOK_REAL_S

    def _has_enough(self, spot: Spot) -> bool:
        """Whether the car has taken all that it wants."""
        spot.box.charger.advance(self.calendar.now())
        port = spot.box.charger.port(spot.port)
        assert port.bike is not None
        charge = port.charge
        return (port.bike if charge is None else evolve(port.bike, place_s=charge.place_s)).is_full

    async def _complain(self, session: ChargingSession, error: ApiError) -> None:
        self._log.info("{id} tries again later: {error}", id=session.id, error=error)
        await self._wait(TRY_LATER_REAL_S)

    async def _wait_until(self, at: datetime) -> None:
        left_s = (at - self.calendar.now()).total_seconds() / self.calendar.anchor.speed
        if left_s > 0:
            await self._wait(left_s)

    def _wait(self, real_s: float) -> "Deferred[None]":
        return deferLater(self.clock, real_s)


def to_week_of(
    now: datetime, sessions: Sequence[ChargingSession], monday: datetime
) -> tuple[ChargingSession, ...]:
    """The sessions of a week in the week of now, without those that are past: moved by whole
    weeks, so that a Friday's cars still come on a Friday."""
    moved: timedelta = (now - monday) // WEEK * WEEK
    return tuple(
        [
            evolve(each, arrived_at=each.arrived_at + moved, left_at=each.left_at + moved)
            for each in sessions
            if each.arrived_at + moved >= now
        ]
    )
