"""The orders of a charger by which it is known again what it speaks of."""

from collections.abc import Collection
from typing import Any

from attrs import define
from sqlalchemy import Connection, select

from chargecloud.charging.book import OrderBook
from chargecloud.domain.order_value import OrderState
from chargecloud.interfaces import OrderThere
from chargecloud.storage.schema import chargers, orders
from chargecloud.storage.store import Store

#: of one charger, beside those that run: what has just ended, and may be told of again
MOST_NEWEST = 64


@define(eq=False)
class KnownOrders:
    """
    @ivar book: has those that run, however old they are.
    @ivar dialects: names of those that want to know; the logins of all others wait for nothing.
    """

    store: Store
    book: OrderBook
    dialects: Collection[str]

    async def of(self, dialect: str, identity: str) -> tuple[OrderThere, ...]:
        """A charger's orders: those that run, and the newest, the newest last."""
        if dialect not in self.dialects:
            return ()

        def read(connection: Connection) -> tuple[int | None, list[OrderThere]]:
            return _read(connection, dialect, identity)

        charger_id, newest = await self.store.read(read)
        if charger_id is None:
            return ()
        known = {each.order_id: each for each in newest}
        for track in self.book.of_charger(charger_id):
            known.setdefault(track.order.id, _there(track.order))
        return tuple(known[order_id] for order_id in sorted(known))


def _read(
    connection: Connection, dialect: str, identity: str
) -> tuple[int | None, list[OrderThere]]:
    found = select(chargers.c.id, chargers.c.tenant_id).where(
        chargers.c.dialect == dialect, chargers.c.identity == identity
    )
    charger = connection.execute(found).one_or_none()
    if charger is None:
        return None, []
    newest = (
        select(
            orders.c.id,
            orders.c.port,
            orders.c.state,
            orders.c.start_meter_mwh,
            orders.c.card_uid,
            orders.c.started_at,
        )
        .where(orders.c.tenant_id == charger.tenant_id, orders.c.charger_id == charger.id)
        .order_by(orders.c.id.desc())
        .limit(MOST_NEWEST)
    )
    return charger.id, [_there(row) for row in connection.execute(newest)]


def _there(order: Any) -> OrderThere:
    """Of an order, or of its row."""
    state = OrderState(order.state)
    return OrderThere(
        order.id, order.port, state, order.start_meter_mwh, order.card_uid, order.started_at
    )
