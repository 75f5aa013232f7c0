"""People at the boxes: what all of them do, whoever they are and whenever they come.

Each of them acts through the platform's HTTP API and at the charger's socket, and in no
other way: what they know of a charge is the lamp beside the socket.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.simulator.api import Api, ApiError
from chargecloud.simulator.boxes import Spot
from chargecloud.simulator.customers import Customers


@define(eq=False, slots=False)
class Visitors(Service):
    """
    Some people, and the visits that they are on.

    @ivar api: the platform's.
    @ivar customers: whom the platform knows them as.
    @ivar clock: of real time; C{calendar}, of theirs.
    """

    api: Api
    customers: Customers
    clock: IReactorTime
    calendar: Calendar
    _visits: "set[Deferred[None]]" = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def stopService(self) -> None:
        """Nobody does anything any more; what is plugged in stays so."""
        super().stopService()
        for visit in list(self._visits):
            visit.cancel()

    def _begin(self, visit: "Coroutine[Deferred[Any], Any, None]") -> None:
        """Set out on a visit.  One that fails is told, and is nobody else's matter."""
        visiting = Deferred.fromCoroutine(visit)
        self._visits.add(visiting)
        visiting.addErrback(self._broken_off)
        visiting.addBoth(lambda _: self._visits.discard(visiting))

    def _broken_off(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("a visit has failed", failure)

    async def _order(
        self, spot: Spot, customer_id: str, limit: Mapping[str, object] | None, key: str
    ) -> str:
        """
        Order a charge.

        @param key: the same for each attempt at one order.
        @return: the order's id.
        @raise Problem: if it is refused.
        @raise ApiError: if it is not known whether it was placed.
        """
        body: dict[str, Any] = {
            "charger_id": spot.box.charger_id,
            "port": spot.port,
            "customer_id": customer_id,
        }
        if limit is not None:
            body["limit"] = dict(limit)
        return str((await self.api.post("/orders", body, key))["id"])

    async def _top_up(self, customer_id: str, later_s: float) -> None:
        """Put money into a wallet; if that is refused, wait before anything else is tried."""
        try:
            await self.customers.top_up(customer_id)
        except ApiError as error:
            await self._complain(error, later_s)

    async def _complain(self, error: ApiError, later_s: float) -> None:
        self._log.info("somebody tries again later: {error}", error=error)
        await self._wait(later_s)

    async def _look_for(self, seen: Callable[[], bool], *, every_s: float, for_s: float) -> bool:
        """Look every so many real seconds until something is seen, or for as long as one can
        bear.  Whether it is."""
        waited_s = 0.0
        while not seen() and waited_s < for_s:
            await self._wait(every_s)
            waited_s += every_s
        return seen()

    def _is_lit(self, spot: Spot) -> bool:
        return spot.is_lit(self.calendar.now())

    def _unplug(self, spot: Spot) -> None:
        spot.unplug(self.calendar.now())

    def _wait(self, real_s: float) -> "Deferred[None]":
        return deferLater(self.clock, real_s)
