"""The daily sums, read: for a period, of a tenant or of all, at a site or at all."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from attrs import fields, frozen
from sqlalchemy import Connection, Table, func, select

from chargecloud.features.statistics.model import Period, Sums
from chargecloud.features.statistics.tables import days, users

_NAMES = [attribute.name for attribute in fields(Sums)]


@frozen
class Scope:
    """Whose days are wanted.

    @ivar tenant_id: C{None} for all tenants.
    @ivar site_id: C{None} for all sites.
    """

    period: Period
    tenant_id: int | None = None
    site_id: int | None = None


@frozen
class Totals:
    """
    @ivar users: different customers in all the period; who comes on two days is one.
    @ivar days: sums of each day on which something was settled.
    @ivar users_of_days: different customers of each day.
    """

    users: int
    days: Mapping[date, Sums]
    users_of_days: Mapping[date, int]


def read_totals(connection: Connection, scope: Scope) -> Totals:
    """What was counted."""
    sums = select(days.c.day, *(func.sum(days.c[name]).label(name) for name in _NAMES))
    by_day = sums.where(*_within(days, scope)).group_by(days.c.day)
    different = func.count(users.c.customer_id.distinct()).label("users")
    of_days = select(users.c.day, different).where(*_within(users, scope)).group_by(users.c.day)
    whole = select(different).where(*_within(users, scope))
    return Totals(
        connection.execute(whole).scalar_one(),
        {row.day: _sums(row) for row in connection.execute(by_day)},
        {row.day: row.users for row in connection.execute(of_days)},
    )


def _sums(row: Any) -> Sums:
    # some databases sum to a decimal
    return Sums(**{name: int(getattr(row, name)) for name in _NAMES})


def _within(table: Table, scope: Scope) -> list[Any]:
    conditions = [table.c.day >= scope.period.start, table.c.day < scope.period.until]
    if scope.tenant_id is not None:
        conditions.append(table.c.tenant_id == scope.tenant_id)
    if scope.site_id is not None:
        conditions.append(table.c.site_id == scope.site_id)
    return conditions
