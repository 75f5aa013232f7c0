"""The campus day, lived: everybody of the plan comes, charges, and fetches their bike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall

from chargecloud.simulator.api import ApiError, Problem
from chargecloud.simulator.boxes import Box, Spot
from chargecloud.simulator.campus import OPENS_HOUR, Visit
from chargecloud.simulator.visitors import Visitors

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
class CampusDay(Visitors):
    """
    Everybody who comes on one day, as it is planned.

    @ivar visits: in the order in which they begin.
    @ivar given_up: how many could not charge.
    """

    visits: Sequence[Visit]
    boxes: Sequence[Box]
    given_up: int = 0
    _next: int = field(default=0, init=False)
    _opening: datetime = field(init=False)
    _arrival: IDelayedCall | None = field(default=None, init=False)

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

    def _expect_next(self) -> None:
        if self._next < len(self.visits):
            real_s = self._real_s(self.visits[self._next].comes_s)
            self._arrival = self.clock.callLater(real_s, self._arrive)

    def _arrive(self) -> None:
        visit = self.visits[self._next]
        self._next += 1
        self._expect_next()
        self._begin(self._visit(visit))

    async def _visit(self, visit: Visit) -> None:
        spot = Spot(self.boxes[visit.box], visit.port)
        customer_id = await self.customers.take()
        try:
            spot.box.charger.plug(visit.port, visit.bike, self.calendar.now())
            if not await self._charge(visit, spot, customer_id):
                self.given_up += 1
                self._log.warn("somebody cannot charge: {visit}", visit=visit)
            await self._wait(self._real_s(visit.goes_s))
            self._unplug(spot)
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
                    await self._order(spot, customer_id, visit.limit, key)
            except Problem as problem:
                key = self.api.new_key()
                if problem.kind == "insufficient-funds":
                    await self.customers.top_up(customer_id)
                    continue
                await self._complain(problem, TRY_LATER_S)
            except ApiError as error:
                # the order may have been placed: it is asked for again under its key
                await self._complain(error, TRY_LATER_S)
            if await self._look_for(lambda: self._is_lit(spot), every_s=LOOK_S, for_s=LAMP_S):
                return True
            if visit.has_card:
                await self.customers.top_up(customer_id)
        return False

    def _real_s(self, after_opening_s: int) -> float:
        """Real seconds until an instant of the day."""
        at = self._opening + timedelta(seconds=after_opening_s)
        left_s = (at - self.calendar.now()).total_seconds()
        return max(0.0, left_s / self.calendar.anchor.speed)
