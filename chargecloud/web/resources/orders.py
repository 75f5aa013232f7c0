"""C{/orders}"""

from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.charging.orders import Orders
from chargecloud.charging.placing import Placing, Wish
from chargecloud.charging.stopping import Stopping
from chargecloud.domain.errors import (
    ChargerOffline,
    CommandTimedOut,
    Conflict,
    InsufficientFunds,
    NotFound,
    Overloaded,
    PortBusy,
)
from chargecloud.domain.events import StopReason
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.domain.tariff import Fee
from chargecloud.domain.units import DAY, wh
from chargecloud.routes import Call, Id, Method, Page, Paging, Route, choice, text, whole
from chargecloud.web.resources.shared import page, request_key
from chargecloud.web.resources.tariffs import LineShown, show_line

#: ten times the largest battery on a road; every dialect's fields hold it
MOST_ENERGY_WH = 10_000_000
#: a month: who parks for longer is no customer; every dialect's fields hold it
MOST_DURATION_S = 30 * DAY


@frozen(kw_only=True)
class Limit:
    """When a charge is to end by itself, whatever comes first."""

    energy_wh: int | None = whole(
        "after this much energy", default=None, least=1, most=MOST_ENERGY_WH
    )
    duration_s: int | None = whole("after this long", default=None, least=1, most=MOST_DURATION_S)
    amount_fen: int | None = whole("before it costs more than this", default=None, least=1)
    until_full: bool = choice("when the battery is full", default=True)


@frozen(kw_only=True)
class NewOrder:
    """A charge that somebody wants."""

    charger_id: Id = choice("at which charger")
    port: int = whole("at which port", least=1, most=64, example=3)
    customer_id: Id | None = choice("whose wallet pays", default=None)
    tariff_id: Id | None = choice("at which price; the site's if not given", default=None)
    prepaid_fen: int | None = whole("to hold, and to spend at the most", default=None, least=1)
    limit: Limit = choice("when to end", default=Limit())

    def __attrs_post_init__(self) -> None:
        if self.prepaid_fen is not None and self.customer_id is None:
            raise ValueError("prepaid_fen needs a customer_id: it is held in a wallet")


@frozen(kw_only=True)
class OrderShown:
    """A charge, from the request to the bill."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose charger it is at")
    site_id: Id = choice("where")
    charger_id: Id = choice("at which charger")
    port: int = whole("at which port")
    customer_id: Id | None = choice("who pays")
    tariff_id: Id = choice("at which price")
    tariff_version: int = whole("in which version of it")
    state: OrderState = choice("where it is in its life")
    energy_wh: int = whole("energy so far, rounded")
    energy_mwh: int = whole("energy so far, exactly")
    held_fen: int = whole("money that is held for it at the moment")
    amount_fen: int | None = whole("what it cost; null until it is settled")
    electricity_fen: int | None = whole("of which for electricity")
    service_fen: int | None = whole("of which for service")
    start_meter_wh: int | None = whole("the port's register at the start, rounded")
    end_meter_wh: int | None = whole("the port's register at the end, rounded")
    charged_s: int | None = whole("seconds of charging; null until it has ended")
    stop_reason: str | None = text("why it ended")
    failure: str | None = text("why it failed, or is held")
    limit: Limit = choice("when it is to end by itself")
    created_at: datetime = choice("when it was placed")
    started_at: datetime | None = choice("when the charger began")
    ended_at: datetime | None = choice("when the charger ended, or the order failed")
    settled_at: datetime | None = choice("when it was billed and paid")


@frozen(kw_only=True)
class BillShown:
    """What makes the amount."""

    order_id: Id = choice("of which order")
    tariff_id: Id = choice("by which tariff")
    tariff_version: int = whole("in which version of it")
    amount_fen: int = whole("what it cost")
    electricity_fen: int = whole("of which for electricity")
    service_fen: int = whole("of which for service")
    energy_mwh: int = whole("the energy that was metered")
    charged_s: int = whole("seconds of charging")
    lines: tuple[LineShown, ...] = choice("they sum to the amount")


@frozen(kw_only=True)
class OrderQuery(Paging):
    """Which orders."""

    state: OrderState | None = choice("in this state", default=None)
    charger_id: Id | None = choice("at this charger", default=None)
    customer_id: Id | None = choice("of this customer", default=None)
    site_id: Id | None = choice("at this site", default=None)
    newest_first: bool = choice("from the newest back", default=False)


def show(order: Order) -> OrderShown:
    """An order as it is answered."""
    bill = order.bill
    return OrderShown(
        id=order.id,
        tenant_id=order.tenant_id,
        site_id=order.site_id,
        charger_id=order.charger_id,
        port=order.port,
        customer_id=order.customer_id,
        tariff_id=order.tariff_id,
        tariff_version=order.tariff_version,
        state=order.state,
        energy_wh=wh(order.energy_mwh),
        energy_mwh=order.energy_mwh,
        held_fen=0 if order.state in (OrderState.SETTLED, OrderState.FAILED) else order.held_fen,
        amount_fen=bill.amount_fen if bill else None,
        electricity_fen=bill.fee_fen(Fee.ELECTRICITY) if bill else None,
        service_fen=bill.fee_fen(Fee.SERVICE) if bill else None,
        start_meter_wh=_wh(order.start_meter_mwh),
        end_meter_wh=_wh(order.end_meter_mwh),
        charged_s=order.charged_s,
        stop_reason=order.stop_reason.value if order.stop_reason else None,
        failure=order.failure,
        limit=Limit(
            energy_wh=_wh(order.limit_energy_mwh),
            duration_s=order.limit_duration_s,
            amount_fen=order.limit_amount_fen,
            until_full=order.until_full,
        ),
        created_at=order.created_at,
        started_at=order.started_at,
        ended_at=order.ended_at,
        settled_at=order.settled_at,
    )


def show_bill(order: Order) -> BillShown:
    """
    The bill of an order.

    @raise NotFound: if it has none yet.
    """
    bill = order.bill
    if bill is None or order.charged_s is None:
        raise NotFound(f"there is no bill: the order is {order.state.value}")
    return BillShown(
        order_id=order.id,
        tariff_id=bill.tariff_id,
        tariff_version=bill.tariff_version,
        amount_fen=bill.amount_fen,
        electricity_fen=bill.fee_fen(Fee.ELECTRICITY),
        service_fen=bill.fee_fen(Fee.SERVICE),
        energy_mwh=order.energy_mwh,
        charged_s=order.charged_s,
        lines=tuple(show_line(line) for line in bill.lines),
    )


def _wh(energy_mwh: int | None) -> int | None:
    return None if energy_mwh is None else wh(energy_mwh)


def routes(orders: Orders, placing: Placing, stopping: Stopping) -> list[Route]:
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
        )
        return show(await placing.place(request_key(call), call.caller.tenant_id, wish))

    async def listed(call: Call) -> Page[OrderShown]:
        query: OrderQuery = call.query
        found = await orders.list(
            call.caller.tenant_id,
            limit=query.limit,
            cursor=query.cursor,
            state=query.state,
            charger_id=query.charger_id,
            customer_id=query.customer_id,
            site_id=query.site_id,
            newest_first=query.newest_first,
        )
        return page(found, show)

    async def get(call: Call) -> OrderShown:
        return show(await orders.get(call.caller.tenant_id, call.id("order_id")))

    async def bill(call: Call) -> BillShown:
        return show_bill(await orders.get(call.caller.tenant_id, call.id("order_id")))

    async def stop(call: Call) -> OrderShown:
        order = await orders.get(call.caller.tenant_id, call.id("order_id"))
        return show(await stopping.stop(order, StopReason.USER))

    common: dict[str, Any] = {"tag": "orders"}
    return [
        Route(
            method=Method.POST,
            path="/orders",
            summary="Place an order: hold the money, start the charge",
            permission="orders:write",
            body=NewOrder,
            answer=OrderShown,
            status=201,
            refusals=(NotFound, PortBusy, ChargerOffline, InsufficientFunds, Overloaded),
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
            path="/orders/{order_id}/stop",
            summary="Ask the charger to stop; the order ends with the charger's end record",
            permission="orders:write",
            answer=OrderShown,
            refusals=(NotFound, Conflict, ChargerOffline, CommandTimedOut),
            run=stop,
            **common,
        ),
    ]
