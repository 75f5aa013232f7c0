"""C{/month-cards}: sold, looked at, given back."""

from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Conflict, InsufficientFunds, NotFound
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import DAY, HOUR
from chargecloud.money.month_cards import MonthCard, MonthCards, MonthCardState
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: a year and a day; above any price, any count, any power of a bike or a car
_MOST_DAYS, _MOST_FEN, _MOST_CHARGES, _MOST_W = 366, 10_000_000, 1_000, 10_000_000
_MOST_HOURS = DAY // HOUR


@frozen(kw_only=True)
class NewMonthCard:
    """A card to be sold."""

    customer_id: Id = choice("who buys it, from their wallet")
    price_fen: int = whole("its price", least=1, most=_MOST_FEN, example=3000)
    days: int = whole("how long it is good, in days of 24 hours", least=1, most=_MOST_DAYS)
    starts_at: datetime | None = choice("from when on; now if not given", default=None)
    site_ids: tuple[Id, ...] = choice("where it is good; everywhere if none is given", default=())
    hours_a_day: int | None = whole(
        "how long it covers charges on one day", default=None, least=1, most=_MOST_HOURS
    )
    charges_a_day: int | None = whole(
        "how many charges it covers on one day", default=None, least=1, most=_MOST_CHARGES
    )
    power_w: int | None = whole(
        "a charge that draws more is not covered", default=None, least=1, most=_MOST_W
    )


@frozen(kw_only=True)
class MonthCardShown:
    """A month card."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose sites it is for")
    customer_id: Id = choice("whose it is")
    state: MonthCardState = choice("whether it is good")
    price_fen: int = whole("what was paid for it")
    returned_fen: int = whole("what of that went back")
    days: int = whole("how long it is good, in days of 24 hours")
    starts_at: datetime = choice("from when on")
    ends_at: datetime = choice("until when")
    site_ids: tuple[Id, ...] = choice("where it is good; everywhere if there is none")
    hours_a_day: int | None = whole("how long it covers charges on one day")
    charges_a_day: int | None = whole("how many charges it covers on one day")
    power_w: int | None = whole("a charge that draws more is not covered")
    created_at: datetime = choice("when it was sold")
    closed_at: datetime | None = choice("when it was given back, or its earnings were spread")


@frozen(kw_only=True)
class MonthCardQuery(Paging):
    """Which month cards."""

    customer_id: Id | None = choice("of this customer", default=None)


def show(card: MonthCard) -> MonthCardShown:
    """A month card as it is answered."""
    hours = None if card.seconds_a_day is None else card.seconds_a_day // HOUR
    shown: dict[str, Any] = {"site_ids": tuple(card.site_ids), "hours_a_day": hours}
    for name in MonthCardShown.__annotations__:
        if name not in shown:
            shown[name] = getattr(card, name)
    return MonthCardShown(**shown)


def routes(cards: MonthCards) -> list[Route]:
    """The routes of month cards."""

    async def sell(call: Call) -> MonthCardShown:
        body: NewMonthCard = call.body
        now = cards.calendar.now()
        new = MonthCard(
            id=0,
            tenant_id=0,
            customer_id=body.customer_id,
            price_fen=body.price_fen,
            days=body.days,
            starts_at=body.starts_at or now,
            ends_at=now,
            site_ids=body.site_ids,
            seconds_a_day=None if body.hours_a_day is None else body.hours_a_day * HOUR,
            charges_a_day=body.charges_a_day,
            power_w=body.power_w,
            created_at=now,
        )
        return show(await cards.sell(request_key(call), call.caller.tenant_id, new))

    async def listed(call: Call) -> Page[MonthCardShown]:
        query: MonthCardQuery = call.query
        found = await cards.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            customer_id=query.customer_id,
        )
        return page(found, show)

    async def get(call: Call) -> MonthCardShown:
        return show(await cards.get(call.caller.tenant_id, call.id("month_card_id")))

    async def give_back(call: Call) -> MonthCardShown:
        return show(await cards.give_back(call.caller.tenant_id, call.id("month_card_id")))

    common: dict[str, Any] = {"tag": "month cards"}
    return [
        Route(
            method=Method.POST,
            path="/month-cards",
            summary="Sell a month card, for money that its customer has paid in",
            permission="month-cards:write",
            body=NewMonthCard,
            answer=MonthCardShown,
            status=201,
            refusals=(NotFound, InsufficientFunds),
            run=sell,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/month-cards",
            summary="List the month cards",
            permission="month-cards:read",
            query=MonthCardQuery,
            answer=Page[MonthCardShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/month-cards/{month_card_id}",
            summary="Show a month card",
            permission="month-cards:read",
            answer=MonthCardShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/month-cards/{month_card_id}/return",
            summary="Take a month card back: its days that have not begun are paid back",
            permission="month-cards:write",
            answer=MonthCardShown,
            refusals=(NotFound, Conflict),
            run=give_back,
            **common,
        ),
    ]
