"""People who come, plug in, order, and fetch their bikes.

Each of them acts through the platform's HTTP API and at the charger's socket, and in no
other way: what they know of a charge is the lamp beside the socket.
"""

from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.simulator.api import Api, ApiError, Problem
from chargecloud.simulator.boxes import Box, Spot
from chargecloud.simulator.customers import Customers
from chargecloud.simulator.habits import Plan, draw_linger_s, draw_plan
from chargecloud.simulator.scenarios import FILLING_S, Scenario

#: how often somebody tries to get a charge before going home
MOST_TRIES = 4
MOST_CARD_TRIES = 2
#: real seconds to the next try when the platform did not answer, or not sensibly
TRY_LATER_S = 5.0
#: real seconds in which the lamp beside the socket has to go on after an order
LAMP_S = 20.0
#: real seconds between two looks at the lamp, at the least
LOOK_LEAST_REAL_S = 1.0


@define(eq=False, slots=False)
class People(Service):
    """
    Everybody who comes to a fleet's boxes.

    @ivar random: whatever people do by chance is drawn from it.
    """

    boxes: Sequence[Box]
    scenario: Scenario
    api: Api
    customers: Customers
    clock: IReactorTime
    calendar: Calendar
    random: Random
    _visits: "set[Deferred[None]]" = field(factory=set, init=False)
    _arrival: IDelayedCall | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    # ------------------------------------------------------------------- who comes when

    def startService(self) -> None:
        """Open the doors.  Bikes that are there already have owners who will come back."""
        super().startService()
        habits = self.scenario.habits
        for box in self.boxes:
            for port in box.taken_ports:
                linger_s = draw_linger_s(self.random, habits)
                self._begin(self._fetch(Spot(box, port), None, linger_s))
            if self.scenario.fills:
                self._fill(box)
        self._expect_next()

    def stopService(self) -> None:
        """Nobody does anything any more; bikes stay where they are."""
        super().stopService()
        if self._arrival is not None and self._arrival.active():
            self._arrival.cancel()
        for visit in list(self._visits):
            visit.cancel()

    def _fill(self, box: Box) -> None:
        ports = len(box.charger.memory.ports)
        wanted = max(1, ports * self.scenario.busy_percent // 100) - len(box.taken_ports)
        for _ in range(wanted):
            self._begin(self._come_late(box, self.random.uniform(0, FILLING_S)))

    def _expect_next(self) -> None:
        ports = sum(len(box.charger.memory.ports) for box in self.boxes)
        gap_s = self.scenario.arrival_gap_s(ports)
        if gap_s is not None:
            real_s = self.random.expovariate(1 / gap_s) / self.calendar.anchor.speed
            self._arrival = self.clock.callLater(real_s, self._arrive)

    def _arrive(self) -> None:
        self._expect_next()
        self._begin(self._visit(self.random.choice(self.boxes)))

    def _begin(self, visit: "Coroutine[Deferred[Any], Any, None]") -> None:
        visiting = Deferred.fromCoroutine(visit)
        self._visits.add(visiting)
        visiting.addErrback(self._broken_off)
        visiting.addBoth(lambda _: self._visits.discard(visiting))

    def _broken_off(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a visit has failed", failure)

    # -------------------------------------------------------------------------- a visit

    async def _come_late(self, box: Box, real_s: float) -> None:
        await self._wait(real_s)
        await self._visit(box)

    async def _visit(self, box: Box) -> None:
        """From coming to a box to leaving with the bike."""
        plan = draw_plan(self.random, self.scenario.habits, self.scenario.card_percent)
        try:
            customer_id = await self.customers.take()
        except ApiError as error:
            self._log.info("somebody cannot register: {error}", error=error)
            return
        try:
            if plan.has_card:
                spot = await self._show_card(customer_id, plan, box)
            else:
                spot = await self._charge(customer_id, plan, box)
            if spot is not None:
                await self._fetch(spot, plan.patience_s, plan.linger_s)
        finally:
            self.customers.come_home(customer_id)

    async def _charge(self, customer_id: str, plan: Plan, box: Box) -> Spot | None:
        """
        Plug in and order.

        @return: where the bike charges now; C{None} if its owner has given up.
        """
        spot = self._plug(box, plan)
        key = self.api.new_key()
        for _ in range(MOST_TRIES):
            if spot is None:
                break
            try:
                await self._order(customer_id, plan, spot, key)
                await self._wait_for_lamp(spot)
                return spot
            except Problem as problem:
                # an order that got no answer keeps its key, as it may have been placed
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self._top_up(customer_id)
                elif problem.status == 409:
                    self._unplug(spot)
                    spot = self._plug(self.random.choice(self.boxes), plan)
                else:
                    await self._complain(problem)
            except ApiError as error:
                await self._complain(error)
        if spot is not None:
            self._unplug(spot)
        return None

    async def _show_card(self, customer_id: str, plan: Plan, box: Box) -> Spot | None:
        """
        Plug in and hold a card to the charger, which shows by its lamp whether that worked.

        @return: as of L{_charge}.
        """
        spot = self._plug(box, plan)
        for _ in range(MOST_CARD_TRIES):
            if spot is None:
                break
            try:
                uid = await self.customers.card_of(customer_id)
            except ApiError as error:
                await self._complain(error)
                continue
            spot.box.charger.present_card(spot.port, uid, self.calendar.now())
            if await self._wait_for_lamp(spot):
                return spot
            # the card may be empty
            await self._top_up(customer_id)
        if spot is not None:
            self._unplug(spot)
        return None

    async def _order(self, customer_id: str, plan: Plan, spot: Spot, key: str) -> None:
        body: dict[str, Any] = {
            "charger_id": spot.box.charger_id,
            "port": spot.port,
            "customer_id": customer_id,
        }
        if plan.limit is not None:
            body["limit"] = plan.limit
        await self.api.post("/orders", body, key)

    async def _top_up(self, customer_id: str) -> None:
        try:
            await self.customers.top_up(customer_id)
        except ApiError as error:
            await self._complain(error)

    async def _complain(self, error: ApiError) -> None:
        self._log.info("somebody tries again later: {error}", error=error)
        await self._wait(TRY_LATER_S)

    async def _wait_for_lamp(self, spot: Spot) -> bool:
        """Stay until the charge has begun, or for as long as one can bear; whether it has."""
        waited_s = 0.0
        while not self._is_lit(spot) and waited_s < LAMP_S:
            await self._wait(LOOK_LEAST_REAL_S)
            waited_s += LOOK_LEAST_REAL_S
        return self._is_lit(spot)

    async def _fetch(self, spot: Spot, patience_s: int | None, linger_s: int) -> None:
        """Come back for the bike when it has been charged, or when patience has an end."""
        speed = self.calendar.anchor.speed
        look_s = max(self.scenario.habits.look_s, int(LOOK_LEAST_REAL_S * speed))
        waited_s = 0
        while self._is_lit(spot):
            if patience_s is not None and waited_s >= patience_s:
                self._unplug(spot)
                return
            await self._wait(look_s / speed)
            waited_s += look_s
        await self._wait(linger_s / speed)
        self._unplug(spot)

    # ---------------------------------------------------------------------- at the socket

    def _plug(self, box: Box, plan: Plan) -> Spot | None:
        ports = box.free_ports
        if not ports:
            return None
        spot = Spot(box, self.random.choice(ports))
        box.charger.plug(spot.port, plan.bike, self.calendar.now())
        return spot

    def _unplug(self, spot: Spot) -> None:
        spot.unplug(self.calendar.now())

    def _is_lit(self, spot: Spot) -> bool:
        return spot.is_lit(self.calendar.now())

    def _wait(self, real_s: float) -> "Deferred[None]":
        return deferLater(self.clock, real_s)
