"""Asking a charger to stop."""

from attrs import define
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chargecloud.charging.book import OrderBook
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import Answer, StopCharge
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.order_value import RUNNING, Order


def stopped_for(
    track: Track, reason: StopReason, answered: "Deferred[Answer]"
) -> "Deferred[Answer]":
    """The order's end will be for this reason, unless the charger does not do what it was
    asked: then another reason may still come, and must not find this one in its place."""
    before, track.stop_reason = track.stop_reason, reason

    def told(outcome: Answer | Failure) -> Answer | Failure:
        done = isinstance(outcome, Answer) and outcome.accepted
        if not done and track.stop_reason is reason:
            track.stop_reason = before
        return outcome

    return answered.addBoth(told)


@define(eq=False)
class Stopping:
    """The order itself ends with the charger's end record, and not before."""

    book: OrderBook

    async def stop(self, order: Order, reason: StopReason) -> Order:
        """
        Ask the charger, and wait for its answer.

        @raise Conflict: if the order does not run.
        @raise ChargerOffline: if its charger is not connected.
        @raise CommandTimedOut: if it does not answer.
        """
        track = self.book.tracked(order.id)
        if order.state not in RUNNING or track is None:
            raise Conflict(f"the order is {order.state.value}", state=order.state.value)
        sent = self.book.routing.send(order.charger_id, StopCharge(order.id, order.port))
        answer = await stopped_for(track, reason, sent)
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
        """Ask the charger without waiting, for this reason whatever it was asked before."""
        track = self.book.tracked(order.id)
        if track is not None:
            track.stop_reason = reason
            self.book.send(order.charger_id, StopCharge(order.id, order.port))
