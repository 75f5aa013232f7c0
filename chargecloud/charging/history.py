"""What is known of an order's past: what happened and why, and what its port measured."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.charging.book import OrderBook
from chargecloud.charging.curves import Sample, find_curve
from chargecloud.charging.terms import find_order
from chargecloud.domain.decision import Row
from chargecloud.domain.order_rows import bill_of, instant_of
from chargecloud.domain.tariff import Bill
from chargecloud.storage.schema import event_log
from chargecloud.storage.store import Store


@frozen
class Happening:
    """
    One thing that happened to an order.

    @ivar at: when it was written down, by our calendar.
    @ivar occurred_at: when it was, as we judge it; C{None} for what we did ourselves.
    @ivar told_at: when it was by the charger, as the charger told it.
    @ivar why: why it was decided so.
    @ivar by: id of the token of the person who decided.
    @ivar body: all else.
    """

    at: datetime
    kind: str
    occurred_at: datetime | None
    told_at: datetime | None
    why: str | None
    by: int | None
    body: Row


_OWN_FIELDS = ("at_ms", "told_ms", "why", "by", "site_id", "port")


def _happening(row: Any) -> Happening:
    body = dict(row.body)

    def instant(name: str) -> datetime | None:
        return None if body.get(name) is None else instant_of(body[name])

    return Happening(
        row.at,
        row.kind,
        instant("at_ms"),
        instant("told_ms"),
        body.get("why"),
        body.get("by"),
        {name: value for name, value in body.items() if name not in _OWN_FIELDS},
    )


@frozen
class History:
    """The histories of orders."""

    store: Store

    async def of(self, tenant_id: int | None, order_id: int) -> Sequence[Happening]:
        """
        All that happened to an order, oldest first.

        @raise NotFound: if the tenant has no such order.
        """

        def read(connection: Connection) -> list[Happening]:
            find_order(connection, tenant_id, order_id)
            found = (
                select(event_log)
                .where(event_log.c.order_id == order_id)
                .order_by(event_log.c.at, event_log.c.node, event_log.c.seq)
            )
            return [_happening(row) for row in connection.execute(found)]

        return await self.store.read(read)


@frozen
class CreditNote:
    """
    A bill that was credited, because another was made in its place.

    @ivar number: of the bill that it credits, counted from 1.
    @ivar by: id of the token of the person who decided it.
    """

    number: int
    at: datetime
    by: int
    why: str
    bill: Bill


def credit_notes(happenings: Sequence[Happening]) -> Sequence[CreditNote]:
    """The bills of an order that were credited, oldest first."""
    found: list[CreditNote] = []
    for each in happenings:
        if each.kind != "order.corrected":
            continue
        bill = bill_of(each.body["before"]["bill"])
        assert bill is not None, "what was corrected was billed"
        assert each.by is not None, "a person corrects"
        found.append(CreditNote(len(found) + 1, each.at, each.by, each.why or "", bill))
    return found


@frozen
class Curves:
    """
    @ivar book: has the newest readings of the orders that run.
    """

    store: Store
    book: OrderBook

    async def of(self, tenant_id: int | None, order_id: int) -> tuple[int | None, Sequence[Sample]]:
        """
        The register that an order began with, if it is known, and its samples, oldest first.

        @raise NotFound: if the tenant has no such order.
        """

        def read(connection: Connection) -> tuple[int | None, Sequence[Sample]]:
            order = find_order(connection, tenant_id, order_id)
            return order.start_meter_mwh, find_curve(connection, order_id)

        track = self.book.tracked(order_id)
        newest = tuple(track.samples) if track else ()
        first_mwh, kept = await self.store.read(read)
        # what is written down just now is in both
        last = kept[-1].at if kept else None
        return first_mwh, [*kept, *(each for each in newest if last is None or each.at > last)]
