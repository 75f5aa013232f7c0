"""The start of an order: sent to its charger, and given up if that does not confirm it."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.schedules import prices_for
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.tracking import Track
from chargecloud.domain.commands import WAITS_FOR_PLUG, Answer, StartCharge, StopCharge
from chargecloud.domain.errors import NotFound, Refusal
from chargecloud.domain.occurrences import Occurrence, Started, StartRefused
from chargecloud.domain.order_value import NOT_BEGUN, Order, OrderState

#: seconds for a charger to connect after its node has gone, and for one that has connected to tell
#: what its ports do
COMES_BACK_S = 45
#: seconds for which a charger that is away is waited for: it may wait 10 minutes between two tries
#: to connect (native protocol, "Reconnecting"), and the first may fail
LONGEST_AWAY_S = 1_200
#: seconds after which an order is given up again, if that failed, and an absent charger is looked
#: for again
AGAIN_S = 10


@define(eq=False)
class Starting:
    """
    @ivar clock: the reactor's, for deadlines.
    @ivar calendar: tells until when a start is valid.
    """

    book: OrderBook
    clock: IReactorTime
    calendar: Calendar
    settings: ChargingSettings
    _log: Logger = field(factory=Logger, init=False)

    def start(self, track: Track) -> None:
        """Send the start.  A charger that is reached too late refuses it by itself."""
        order = track.order
        deadline_s = self.settings.start_deadline_s
        now_s = self.clock.seconds()
        valid_until = self.calendar.anchor.at(now_s + deadline_s)
        prices = prices_for(self.book, order, self.calendar.now())
        command = StartCharge(
            order_id=order.id,
            port=order.port,
            valid_until_s=int(valid_until.timestamp()),
            limit_energy_mwh=order.limit_energy_mwh,
            limit_duration_s=order.limit_duration_s,
            until_full=order.until_full,
            cut_off=track.rules,
            limit_amount_fen=order.limit_amount_fen if prices else None,
            prices=prices if order.limit_amount_fen is not None or len(prices) > 1 else (),
        )
        # first of all: whatever goes wrong with the start, the order comes to an end
        self.expect_confirmation(order)
        answered = maybeDeferred(self.book.routing.send, order.charger_id, command, deadline_s)
        answered.addCallbacks(self._answered, self._unanswered, (order,), {}, (order,))
        answered.addErrback(self._not_failed, order)

    def expect_confirmation(self, order: Order) -> None:
        """Give an order up that the charger does not say to have begun in time; as often as
        it takes, or else its money would be held and its port taken for ever."""
        self._expect_confirmation(order, self.settings.confirm_deadline_s)

    def go_on(self, order: Order) -> None:
        """Expect the confirmation of an order that was taken up from another process.  Its charger
        may have begun and be on its way here: it is waited for, and tells of its ports soon after.
        One that comes and goes must not make its deadline begin anew each time."""

        def look() -> None:
            track = self.book.tracked(order.id)
            if track is None or track.order.state is not OrderState.STARTING:
                return
            present = self.book.routing.presence.find(order.charger_id)
            if present is None and self._age_s(order) < LONGEST_AWAY_S:
                self.clock.callLater(AGAIN_S, look)
                return
            came_s = 0.0 if present is None else present.since_s
            left_s = came_s + COMES_BACK_S - self.clock.seconds()
            self._expect_confirmation(order, max(0.0, left_s))

        left_s = self.settings.confirm_deadline_s - self._age_s(order)
        self.clock.callLater(max(COMES_BACK_S, left_s), look)

    def _age_s(self, order: Order) -> float:
        """Seconds of the reactor's clock since an order was to start."""
        age = self.calendar.now() - (order.start_at or order.created_at)
        return age.total_seconds() / self.calendar.anchor.speed

    def _expect_confirmation(self, order: Order, within_s: float) -> None:

        def too_late() -> None:
            track = self.book.tracked(order.id)
            if track is not None and track.order.state is OrderState.STARTING:
                code = "not-plugged" if track.waits_for_plug else "not-confirmed"
                self._give_up(order, code).addCallbacks(take_back, try_again)

        def take_back(after: Order) -> None:
            if after.state is OrderState.FAILED:
                # it may still begin: it has accepted the start
                self.book.send(order.charger_id, StopCharge(order.id, order.port))

        def try_again(failure: Failure) -> None:
            self._not_failed(failure, order)
            self._expect_confirmation(order, AGAIN_S)

        self.clock.callLater(within_s, too_late)

    def give_up_if_there(self, order: Order) -> None:
        """Give an order up of which nobody knows whether it was written down, some time from
        now: the database may have failed after its commit."""
        self.clock.callLater(self.settings.confirm_deadline_s, self._give_up_if_there, order)

    def _give_up_if_there(self, order: Order) -> None:
        async def give_up() -> None:
            try:
                found = await self.book.adopt(order.id)
            except NotFound:
                return
            if found.state in NOT_BEGUN:
                await self._fail(found, "not-sent")

        def try_again(failure: Failure) -> None:
            self._not_failed(failure, order)
            self.clock.callLater(AGAIN_S, self._give_up_if_there, order)

        Deferred.fromCoroutine(give_up()).addErrback(try_again)

    def _answered(self, answer: Answer, order: Order) -> Any:
        if not answer.accepted:
            return self._fail(order, answer.code)
        track = self.book.tracked(order.id)
        if track is not None:
            track.waits_for_plug = answer.code == WAITS_FOR_PLUG
        return None

    def _unanswered(self, failure: Failure, order: Order) -> Any:
        error = failure.value
        if not isinstance(error, Refusal):
            self._log.failure("a start could not be sent", failure)
        return self._give_up(order, error.code if isinstance(error, Refusal) else "not-sent")

    def _give_up(self, order: Order, code: str) -> "Deferred[Order]":
        """Fail an order whose charger has not said that it began; it has begun all the same if
        a reading named it: its word of the start was lost, and the charge is to be paid."""
        track = self.book.tracked(order.id)
        if track is None or track.named_at is None:
            return self._fail(order, code)
        started = Started(max(track.named_at, order.created_at), None)
        return self._turn(order, started)

    def _fail(self, order: Order, code: str) -> "Deferred[Order]":
        return self._turn(order, StartRefused(self.calendar.now(), code))

    def _turn(self, order: Order, what: StartRefused | Started) -> "Deferred[Order]":
        async def occurred(order: Order) -> Sequence[Occurrence]:
            # the charger's word that it charges may have come first
            return (what,) if order.state in NOT_BEGUN else ()

        return self.book.turns.take(order.charger_id, lambda: self.book.advance(order.id, occurred))

    def _not_failed(self, failure: Failure, order: Order) -> None:
        self._log.failure("order {order_id} was not given up", failure, order_id=order.id)
