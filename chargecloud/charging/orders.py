"""Orders, looked at."""

from collections.abc import Sequence

from attrs import evolve, frozen
from sqlalchemy import select

from chargecloud.charging.book import OrderBook, find_order
from chargecloud.domain.order_value import Order, OrderState, order_of
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import orders
from chargecloud.storage.store import Store


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

    async def list(
        self,
        tenant_id: int | None,
        *,
        limit: int,
        cursor: str | None,
        state: OrderState | None = None,
        charger_id: int | None = None,
        customer_id: int | None = None,
        site_id: int | None = None,
        newest_first: bool = False,
    ) -> tuple[Sequence[Order], str | None]:
        """A page of them, the oldest first unless it is asked otherwise, and the cursor of
        the next."""
        query = select(orders)
        wanted = {
            "tenant_id": tenant_id,
            "state": state.value if state else None,
            "charger_id": charger_id,
            "customer_id": customer_id,
            "site_id": site_id,
        }
        for column, value in wanted.items():
            if value is not None:
                query = query.where(orders.c[column] == value)
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
