"""Looks after running orders of which nobody tells any more: no order runs for ever."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, func, select
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook
from chargecloud.charging.forgotten import Forgotten
from chargecloud.charging.settings import ChargingSettings
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.suspecting import Suspecting
from chargecloud.charging.tracking import Track
from chargecloud.charging.waiting import Waiting
from chargecloud.charging.watching import Watching
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.occurrences import HoldReleased, Occurrence, Suspended
from chargecloud.domain.order_value import HOLDING, UNDER_WAY, Order, OrderState
from chargecloud.domain.units import HOUR
from chargecloud.gateway.presence import Presence
from chargecloud.storage.schema import orders

#: seconds of the reactor's clock between two rounds, and from one handful of orders to the
#: next within a round: the gateway's frames come in between
ROUND_S = 5.0
AT_A_TIME = 500
#: rounds between two looks for money that is held for too long
ROUNDS_BETWEEN_HOLDS = 60
#: states in which nobody else may come to look at an order
LOOKED_AFTER = UNDER_WAY | {OrderState.WAITING}
#: a charge that goes on for so long after it was to stop is closed without its charger
PATIENCE_S = HOUR


@define(eq=False, slots=False)
class Watchdog(Service):
    """
    @ivar clock: the reactor's, for how long a charger has been away.
    @ivar calendar: for how long a charge has gone on.
    @ivar _since_s: when it began to look: chargers that were never here are away since then.
    """

    book: OrderBook
    presence: Presence
    stopping: Stopping
    forgotten: Forgotten
    watching: Watching
    suspecting: Suspecting
    waiting: Waiting
    clock: IReactorTime
    calendar: Calendar
    settings: ChargingSettings
    _since_s: float = field(default=0.0, init=False)
    _rounds: int = field(default=0, init=False)
    _next: IDelayedCall | None = field(default=None, init=False)
    #: orders that are being written about
    _busy: set[int] = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._since_s = self.clock.seconds()
        self._next = self.clock.callLater(ROUND_S, self._begin_round)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _begin_round(self) -> None:
        if self._rounds % ROUNDS_BETWEEN_HOLDS == 0:
            self._end_holds()
        self._rounds += 1
        self._go_on(iter(list(self.book.running())))

    def _go_on(self, tracks: Iterator[Track]) -> None:
        handful = list(islice(tracks, AT_A_TIME))
        for track in handful:
            self._look(track)
        if handful:
            self._next = self.clock.callLater(0, self._go_on, tracks)
        else:
            self._next = self.clock.callLater(ROUND_S, self._begin_round)

    # ------------------------------------------------------------------- one order

    def _look(self, track: Track) -> None:
        order = track.order
        if order.state not in LOOKED_AFTER or order.id in self._busy:
            return
        if order.charger_id in self.book.turns.shut:
            # its charger has told more of it than is decided about it
            return
        if order.state is OrderState.WAITING:
            if self.waiting.is_due(order):
                self._do(track, lambda: self.waiting.go_on(order.id))
            return
        present = self.presence.find(order.charger_id)
        if present is None:
            self._look_at_absent(track)
        elif track.denied_at is not None and self._seconds_since(track.denied_at) >= (
            self.settings.forgotten_after_s
        ):
            self._close(track, "forgotten-by-its-charger")
        elif self.suspecting.found(track, present.since_s) is not None:
            since_s = present.since_s
            self._do(track, lambda: self.suspecting.suspect(track, since_s))
        else:
            self._look_at_long(track)

    def _look_at_absent(self, track: Track) -> None:
        order = track.order
        seen_s = self.presence.last_seen_s(order.charger_id)
        seen_s = self._since_s if seen_s is None else max(seen_s, self._since_s)
        away_s = self.clock.seconds() - seen_s
        if away_s >= self.settings.lost_after_s:
            self._close(track, "charger-stays-away")
        elif order.state is OrderState.CHARGING and away_s >= self.settings.suspend_after_s:
            seen_at = self.calendar.anchor.at(seen_s)

            async def occurred(order: Order) -> Sequence[Occurrence]:
                if order.state is not OrderState.CHARGING:
                    return ()
                return (Suspended(max(seen_at, order.started_at or seen_at), "link-lost"),)

            self._do(track, lambda: self.book.advance(order.id, occurred))

    def _look_at_long(self, track: Track) -> None:
        """Ask for a stop once, which readings ask for again; a charge that goes on for long
        after that is told to people, and closed."""
        asked_at, started_at = track.stop_asked_at, track.order.started_at
        if asked_at is not None:
            if self._seconds_since(asked_at) >= PATIENCE_S:
                if not track.told_unstoppable:
                    # once: a database that is away has it closed only later
                    track.told_unstoppable = True
                    self._tell_unstoppable(track)
                self._close(track, "does-not-stop")
        elif started_at is not None and self._seconds_since(started_at) >= (
            self.settings.longest_charge_s
        ):
            self.stopping.stop_soon(track.order, StopReason.WATCHDOG)

    def _seconds_since(self, at: datetime) -> float:
        return float((self.calendar.now() - at).total_seconds())

    def _tell_unstoppable(self, track: Track) -> None:
        order = track.order
        self.watching.tell(
            Alarm(
                rule="does-not-stop",
                level=Level.CRITICAL,
                tenant_id=order.tenant_id,
                charger_id=order.charger_id,
                port=order.port,
                at=self.calendar.now(),
                order_id=order.id,
                evidence={"asked_for": track.stop_reason.value if track.stop_reason else None},
            )
        )

    def _close(self, track: Track, why: str) -> None:
        self._do(track, lambda: self.forgotten.close(track, why))

    def _do(self, track: Track, work: Any) -> None:
        """Do it in the charger's turn; one thing at a time about an order."""
        order_id = track.order.id
        self._busy.add(order_id)
        done: Deferred[Any] = self.book.turns.take(track.order.charger_id, work)
        done.addErrback(self._not_done, order_id)
        done.addBoth(lambda _: self._busy.discard(order_id))

    def _not_done(self, failure: Failure, order_id: int) -> None:
        # the next round tries again
        self._log.failure("order {order_id} could not be looked after", failure, order_id=order_id)

    # ------------------------------------------------------------------- money

    def _end_holds(self) -> None:
        done = Deferred.fromCoroutine(self._release_old())
        done.addErrback(lambda failure: self._log.failure("old holds were not released", failure))

    async def _release_old(self) -> None:
        """Give back what has been held for too long, whatever became of its order."""
        before = self.calendar.now() - timedelta(seconds=self.settings.hold_deadline_s)

        def read(connection: Connection) -> list[tuple[int, int]]:
            found = (
                select(orders.c.id, orders.c.charger_id)
                .where(
                    orders.c.state.in_([state.value for state in HOLDING]),
                    orders.c.held_fen > 0,
                    # what an order waits before it starts is not counted
                    func.coalesce(orders.c.start_at, orders.c.created_at) < before,
                )
                .order_by(orders.c.id)
            )
            return [(row.id, row.charger_id) for row in connection.execute(found)]

        async def occurred(_order: Order) -> Sequence[Occurrence]:
            return (HoldReleased(self.calendar.now()),)

        for order_id, charger_id in await self.book.store.read(read):
            try:
                release = partial(self.book.advance, order_id, occurred)
                await self.book.turns.take(charger_id, release)
            except Conflict:
                # it has come to its end meanwhile, and its money with it
                continue
            except Exception:
                # the others' money has nothing to do with it; this order's waits for a round
                self._log.failure("the hold of order {order_id} goes on", order_id=order_id)
