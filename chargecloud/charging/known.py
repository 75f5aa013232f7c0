"""The orders of a charger by which it is known again what it speaks of."""

from sqlalchemy import Connection, select

from chargecloud.domain.order_value import OrderState
from chargecloud.interfaces import OrderThere
from chargecloud.storage.schema import chargers, orders

#: of one charger: a box with twenty ports has so many under way, and some that were just ended
MOST_THERE = 64


def orders_there(connection: Connection, dialect: str, identity: str) -> tuple[OrderThere, ...]:
    """The newest orders of a charger, the newest last."""
    found = (
        select(
            orders.c.id,
            orders.c.port,
            orders.c.state,
            orders.c.start_meter_mwh,
            orders.c.card_uid,
        )
        .join(
            chargers,
            (chargers.c.id == orders.c.charger_id) & (chargers.c.tenant_id == orders.c.tenant_id),
        )
        .where(chargers.c.dialect == dialect, chargers.c.identity == identity)
        .order_by(orders.c.id.desc())
        .limit(MOST_THERE)
    )
    there = [
        OrderThere(row.id, row.port, OrderState(row.state), row.start_meter_mwh, row.card_uid)
        for row in connection.execute(found)
    ]
    return tuple(reversed(there))
