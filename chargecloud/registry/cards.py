"""Cards that are held to chargers, and whose they are."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection, select

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from chargecloud.registry.customers import find_customer
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import cards
from chargecloud.storage.store import Store

#: as long as chargers' protocols have room for
LONGEST_UID = 32


class CardStatus(Enum):
    """Whether a card may charge."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    EXPIRED = "expired"


@frozen(kw_only=True)
class Card:
    """
    A card.

    @ivar uid: what chargers read from it, as L{read_uid} writes it.
    @ivar customer_id: whose wallet pays; nobody's card charges nothing.
    @ivar blocked_for: C{"debt"}, if it is blocked until its customer has paid what they owe.
    """

    id: int
    tenant_id: int
    uid: str
    customer_id: int | None
    status: CardStatus
    created_at: datetime
    blocked_for: str | None = None


def read_uid(text: str) -> str:
    """
    A card's uid in its one form: capital letters, without the spaces, colons and dashes that
    one reader puts between its bytes and another does not.

    @raise Invalid: if nothing of it is left, or it is too long.
    """
    uid = text.translate({ord(each): None for each in " :-"}).upper()
    if not (0 < len(uid) <= LONGEST_UID and uid.isascii() and uid.isprintable()):
        what = f"must have 1 to {LONGEST_UID} letters, digits or signs"
        raise Invalid(f"a card's uid {what}", errors=[{"pointer": "/uid", "detail": what}])
    return uid


def is_uid(text: str) -> bool:
    """Whether a card could have it."""
    try:
        read_uid(text)
    except Invalid:
        return False
    return True


_CARDS = Rows(cards, select(cards))


def find_card(connection: Connection, tenant_id: int, uid: str) -> Card | None:
    """The card of a tenant with that uid, if there is one."""
    row = _CARDS.first(connection, tenant_id=tenant_id, uid=uid)
    return None if row is None else _card(row)


def _card(row: Any) -> Card:
    return Card(**(dict(row._mapping) | {"status": CardStatus(row.status)}))


def _of(tenant_id: int | None) -> Any:
    found = select(cards)
    return found if tenant_id is None else found.where(cards.c.tenant_id == tenant_id)


@frozen
class Cards:
    """The cards of all tenants."""

    store: Store
    calendar: Calendar

    async def create(
        self,
        request: RequestKey | None,
        tenant_id: int,
        *,
        uid: str,
        customer_id: int | None,
        status: CardStatus,
    ) -> Card:
        """
        Make a card.

        @raise AlreadyExists: if the tenant has one with that uid.
        @raise NotFound: if the tenant has no such customer.
        """
        if customer_id is not None:
            await self.store.read(lambda found: find_customer(found, tenant_id, customer_id))
        card = Card(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            uid=read_uid(uid),
            customer_id=customer_id,
            status=status,
            created_at=self.calendar.now(),
        )
        body = {"card_id": card.id, "customer_id": customer_id, "status": status.value}
        entry = LogEntry("card.created", tenant_id, body)
        row = asdict(card) | {"status": status.value}
        try:
            made = await once(
                self.store, request, card.id, Decision((Insert("cards", row),), (entry,))
            )
        except Stale:
            raise AlreadyExists(f"there is a card {card.uid} already") from None
        return await self.get(tenant_id, made.resource_id)

    async def get(self, tenant_id: int | None, card_id: int) -> Card:
        """
        @raise NotFound: if the tenant has no such card.
        """

        def read(connection: Connection) -> Card:
            row = connection.execute(_of(tenant_id).where(cards.c.id == card_id)).first()
            if row is None:
                raise NotFound(f"there is no card {card_id}")
            return _card(row)

        return await self.store.read(read)

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        customer_id: int | None = None,
        uid: str | None = None,
    ) -> tuple[Sequence[Card], str | None]:
        """A page of them, and the cursor of the next."""
        query = _of(tenant_id)
        if customer_id is not None:
            query = query.where(cards.c.customer_id == customer_id)
        if uid is not None:
            query = query.where(cards.c.uid == read_uid(uid))
        return await self.store.read(
            lambda connection: read_page(
                connection, query, cards.c.id, _card, limit=limit, cursor=cursor
            )
        )

    async def change(
        self,
        tenant_id: int | None,
        card_id: int,
        *,
        by: int,
        status: CardStatus | None = None,
        customer_id: int | None = None,
    ) -> Card:
        """
        Change a card's status, or give it to a customer; what is C{None} stays.

        @param by: id of the token that is used.
        @raise NotFound: if the tenant has no such card, or no such customer.
        @raise Conflict: if somebody else changes it at the same moment.
        """
        before = await self.get(tenant_id, card_id)
        if customer_id is not None:
            await self.store.read(
                lambda connection: find_customer(connection, before.tenant_id, customer_id)
            )
        row = {
            "status": (status or before.status).value,
            "customer_id": before.customer_id if customer_id is None else customer_id,
            # who decides about a card decides it for good
            "blocked_for": before.blocked_for if status is None else None,
        }
        expected = {"status": before.status.value, "customer_id": before.customer_id}
        body = {"card_id": card_id, "by": by, **row}
        entry = LogEntry("card.changed", before.tenant_id, body)
        change = Change("cards", {"id": card_id}, row, expected)
        try:
            await self.store.writer.decide(Decision((change,), (entry,)))
        except Stale:
            raise Conflict("the card was changed by somebody else meanwhile") from None
        return await self.get(tenant_id, card_id)
