"""C{/settlements}: made by hand, followed, and what each party got."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.split import CHANNEL, Amounts, Parts, difference
from chargecloud.domain.units import wh
from chargecloud.money.settlement.channel_split import ChannelSplit
from chargecloud.money.settlement.channel_splits import ChannelSplits
from chargecloud.money.settlement.metering import Reimbursed
from chargecloud.money.settlement.month_card_shares import CardSplit
from chargecloud.money.settlement.rules import Every
from chargecloud.money.settlement.settlements import HeldOrder, Line, Settlements
from chargecloud.money.settlement.statements import Form, Statements
from chargecloud.money.settlement.value import Settlement, SettlementState
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Download, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

#: of what is called back, and of a loss where charges go on over a reading
LEAST_FEN = -(2**53)

_MEDIA = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@frozen(kw_only=True)
class NewSettlement:
    """A settlement by hand: of the orders of all rules."""

    until: datetime | None = choice("orders that ended before; now if not given", default=None)
    tenant_id: Id | None = choice("whose; only the platform names another", default=None)


@frozen(kw_only=True)
class PartShown:
    """What a party got."""

    party_id: Id | None = choice("who; null for what payment channels took")
    electricity_fen: int = whole(
        "of electricity, in fen; below zero for what is called back", least=LEAST_FEN
    )
    service_fen: int = whole("of service, in fen", least=LEAST_FEN)
    occupancy_fen: int = whole("of occupancy, in fen", least=LEAST_FEN)
    amount_fen: int = whole("of all of them, in fen", least=LEAST_FEN)


@frozen(kw_only=True)
class ReimbursementShown:
    """Electricity that was paid for by a master meter, and is given back."""

    site_id: Id = choice("of which site")
    from_at: datetime = choice("of the reading that it begins with")
    until_at: datetime = choice("of the reading that it ends with")
    party_id: Id = choice("who is given it")
    payer_id: Id = choice("by whom")
    metered_wh: int = whole("what the master meter counted, in Wh")
    charged_wh: int = whole("what charges drew that ended meanwhile, in Wh")
    lost_wh: int = whole("the rest, in Wh", least=LEAST_FEN)
    price: int = whole("in 1e-5 yuan for a kWh")
    amount_fen: int = whole("what is given back, in fen")


@frozen(kw_only=True)
class CardSplitShown:
    """What month cards have earned at a site since it was split before."""

    site_id: Id = choice("at which site")
    rule_id: Id = choice("by which rule it is split")
    rule_version: int = whole("in which of its versions", least=1)
    amount_fen: int = whole("how much, in fen")
    parts: tuple[PartShown, ...] = choice("what each party got of it, as of service")


@frozen(kw_only=True)
class SettlementShown:
    """A settlement."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose")
    name: str = text("what it is one of; its id if it was made by hand")
    every: Every = choice("the orders of which rules; by_hand: of all")
    until: datetime = choice("orders that ended before")
    state: SettlementState = choice("running, or done")
    expected: int = whole("how many orders waited as it began, due or not")
    seen: int = whole("how many of them were looked at")
    orders: int = whole("how many were split")
    held: int = whole("how many could not be; their money is where it was")
    parts: tuple[PartShown, ...] = choice("what each party got of fees, less what was called back")
    reimbursements: tuple[ReimbursementShown, ...] = choice("of electricity, by master meters")
    month_cards: tuple[CardSplitShown, ...] = choice("of what they have earned, by sites")
    created_at: datetime = choice("when it was made")
    finished_at: datetime | None = choice("when it was done")


@frozen(kw_only=True)
class LineShown:
    """What a settlement made of an order."""

    order_id: Id = choice("which order")
    rule_id: Id = choice("by which rule")
    rule_version: int = whole("in which of its versions", least=1)
    parts: tuple[PartShown, ...] = choice("what each party has of it by now")
    changes: tuple[PartShown, ...] = choice("what changed by this settlement")


@frozen(kw_only=True)
class ChannelPartShown:
    """What a channel gives to a party, or calls back from them."""

    party_id: Id = choice("who")
    amount_fen: int = whole("how much, in fen")
    state: str = text("under_way, done or failed")
    why: str | None = text("what keeps it from them, if it failed")


@frozen(kw_only=True)
class ChannelSplitShown:
    """What a payment channel was asked for."""

    id: Id = choice("its id, and its number at the channel")
    order_id: Id = choice("of which order")
    payment_id: Id = choice("of which payment")
    channel: str = text("which channel")
    back_of: Id | None = choice("the split that it calls something back of; null for a split")
    state: str = text("wanted, asked, split, done, or failed (of what is called back)")
    parts: tuple[ChannelPartShown, ...] = choice("for each party, within the channel's limits")
    failure: str | None = text("what the channel refused last")
    ended_at: datetime | None = choice("when it came to its end; null if it is under way")


@frozen(kw_only=True)
class HeldShown:
    """An order that no settlement could split; its money is where it was."""

    order_id: Id = choice("which order")
    reason: str = text("no-rule, rules-overlap, shares-exceed-base, shares-leave-a-rest, not-paid")


def _part(party_id: int, amounts: Amounts) -> PartShown:
    electricity_fen, service_fen, occupancy_fen = amounts
    return PartShown(
        party_id=None if party_id == CHANNEL else party_id,
        electricity_fen=electricity_fen,
        service_fen=service_fen,
        occupancy_fen=occupancy_fen,
        amount_fen=sum(amounts),
    )


def _parts(parts: Parts) -> tuple[PartShown, ...]:
    return tuple([_part(party_id, parts[party_id]) for party_id in sorted(parts)])


def _total(sums: Sequence[int]) -> Amounts:
    gained, back = sums[:3], sums[3:]
    electricity, service, occupancy = (a - b for a, b in zip(gained, back, strict=True))
    return electricity, service, occupancy


def show(
    settlement: Settlement, reimbursed: Sequence[Reimbursed], cards: Sequence[CardSplit]
) -> SettlementShown:
    """A settlement as it is answered."""
    return SettlementShown(
        id=settlement.id,
        tenant_id=settlement.tenant_id,
        name=settlement.name,
        every=settlement.every,
        until=settlement.until_at,
        state=settlement.state,
        expected=settlement.expected,
        seen=settlement.seen,
        orders=settlement.orders,
        held=settlement.held,
        parts=_parts({int(party): _total(sums) for party, sums in settlement.totals.items()}),
        reimbursements=tuple(map(_reimbursement, reimbursed)),
        month_cards=tuple(map(_card_split, cards)),
        created_at=settlement.created_at,
        finished_at=settlement.finished_at,
    )


def _reimbursement(done: Reimbursed) -> ReimbursementShown:
    metered_wh, charged_wh = wh(done.metered_mwh), wh(done.charged_mwh)
    return ReimbursementShown(
        site_id=done.site_id,
        from_at=done.from_at,
        until_at=done.until_at,
        party_id=done.party_id,
        payer_id=done.payer_id,
        metered_wh=metered_wh,
        charged_wh=charged_wh,
        lost_wh=metered_wh - charged_wh,
        price=done.price,
        amount_fen=done.amount_fen,
    )


def _card_split(split: CardSplit) -> CardSplitShown:
    return CardSplitShown(
        site_id=split.site_id,
        rule_id=split.rule_id,
        rule_version=split.rule_version,
        amount_fen=split.amount_fen,
        parts=_parts(split.parts),
    )


def show_line(line: Line) -> LineShown:
    """A line as it is answered."""
    return LineShown(
        order_id=line.order_id,
        rule_id=line.rule_id,
        rule_version=line.rule_version,
        parts=_parts(line.parts),
        changes=_parts(difference(line.before, line.parts)),
    )


def show_held(held: HeldOrder) -> HeldShown:
    """A held order as it is answered."""
    return HeldShown(order_id=held.order_id, reason=held.reason)


def show_channel_split(split: ChannelSplit) -> ChannelSplitShown:
    """What a channel was asked for, as it is answered."""
    return ChannelSplitShown(
        id=split.id,
        order_id=split.order_id,
        payment_id=split.payment_id,
        channel=split.channel,
        back_of=split.back_of,
        state=split.state,
        parts=tuple(
            ChannelPartShown(
                party_id=int(part["party"]),
                amount_fen=part["amount_fen"],
                state=part["state"],
                why=part.get("why"),
            )
            for part in split.parts
        ),
        failure=split.failure,
        ended_at=split.ended_at,
    )


def routes(
    settlements: Settlements,
    splits: ChannelSplits,
    statements: Statements,
    tenants: Tenants,
) -> list[Route]:
    """The routes of settlements."""

    async def whole_of(made: Settlement) -> SettlementShown:
        reimbursed = await settlements.reimbursements(made.id)
        return show(made, reimbursed, await settlements.card_splits(made.id))

    async def create(call: Call) -> SettlementShown:
        body: NewSettlement = call.body
        caller = call.caller
        tenant_id = await tenants.whose(caller.tenant_id, body.tenant_id)
        made = await settlements.make(request_key(call), tenant_id, body.until, caller.token_id)
        return await whole_of(made)

    async def listed(call: Call) -> Page[SettlementShown]:
        query: Paging = call.query
        found = await settlements.list(
            call.caller.tenant_id, limit=query.limit, cursor=query.cursor
        )
        return page(found, lambda each: show(each, (), ()))

    async def get(call: Call) -> SettlementShown:
        found = await settlements.get(call.caller.tenant_id, call.id("settlement_id"))
        return await whole_of(found)

    async def lines(call: Call) -> Page[LineShown]:
        query: Paging = call.query
        found = await settlements.lines(
            call.caller.tenant_id,
            call.id("settlement_id"),
            limit=query.limit,
            cursor=query.cursor,
        )
        return page(found, show_line)

    async def channel_splits(call: Call) -> Page[ChannelSplitShown]:
        query: Paging = call.query
        settlement = await settlements.get(call.caller.tenant_id, call.id("settlement_id"))
        found = await splits.of(settlement.id, limit=query.limit, cursor=query.cursor)
        return page(found, show_channel_split)

    async def held(call: Call) -> Page[HeldShown]:
        query: Paging = call.query
        found = await settlements.held(
            call.caller.tenant_id, limit=query.limit, cursor=query.cursor
        )
        return page(found, show_held)

    def statement(form: Form) -> Any:
        async def write(call: Call) -> Download:
            settlement_id, party_id = call.id("settlement_id"), call.id("party_id")
            file = await statements.write(call.caller.tenant_id, settlement_id, party_id, form)
            return Download(file, f"settlement-{settlement_id}-{party_id}.{form.value}")

        return write

    common: dict[str, Any] = {"tag": "settlements"}
    return [
        Route(
            method=Method.POST,
            path="/settlements",
            summary="Settle the orders that are due; it goes on after the answer",
            permission="settlements:write",
            body=NewSettlement,
            answer=SettlementShown,
            status=201,
            refusals=(NotFound,),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/settlements",
            summary="List the settlements",
            permission="settlements:read",
            query=Paging,
            answer=Page[SettlementShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/settlements/held",
            summary="List the orders that no settlement could split, and why",
            permission="settlements:read",
            query=Paging,
            answer=Page[HeldShown],
            run=held,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/settlements/{settlement_id}",
            summary="Show a settlement, and how far it is",
            permission="settlements:read",
            answer=SettlementShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/settlements/{settlement_id}/lines",
            summary="List what a settlement made of each order",
            permission="settlements:read",
            query=Paging,
            answer=Page[LineShown],
            refusals=(NotFound,),
            run=lines,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/settlements/{settlement_id}/channel-splits",
            summary="List what payment channels were asked to give, and what became of it",
            permission="settlements:read",
            query=Paging,
            answer=Page[ChannelSplitShown],
            refusals=(NotFound,),
            run=channel_splits,
            **common,
        ),
        *(
            Route(
                method=Method.GET,
                path=f"/settlements/{{settlement_id}}/statements/{{party_id}}.{form.value}",
                summary=f"What a party got by a settlement, as {form.value.upper()}",
                permission="settlements:read",
                answer=str,
                media_type=_MEDIA[form],
                refusals=(NotFound, Conflict),
                run=statement(form),
                **common,
            )
            for form in Form
        ),
    ]
