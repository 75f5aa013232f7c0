"""C{/payments}: opened, told of by channels, looked at, sent back."""

from typing import Any

from chargecloud.charging.placing import Wish
from chargecloud.charging.prepaid import Prepaid
from chargecloud.domain.errors import (
    ChannelAway,
    ChargerOffline,
    Conflict,
    InsufficientFunds,
    NotFound,
    NoticeRefused,
    Overloaded,
    PortBusy,
    StorageFull,
)
from chargecloud.money import payments as money
from chargecloud.money.channels import Channels
from chargecloud.money.refunds import Refunds
from chargecloud.money.taking import Taking
from chargecloud.routes import SIGNED, Call, HeldBy, Method, Page, Route
from chargecloud.web.resources.payment_bodies import (
    NewPayment,
    NewRefund,
    PaidOrder,
    PaymentQuery,
    PaymentShown,
    RefundShown,
    show,
    show_refund,
)
from chargecloud.web.resources.shared import page, request_key


def routes(
    payments: money.Payments,
    prepaid: Prepaid,
    channels: Channels,
    taking: Taking,
    refunds: Refunds,
) -> list[Route]:
    """The routes of payments."""

    async def create(call: Call) -> PaymentShown:
        body: NewPayment = call.body
        new = money.NewPayment(
            channel=body.channel,
            amount_fen=body.amount_fen,
            subject=body.subject,
            method=body.method,
            payer=body.payer,
            client_ip=body.client_ip,
            return_url=body.return_url,
            customer_id=body.customer_id,
        )
        request, tenant_id = request_key(call), call.caller.tenant_id
        if body.order is None:
            return show(await payments.open(request, tenant_id, new))
        return show(await prepaid.open(request, tenant_id, new, _wish(body.order)))

    async def listed(call: Call) -> Page[PaymentShown]:
        query: PaymentQuery = call.query
        found = await payments.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            state=query.state,
            customer_id=query.customer_id,
            order_id=query.order_id,
        )
        return page(found, show)

    async def get(call: Call) -> PaymentShown:
        return show(await payments.get(call.caller.tenant_id, call.id("payment_id")))

    async def refund(call: Call) -> RefundShown:
        body: NewRefund = call.body
        asked = await refunds.ask(
            request_key(call),
            call.caller.tenant_id,
            call.id("payment_id"),
            body.amount_fen,
            body.reason,
            call.caller.token_id,
        )
        return show_refund(asked)

    async def notice(call: Call) -> str:
        name = call.path["channel"]
        fact = await channels.read(name, call.headers, call.body)
        try:
            await taking.told(name, fact)
        except NoticeRefused as refused:
            raise channels.counted(name, refused) from None
        return channels.channels[name].notice_answer

    common: dict[str, Any] = {"tag": "payments"}
    return [
        Route(
            method=Method.POST,
            path="/payments",
            held_by=HeldBy.PAID_ORDER,
            summary="Open a payment, into a wallet or for a charge; answers with how to pay it",
            permission="payments:write",
            body=NewPayment,
            answer=PaymentShown,
            status=201,
            refusals=(
                NotFound,
                ChannelAway,
                PortBusy,
                ChargerOffline,
                StorageFull,
            ),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/payments",
            summary="List the payments",
            permission="payments:read",
            query=PaymentQuery,
            answer=Page[PaymentShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/payments/{payment_id}",
            summary="Show a payment",
            permission="payments:read",
            answer=PaymentShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/payments/{payment_id}/refunds",
            summary="Send money back the way it came",
            permission="payments:write",
            body=NewRefund,
            answer=RefundShown,
            status=201,
            refusals=(NotFound, Conflict, InsufficientFunds),
            run=refund,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/payments/notices/{channel}",
            summary="Tell of a payment or a refund: for payment channels, whose signature it has",
            permission=None,
            consumes=SIGNED,
            body=bytes,
            answer=str,
            media_type="text/plain",
            refusals=(NoticeRefused, Conflict, Overloaded),
            run=notice,
            **common,
        ),
    ]


def _wish(order: PaidOrder) -> Wish:
    return Wish(
        charger_id=order.charger_id,
        port=order.port,
        tariff_id=order.tariff_id,
        limit_energy_wh=order.limit.energy_wh,
        limit_duration_s=order.limit.duration_s,
        limit_amount_fen=order.limit.amount_fen,
        until_full=order.limit.until_full,
    )
