"""C{/orders}: placed, looked at, stopped."""

from typing import Any

from attrs import asdict

from chargecloud.charging.changing import Changing, NewLimits
from chargecloud.charging.history import History, credit_notes
from chargecloud.charging.orders import Orders
from chargecloud.charging.placing import Placing, Wish
from chargecloud.charging.stopping import Stopping
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    CouponRefused,
    InsufficientFunds,
    MonthCardRefused,
    NotFound,
    Overloaded,
    PortBusy,
    Refusal,
    StorageFull,
)
from chargecloud.domain.events import StopReason
from chargecloud.routes import Call, HeldBy, Method, Page, Route
from chargecloud.web.resources.order_bodies import (
    BillShown,
    NewOrder,
    OrderQuery,
    OrderShown,
    OtherLimit,
    show,
    show_bill,
)
from chargecloud.web.resources.shared import page, request_key


def routes(
    orders: Orders, history: History, placing: Placing, changing: Changing, stopping: Stopping
) -> list[Route]:
    """The routes of orders."""

    async def create(call: Call) -> OrderShown:
        body: NewOrder = call.body
        wish = Wish(
            charger_id=body.charger_id,
            port=body.port,
            customer_id=body.customer_id,
            tariff_id=body.tariff_id,
            prepaid_fen=body.prepaid_fen,
            limit_energy_wh=body.limit.energy_wh,
            limit_duration_s=body.limit.duration_s,
            limit_amount_fen=body.limit.amount_fen,
            until_full=body.limit.until_full,
            ready_by=body.ready_by,
            coupon=body.coupon,
            month_card_id=body.month_card_id,
        )
        return show(await placing.place(request_key(call), call.caller.tenant_id, wish))

    async def listed(call: Call) -> Page[OrderShown]:
        query: OrderQuery = call.query
        mine = call.caller.tenant_id
        if mine is not None and query.tenant_id not in (None, mine):
            return Page(())
        found = await orders.list(
            query.tenant_id if mine is None else mine,
            limit=query.limit,
            cursor=query.cursor,
            state=query.state,
            charger_id=query.charger_id,
            customer_id=query.customer_id,
            site_id=query.site_id,
            port=query.port,
            stop_reason=query.stop_reason,
            origin=query.origin,
            abnormal=query.abnormal,
            placed_from=query.from_,
            placed_until=query.to,
            newest_first=query.newest_first,
        )
        return page(found, show)

    async def get(call: Call) -> OrderShown:
        return show(await orders.get(call.caller.tenant_id, call.id("order_id")))

    async def bill(call: Call) -> BillShown:
        tenant_id, order_id = call.caller.tenant_id, call.id("order_id")
        order = await orders.get(tenant_id, order_id)
        return show_bill(order, credit_notes(await history.of(tenant_id, order_id)))

    async def stop(call: Call) -> OrderShown:
        tenant_id, order_id = call.caller.tenant_id, call.id("order_id")
        order = await orders.to_be_stopped(tenant_id, order_id)
        await stopping.stop(order, StopReason.USER)
        return show(await orders.to_be_stopped(tenant_id, order_id))

    async def change(call: Call) -> OrderShown:
        order = await orders.get(call.caller.tenant_id, call.id("order_id"))
        limits = NewLimits(**asdict(call.body))
        return show(await changing.change(order, limits, call.caller.token_id))

    common: dict[str, Any] = {"tag": "orders"}
    return [
        Route(
            method=Method.POST,
            path="/orders",
            held_by=HeldBy.CHARGER,
            summary="Place an order: hold the money, start the charge, now or when it costs less",
            permission="orders:write",
            body=NewOrder,
            answer=OrderShown,
            status=201,
            refusals=(
                NotFound,
                PortBusy,
                ChargerOffline,
                InsufficientFunds,
                CouponRefused,
                MonthCardRefused,
                Overloaded,
                StorageFull,
            ),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/orders",
            summary="List the orders",
            permission="orders:read",
            query=OrderQuery,
            answer=Page[OrderShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/orders/{order_id}",
            held_by=HeldBy.ORDER,
            summary="Show an order",
            permission="orders:read",
            answer=OrderShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/orders/{order_id}/bill",
            summary="Show what makes the amount of an order",
            permission="orders:read",
            answer=BillShown,
            refusals=(NotFound,),
            run=bill,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/orders/{order_id}/limits",
            held_by=HeldBy.ORDER,
            summary="Give a running order other limits; its charger takes them first",
            permission="orders:write",
            body=OtherLimit,
            answer=OrderShown,
            refusals=(NotFound, Conflict, ChargerOffline, CommandTimedOut, Refusal),
            run=change,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/orders/{order_id}/stop",
            held_by=HeldBy.ORDER,
            summary="Ask the charger to stop; the order ends with its end record, or at once if it"
            " waits",
            permission="orders:write",
            answer=OrderShown,
            refusals=(NotFound, Conflict, ChargerOffline, CommandTimedOut),
            run=stop,
            **common,
        ),
    ]
