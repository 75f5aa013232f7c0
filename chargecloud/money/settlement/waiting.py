"""Orders that wait to be split: each once it is settled, and again when its bill has changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from zope.interface import implementer

from chargecloud.domain.decision import LogEntry
from chargecloud.interfaces import IFollower
from chargecloud.storage.schema import order_splits

#: what an order comes to that changes what there is to split
_CHANGES = ("order.settled", "order.corrected")


@implementer(IFollower)
class WaitingOrders:
    """Writes down which orders wait."""

    name: str = "settlement"

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """They wait for the next settlement."""
        changed = {
            entry.order_id: entry.tenant_id
            for _, entry in entries
            if entry.kind in _CHANGES and entry.order_id is not None
        }
        if not changed:
            return
        found = order_splits.c.order_id.in_(changed)
        known = set(connection.execute(select(order_splits.c.order_id).where(found)).scalars())
        if known:
            again = {"state": "waiting", "reason": None, "version": order_splits.c.version + 1}
            connection.execute(update(order_splits).where(found).values(again))
        rows = [
            {"order_id": order_id, "tenant_id": tenant_id, "state": "waiting", "version": 1}
            for order_id, tenant_id in changed.items()
            if order_id not in known
        ]
        if rows:
            connection.execute(insert(order_splits), rows)
