"""C{/refunds} and C{/payments/reconciliations}: what went back, and whether all agrees with
the channels' bills."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import ChannelAway, ChannelRefused, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.money.reconciling import Reconciliation, Reconciling
from chargecloud.money.refunds import Refunds
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.payment_bodies import RefundQuery, RefundShown, show_refund
from chargecloud.web.resources.shared import page


@frozen(kw_only=True)
class NewReconciliation:
    """A bill that is to be gone through."""

    channel: str = text("of which payment channel", longest=16)
    day: date = choice("of which day in China (UTC+8), which must be over")
    tenant_id: Id | None = choice("of whom; only the platform names another", default=None)


@frozen(kw_only=True)
class ReconciliationShown:
    """A channel's bill of a day, held against our books."""

    id: Id = choice("its id")
    tenant_id: Id = choice("of whom")
    channel: str = text("of which payment channel")
    day: date = choice("of which day in China (UTC+8)")
    made_at: datetime = choice("when it was gone through")
    payments: int = whole("payments that the bill has")
    paid_fen: int = whole("what they come to, in fen")
    refunds: int = whole("refunds that the bill has")
    refunded_fen: int = whole("what they come to, in fen")
    differences: tuple[Mapping[str, Any], ...] = choice(
        "each with what it is (unknown, not_done, amount, transaction, twice, missing), the "
        "number, and both sides"
    )


def show(made: Reconciliation) -> ReconciliationShown:
    """A reconciliation as it is answered."""
    return ReconciliationShown(
        id=made.id,
        tenant_id=made.tenant_id,
        channel=made.channel,
        day=date.fromisoformat(made.day),
        made_at=made.made_at,
        payments=made.payments,
        paid_fen=made.paid_fen,
        refunds=made.refunds,
        refunded_fen=made.refunded_fen,
        differences=tuple(made.differences),
    )


def routes(reconciling: Reconciling, refunds: Refunds, tenants: Tenants) -> list[Route]:
    """The routes of what an accountant looks at."""

    async def run(call: Call) -> ReconciliationShown:
        body: NewReconciliation = call.body
        tenant_id = await tenants.whose(call.caller.tenant_id, body.tenant_id)
        return show(await reconciling.run(tenant_id, body.channel, body.day))

    async def listed(call: Call) -> Page[ReconciliationShown]:
        query: Paging = call.query
        found = await reconciling.list(
            call.caller.tenant_id, limit=query.limit, cursor=query.cursor
        )
        return page(found, show)

    async def get(call: Call) -> ReconciliationShown:
        return show(await reconciling.get(call.caller.tenant_id, call.id("reconciliation_id")))

    async def refunds_listed(call: Call) -> Page[RefundShown]:
        query: RefundQuery = call.query
        found = await refunds.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            payment_id=query.payment_id,
        )
        return page(found, show_refund)

    common: dict[str, Any] = {"tag": "payments"}
    return [
        Route(
            method=Method.GET,
            path="/refunds",
            summary="List the refunds",
            permission="payments:read",
            query=RefundQuery,
            answer=Page[RefundShown],
            run=refunds_listed,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/payments/reconciliations",
            summary="Hold a payment channel's bill of a day against our books",
            permission="payments:write",
            body=NewReconciliation,
            answer=ReconciliationShown,
            status=201,
            refusals=(NotFound, ChannelRefused, ChannelAway),
            run=run,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/payments/reconciliations",
            summary="List the reconciliations",
            permission="payments:read",
            query=Paging,
            answer=Page[ReconciliationShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/payments/reconciliations/{reconciliation_id}",
            summary="Show a reconciliation",
            permission="payments:read",
            answer=ReconciliationShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
    ]
