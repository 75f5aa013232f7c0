"""Follows the event log and keeps the daily sums."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection, Table, insert, select, update
from zope.interface import implementer

from chargecloud.domain.decision import LogEntry
from chargecloud.features.statistics.model import Place, Sums, count
from chargecloud.features.statistics.tables import days, users
from chargecloud.interfaces import IFollower


@implementer(IFollower)
@frozen
class DailySums:
    """Adds each settled order to the sums of the day on which it ended.

    It is the only one who writes these tables, so it may look before it writes, and needs
    no upsert, which every database spells in its own way.
    """

    name: str = "statistics"

    def apply(self, connection: Connection, entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """Add what has been settled; a day's row is written once for all the entries."""
        sums: defaultdict[Place, Sums] = defaultdict(Sums)
        customers: defaultdict[Place, set[int]] = defaultdict(set)
        for _, entry in entries:
            for counted in count(entry):
                sums[counted.place] += counted.sums
                if counted.customer_id is not None:
                    customers[counted.place].add(counted.customer_id)
        for place, added in sums.items():
            _add(connection, place, added)
        for place, seen in customers.items():
            _remember(connection, place, seen)


def _add(connection: Connection, place: Place, added: Sums) -> None:
    values = asdict(added)
    more = {name: days.c[name] + value for name, value in values.items()}
    changed = connection.execute(update(days).where(*_at(days, place)).values(more))
    if changed.rowcount == 0:
        connection.execute(insert(days).values(**asdict(place), **values))


def _remember(connection: Connection, place: Place, customer_ids: Iterable[int]) -> None:
    known = select(users.c.customer_id).where(
        *_at(users, place), users.c.customer_id.in_(customer_ids)
    )
    new = set(customer_ids) - set(connection.execute(known).scalars())
    if new:
        rows = [{**asdict(place), "customer_id": customer_id} for customer_id in sorted(new)]
        connection.execute(insert(users), rows)


def _at(table: Table, place: Place) -> list[Any]:
    return [table.c[name] == value for name, value in asdict(place).items()]
