"""The campus day, lived: everybody of the plan comes, charges, and fetches their bike."""

from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from chargecloud.simulator.campus import OPENS_HOUR, Visit
from chargecloud.simulator.customers import Customers

ZONE = ZoneInfo("Asia/Shanghai")
#: how often somebody tries to begin a charge
MOST_TRIES = 5
#: real seconds to the next try, and in which the lamp beside the socket has to go on
TRY_LATER_S = 1.0
LAMP_S = 10.0
LOOK_S = 0.1


def next_opening(now: datetime) -> datetime:
    """The next time that the day begins."""
    local = now.astimezone(ZONE)
    opening = local.replace(hour=OPENS_HOUR, minute=0, second=0, microsecond=0)
    return opening if opening > local else opening + timedelta(days=1)


@define(eq=False, slots=False)
class CampusDay(Service):
    """
    Everybody who comes on one day, as it is planned.

    @ivar visits: in the order in which they begin.
    @ivar given_up: how many could not charge.
    """

    visits: Sequence[Visit]
    boxes: Sequence[Box]
    api: Api
    customers: Customers
    clock: IReactorTime
    calendar: Calendar
    given_up: int = 0
    _next: int = field(default=0, init=False)
    _opening: datetime = field(init=False)
    _arrival: IDelayedCall | None = field(default=None, init=False)
    _running: "set[Deferred[None]]" = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Wait for the opening."""
        super().startService()
        self._opening = next_opening(self.calendar.now())
        self._log.info(
            "{visits} people come from {opening} on", visits=len(self.visits), opening=self._opening
        )
        self._expect_next()

    def stopService(self) -> None:
        """Nobody does anything any more."""
        super().stopService()
        if self._arrival is not None and self._arrival.active():
            self._arrival.cancel()
        for visit in list(self._running):
            visit.cancel()

    def _expect_next(self) -> None:
        if self._next < len(self.visits):
            real_s = self._real_s(self.visits[self._next].comes_s)
            self._arrival = self.clock.callLater(real_s, self._arrive)

    def _arrive(self) -> None:
        visit = self.visits[self._next]
        self._next += 1
        self._expect_next()
        self._begin(self._visit(visit))

    def _begin(self, visit: "Coroutine[Deferred[Any], Any, None]") -> None:
        visiting = Deferred.fromCoroutine(visit)
        self._running.add(visiting)
        visiting.addErrback(self._broken_off)
        visiting.addBoth(lambda _: self._running.discard(visiting))

    def _broken_off(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a visit has failed", failure)

    async def _visit(self, visit: Visit) -> None:
        spot = Spot(self.boxes[visit.box], visit.port)
        customer_id = await self.customers.take()
        try:
            spot.box.charger.plug(visit.port, visit.bike, self.calendar.now())
            if not await self._charge(visit, spot, customer_id):
                self.given_up += 1
                self._log.warn("somebody cannot charge: {visit}", visit=visit)
            await deferLater(self.clock, self._real_s(visit.goes_s))
            spot.unplug(self.calendar.now())
        finally:
            self.customers.come_home(customer_id)

    async def _charge(self, visit: Visit, spot: Spot, customer_id: str) -> bool:
        """Begin a charge; whether the lamp is lit."""
        key = self.api.new_key()
        for _ in range(MOST_TRIES):
            try:
                if visit.has_card:
                    uid = await self.customers.card_of(customer_id)
                    spot.box.charger.present_card(spot.port, uid, self.calendar.now())
                else:
                    await self._order(visit, spot, customer_id, key)
            except Problem as problem:
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self.customers.top_up(customer_id)
                    continue
                self._log.info("somebody tries again: {problem}", problem=problem)
                await deferLater(self.clock, TRY_LATER_S)
            except ApiError as error:
                # the order may have been placed: it is asked for again under its key
                self._log.info("somebody tries again: {error}", error=error)
                await deferLater(self.clock, TRY_LATER_S)
            if await self._is_lit(spot):
                return True
            if visit.has_card:
                await self.customers.top_up(customer_id)
        return False

    async def _order(self, visit: Visit, spot: Spot, customer_id: str, key: str) -> None:
        body: dict[str, Any] = {
            "charger_id": spot.box.charger_id,
            "port": spot.port,
            "customer_id": customer_id,
        }
        if visit.limit is not None:
            body["limit"] = visit.limit
        await self.api.post("/orders", body, key)

    async def _is_lit(self, spot: Spot) -> bool:
        waited_s = 0.0
        while not spot.is_lit(self.calendar.now()) and waited_s < LAMP_S:
            await deferLater(self.clock, LOOK_S)
            waited_s += LOOK_S
        return spot.is_lit(self.calendar.now())

    def _real_s(self, after_opening_s: int) -> float:
        """Real seconds until an instant of the day."""
        at = self._opening + timedelta(seconds=after_opening_s)
        left_s = (at - self.calendar.now()).total_seconds()
        return max(0.0, left_s / self.calendar.anchor.speed)
