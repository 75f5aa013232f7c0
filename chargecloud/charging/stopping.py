"""Asking a charger to stop."""

from collections.abc import Sequence
from datetime import timedelta

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import Answer, StopCharge
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.occurrences import Occurrence, Withdrawn
from chargecloud.domain.order_value import RUNNING, Order, OrderState
from chargecloud.gateway.routing import COMMAND_DEADLINE_S

_ON_ITS_WAY = timedelta(seconds=COMMAND_DEADLINE_S)


def stopped_for(
    track: Track, reason: StopReason, calendar: Calendar, answered: "Deferred[Answer]"
) -> "Deferred[Answer]":
    """The order's end will be for this reason, unless the charger does not do what it was
    asked: then another reason may still come, and must not find this one in its place."""
    before, asked_before, at = track.stop_reason, track.stop_asked_at, calendar.now()
    track.stop_reason, track.stop_asked_at = reason, asked_before or at
    track.stop_sent_at = at

    def told(outcome: Answer | Failure) -> Answer | Failure:
        if isinstance(outcome, Answer) and outcome.accepted:
            track.end_told.stopped(calendar.seconds())
        elif track.stop_reason is reason:
            track.stop_reason, track.stop_asked_at = before, asked_before
            track.stop_sent_at = None
        return outcome

    return answered.addBoth(told)


@define(eq=False)
class Stopping:
    """The order itself ends with the charger's end record, and not before."""

    book: OrderBook
    calendar: Calendar
    _log: Logger = field(factory=Logger, init=False)

    async def stop(self, order: Order, reason: StopReason) -> Order:
        """
        Ask the charger, and wait for its answer.

        An order that waits is withdrawn: no charger knows of it.

        @raise Conflict: if the order does not run.
        @raise ChargerOffline: if its charger is not connected.
        @raise CommandTimedOut: if it does not answer.
        """
        if order.state is OrderState.WAITING:
            order = await self._withdraw(order, reason)
            if order.state is OrderState.CANCELLED:
                return order
        track = self.book.tracked(order.id)
        if order.state not in RUNNING or track is None:
            raise Conflict(f"the order is {order.state.value}", state=order.state.value)
        sent = self.book.routing.send(order.charger_id, StopCharge(order.id, order.port))
        answer = await stopped_for(track, reason, self.calendar, sent)
        if not answer.accepted:
            raise Conflict(f"the charger refuses to stop: {answer.code}", answer=answer.code)
        return await self.book.find(order.id)

    def stop_soon(self, order: Order, reason: StopReason) -> None:
        """Ask the charger without waiting; a reason that it was given before stands.  Who
        still finds it charging asks again, for the stop may have been lost."""
        track = self.book.tracked(order.id)
        if track is not None:
            self.stop_now(order, track.stop_reason or reason)

    def stop_now(self, order: Order, reason: StopReason) -> None:
        """Ask the charger without waiting, for this reason whatever it was asked before.
        While a stop may still be on its way, it is not asked again."""
        track = self.book.tracked(order.id)
        if track is None:
            return
        if track.order.state is OrderState.WAITING:
            withdrawn = self._withdraw(track.order, reason)
            withdrawn.addCallback(self._stop_begun, reason)
            withdrawn.addErrback(self._not_withdrawn, order)
            return
        now, sent_at = self.calendar.now(), track.stop_sent_at
        track.stop_reason = reason
        if sent_at is None or now - sent_at >= _ON_ITS_WAY:
            track.stop_asked_at, track.stop_sent_at = track.stop_asked_at or now, now

            def told(answer: Answer) -> None:
                if answer.accepted:
                    track.end_told.stopped(self.calendar.seconds())

            def lost() -> None:
                # none is on its way: the next who finds it charging need not wait
                if track.stop_sent_at == now:
                    track.stop_sent_at = None

            self.book.send(order.charger_id, StopCharge(order.id, order.port), told, lost)

    def _withdraw(self, order: Order, reason: StopReason) -> "Deferred[Order]":
        """Take back an order that waits; its start may have been sent first."""

        async def occurred(order: Order) -> Sequence[Occurrence]:
            is_waiting = order.state is OrderState.WAITING
            return (Withdrawn(self.calendar.now(), reason.value),) if is_waiting else ()

        return self.book.turns.take(order.charger_id, lambda: self.book.advance(order.id, occurred))

    def _stop_begun(self, order: Order, reason: StopReason) -> None:
        """Its start was sent before it could be withdrawn."""
        if order.state in RUNNING:
            self.stop_now(order, reason)

    def _not_withdrawn(self, failure: Failure, order: Order) -> None:
        self._log.failure("order {order_id} still waits", failure, order_id=order.id)
