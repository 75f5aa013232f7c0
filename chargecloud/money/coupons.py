"""Coupons: made, revoked, and claimed by orders, each use by one."""

from collections.abc import Sequence
from datetime import datetime
from random import sample
from typing import Any

from attrs import asdict, evolve, frozen
from sqlalchemy import Connection, func, select

from chargecloud.calendar import Calendar
from chargecloud.domain.coupon import Coupon
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import AlreadyExists, Conflict, CouponRefused, NotFound
from chargecloud.domain.order_value import Order
from chargecloud.registry.customers import find_customer
from chargecloud.registry.sites import find_site
from chargecloud.storage.finding import Rows
from chargecloud.storage.once import RequestKey, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import coupon_uses, coupons
from chargecloud.storage.store import Store

#: of one coupon: when nearly all are taken, they are read to find one that is not
MOST_USES = 100_000
#: uses that are looked at before all are: many orders at once rarely want the same one
LOOKED_AT = 8


@frozen(kw_only=True)
class CouponTerms:
    """
    A coupon as its tenant has made it.

    @ivar amount_fen: what it takes off a bill; or C{percent} of it, C{most_fen} at the most.
    @ivar uses: how many orders may use it.
    @ivar valid_from: orders placed from then on, and before C{valid_until}.
    @ivar site_id: orders of this site alone, if given; so C{customer_id}.
    @ivar used: how many orders have it.
    """

    id: int
    tenant_id: int
    code: str
    amount_fen: int | None
    percent: int | None
    most_fen: int | None
    uses: int
    valid_from: datetime
    valid_until: datetime
    site_id: int | None
    customer_id: int | None
    created_at: datetime
    revoked_at: datetime | None = None
    used: int = 0

    def why_not(self, order: Order) -> str | None:
        """Why an order cannot have it, whatever is left of it."""
        if self.revoked_at is not None:
            return "revoked"
        if order.created_at < self.valid_from:
            return "not-yet"
        if order.created_at >= self.valid_until:
            return "expired"
        if self.site_id not in (None, order.site_id):
            return "elsewhere"
        return None if self.customer_id in (None, order.customer_id) else "somebody-elses"


_COUPONS = Rows(coupons, select(coupons))
_taken = coupon_uses.c.order_id.is_not(None)
_used = (
    select(func.count())
    .where(coupon_uses.c.coupon_id == coupons.c.id, _taken)
    .scalar_subquery()
    .label("used")
)


def _terms(row: Any) -> CouponTerms:
    return CouponTerms(**row._mapping)


@frozen
class Coupons:
    """The coupons of all tenants."""

    store: Store
    calendar: Calendar

    async def create(self, request: RequestKey | None, coupon: CouponTerms) -> CouponTerms:
        """
        Make a coupon.

        @param coupon: with any id; it is given one, and C{created_at}.
        @raise AlreadyExists: if its tenant has one with that code.
        @raise NotFound: if its tenant has no such site, or no such customer.
        """

        def check(connection: Connection) -> None:
            if coupon.site_id is not None:
                find_site(connection, coupon.tenant_id, coupon.site_id)
            if coupon.customer_id is not None:
                find_customer(connection, coupon.tenant_id, coupon.customer_id)

        await self.store.read(check)
        coupon = evolve(coupon, id=self.store.ids.next(), created_at=self.calendar.now())
        row = asdict(coupon)
        del row["used"]
        entry = LogEntry("coupon.created", coupon.tenant_id, {"coupon_id": str(coupon.id)})
        try:
            made = await once(
                self.store, request, coupon.id, Decision((Insert("coupons", row),), (entry,))
            )
        except Stale:
            raise AlreadyExists(f"there is a coupon {coupon.code} already") from None
        return await self.get(coupon.tenant_id, made.resource_id)

    async def get(self, tenant_id: int | None, coupon_id: int) -> CouponTerms:
        """
        @raise NotFound: if the tenant has no such coupon.
        """
        query = _of(tenant_id).where(coupons.c.id == coupon_id)
        row = await self.store.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no coupon {coupon_id}")
        return _terms(row)

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[CouponTerms], str | None]:
        """A page of them, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection, _of(tenant_id), coupons.c.id, _terms, limit=limit, cursor=cursor
            )
        )

    async def revoke(self, tenant_id: int | None, coupon_id: int, by: int) -> CouponTerms:
        """
        Let no more orders have a coupon; those that have it keep it.

        @param by: id of the token that is used.
        @raise NotFound: if the tenant has no such coupon.
        @raise Conflict: if it was revoked before.
        """
        before = await self.get(tenant_id, coupon_id)
        entry = LogEntry(
            "coupon.revoked", before.tenant_id, {"coupon_id": str(coupon_id), "by": by}
        )
        revoked = Change(
            "coupons", {"id": coupon_id}, {"revoked_at": self.calendar.now()}, {"revoked_at": None}
        )
        try:
            await self.store.writer.decide(Decision((revoked,), (entry,)))
        except Stale:
            raise Conflict("the coupon was revoked before") from None
        return await self.get(tenant_id, coupon_id)

    async def claim(self, order: Order, code: str) -> tuple[Order, Decision]:
        """
        Give an order a use of a coupon that nobody else has.

        @return: the order with it, and what is to be committed together with the order: it
            goes stale (C{coupon_uses}) if somebody else was quicker.
        @raise CouponRefused: if it cannot have one.
        """
        return await self.store.read(lambda connection: _claim(connection, order, code))


def _of(tenant_id: int | None) -> Any:
    found = select(coupons, _used)
    return found if tenant_id is None else found.where(coupons.c.tenant_id == tenant_id)


def _claim(connection: Connection, order: Order, code: str) -> tuple[Order, Decision]:
    row = _COUPONS.first(connection, tenant_id=order.tenant_id, code=read_code(code))
    if row is None:
        raise CouponRefused("there is no such coupon", why="unknown")
    coupon = _terms(row)
    why = coupon.why_not(order)
    number = None if why else _free_number(connection, coupon)
    if number is None:
        raise CouponRefused(
            f"the coupon is not for this order: {why or 'spent'}", why=why or "spent"
        )
    key = {"coupon_id": coupon.id, "number": number}
    was_used = select(coupon_uses.c.number).where(
        coupon_uses.c.coupon_id == coupon.id, coupon_uses.c.number == number
    )
    write: Insert | Change = Insert("coupon_uses", key | {"order_id": order.id})
    if connection.execute(was_used).first() is not None:
        write = Change("coupon_uses", key, {"order_id": order.id}, {"order_id": None})
    use = Coupon(
        id=coupon.id,
        number=number,
        code=coupon.code,
        amount_fen=coupon.amount_fen,
        percent=coupon.percent,
        most_fen=coupon.most_fen,
    )
    return evolve(order, coupon=use), Decision((write,))


def _free_number(connection: Connection, coupon: CouponTerms) -> int | None:
    """One of the uses that no order has, at random; C{None} if there is none."""
    taken = select(coupon_uses.c.number).where(coupon_uses.c.coupon_id == coupon.id, _taken)
    tried = sample(range(1, coupon.uses + 1), min(LOOKED_AT, coupon.uses))
    some = set(connection.execute(taken.where(coupon_uses.c.number.in_(tried))).scalars())
    free = [number for number in tried if number not in some]
    if not free and coupon.uses > LOOKED_AT and _count(connection, coupon) < coupon.uses:
        everyone = set(connection.execute(taken).scalars())
        free = [number for number in range(1, coupon.uses + 1) if number not in everyone]
        free = sample(free, min(1, len(free)))
    return free[0] if free else None


def _count(connection: Connection, coupon: CouponTerms) -> int:
    """How many orders have it: one that is spent is asked for all the same."""
    found = select(func.count()).where(coupon_uses.c.coupon_id == coupon.id, _taken)
    return connection.execute(found).scalar_one()


def read_code(text: str) -> str:
    """A code in its one form, however somebody types it."""
    return text.strip().upper()
