"""What chargers say, acted on: the gateway calls this."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from chargecloud.charging.book import Occurrences, OrderBook, Superseded
from chargecloud.charging.ending import end_of, is_same_end, when
from chargecloud.charging.live import LivePorts
from chargecloud.charging.sampling import Sampling
from chargecloud.charging.settling import Settling
from chargecloud.charging.unmatched import Unmatched
from chargecloud.charging.watching import Watching
from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import StopCharge
from chargecloud.domain.errors import NotFound
from chargecloud.domain.events import (
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    LoggedIn,
    Outcome,
    PortsReported,
)
from chargecloud.domain.order import RUNNING, Occurrence, Order, Started
from chargecloud.domain.plausible import doubt
from chargecloud.domain.tariff import Mark
from chargecloud.interfaces import Credentials, IChargerEvents
from chargecloud.registry.chargers import Chargers


@implementer(IChargerEvents)
@define(eq=False)
class Facts:
    """
    @ivar registry: knows which chargers there are.
    @ivar book: the orders that run.
    @ivar live: what the ports said last.
    """

    registry: Chargers
    book: OrderBook
    settling: Settling
    sampling: Sampling
    watching: Watching
    unmatched: Unmatched
    live: LivePorts

    def credentials(self, dialect: str, identity: str) -> "Deferred[Credentials | None]":
        """What to check a charger's claim with."""
        return Deferred.fromCoroutine(self.registry.credentials(dialect, identity))

    def logged_in(
        self, dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> "Deferred[Admission]":
        """A charger has proved itself."""
        return Deferred.fromCoroutine(self.registry.admit(dialect, identity, login, login_digest))

    def receive(
        self, admission: Admission, event: ChargerEvent, received_at: datetime
    ) -> "Deferred[Outcome] | None":
        """A fact from a charger that is logged in."""
        if isinstance(event, PortsReported):
            self._reported(admission, event, received_at)
            return None
        if isinstance(event, ChargeStarted):
            return self.book.turns.take(
                admission.charger_id, lambda: self._started(admission, event, received_at)
            )
        if isinstance(event, ChargeEnded):
            return self.book.turns.take(
                admission.charger_id, lambda: self._ended(admission, event, received_at)
            )
        # what only a vendor has, and nobody here acts on: it need not be told again
        return succeed(Outcome.REFUSED)

    def _reported(self, admission: Admission, event: PortsReported, received_at: datetime) -> None:
        at = when(admission, event.at, received_at)
        for reading in event.readings:
            self.watching.look(admission, reading, at)
            self.live.take(admission.charger_id, reading, at)
            if reading.meter_mwh is not None:
                mark = Mark(at, reading.meter_mwh)
                self.sampling.take(admission.charger_id, reading.port, mark)
            if reading.order_id is not None and self.book.tracked(reading.order_id) is None:
                # it charges for a start that was given up, and our stop was lost
                self.book.send(admission.charger_id, StopCharge(reading.order_id, reading.port))

    async def _started(
        self, admission: Admission, event: ChargeStarted, received_at: datetime
    ) -> Outcome:
        order = await self._order_of(admission, event)
        if order is None:
            return await self.unmatched.keep(admission, event, received_at, "no such order")
        if order.start_meter_mwh not in (None, event.start_meter_mwh):
            return await self.unmatched.keep(admission, event, received_at, "started otherwise")
        if order.state not in RUNNING and order.started_at is not None:
            # known long since; our acknowledgement was lost
            return Outcome.KEPT
        at = max(when(admission, event.at, received_at), order.created_at)
        started = Started(at, event.start_meter_mwh)

        async def occurred(_order: Order) -> Sequence[Occurrence]:
            return (started,)

        return await self._advance(order, occurred, admission)

    async def _ended(
        self, admission: Admission, event: ChargeEnded, received_at: datetime
    ) -> Outcome:
        order = await self._order_of(admission, event)
        if order is None:
            return await self.unmatched.keep(admission, event, received_at, "no such order")
        track = self.book.tracked(order.id)
        if order.state not in RUNNING or track is None:
            if is_same_end(order, event):
                return Outcome.KEPT
            why = f"order {order.state.value}"
            return await self.unmatched.keep(admission, event, received_at, why)
        at = when(admission, event.at, received_at)

        async def occurred(order: Order) -> Sequence[Occurrence]:
            why_not = doubt(
                event,
                told_start_mwh=order.start_meter_mwh,
                rated_w=track.rated_w,
                age_s=(received_at - order.created_at) // timedelta(seconds=1),
            )
            end = end_of(order, track, event, at, received_at)
            return await self.settling.ended(order, end, why_not)

        return await self._advance(order, occurred, admission)

    async def _order_of(
        self, admission: Admission, event: ChargeStarted | ChargeEnded
    ) -> Order | None:
        """The order that a charger speaks of, if it is an order of that port at all."""
        try:
            order = await self.book.find(event.order_id)
        except NotFound:
            return None
        if (order.charger_id, order.port) != (admission.charger_id, event.port):
            return None
        if order.state in RUNNING and self.book.tracked(order.id) is None:
            return await self.book.adopt(order.id)
        return order

    async def _advance(self, order: Order, occurred: Occurrences, admission: Admission) -> Outcome:
        try:
            await self.book.advance(order.id, occurred, admission.epoch)
        except Superseded:
            # the charger says it again on its newer connection
            return Outcome.LATER
        return Outcome.KEPT
