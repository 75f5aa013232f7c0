"""What a person decides: held orders, disputes, and records that match no order.

Each decision is written down with who made it and why, in one transaction with its effect,
and is made once.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from attrs import define, evolve
from sqlalchemy import Connection, Table, func, select

from chargecloud.calendar import Calendar
from chargecloud.charging.book import OrderBook, Superseded
from chargecloud.charging.by_hand import adjusted, of_dispute, of_record
from chargecloud.charging.placing import Placing, Wish, find_for
from chargecloud.charging.settling import Settling
from chargecloud.charging.terms import find_order
from chargecloud.domain.decision import Change, Decision, LogEntry, Stale
from chargecloud.domain.errors import Conflict, NotFound
from chargecloud.domain.ledger import Account
from chargecloud.domain.occurrences import Billed, Corrected, Ended, Judged, Occurrence, Waived
from chargecloud.domain.order import decide, from_record
from chargecloud.domain.order_value import Order, OrderState, Origin
from chargecloud.domain.plausible import most_mwh
from chargecloud.storage.schema import disputes, postings, unmatched
from chargecloud.storage.store import Store


class ResolveAction(Enum):
    """What is to become of a held order."""

    #: billed by the figures that it has
    SETTLE = "settle"
    #: billed by an energy that a person states
    ADJUST = "adjust"
    #: not billed
    CANCEL = "cancel"


@define(eq=False)
class Resolving:
    """
    @ivar calendar: tells when it was decided.
    """

    store: Store
    book: OrderBook
    placing: Placing
    settling: Settling
    calendar: Calendar

    # ------------------------------------------------------------------------ held orders

    async def order(
        self,
        tenant_id: int | None,
        order_id: int,
        action: ResolveAction,
        energy_mwh: int | None,
        reason: str,
        by: int,
    ) -> Order:
        """
        Decide a held order; or state another energy for one that is settled, whose bill is
        credited then, and a new one made.

        @raise NotFound: if the tenant has no such order.
        @raise Conflict: if it is not held, or cannot be billed as it is.
        """
        found = await self.store.read(
            lambda connection: find_order(connection, tenant_id, order_id)
        )

        async def occurred(order: Order) -> Sequence[Occurrence]:
            if order.state is OrderState.SETTLED and action is ResolveAction.ADJUST:
                assert energy_mwh is not None, "an adjustment states an energy"
                stated = adjusted(order, energy_mwh, self.calendar.now())
                return (await self._corrected(order, stated, reason, by),)
            if order.state is not OrderState.HELD:
                raise Conflict(f"the order is {order.state.value}", state=order.state.value)
            now = self.calendar.now()
            if action is ResolveAction.CANCEL:
                return (Waived(now, "by-hand", by, reason),)
            figures = None
            if action is ResolveAction.ADJUST:
                assert energy_mwh is not None, "an adjustment states an energy"
                figures = adjusted(order, energy_mwh, now)
            elif not order.marks or order.charged_s is None:
                raise Conflict("the order has no reading to be billed by; state its energy")
            return await self._billed(order, Judged(now, by, reason, figures))

        return await self._advance(found, occurred)

    # --------------------------------------------------------------------------- disputes

    async def dispute(
        self, tenant_id: int | None, dispute_id: int, *, correct: bool, reason: str, by: int
    ) -> Order:
        """
        Decide a dispute.

        @param correct: whether the order is to be billed by the later record, and not by
            what it has ended with.
        @return: the order.
        @raise NotFound: if the tenant has no such dispute.
        @raise Conflict: if it was decided before.
        """
        row = await self._open_row(disputes, tenant_id, dispute_id)
        order = await self.book.find(row.order_id)
        resolution = "corrected" if correct else "kept"
        decided = self._decided(disputes, row, resolution, reason, by)
        body = {"why": reason, "by": by, "dispute_id": str(dispute_id)}
        entry = LogEntry(f"dispute.{resolution}", row.tenant_id, body, row.charger_id, order.id)
        also = Decision((decided,), (entry,))

        async def occurred(order: Order) -> Sequence[Occurrence]:
            if not correct:
                return ()
            figures = of_dispute(order, row.record, self.calendar.now())
            if order.state is OrderState.SETTLED:
                return (await self._corrected(order, figures, reason, by),)
            return await self._billed(order, Judged(self.calendar.now(), by, reason, figures))

        return await self._advance(order, occurred, also)

    async def _corrected(self, order: Order, figures: Ended, reason: str, by: int) -> Corrected:
        after = evolve(order, marks=figures.marks, charged_s=figures.charged_s)
        bill = self.settling.price(after, await self._tariff(order))
        if bill is None:
            raise Conflict("its tariff makes no bill of these figures")
        money = await self.settling.available(order)
        owed_fen = await self.store.read(lambda connection: _owed_fen(connection, order))
        now = self.calendar.now()
        return Corrected(
            now, by, reason, figures, bill, money.paid_in_fen, owed_fen, money.gift_fen
        )

    # -------------------------------------------------------------------------- unmatched

    async def unmatched(
        self,
        tenant_id: int | None,
        record_id: int,
        *,
        settle: bool,
        customer_id: int | None,
        reason: str,
        by: int,
    ) -> Order | None:
        """
        Decide a record that matches no order.

        @param settle: whether an order is to be made of it and billed, or nothing.
        @param customer_id: who pays; nobody is known to if C{None}.
        @return: the order that was made.
        @raise NotFound: if the tenant has no such record, or no such customer.
        @raise Conflict: if it was decided before, or cannot be billed.
        """
        row = await self._open_row(unmatched, tenant_id, record_id)
        resolution = "settled" if settle else "dismissed"
        body = {"why": reason, "by": by, "record_id": str(record_id)}
        entry = LogEntry(f"record.{resolution}", row.tenant_id, body, row.charger_id)
        decided = self._decided(unmatched, row, resolution, reason, by)
        if not settle:
            await self._commit(row.charger_id, Decision((decided,), (entry,)))
            return None
        order, end = await self._order_of_record(row, customer_id)
        step = from_record(order, end)
        billed = await self.settling.bill(step.order, await self._tariff(order))
        if not isinstance(billed, Billed):
            raise Conflict("its tariff makes no bill of this record")
        last = decide(step.order, billed)
        made = {"settled_order_id": order.id}
        decided = evolve(decided, row={**decided.row, **made})
        written = Decision((decided,), (evolve(entry, order_id=order.id),))
        await self._commit(row.charger_id, written + step.decision + last.decision)
        return last.order

    async def _order_of_record(self, row: Any, customer_id: int | None) -> tuple[Order, Ended]:
        record = row.record
        if record["kind"] != "ended" or None in (
            record["start_meter_mwh"],
            record["end_meter_mwh"],
        ):
            raise Conflict("only the record of an end with both its readings can be settled")
        wish = Wish(
            charger_id=row.charger_id,
            port=row.port,
            customer_id=customer_id,
            start_key=f"record-{row.id}",
            origin=Origin.RECORD,
        )
        found = await self.store.read(lambda connection: find_for(connection, row.tenant_id, wish))
        charged_s = record["duration_s"] or 0
        started_at = row.received_at - timedelta(seconds=charged_s)
        order = evolve(self.placing.order_for(wish, found, started_at), held_fen=0, held_gift_fen=0)
        end = of_record(order, record, row.received_at)
        terms = await self.store.read(lambda connection: self.book.terms(connection, order))
        if end.marks[-1].meter_mwh - end.marks[0].meter_mwh > most_mwh(terms.rated_w, charged_s):
            raise Conflict("the record tells of more than its charger can give in that time")
        return order, end

    # ----------------------------------------------------------------------------- shared

    async def _billed(self, order: Order, judged: Judged) -> Sequence[Occurrence]:
        figures = judged.figures
        after = order
        if figures is not None:
            after = evolve(order, marks=figures.marks, charged_s=figures.charged_s)
        billed = await self.settling.bill(after, await self._tariff(order))
        if not isinstance(billed, Billed):
            raise Conflict("its tariff makes no bill of these figures")
        return (judged, billed)

    async def _tariff(self, order: Order) -> Any:
        terms = await self.store.read(lambda connection: self.book.terms(connection, order))
        return terms.tariff

    async def _advance(self, order: Order, occurred: Any, also: Decision | None = None) -> Order:
        try:
            return await self.book.turns.take(
                order.charger_id, lambda: self.book.advance(order.id, occurred, also=also)
            )
        except Superseded:
            raise Conflict("it was decided by somebody else meanwhile") from None

    async def _commit(self, charger_id: int, decision: Decision) -> None:
        try:
            await self.book.turns.take(charger_id, lambda: self.store.writer.decide(decision))
        except Stale:
            raise Conflict("it was decided by somebody else meanwhile") from None

    async def _open_row(self, table: Table, tenant_id: int | None, row_id: int) -> Any:
        def read(connection: Connection) -> Any:
            found = select(table).where(table.c.id == row_id)
            if tenant_id is not None:
                found = found.where(table.c.tenant_id == tenant_id)
            return connection.execute(found).one_or_none()

        row = await self.store.read(read)
        if row is None:
            raise NotFound(f"there is no record {row_id}")
        if row.resolved_at is not None:
            raise Conflict(f"it was {row.resolution} before")
        return row

    def _decided(self, table: Table, row: Any, resolution: str, reason: str, by: int) -> Change:
        values = {
            "resolved_at": self.calendar.now(),
            "resolution": resolution,
            "reason": reason,
            "resolved_by": by,
        }
        return Change(table.name, {"id": row.id}, values, {"resolved_at": None})


def _owed_fen(connection: Connection, order: Order) -> int:
    """What of an order's bill was not paid: it went to what its customer owes."""
    owed = Account(order.tenant_id, "receivable", order.customer_id or 0)

    def moved(side: str) -> int:
        found = select(func.sum(postings.c.amount_fen)).where(
            postings.c.tenant_id == owed.tenant_id,
            postings.c[f"{side}_kind"] == owed.kind,
            postings.c[f"{side}_owner_id"] == owed.owner_id,
            postings.c.reference_id == order.id,
        )
        return int(connection.execute(found).scalar() or 0)

    return moved("debit") - moved("credit")
