"""Reconciliations: a channel's bill of each day against ours, written down with every case."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from attrs import asdict, define, field, frozen
from sqlalchemy import ColumnElement, Connection, Table, select
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.channel import BillKind, BillRow
from chargecloud.domain.decision import Decision, Insert, LogEntry, Row
from chargecloud.domain.errors import ChannelRefused, Invalid, NotFound, Refusal
from chargecloud.domain.payment_value import TAKEN, RefundState
from chargecloud.domain.reconciling import Difference, Ours, differences
from chargecloud.money.channels import Channels
from chargecloud.routes import read_id
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import payments, reconciliations, refunds
from chargecloud.storage.store import Store

#: the channels' days, and when the bills of the day before are there
CHINA = timezone(timedelta(hours=8))
BILLS_FROM_HOUR = 11
#: after a week nobody looks for a bill that was missed
DAYS_BACK = 7
#: ids in one query: below what any database takes
IDS_AT_ONCE = 500
#: cases that are written down of one bill; more have one cause
MOST_DIFFERENCES = 1_000


@frozen(kw_only=True)
class Reconciliation:
    """What came of a channel's bill of a day.

    @ivar payments: how many the bill has, C{paid_fen} what they come to; so for refunds.
    @ivar differences: in plain values, up to L{MOST_DIFFERENCES}.
    """

    id: int
    tenant_id: int
    channel: str
    day: str
    made_at: datetime
    payments: int
    paid_fen: int
    refunds: int
    refunded_fen: int
    differences: Sequence[Row]


def _reconciliation(row: Any) -> Reconciliation:
    return Reconciliation(**row._mapping)


@define(eq=False)
class Reconciling:
    """
    @ivar tell: takes alarms.
    """

    store: Store
    calendar: Calendar
    channels: Channels
    tell: Callable[[Alarm], None] = lambda _alarm: None
    _done: date | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def run(self, tenant_id: int, channel_name: str, day: date) -> Reconciliation:
        """
        Hold a channel's bill of a day against ours.

        @raise Invalid: if there is no such channel, or the day is not over.
        @raise ChannelRefused: if it has no bill of that day.
        @raise ChannelAway: if it does not answer.
        """
        channel = self.channels.find(channel_name)
        merchant = channel.merchant(tenant_id)
        if merchant is None or day >= self._today():
            pointer, what = "/day", "must be over in China"
            if merchant is None:
                pointer, what = "/channel", "has no account for this tenant"
            raise Invalid(what, errors=[{"pointer": pointer, "detail": what}])
        bill = await self.channels.bill(channel_name, tenant_id, merchant, day)
        found = await self.store.read(
            lambda connection: list(_compare(connection, tenant_id, channel_name, day, bill))
        )
        paid, went_back = (
            [row.amount_fen for row in bill if row.kind is kind]
            for kind in (BillKind.PAYMENT, BillKind.REFUND)
        )
        made = Reconciliation(
            id=self.store.ids.next(),
            tenant_id=tenant_id,
            channel=channel_name,
            day=day.isoformat(),
            made_at=self.calendar.now(),
            payments=len(paid),
            paid_fen=sum(paid),
            refunds=len(went_back),
            refunded_fen=sum(went_back),
            differences=[_plain(each) for each in found[:MOST_DIFFERENCES]],
        )
        body = {"channel": channel_name, "day": made.day, "differences": len(found)}
        entry = LogEntry("payments.reconciled", tenant_id, body)
        await self.store.writer.decide(
            Decision((Insert("reconciliations", asdict(made)),), (entry,))
        )
        if found:
            self._tell(tenant_id, body)
        return await self.get(tenant_id, made.id)

    async def round(self) -> None:
        """The bills of the last days, once they are there: of each channel that took payments,
        and for each tenant once."""
        today = self._today()
        hour = self.calendar.now().astimezone(CHINA).hour
        if self._done == today or hour < BILLS_FROM_HOUR:
            return
        # those that were missed, too, as long as people still look at them
        days = [today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)]
        if all([await self._day(day) for day in days]):
            self._done = today

    async def _day(self, day: date) -> bool:
        """Whether all bills of a day have been gone through now."""
        is_whole = True
        for tenant_id, channel in await self.store.read(
            lambda connection: _unreconciled(connection, day)
        ):
            if channel not in self.channels.channels:
                continue
            try:
                await self.run(tenant_id, channel, day)
            except ChannelRefused as refused:
                self._log.warn("{name}: no bill: {why}", name=channel, why=refused.detail)
            except Refusal as refusal:
                is_whole = False
                self._log.warn("{name}: no bill yet: {why}", name=channel, why=refusal.detail)
        return is_whole

    async def get(self, tenant_id: int | None, reconciliation_id: int) -> Reconciliation:
        """
        @raise NotFound: if the tenant has no such reconciliation.
        """

        def read(connection: Connection) -> Any:
            found = _of(tenant_id).where(reconciliations.c.id == reconciliation_id)
            return connection.execute(found).first()

        row = await self.store.read(read)
        if row is None:
            raise NotFound(f"there is no reconciliation {reconciliation_id}")
        return _reconciliation(row)

    async def list(
        self, tenant_id: int | None, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Reconciliation], str | None]:
        """A page of them, and the cursor of the next."""

        def read(connection: Connection) -> tuple[Sequence[Reconciliation], str | None]:
            return read_page(
                connection,
                _of(tenant_id),
                reconciliations.c.id,
                _reconciliation,
                limit=limit,
                cursor=cursor,
            )

        return await self.store.read(read)

    def _today(self) -> date:
        return self.calendar.now().astimezone(CHINA).date()

    def _tell(self, tenant_id: int, evidence: Row) -> None:
        self.tell(
            Alarm(
                rule="payments-differ",
                level=Level.WARNING,
                tenant_id=tenant_id,
                charger_id=None,
                at=self.calendar.now(),
                evidence=evidence,
            )
        )


def _of(tenant_id: int | None) -> Any:
    found = select(reconciliations)
    return found if tenant_id is None else found.where(reconciliations.c.tenant_id == tenant_id)


def _unreconciled(connection: Connection, day: date) -> list[tuple[int, str]]:
    """Tenants with the channels that they have been paid through up to a day."""
    used = select(payments.c.tenant_id, payments.c.channel).distinct()
    done = select(reconciliations.c.tenant_id, reconciliations.c.channel).where(
        reconciliations.c.day == day.isoformat()
    )
    is_done = {(row.tenant_id, row.channel) for row in connection.execute(done)}
    rows = connection.execute(used.where(payments.c.paid_at < _start(day + timedelta(days=1))))
    return sorted({(row.tenant_id, row.channel) for row in rows} - is_done)


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA).astimezone(UTC)


def _compare(
    connection: Connection, tenant_id: int, channel: str, day: date, bill: Sequence[BillRow]
) -> Iterator[Difference]:
    known: list[Ours] = []
    of_the_day: list[Ours] = []
    for kind, table, at in (
        (BillKind.PAYMENT, payments, payments.c.paid_at),
        (BillKind.REFUND, refunds, refunds.c.ended_at),
    ):
        mine = (table.c.tenant_id == tenant_id) & (table.c.channel == channel)
        numbers = [row.number for row in bill if row.kind is kind]
        ids = list(_ids(numbers))
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = table.c.id.in_(ids[start : start + IDS_AT_ONCE])
            known += _ours(connection, kind, table, mine & some)
        within = (at >= _start(day)) & (at < _start(day + timedelta(days=1)))
        found = _ours(connection, kind, table, mine & within)
        of_the_day += [each for each in found if each.is_done]
    return differences(bill, known, of_the_day)


def _ids(numbers: Iterable[str]) -> Iterator[int]:
    for number in numbers:
        try:
            yield read_id(number)
        except ValueError:
            # it is of somebody else who sells under the same merchant's number
            continue


def _ours(
    connection: Connection, kind: BillKind, table: Table, which: "ColumnElement[bool]"
) -> list[Ours]:
    at = "paid_at" if kind is BillKind.PAYMENT else "ended_at"
    done = (
        {state.value for state in TAKEN} if kind is BillKind.PAYMENT else {RefundState.DONE.value}
    )
    return [
        Ours(
            kind=kind,
            number=str(row.id),
            state=row.state,
            is_done=row.state in done,
            amount_fen=row.amount_fen,
            transaction=row.transaction,
            at=row._mapping[at],
        )
        for row in connection.execute(select(table).where(which))
    ]


def _plain(difference: Difference) -> Row:
    bill, ours = difference.bill, difference.ours
    return {
        "differs": difference.differs.value,
        "kind": difference.kind.value,
        "number": difference.number,
        "bill": bill and _evidence(asdict(bill)),
        "ours": ours and _evidence(asdict(ours)),
    }


def _evidence(values: dict[str, Any]) -> Row:
    at: datetime | None = values["at"]
    return values | {"kind": values["kind"].value, "at": at and at.isoformat()}
