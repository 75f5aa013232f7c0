"""Settlements that come by the calendar, and those that are under way, gone on with.

One node does it (L{chargecloud.nodes.leases}); that two are at it for a moment does no harm.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import define, field
from sqlalchemy import Connection, select
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Stale
from chargecloud.money.settings import SettlementSettings
from chargecloud.money.settlement.rules import Every, Known
from chargecloud.money.settlement.settlements import Settlements
from chargecloud.storage.schema import settlements, split_rules


def last_end(every: Every, now: datetime, zone: ZoneInfo) -> datetime:
    """When the last day, week (to Sunday) or month ended: at a midnight of a time zone."""
    day = now.astimezone(zone).date()
    if every is Every.WEEK:
        day -= timedelta(days=day.weekday())
    elif every is Every.MONTH:
        day = day.replace(day=1)
    return datetime.combine(day, time(), zone)


@define(eq=False)
class Recurring:
    """
    @ivar settings: when they are due.
    @ivar goes_on: whether this node still does it: a settlement takes minutes, and who stops the
        node, or is given the work, waits for a batch at the most.
    """

    settlements: Settlements
    calendar: Calendar
    settings: SettlementSettings
    goes_on: Callable[[], bool] = lambda: True
    _log: Logger = field(factory=Logger, init=False)

    async def round(self) -> None:
        """Make what is due, and go on with what is under way."""
        now = self.calendar.now()
        zone = ZoneInfo(self.settings.time_zone)
        if now.astimezone(zone).hour >= self.settings.from_hour:
            await self._make(now, zone)
        for settlement_id in await self.settlements.running():
            try:
                await self.settlements.run(settlement_id, goes_on=self.goes_on)
            except Exception:
                # one that fails must not keep the others; the next round goes on with it
                self._log.failure("settlement {id} could not go on", id=settlement_id)

    async def _make(self, now: datetime, zone: ZoneInfo) -> None:
        due = await self.settlements.store.read(
            lambda connection: list(_due(connection, now, zone))
        )
        for tenant_id, every, end in due:
            name = _name(every, end)
            try:
                await self.settlements.make(None, tenant_id, end, None, every, name)
            except Stale:
                self._log.info("{name} was made by another node", name=name)


def _name(every: Every, end: datetime) -> str:
    return f"{every.value} {end.date().isoformat()}"


def _due(
    connection: Connection, now: datetime, zone: ZoneInfo
) -> Iterator[tuple[int, Every, datetime]]:
    """Which tenants are due for what: those with rules of a kind, once for each period.  What
    was missed is in the next one, as that takes all orders that wait."""
    tenant_ids = connection.execute(select(split_rules.c.tenant_id).distinct()).scalars().all()
    for tenant_id in tenant_ids:
        known = Known.read(connection, tenant_id)
        kinds = {rule.every for rule in known.newest if not rule.is_retired} - {Every.HAND}
        # where none has a kind any more, what was split is still to be called back
        kinds = kinds or {rule.every for rule, _ in known.versions.values()} - {Every.HAND}
        for every in sorted(kinds, key=lambda each: each.value):
            end = last_end(every, now, zone)
            made = select(settlements.c.id).where(
                settlements.c.tenant_id == tenant_id, settlements.c.name == _name(every, end)
            )
            if connection.execute(made).first() is None:
                yield tenant_id, every, end
