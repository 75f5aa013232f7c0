"""Has each order that has ended looked at, once for each time that it ends.

A follower of the event log writes down which are due; one node works them off, some at a time.
Each is done in one transaction that begins by taking its row from those that are due: who comes
second takes nothing, and whatever is cut off is begun anew.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from twisted.logger import Logger
from zope.interface import implementer

from chargecloud.charging.curves import Sample, find_curve
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.metering import ppm
from chargecloud.domain.order_rows import order_of
from chargecloud.domain.order_value import Order
from chargecloud.features.metering.model import (
    CLOCK_DAYS,
    MeteringSettings,
    audit,
    week_of,
    week_row,
)
from chargecloud.features.metering.tables import audits, clocks, due, weeks
from chargecloud.interfaces import IFollower, Platform
from chargecloud.storage.schema import chargers, orders

#: entries of the log behind which an order has ended, perhaps once more
_ENDS = frozenset({"order.settled", "order.cancelled", "order.held", "order.corrected"})
#: orders that are read and written down together
BATCH = 50
#: of one round; the others wait for the next
MOST_OF_A_ROUND = 2_000


@implementer(IFollower)
@frozen
class Ends:
    """Writes down which orders are due, and how chargers' clocks were seen.  It is the only one
    that adds to these tables."""

    name: str = "metering"

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """Take what has ended, and each charger's last clock of a day."""
        ended: Counter[int] = Counter()
        seen: dict[tuple[int, int], dict[str, Any]] = {}
        for at, entry in entries:
            if entry.kind in _ENDS and entry.order_id is not None:
                ended[entry.order_id] += 1
            elif entry.kind == "charger.clock" and entry.charger_id is not None:
                seen[entry.charger_id, at.toordinal()] = {
                    "tenant_id": entry.tenant_id,
                    "at": at,
                    "ahead_ms": entry.body["ahead_ms"],
                    "limit_s": entry.body["limit_s"],
                }
        for order_id, times in ended.items():
            _put(
                connection,
                due,
                {"order_id": order_id},
                {"times": due.c.times + times},
                {"times": times},
            )
        for (charger_id, day), row in seen.items():
            _put(connection, clocks, {"charger_id": charger_id, "day": day}, row, row)
            gone = clocks.c.charger_id == charger_id, clocks.c.day <= day - CLOCK_DAYS
            connection.execute(delete(clocks).where(*gone))


def _put(
    connection: Connection,
    table: Any,
    key: Mapping[str, Any],
    change: Mapping[str, Any],
    row: Mapping[str, Any],
) -> None:
    here = [table.c[name] == value for name, value in key.items()]
    if connection.execute(update(table).where(*here).values(**change)).rowcount == 0:
        connection.execute(insert(table).values(**key, **row))


@frozen
class _Due:
    """An order that is due; C{None} for one of which nothing is to be said."""

    order_id: int
    times: int
    row: Mapping[str, Any] | None


@define(eq=False)
class Auditing:
    """Looks at the orders that are due."""

    platform: Platform
    settings: MeteringSettings
    _log: Logger = field(factory=Logger, init=False)

    async def round(self) -> None:
        """Work off what is due."""
        for _ in range(MOST_OF_A_ROUND // BATCH):
            found: Sequence[_Due] = await self.platform.read(self._find)
            if found:
                await self.platform.transact(
                    lambda connection, found=found: self._write(connection, found)
                )
            if len(found) < BATCH:
                return

    def _find(self, connection: Connection) -> Sequence[_Due]:
        rows = connection.execute(select(due).order_by(due.c.order_id).limit(BATCH)).all()
        return [_Due(row.order_id, row.times, self._look(connection, row.order_id)) for row in rows]

    def _look(self, connection: Connection, order_id: int) -> Mapping[str, Any] | None:
        try:
            return self._come_to(connection, order_id)
        except SQLAlchemyError:
            # it is the database: they all wait for it
            raise
        except Exception:
            # it would keep all behind it waiting for ever
            self._log.failure("order {order_id} cannot be looked at", order_id=order_id)
            return None

    def _come_to(self, connection: Connection, order_id: int) -> Mapping[str, Any] | None:
        found = (
            select(orders, chargers.c.rated_w)
            .join(chargers, chargers.c.id == orders.c.charger_id)
            .where(orders.c.id == order_id)
        )
        row = connection.execute(found).first()
        if row is None:
            return None
        order = order_of(dict(row._mapping))
        if order.ended_at is None:
            # it never began
            return None
        return self._row(order, order.ended_at, self._curve(connection, order), row.rated_w)

    def _curve(self, connection: Connection, order: Order) -> Sequence[Sample]:
        """What was read from its start to its end."""
        try:
            curve = find_curve(connection, order.id)
        except (ValueError, StopIteration):
            self._log.failure("the curve of order {order_id} cannot be read", order_id=order.id)
            return ()
        return [each for each in curve if order.ended_at is None or each.at <= order.ended_at]

    def _row(
        self, order: Order, ended_at: datetime, curve: Sequence[Sample], rated_w: int
    ) -> Mapping[str, Any]:
        found = audit(order, curve, rated_w, self.settings)
        comparison, error = found.comparison, found.error
        return {
            "order_id": order.id,
            "tenant_id": order.tenant_id,
            "site_id": order.site_id,
            "charger_id": order.charger_id,
            "port": order.port,
            "week": week_of(ended_at),
            "ended_at": ended_at,
            "energy_mwh": order.energy_mwh,
            "register_mwh": comparison.register_mwh,
            "integral_mwh": comparison.integral_mwh,
            "uncertain_mwh": comparison.uncertain_mwh,
            "passed_over_mwh": comparison.passed_over_mwh,
            "steps": comparison.steps,
            "error_ppm": None if error is None else ppm(error.value),
            "uncertainty_ppm": None if error is None else ppm(error.uncertainty),
            "over_rated_ppm": found.over_rated_ppm,
            "payment_error_fen": found.payment_error_fen,
            "payments_off": int(found.is_payment_off),
            "clock_ahead_s": order.clock_ahead_s,
        }

    def _write(self, connection: Connection, found: Sequence[_Due]) -> None:
        """Write down what is still due as it was found."""
        for each in found:
            taken = delete(due).where(due.c.order_id == each.order_id, due.c.times == each.times)
            if connection.execute(taken).rowcount == 0:
                continue
            if each.row is not None:
                self._replace(connection, each.order_id, each.row)

    def _replace(self, connection: Connection, order_id: int, row: Mapping[str, Any]) -> None:
        here = audits.c.order_id == order_id
        before = connection.execute(select(audits).where(here)).first()
        if before is not None:
            connection.execute(delete(audits).where(here))
            self._add(connection, dict(before._mapping), -1)
        connection.execute(insert(audits).values(**row))
        self._add(connection, row, 1)

    def _add(self, connection: Connection, row: Mapping[str, Any], sign: int) -> None:
        """Add an order to the sums of its week, or take it out."""
        added = {name: sign * value for name, value in week_row(row).items()}
        key = {name: row[name] for name in ("charger_id", "week")}
        place = {name: row[name] for name in ("tenant_id", "site_id")}
        more = {name: weeks.c[name] + value for name, value in added.items()}
        _put(connection, weeks, key, more, {**place, **added})
