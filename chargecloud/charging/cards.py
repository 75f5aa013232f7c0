"""Cards that are presented at chargers: to charge, or to end what charges there for them."""

from collections import OrderedDict
from contextlib import suppress
from datetime import datetime
from functools import partial

from attrs import define, evolve, field
from sqlalchemy import Connection
from twisted.logger import Logger

from chargecloud.charging.book import OrderBook
from chargecloud.charging.lending import Lending
from chargecloud.charging.placing import Found, Placing, Wish, find_for
from chargecloud.charging.stopping import Stopping
from chargecloud.charging.tracking import Track
from chargecloud.domain.charger import Admission
from chargecloud.domain.errors import (
    AlreadyExists,
    InsufficientFunds,
    Invalid,
    MonthCardRefused,
    NotFound,
    Overloaded,
    PortBusy,
    Refusal,
    StorageFull,
)
from chargecloud.domain.events import CardAsked, CardPresented, Outcome, Reply, StopReason
from chargecloud.domain.order_value import Order, OrderState, Origin
from chargecloud.money.month_cards import find_cover
from chargecloud.money.wallets import find_wallet
from chargecloud.registry.cards import Card, CardStatus, find_card, read_uid
from chargecloud.storage.store import Store
from chargecloud.storage.writer import TROUBLES

#: answers that are remembered, the newest of each charger; an older question is asked by
#: nobody any more
MOST_REMEMBERED = 20_000

_NOT_ACTIVE = {CardStatus.BLOCKED: "blocked-card", CardStatus.EXPIRED: "expired-card"}
_CODES: dict[type[Refusal], str] = {
    InsufficientFunds: "insufficient-funds",
    PortBusy: "port-busy",
    StorageFull: "not-now",
    Overloaded: "not-now",
}


@define(eq=False)
class CardDesk:
    """
    @ivar lending: lets cards charge while the database is away, if that is to be.
    @ivar _answers: by charger, the newest question and what was answered to it.
    """

    store: Store
    book: OrderBook
    placing: Placing
    stopping: Stopping
    lending: Lending
    _answers: "OrderedDict[int, tuple[tuple[int, int], Reply]]" = field(
        factory=OrderedDict, init=False
    )
    _log: Logger = field(factory=Logger, init=False)

    async def present(self, admission: Admission, event: CardPresented) -> Reply:
        """Somebody holds a card to a charger: what to tell them there.  The same question
        has the same answer, however often it is sent."""
        question = (event.at.boot, event.number)
        known, answer = self._answers.get(admission.charger_id, (None, None))
        if known == question and answer is not None:
            return answer
        try:
            reply = await self._answer(admission, event)
        except Refusal as refusal:
            reply = _refused(_CODES.get(type(refusal), "refused"))
        self._answers[admission.charger_id] = (question, reply)
        self._answers.move_to_end(admission.charger_id)
        if len(self._answers) > MOST_REMEMBERED:
            self._answers.popitem(last=False)
        return reply

    async def asked(self, admission: Admission, event: CardAsked) -> Reply:
        """Whether a card may charge: nothing is begun, and no money is held."""
        try:
            card = await self._card(admission, read_uid(event.card_uid))
        except Invalid:
            return _refused("unknown-card")
        if isinstance(card, Reply):
            return card
        assert card.customer_id is not None
        balance_fen = await self._balance_fen(admission.tenant_id, card.customer_id)
        if balance_fen <= 0:
            return Reply(Outcome.REFUSED, "insufficient-funds", balance_fen=balance_fen)
        return Reply(Outcome.KEPT, balance_fen=balance_fen)

    async def _card(self, admission: Admission, uid: str) -> Card | Reply:
        """A card that may charge, or why it may not."""
        return _checked(
            await self.store.read(
                lambda connection: find_card(connection, admission.tenant_id, uid)
            )
        )

    async def _answer(self, admission: Admission, event: CardPresented) -> Reply:
        try:
            uid = read_uid(event.card_uid)
        except Invalid:
            return _refused("unknown-card")
        running = self.book.on_port(admission.charger_id, event.port)
        if running is not None:
            return await self._at_busy_port(running, uid)
        wish = Wish(
            charger_id=admission.charger_id,
            port=event.port,
            start_key=f"card-{event.at.boot}-{event.number}",
            origin=Origin.CARD,
            card_uid=uid,
        )
        if self.lending.is_asked:
            return await self._lend(admission, wish)
        at = self.placing.calendar.now()
        try:
            found = await self.store.read(partial(_find_for_card, wish, admission.tenant_id, at))
        except TROUBLES:
            if not self.lending.is_allowed:
                raise
            # nothing was decided yet: whoever is let charge now is let charge once
            return await self._lend(admission, wish)
        except (NotFound, Invalid) as refusal:
            return self._impossible(refusal)
        if isinstance(found, Reply):
            return found
        return await self._place(admission, *found)

    async def _lend(self, admission: Admission, wish: Wish) -> Reply:
        """Without the database: who is not known may be good all the same, and not now."""
        try:
            order = await self.lending.begin(admission, wish)
        except NotFound as refusal:
            self._log.info("a card cannot charge now: {why}", why=refusal.detail)
            return _refused("not-now")
        return Reply(Outcome.KEPT, "ok", order.id)

    async def _place(self, admission: Admission, wish: Wish, found: Found) -> Reply:
        try:
            order = await self._order(admission, wish, found)
        except (NotFound, Invalid) as refusal:
            return self._impossible(refusal)
        except (InsufficientFunds, AlreadyExists) as refusal:
            if isinstance(refusal, AlreadyExists):
                # asked before, and the service was started anew since: the order is there
                return Reply(Outcome.KEPT)
            assert wish.customer_id is not None
            return Reply(
                Outcome.REFUSED,
                "insufficient-funds",
                balance_fen=await self._balance_fen(admission.tenant_id, wish.customer_id),
            )
        return await self._accepted(order, "ok")

    async def _order(self, admission: Admission, wish: Wish, found: Found) -> Order:
        """The order of a wish; its wallet pays, if its month card does not cover it after all."""
        try:
            return await self.placing.place(None, admission.tenant_id, wish, found)
        except (MonthCardRefused, InsufficientFunds):
            if wish.month_card_id is None:
                raise
        # whoever gave it back has money now
        wish = evolve(wish, month_card_id=None)
        return await self.placing.place(None, admission.tenant_id, wish)

    def _impossible(self, refusal: Refusal) -> Reply:
        """No such port; a site without a tariff."""
        self._log.warn("a card cannot charge here: {why}", why=refusal.detail)
        return _refused("refused")

    async def _at_busy_port(self, running: Track, uid: str) -> Reply:
        """The same card ends its charge; any other finds the port taken."""
        order = running.order
        if order.card_uid != uid:
            return _refused("port-busy")
        if order.state is OrderState.STARTING:
            return await self._accepted(order, "ok")
        await self.stopping.stop(order, StopReason.USER)
        return await self._accepted(order, "stopped")

    async def _accepted(self, order: Order, code: str) -> Reply:
        balance_fen = None
        if order.customer_id is not None and self.store.writer.trouble is None:
            # it is told where it is known
            with suppress(*TROUBLES):
                balance_fen = await self._balance_fen(order.tenant_id, order.customer_id)
        return Reply(Outcome.KEPT, code, order.id, balance_fen)

    async def _balance_fen(self, tenant_id: int, customer_id: int) -> int:
        wallet = await self.store.read(
            lambda connection: find_wallet(connection, tenant_id, customer_id)
        )
        return wallet.balance_fen


def _checked(card: Card | None) -> Card | Reply:
    """A card, if it may charge, or why it may not."""
    if card is None or card.customer_id is None:
        return _refused("unknown-card")
    if card.status in _NOT_ACTIVE:
        return _refused(_NOT_ACTIVE[card.status])
    return card


def _find_for_card(
    wish: Wish, tenant_id: int, at: datetime, connection: Connection
) -> tuple[Wish, Found] | Reply:
    """What a card's owner wishes and what the order is made of, or why it may not charge: in
    one go, as each goes through a thread."""
    assert wish.card_uid is not None
    card = _checked(find_card(connection, tenant_id, wish.card_uid))
    if isinstance(card, Reply):
        return card
    assert card.customer_id is not None, "nobody's card is unknown"
    wish = evolve(wish, customer_id=card.customer_id)
    found = find_for(connection, tenant_id, wish)
    cover = find_cover(connection, card.customer_id, found.site, at)
    return evolve(wish, month_card_id=cover), found


def _refused(code: str) -> Reply:
    return Reply(Outcome.REFUSED, code)
