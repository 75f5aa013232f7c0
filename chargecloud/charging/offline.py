"""Charges that a charger began by itself, while it had no connection: their orders are
written down when it tells of them."""

from datetime import datetime, timedelta

from attrs import define, evolve, field, frozen
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.charging.book import OrderBook
from chargecloud.charging.ending import end_of, when
from chargecloud.charging.forgotten import Forgotten
from chargecloud.charging.placing import Found, Placing, Wish, find_for
from chargecloud.charging.settling import Settling
from chargecloud.charging.start_codes import SoldCode, find_code
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.terms import Terms, find_start
from chargecloud.charging.tracking import Track
from chargecloud.charging.unmatched import Unmatched
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Stale
from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.domain.events import (
    ChargeEnded,
    ChargeStarted,
    OfflineStart,
    Outcome,
    Reply,
    StopReason,
)
from chargecloud.domain.occurrences import Started
from chargecloud.domain.order import decide, from_record, place
from chargecloud.domain.order_value import Order, Origin
from chargecloud.registry.cards import Card, CardStatus, find_card, read_uid
from chargecloud.storage.store import Store

#: why a record has no order
UNPRICED = "no such port, or no tariff there"


@frozen
class _Begun:
    """
    @ivar order: as it would have been placed.
    @ivar card: that it was begun with, if we know it.
    @ivar code: the start code that it was begun with, if we sold it.
    """

    order: Order
    terms: Terms
    card: Card | None
    code: SoldCode | None

    @property
    def may_go_on(self) -> bool:
        """Whether we would have let it begin."""
        is_card_good = self.card is not None and self.card.status is CardStatus.ACTIVE
        return (
            (is_card_good or self.code is not None)
            and self.order.customer_id is not None
            and self.order.held_fen > 0
        )


@define(eq=False)
class OfflineCharges:
    """
    @ivar forgotten: closes what still had the port when another charge began there.
    """

    store: Store
    book: OrderBook
    placing: Placing
    settling: Settling
    stopping: Stopping
    forgotten: Forgotten
    unmatched: Unmatched
    _log: Logger = field(factory=Logger, init=False)

    async def find(self, admission: Admission, port: int, offline: OfflineStart) -> Order | None:
        """The order of a charge that was told of before."""
        key = key_of(offline)
        return await self.store.read(
            lambda connection: find_start(connection, admission.charger_id, port, key)
        )

    async def started(
        self, admission: Admission, event: ChargeStarted, received_at: datetime
    ) -> Reply:
        """A charge was begun: it has an order from here on, and is stopped if its card would
        not have been accepted."""
        begun = await self._begun(admission, event, when(admission, event.at, received_at))
        if begun is None:
            return await self.unmatched.keep(admission, event, received_at, UNPRICED)
        order = begun.order
        started = Started(order.created_at, event.start_meter_mwh, admission.instant(event.at))
        step = decide(order, started, admission.epoch)
        decision = place(order) + step.decision
        if not await self._make_room(order):
            return Reply(Outcome.LATER)
        try:
            await self.store.writer.decide(decision)
        except Stale:
            # the wallet or the port has changed meanwhile: the charger sends it again
            return Reply(Outcome.LATER)
        after = step.order
        self.book.track(after, begun.terms)
        if not begun.may_go_on:
            self.stopping.stop_soon(after, StopReason.OPERATOR)
        return Reply(Outcome.KEPT, order_id=order.id)

    async def ended(self, admission: Admission, event: ChargeEnded, received_at: datetime) -> Reply:
        """A charge was begun and has ended, and we hear of both at once."""
        begun = await self._begun(admission, event, _begun_at(admission, event, received_at))
        if begun is None:
            return await self.unmatched.keep(admission, event, received_at, UNPRICED)
        order = evolve(begun.order, held_fen=0, held_gift_fen=0)
        self.book.know(begun.terms.tariff)
        track = Track(order, _never, begun.terms.rated_w, begun.terms.rules)
        track.register_before_mwh = begun.terms.register_before_mwh
        judgement = end_of(order, track, event, admission, received_at)
        step = from_record(order, judgement.end)
        after, decision = step.order, step.decision
        no_load_dw = begun.terms.rules.no_load_dw
        _end, *rest = await self.settling.ended(after, judgement, no_load_dw)
        for occurrence in rest:
            following = decide(after, occurrence, admission.epoch)
            after, decision = following.order, decision + following.decision
        try:
            await self.store.writer.decide(decision)
        except Stale:
            # the wallet has changed meanwhile: the charger sends it again
            return Reply(Outcome.LATER)
        self.book.tell_of_cards(decision)
        return Reply(Outcome.KEPT, order_id=order.id)

    async def _begun(
        self, admission: Admission, event: ChargeStarted | ChargeEnded, at: datetime
    ) -> _Begun | None:
        """The order that the charge would have had; C{None} if nothing is known to charge it
        by."""
        offline = event.offline
        assert offline is not None

        def read(connection: Connection) -> tuple[Card | None, SoldCode | None, Found, Wish]:
            card = _card(connection, admission.tenant_id, offline.card_uid)
            code = _code(connection, admission.charger_id, offline.code)
            payer = code or card
            wish = Wish(
                charger_id=admission.charger_id,
                port=event.port,
                customer_id=payer.customer_id if payer else None,
                start_key=key_of(offline),
                origin=Origin.OFFLINE,
                card_uid=offline.card_uid,
                limit_energy_wh=code.limit_wh if code else None,
            )
            found = find_for(connection, admission.tenant_id, wish)
            if not 1 <= event.port <= found.charger.port_count:
                raise NotFound(f"the charger has no port {event.port}")
            return card, code, found, wish

        try:
            card, code, found, wish = await self.store.read(read)
        except (NotFound, Invalid) as error:
            self._log.warn("an offline charge has no order: {why}", why=error.detail)
            return None
        order = self.placing.order_for(wish, found, at)
        terms = await self.store.read(lambda connection: self.book.terms(connection, order))
        return _Begun(order, terms, card, code)

    async def _make_room(self, order: Order) -> bool:
        """Close what had the port before: since another charge has begun there, it does not
        run, or its start has not come to anything.

        @return: C{False} if what has the port is newer: then the charge has ended, and its
            end record, which is still to come, makes its order.
        """
        before = self.book.on_port(order.charger_id, order.port)
        if before is None:
            return True
        if before.order.created_at > order.created_at:
            return False
        await self.forgotten.close(before, "another-began-there")
        return True


def _card(connection: Connection, tenant_id: int, uid: str | None) -> Card | None:
    try:
        return None if uid is None else find_card(connection, tenant_id, read_uid(uid))
    except Invalid:
        return None


def _code(connection: Connection, charger_id: int, code: str | None) -> SoldCode | None:
    return None if code is None else find_code(connection, charger_id, code)


def key_of(offline: OfflineStart) -> str:
    """What the start of such a charge is known by at its port."""
    return f"offline-{offline.number}"


def _begun_at(admission: Admission, event: ChargeEnded, received_at: datetime) -> datetime:
    ended_at = when(admission, event.at, received_at)
    return ended_at - timedelta(seconds=event.duration_s or 0)


def _never(_after: datetime, _until: datetime) -> list[datetime]:
    """No readings come of a charge that has ended."""
    return []
