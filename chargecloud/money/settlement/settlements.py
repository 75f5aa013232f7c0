"""Settlements: made by hand or by the calendar, carried out in batches, and looked at."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, define, field, frozen
from sqlalchemy import Connection, select
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.split import Amounts
from chargecloud.money.settlement.batch import World, next_batch
from chargecloud.money.settlement.metering import BACKWARDS, Reimbursed, reimburse
from chargecloud.money.settlement.month_card_shares import CardSplit, card_split_of, share_cards
from chargecloud.money.settlement.reading import count_waiting, read_parts
from chargecloud.money.settlement.rules import Every
from chargecloud.money.settlement.value import Settlement, SettlementState, settlement_of
from chargecloud.storage.once import RequestKey, known, once
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import (
    card_splits,
    order_splits,
    orders,
    reimbursements,
    settlement_lines,
    settlements,
)
from chargecloud.storage.store import Store

#: a batch that somebody else is at as well is looked at again so often, and then left to them
MOST_TRIES = 8


@frozen(kw_only=True)
class Line:
    """
    What a settlement made of an order.

    @ivar parts: as it is by now, C{before} as it was by the settlement before.
    """

    order_id: int
    site_id: int
    ended_at: datetime
    energy_mwh: int
    rule_id: int
    rule_version: int
    parts: dict[int, Amounts]
    before: dict[int, Amounts]


@frozen
class HeldOrder:
    """An order that no settlement could split; its money is where it was."""

    order_id: int
    reason: str


def line_of(row: Any) -> Line:
    """The line of a row of L{lines_of}."""
    return Line(
        order_id=row.order_id,
        site_id=row.site_id,
        ended_at=row.ended_at,
        energy_mwh=(row.end_meter_mwh or 0) - (row.start_meter_mwh or 0),
        rule_id=row.rule_id,
        rule_version=row.rule_version,
        parts=read_parts(row.parts),
        before=read_parts(row.before),
    )


def lines_of(settlement_id: int) -> Any:
    """All lines of a settlement."""
    return (
        select(
            settlement_lines.c.order_id,
            orders.c.site_id,
            orders.c.ended_at,
            orders.c.start_meter_mwh,
            orders.c.end_meter_mwh,
            settlement_lines.c.rule_id,
            settlement_lines.c.rule_version,
            settlement_lines.c.parts,
            settlement_lines.c.before,
        )
        .join_from(settlement_lines, orders, orders.c.id == settlement_lines.c.order_id)
        .where(settlement_lines.c.settlement_id == settlement_id)
    )


@define(eq=False)
class Settlements:
    """
    Those of all tenants.

    @ivar seconds: Unix time.
    @ivar tell: takes alarms.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    tell: Callable[[Alarm], None] = lambda _alarm: None
    _log: Logger = field(factory=Logger, init=False)

    async def make(
        self,
        request: RequestKey | None,
        tenant_id: int,
        until: datetime | None,
        by: int | None,
        every: Every = Every.HAND,
        name: str | None = None,
    ) -> Settlement:
        """
        Make one; L{run} carries it out.

        @param until: orders that ended before; C{None} for all up to now.
        @param name: what it is one of, C{None} if it is made by hand.
        @raise Invalid: for a time that is still to come.
        @raise Stale: if there is one of that name.
        """
        if made := await known(self.store, request):
            return await self.get(None, made.resource_id)
        now = instant_of(instant_ms(self.calendar.now()))
        if until is not None and until > now:
            what = "must not be in the future"
            raise Invalid(what, errors=[{"pointer": "/until", "detail": what}])
        settlement_id = self.store.ids.next()
        settlement = Settlement(
            id=settlement_id,
            tenant_id=tenant_id,
            every=every,
            until_at=until or now,
            name=name or str(settlement_id),
            created_at=now,
            by=by,
            expected=await self.store.read(lambda connection: count_waiting(connection, tenant_id)),
            totals={},
        )
        row = asdict(settlement) | {"every": every.value, "state": settlement.state.value}
        entry = LogEntry("settlement.made", tenant_id, _told(settlement))
        decision = Decision((Insert("settlements", row),), (entry,))
        made = await once(self.store, request, settlement_id, decision)
        return await self.get(None, made.resource_id)

    async def run(
        self,
        settlement_id: int,
        told: Callable[[Settlement], None] = lambda _each: None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> Settlement:
        """
        Go on with one from its place to its end.  Another process may be at it, too: each batch
        is done by one of them.

        @param told: how far it is, after each batch.
        @param goes_on: whether to; after each batch it can be left to somebody else.
        """
        misses = 0
        while True:
            settlement = await self.get(None, settlement_id)
            told(settlement)
            if settlement.state is SettlementState.DONE or not goes_on():
                return settlement
            try:
                decision = await self._next(settlement)
                await self.store.writer.decide(decision)
                misses = 0
            except Stale:
                misses += 1
                if misses == MOST_TRIES:
                    raise
                continue
            for entry in decision.log:
                if entry.kind == BACKWARDS:
                    self._tell(entry)

    def _tell(self, entry: LogEntry) -> None:
        self.tell(
            Alarm(
                rule="master-meter-backwards",
                level=Level.WARNING,
                tenant_id=entry.tenant_id,
                charger_id=None,
                at=self.calendar.now(),
                evidence=entry.body,
            )
        )

    async def _next(self, settlement: Settlement) -> Decision:
        world = World(self.store.ids.next, self.calendar.now(), int(self.seconds()))

        def read(connection: Connection) -> Decision:
            batch = next_batch(connection, settlement, world)
            if batch is not None:
                return batch
            ended = _end(settlement, world.now) + share_cards(connection, settlement)
            return ended + reimburse(connection, settlement)

        return await self.store.read(read)

    async def running(self) -> Sequence[int]:
        """Those that are not done, the oldest first."""
        found = select(settlements.c.id).where(settlements.c.state == SettlementState.RUNNING.value)
        return await self.store.read(
            lambda connection: connection.execute(found.order_by(settlements.c.id)).scalars().all()
        )

    async def get(self, tenant_id: int | None, settlement_id: int) -> Settlement:
        """
        @raise NotFound: if the tenant has no such settlement.
        """
        query = _of(tenant_id).where(settlements.c.id == settlement_id)
        row = await self.store.read(lambda connection: connection.execute(query).first())
        if row is None:
            raise NotFound(f"there is no settlement {settlement_id}")
        return settlement_of(row)

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Settlement], str | None]:
        """A page of them, and the cursor of the next."""
        return await self.store.read(
            lambda connection: read_page(
                connection,
                _of(tenant_id),
                settlements.c.id,
                settlement_of,
                limit=limit,
                cursor=cursor,
            )
        )

    async def lines(
        self, tenant_id: int | None, settlement_id: int, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Line], str | None]:
        """
        A page of what a settlement made of orders, and the cursor of the next.

        @raise NotFound: if the tenant has no such settlement.
        """
        settlement = await self.get(tenant_id, settlement_id)
        return await self.store.read(
            lambda connection: read_page(
                connection,
                lines_of(settlement.id),
                settlement_lines.c.order_id,
                line_of,
                limit=limit,
                cursor=cursor,
            )
        )

    async def reimbursements(self, settlement_id: int) -> Sequence[Reimbursed]:
        """What a settlement gave back for electricity."""
        found = select(reimbursements).where(reimbursements.c.settlement_id == settlement_id)
        return await self.store.read(
            lambda connection: [Reimbursed(**row._mapping) for row in connection.execute(found)]
        )

    async def card_splits(self, settlement_id: int) -> Sequence[CardSplit]:
        """What a settlement made of what month cards have earned."""
        found = select(card_splits).where(card_splits.c.settlement_id == settlement_id)
        return await self.store.read(
            lambda connection: [card_split_of(row) for row in connection.execute(found)]
        )

    async def held(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[HeldOrder], str | None]:
        """A page of the orders that no settlement could split, and the cursor of the next."""
        found = select(order_splits).where(
            order_splits.c.state == "waiting", order_splits.c.reason.is_not(None)
        )
        if tenant_id is not None:
            found = found.where(order_splits.c.tenant_id == tenant_id)
        return await self.store.read(
            lambda connection: read_page(
                connection,
                found,
                order_splits.c.order_id,
                lambda row: HeldOrder(row.order_id, row.reason),
                limit=limit,
                cursor=cursor,
            )
        )


def _end(settlement: Settlement, now: datetime) -> Decision:
    row = {
        "state": SettlementState.DONE.value,
        "version": settlement.version + 1,
        "finished_at": now,
    }
    change = Change("settlements", {"id": settlement.id}, row, {"version": settlement.version})
    told = _told(settlement) | {"orders": settlement.orders, "held": settlement.held}
    return Decision((change,), (LogEntry("settlement.done", settlement.tenant_id, told),))


def _told(settlement: Settlement) -> dict[str, Any]:
    return {"settlement_id": str(settlement.id), "name": settlement.name}


def _of(tenant_id: int | None) -> Any:
    found = select(settlements)
    return found if tenant_id is None else found.where(settlements.c.tenant_id == tenant_id)
