"""Starts and ends of charges as chargers tell them: each counts once, whatever is sent again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from attrs import define, evolve

from chargecloud.charging.book import Occurrences, OrderBook, Superseded
from chargecloud.charging.disputes import Disputes
from chargecloud.charging.ending import end_of, is_same_end, when
from chargecloud.charging.offline import OfflineCharges, key_of
from chargecloud.charging.reports import Reports
from chargecloud.charging.settling import Settling
from chargecloud.charging.unmatched import Unmatched
from chargecloud.domain.charger import Admission
from chargecloud.domain.errors import NotFound
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    Outcome,
    Reply,
    StopReason,
)
from chargecloud.domain.occurrences import Occurrence, Started
from chargecloud.domain.order_value import RUNNING, Order
from chargecloud.domain.plausible import is_told
from chargecloud.registry.cards import is_uid

#: a million GWh: no meter counts so far, and the database can keep it
MOST_REGISTER_MWH = 10**18


@define(eq=False)
class Records:
    """
    @ivar offline: knows the orders of charges that a charger began by itself.
    @ivar unmatched: takes what matches no order.
    @ivar disputes: takes what an order has ended otherwise than.
    @ivar may_come: whether an order that is not there may be in another node's spool.
    @ivar reports: learns where a full battery was cut off.
    """

    book: OrderBook
    settling: Settling
    reports: Reports
    offline: OfflineCharges
    unmatched: Unmatched
    disputes: Disputes
    may_come: Callable[[int], bool]

    def decide(
        self, admission: Admission, event: ChargeStarted | ChargeEnded, received_at: datetime
    ) -> Awaitable[Reply]:
        """What becomes of a record that is plausible; in the charger's turn only."""
        if isinstance(event, ChargeStarted):
            return self._started(admission, event, received_at)
        return self._ended(admission, event, received_at)

    def in_memory(self, admission: Admission, event: ChargeStarted | ChargeEnded) -> Order | None:
        """The order that a charger speaks of, where that is known without the database."""
        if event.order_id is not None:
            track = self.book.tracked(event.order_id)
        else:
            track = self.book.on_port(admission.charger_id, event.port)
        if track is None or not _is_of(track.order, admission, event):
            return None
        if event.order_id is None and (
            event.offline is None or track.order.start_key != key_of(event.offline)
        ):
            return None
        return track.order

    async def _started(
        self, admission: Admission, event: ChargeStarted, received_at: datetime
    ) -> Reply:
        order = await self._order_of(admission, event)
        if order is None and event.order_id is None and event.offline is not None:
            return await self.offline.started(admission, event, received_at)
        if order is None and self._may_come(event):
            return Reply(Outcome.LATER)
        if order is None:
            return await self.unmatched.keep(admission, event, received_at, "no such order")
        if _differs(order, event):
            return await self.unmatched.keep(admission, event, received_at, "started otherwise")
        if order.state not in RUNNING and order.record is not None:
            # its charger has told the end since; our acknowledgement was lost
            return kept(order, event)
        started = started_of(order, event, admission, received_at)

        async def occurred(_order: Order) -> Sequence[Occurrence]:
            return (started,)

        return await self._advance(order, event, occurred, admission)

    async def _ended(
        self, admission: Admission, event: ChargeEnded, received_at: datetime
    ) -> Reply:
        order = await self._order_of(admission, event)
        if order is None and event.order_id is None and event.offline is not None:
            return await self.offline.ended(admission, event, received_at)
        if order is None and self._may_come(event):
            return Reply(Outcome.LATER)
        if order is None:
            return await self.unmatched.keep(admission, event, received_at, "no such order")
        track = self.book.tracked(order.id)
        if order.state not in RUNNING:
            if is_same_end(order, event):
                return kept(order, event)
            return await self.disputes.keep(order, event, admission, received_at)
        if track is None:
            # another node has its charger by now, which tells it there again
            return Reply(Outcome.LATER)

        async def occurred(order: Order) -> Sequence[Occurrence]:
            judgement = end_of(order, track, event, admission, received_at)
            return await self.settling.ended(order, judgement, track.rules.no_load_dw)

        return await self._advance(order, event, occurred, admission)

    def _may_come(self, event: ChargeStarted | ChargeEnded) -> bool:
        return event.order_id is not None and self.may_come(event.order_id)

    async def _order_of(
        self, admission: Admission, event: ChargeStarted | ChargeEnded
    ) -> Order | None:
        """The order that a charger speaks of, if it is an order of that port at all: it is
        never guessed."""
        if event.order_id is None:
            if event.offline is None:
                return None
            order = await self.offline.find(admission, event.port, event.offline)
        else:
            try:
                order = await self.book.find(event.order_id)
            except NotFound:
                return None
        if order is None or not _is_of(order, admission, event):
            return None
        if order.state in RUNNING and self.book.tracked(order.id) is None:
            return await self.book.adopt(order.id)
        return order

    async def _advance(
        self,
        order: Order,
        event: ChargeStarted | ChargeEnded,
        occurred: Occurrences,
        admission: Admission,
    ) -> Reply:
        by_itself = isinstance(event, ChargeEnded) and event.reason is StopReason.FULL
        if by_itself:
            # before it is written down: the plug may be pulled meanwhile
            self.reports.await_unplugging(order, event.at)
        try:
            after = await self.book.advance(order.id, occurred, admission.epoch)
        except Superseded:
            # the charger says it again on its newer connection
            return Reply(Outcome.LATER)
        if after.stop_reason is StopReason.FULL and not by_itself:
            # it was cut off by us
            self.reports.await_unplugging(after, event.at)
        return kept(after, event)


def plausible(event: ChargeStarted | ChargeEnded) -> ChargeStarted | ChargeEnded:
    """A record without what no meter and no card can say, whatever dialect it came by: that is
    not known, as if it had not been told."""
    offline = event.offline
    if offline is not None and offline.card_uid is not None and not is_uid(offline.card_uid):
        event = evolve(event, offline=evolve(offline, card_uid=None))
    event = evolve(event, start_meter_mwh=_register(event.start_meter_mwh))
    if isinstance(event, ChargeStarted):
        return event
    return evolve(event, end_meter_mwh=_register(event.end_meter_mwh))


def _register(meter_mwh: int | None) -> int | None:
    return meter_mwh if meter_mwh is not None and 0 <= meter_mwh <= MOST_REGISTER_MWH else None


def started_of(
    order: Order, event: ChargeStarted, admission: Admission, received_at: datetime
) -> Started:
    """What a charger's word that it charges means for its order."""
    at = max(when(admission, event.at, received_at), order.created_at)
    return Started(at, event.start_meter_mwh, admission.instant(event.at))


def _is_of(order: Order, admission: Admission, event: ChargeStarted | ChargeEnded) -> bool:
    return (order.charger_id, order.port) == (admission.charger_id, event.port)


def kept(order: Order, event: ChargeStarted | ChargeEnded) -> Reply:
    """A charger that knows its charge by a number of its own is told the order's."""
    return Reply(Outcome.KEPT, order_id=order.id if event.offline is not None else None)


def _differs(order: Order, event: ChargeStarted) -> bool:
    """Whether an order has begun with another register than this.  One that was taken by a
    rule says nothing of what the charger told before."""
    if order.start_meter_mwh is None or order.basis is not None:
        return False
    return is_told(event.start_meter_mwh) and order.start_meter_mwh not in (
        0,
        event.start_meter_mwh,
    )
