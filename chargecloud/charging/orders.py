"""Orders, looked at."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import and_, select

from chargecloud.charging.book import OrderBook
from chargecloud.charging.terms import find_order
from chargecloud.domain.errors import NotFound
from chargecloud.domain.order_rows import order_of
from chargecloud.domain.order_value import UNDER_WAY, Order
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import orders
from chargecloud.storage.store import Store

#: the states are for the index: few orders run
_is_abnormal = and_(
    orders.c.state.in_([state.value for state in UNDER_WAY]), orders.c.abnormal.is_not(None)
)


@frozen
class Orders:
    """
    @ivar book: knows the newest readings of the ones that run.
    """

    store: Store
    book: OrderBook

    async def get(self, tenant_id: int | None, order_id: int) -> Order:
        """
        An order, with its newest readings if it runs.

        @raise NotFound: if the tenant has no such order.
        """
        order = await self.store.read(
            lambda connection: find_order(connection, tenant_id, order_id)
        )
        return self._with_readings(order)

    async def to_be_stopped(self, tenant_id: int | None, order_id: int) -> Order:
        """
        An order as this node has it in memory, or else as it is written down: the database need
        not be there for a charge to be stopped.

        @raise NotFound: if the tenant has no such order.
        """
        track = self.book.tracked(order_id)
        if track is None:
            return await self.get(tenant_id, order_id)
        if tenant_id not in (None, track.order.tenant_id):
            raise NotFound(f"there is no order {order_id}")
        return self._with_readings(track.order)

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        placed_from: datetime | None = None,
        placed_until: datetime | None = None,
        abnormal: bool | None = None,
        newest_first: bool = False,
        **wanted: Any,
    ) -> tuple[Sequence[Order], str | None]:
        """
        A page of them, the oldest first unless it is asked otherwise, and the cursor of the
        next.

        @param placed_from: placed at this instant or later; C{placed_until}: and before this.
        @param abnormal: those that run and that something is odd about, or all others.
        @param wanted: columns that must have these values; any for C{None}.
        """
        query = select(orders)
        for column, value in {"tenant_id": tenant_id, **wanted}.items():
            if value is not None:
                is_one = orders.c[column] == (value.value if isinstance(value, Enum) else value)
                query = query.where(is_one)
        if placed_from is not None:
            query = query.where(orders.c.created_at >= placed_from)
        if placed_until is not None:
            query = query.where(orders.c.created_at < placed_until)
        if abnormal is not None:
            query = query.where(_is_abnormal if abnormal else orders.c.abnormal.is_(None))
        found, following = await self.store.read(
            lambda connection: read_page(
                connection,
                query,
                orders.c.id,
                lambda row: order_of(row._asdict()),
                limit=limit,
                cursor=cursor,
                newest_first=newest_first,
            )
        )
        return [self._with_readings(order) for order in found], following

    def _with_readings(self, order: Order) -> Order:
        track = self.book.tracked(order.id)
        if track is None or track.order.version != order.version:
            return order
        return evolve(order, marks=track.marks)
