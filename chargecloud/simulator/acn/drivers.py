"""The drivers of the sessions: each comes, plugs in, orders, and fetches the car.

They act as all visitors do; what they know besides is how much their own car wants.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import define, evolve, field

from chargecloud.simulator.acn.sessions import WEEK, ChargingSession
from chargecloud.simulator.acn.stations import Station
from chargecloud.simulator.api import ApiError, Problem
from chargecloud.simulator.bikes import Bike
from chargecloud.simulator.boxes import Box, Spot
from chargecloud.simulator.visitors import Visitors

#: held for a charge: more than any car of the data takes, at the garage's price
LIMIT = {"amount_fen": 10_000}
#: real seconds between two looks at the lamp, while something is to happen at once
LOOK_REAL_S = 0.25
#: real seconds in which the lamp has to go on after an order, and off after a stop
LAMP_REAL_S = 20.0
#: real seconds to the next try when the platform did not answer, or not sensibly
TRY_LATER_REAL_S = 5.0


@define(eq=False, slots=False)
class Drivers(Visitors):
    """
    The drivers of some sessions.

    @ivar sessions: in the order of their arrival.  Those of one station come one after the
        other; one that is taken when the next car arrives is waited for.
    @ivar boxes: the stations, by their names.
    @ivar done: the sessions that are over, with the ids of their orders.
    """

    sessions: Sequence[ChargingSession]
    boxes: Mapping[str, Box]
    done: dict[str, list[str]] = field(factory=dict, init=False)

    def startService(self) -> None:
        """Wait for the first car at each station."""
        super().startService()
        for name, box in self.boxes.items():
            queue = [session for session in self.sessions if session.station == name]
            self._begin(self._attend(Spot(box, 1), queue))

    async def _attend(self, spot: Spot, queue: Sequence[ChargingSession]) -> None:
        """The sessions of a station, one after the other."""
        if spot.box.taken_ports:
            # of a run before this one; its driver comes for it at once
            await self._leave(spot, None)
        for session in queue:
            await self._wait_until(session.arrived_at)
            customer_id = await self._come()
            try:
                await self._stay(spot, session, customer_id)
            finally:
                self.customers.come_home(customer_id)

    async def _come(self) -> str:
        while True:
            try:
                return await self.customers.take()
            except ApiError as error:
                await self._complain(error, TRY_LATER_REAL_S)

    async def _stay(self, spot: Spot, session: ChargingSession, customer_id: str) -> None:
        """From plugging in to leaving: not before the data say, and with all of the energy."""
        station, port = Station(session.station), spot.box.charger.port(spot.port)
        car = Bike("car", station.rated_w * 1_000, 0, session.energy_mwh)
        spot.box.charger.plug(spot.port, car, self.calendar.now())
        orders: list[str] = []
        while not self._has_enough(spot):
            if self._is_lit(spot):
                charge = port.charge
                left_s = car.curve.full_s - (0 if charge is None else charge.place_s)
                await self._wait(max(LOOK_REAL_S, left_s / self.calendar.anchor.speed))
                continue
            order_id = await self._get_order(spot, customer_id)
            orders.append(order_id)
            await self._look(lambda: self._is_lit(spot) or self._has_enough(spot))
        await self._wait_until(session.left_at)
        await self._leave(spot, orders[-1])
        self.done[session.id] = orders

    async def _get_order(self, spot: Spot, customer_id: str) -> str:
        """Order until there is one."""
        key = self.api.new_key()
        while True:
            try:
                return await self._order(spot, customer_id, LIMIT, key)
            except Problem as problem:
                # an order that got no answer keeps its key, as it may have been placed
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self._top_up(customer_id, TRY_LATER_REAL_S)
                else:
                    await self._complain(problem, TRY_LATER_REAL_S)
            except ApiError as error:
                await self._complain(error, TRY_LATER_REAL_S)

    async def _leave(self, spot: Spot, order_id: str | None) -> None:
        """Stop the charge if the station has not ended it, and take the car away."""
        while order_id is not None and self._is_lit(spot):
            try:
                await self.api.post(f"/orders/{order_id}/stop", {})
            except ApiError as error:
                self._log.info("a charge cannot be stopped: {error}", error=error)
            await self._look(lambda: not self._is_lit(spot))
        self._unplug(spot)
        await self._look(lambda: not self._is_lit(spot))

    async def _look(self, seen: Callable[[], bool]) -> None:
        await self._look_for(seen, every_s=LOOK_REAL_S, for_s=LAMP_REAL_S)

    def _has_enough(self, spot: Spot) -> bool:
        """Whether the car has taken all that it wants."""
        spot.box.charger.advance(self.calendar.now())
        port = spot.box.charger.port(spot.port)
        assert port.bike is not None
        charge = port.charge
        return (port.bike if charge is None else evolve(port.bike, place_s=charge.place_s)).is_full

    async def _wait_until(self, at: datetime) -> None:
        left_s = (at - self.calendar.now()).total_seconds() / self.calendar.anchor.speed
        if left_s > 0:
            await self._wait(left_s)


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
