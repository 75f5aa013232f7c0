"""C{/cards}"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import AlreadyExists, Conflict, NotFound
from chargecloud.domain.fields import choice, text
from chargecloud.registry.cards import Card, Cards, CardStatus
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: with whatever a reader puts between its bytes
_LONGEST = 100


@frozen(kw_only=True)
class NewCard:
    """A card to be made."""

    uid: str = text("what chargers read from it", longest=_LONGEST, example="04:A1:B2:C3:D4")
    customer_id: Id | None = choice("whose wallet pays", default=None)
    status: CardStatus = choice("whether it may charge", default=CardStatus.ACTIVE)
    tenant_id: Id | None = choice("whose it is; only the platform names another", default=None)


@frozen(kw_only=True)
class CardChange:
    """What is to be different; what is not said stays as it is."""

    customer_id: Id | None = choice("whose wallet pays from now on", default=None)
    status: CardStatus | None = choice("whether it may charge", default=None)


@frozen(kw_only=True)
class CardShown:
    """A card."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose it is")
    uid: str = text("what chargers read from it, in capital letters and without separators")
    customer_id: Id | None = choice("whose wallet pays")
    status: CardStatus = choice("whether it may charge")
    blocked_for: str | None = text("debt: until its customer has paid what they owe")
    created_at: datetime = choice("when it was made")


@frozen(kw_only=True)
class CardQuery(Paging):
    """Which cards."""

    customer_id: Id | None = choice("of this customer", default=None)
    uid: str | None = text("with this uid", default=None, longest=_LONGEST)


def show(card: Card) -> CardShown:
    """A card as it is answered."""
    return CardShown(
        id=card.id,
        tenant_id=card.tenant_id,
        uid=card.uid,
        customer_id=card.customer_id,
        status=card.status,
        blocked_for=card.blocked_for,
        created_at=card.created_at,
    )


def routes(cards: Cards, tenants: Tenants, changed: Callable[[int], None]) -> list[Route]:
    """
    The routes of cards.

    @param changed: is told that a card of a tenant is not as it was.
    """

    async def create(call: Call) -> CardShown:
        body: NewCard = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        made = await cards.create(
            request_key(call),
            tenant_id,
            uid=body.uid,
            customer_id=body.customer_id,
            status=body.status,
        )
        changed(made.tenant_id)
        return show(made)

    async def listed(call: Call) -> Page[CardShown]:
        query: CardQuery = call.query
        found = await cards.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            customer_id=query.customer_id,
            uid=query.uid,
        )
        return page(found, show)

    async def get(call: Call) -> CardShown:
        return show(await cards.get(call.caller.tenant_id, call.id("card_id")))

    async def change(call: Call) -> CardShown:
        body: CardChange = call.body
        card = await cards.change(
            call.caller.tenant_id,
            call.id("card_id"),
            by=call.caller.token_id,
            status=body.status,
            customer_id=body.customer_id,
        )
        changed(card.tenant_id)
        return show(card)

    common: dict[str, Any] = {"tag": "cards"}
    return [
        Route(
            method=Method.POST,
            path="/cards",
            summary="Make a card",
            permission="cards:write",
            body=NewCard,
            answer=CardShown,
            status=201,
            refusals=(NotFound, AlreadyExists),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/cards",
            summary="List the cards",
            permission="cards:read",
            query=CardQuery,
            answer=Page[CardShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/cards/{card_id}",
            summary="Show a card",
            permission="cards:read",
            answer=CardShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.PATCH,
            path="/cards/{card_id}",
            summary="Block a card, or give it to a customer",
            permission="cards:write",
            body=CardChange,
            answer=CardShown,
            refusals=(NotFound, Conflict),
            run=change,
            **common,
        ),
    ]
