"""C{/coupons}: what orders are made cheaper with."""

import re
from datetime import datetime
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import AlreadyExists, Conflict, NotFound
from chargecloud.domain.fields import choice, text, whole
from chargecloud.money.coupons import MOST_USES, Coupons, CouponTerms, read_code
from chargecloud.registry.tenants import Tenants
from chargecloud.routes import Call, Id, Method, Page, Paging, Route
from chargecloud.web.resources.shared import page, request_key

_CODE = re.compile(r"[A-Z0-9_-]+")
#: above any bill
_MOST_FEN = 10_000_000


@frozen(kw_only=True)
class NewCoupon:
    """A coupon to be made: for an amount, or for a percentage."""

    code: str = text("what customers name, in letters of any case", longest=40, example="SPRING-26")
    amount_fen: int | None = whole(
        "what it takes off a bill", default=None, least=1, most=_MOST_FEN
    )
    percent: int | None = whole("what it takes off, of the bill", default=None, least=1, most=100)
    most_fen: int | None = whole("of that, this at the most", default=None, least=1, most=_MOST_FEN)
    uses: int = whole("how many orders may use it", default=1, least=1, most=MOST_USES)
    valid_from: datetime = choice("for orders that are placed then or later")
    valid_until: datetime = choice("and before this")
    site_id: Id | None = choice("at this site alone", default=None)
    customer_id: Id | None = choice("by this customer alone", default=None)
    tenant_id: Id | None = choice("whose it is; only the platform names another", default=None)

    def __attrs_post_init__(self) -> None:
        if (self.amount_fen is None) == (self.percent is None):
            raise ValueError("a coupon has an amount_fen or a percent")
        if self.most_fen is not None and self.percent is None:
            raise ValueError("most_fen limits a percent")
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until must be after valid_from")
        if not _CODE.fullmatch(read_code(self.code)):
            raise ValueError("a code has letters, digits, - and _")


@frozen(kw_only=True)
class CouponShown:
    """A coupon."""

    id: Id = choice("its id")
    tenant_id: Id = choice("whose it is")
    code: str = text("what customers name")
    amount_fen: int | None = whole("what it takes off a bill")
    percent: int | None = whole("what it takes off, of the bill")
    most_fen: int | None = whole("of that, this at the most")
    uses: int = whole("how many orders may use it")
    used: int = whole("how many have it")
    valid_from: datetime = choice("for orders that are placed then or later")
    valid_until: datetime = choice("and before this")
    site_id: Id | None = choice("at this site alone")
    customer_id: Id | None = choice("by this customer alone")
    created_at: datetime = choice("when it was made")
    revoked_at: datetime | None = choice("since when no more orders may have it")


def show(coupon: CouponTerms) -> CouponShown:
    """A coupon as it is answered."""
    return CouponShown(**{name: getattr(coupon, name) for name in CouponShown.__annotations__})


def routes(coupons: Coupons, tenants: Tenants) -> list[Route]:
    """The routes of coupons."""

    async def create(call: Call) -> CouponShown:
        body: NewCoupon = call.body
        made = CouponTerms(
            id=0,
            tenant_id=await tenants.whose(call.caller.tenant_id, body.tenant_id),
            code=read_code(body.code),
            amount_fen=body.amount_fen,
            percent=body.percent,
            most_fen=body.most_fen,
            uses=body.uses,
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            site_id=body.site_id,
            customer_id=body.customer_id,
            created_at=coupons.calendar.now(),
        )
        return show(await coupons.create(request_key(call), made))

    async def listed(call: Call) -> Page[CouponShown]:
        query: Paging = call.query
        found = await coupons.list(call.caller.tenant_id, limit=query.limit, cursor=query.cursor)
        return page(found, show)

    async def get(call: Call) -> CouponShown:
        return show(await coupons.get(call.caller.tenant_id, call.id("coupon_id")))

    async def revoke(call: Call) -> CouponShown:
        caller = call.caller
        return show(await coupons.revoke(caller.tenant_id, call.id("coupon_id"), caller.token_id))

    common: dict[str, Any] = {"tag": "coupons"}
    return [
        Route(
            method=Method.POST,
            path="/coupons",
            summary="Make a coupon",
            permission="coupons:write",
            body=NewCoupon,
            answer=CouponShown,
            status=201,
            refusals=(NotFound, AlreadyExists),
            run=create,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/coupons",
            summary="List the coupons",
            permission="coupons:read",
            query=Paging,
            answer=Page[CouponShown],
            run=listed,
            **common,
        ),
        Route(
            method=Method.GET,
            path="/coupons/{coupon_id}",
            summary="Show a coupon",
            permission="coupons:read",
            answer=CouponShown,
            refusals=(NotFound,),
            run=get,
            **common,
        ),
        Route(
            method=Method.POST,
            path="/coupons/{coupon_id}/revoke",
            summary="Let no more orders have a coupon; those that have it keep it",
            permission="coupons:write",
            answer=CouponShown,
            refusals=(NotFound, Conflict),
            run=revoke,
            **common,
        ),
    ]
