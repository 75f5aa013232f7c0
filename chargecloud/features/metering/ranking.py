"""What is known of chargers' meters, read: who is off the most, and by which orders."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, and_, func, select

from chargecloud.domain.metering import Comparison
from chargecloud.domain.trend import Trend
from chargecloud.features.metering.model import (
    CLOCK_DAYS,
    ClockSeen,
    Found,
    MeteringSettings,
    Week,
    drift_of,
    week_of,
    weigh,
)
from chargecloud.features.metering.tables import audits, clocks, weeks
from chargecloud.registry.chargers import Charger

#: orders that are shown for a charger in the ranking
MOST_EVIDENCE = 3


@frozen
class Scope:
    """Whose chargers; C{None} for all."""

    tenant_id: int | None = None
    site_id: int | None = None
    charger_id: int | None = None


@frozen(kw_only=True)
class Ranked:
    """
    A charger.

    @ivar found: what is known of it, the worst first.
    @ivar weeks: those that are ranked by; the trend is over more.
    """

    charger_id: int
    tenant_id: int
    site_id: int
    found: Sequence[Found]
    weeks: Sequence[Week]
    drift: Trend | None
    clock: ClockSeen | None

    @property
    def times_limit(self) -> float:
        """How far the worst of it is, in times of its limit."""
        return max((each.times_limit for each in self.found), default=0.0)


def rank(
    connection: Connection, scope: Scope, now: datetime, settings: MeteringSettings
) -> Sequence[Ranked]:
    """All chargers of which something is known, the worst first."""
    this = week_of(now)
    places: dict[int, tuple[int, int]] = {}
    by_charger: defaultdict[int, list[Week]] = defaultdict(list)
    found = select(weeks).where(weeks.c.week > this - settings.drift_weeks)
    for row in connection.execute(_within(found, weeks, scope).order_by(weeks.c.week)):
        by_charger[row.charger_id].append(_week(row))
        places[row.charger_id] = row.tenant_id, row.site_id
    seen = _clocks(connection, scope, now)
    ranked = [
        _ranked(charger_id, places[charger_id], of_charger, seen.get(charger_id), this, settings)
        for charger_id, of_charger in by_charger.items()
    ]
    return sorted(ranked, key=lambda each: (-each.times_limit, each.charger_id))


def _ranked(
    charger_id: int,
    place: tuple[int, int],
    of_charger: Sequence[Week],
    clock: ClockSeen | None,
    this: int,
    settings: MeteringSettings,
) -> Ranked:
    newest = [each for each in of_charger if each.week > this - settings.weeks]
    # the week that is still going on has too few orders yet to say where it goes
    drift = drift_of(each for each in of_charger if each.week < this)
    found = weigh(newest, clock, drift, settings)
    return Ranked(
        charger_id=charger_id,
        tenant_id=place[0],
        site_id=place[1],
        found=found,
        weeks=newest,
        drift=drift,
        clock=clock,
    )


def without_orders(charger: Charger, clock: ClockSeen | None, settings: MeteringSettings) -> Ranked:
    """A charger of whose orders nothing is known."""
    return Ranked(
        charger_id=charger.id,
        tenant_id=charger.tenant_id,
        site_id=charger.site_id,
        found=weigh((), clock, None, settings),
        weeks=(),
        drift=None,
        clock=clock,
    )


def all_weeks(connection: Connection, charger_id: int, since: int) -> Sequence[Week]:
    """A charger's weeks, the oldest first."""
    found = select(weeks).where(weeks.c.charger_id == charger_id, weeks.c.week > since)
    return [_week(row) for row in connection.execute(found.order_by(weeks.c.week))]


def all_clocks(connection: Connection, charger_id: int, now: datetime) -> Sequence[ClockSeen]:
    """How a charger's clock was seen, the newest first."""
    found = select(clocks).where(clocks.c.charger_id == charger_id, _is_known(now))
    rows = connection.execute(found.order_by(clocks.c.day.desc()))
    return [ClockSeen(row.at, row.ahead_ms, row.limit_s) for row in rows]


def evidence(connection: Connection, charger_id: int, since: int, most: int) -> Sequence[Any]:
    """The rows of the orders of a charger that say the most against it, the worst first."""
    off = func.coalesce(audits.c.payment_error_fen, 0)
    found = (
        select(audits)
        .where(audits.c.charger_id == charger_id, audits.c.week > since)
        .order_by(
            audits.c.over_rated_ppm.desc(),
            func.abs(func.coalesce(audits.c.error_ppm, 0)).desc(),
            func.abs(off).desc(),
            audits.c.order_id.desc(),
        )
        .limit(most)
    )
    return connection.execute(found).all()


def audits_of(charger_id: int) -> Any:
    """The query of a charger's orders."""
    return select(audits).where(audits.c.charger_id == charger_id)


def _is_known(now: datetime) -> Any:
    return clocks.c.day > now.toordinal() - CLOCK_DAYS


def _clocks(connection: Connection, scope: Scope, now: datetime) -> Mapping[int, ClockSeen]:
    last = (
        select(clocks.c.charger_id, func.max(clocks.c.day).label("day"))
        .where(_is_known(now))
        .group_by(clocks.c.charger_id)
    )
    if scope.tenant_id is not None:
        last = last.where(clocks.c.tenant_id == scope.tenant_id)
    if scope.charger_id is not None:
        last = last.where(clocks.c.charger_id == scope.charger_id)
    newest = last.subquery()
    found = select(clocks).join(
        newest,
        and_(clocks.c.charger_id == newest.c.charger_id, clocks.c.day == newest.c.day),
    )
    return {
        row.charger_id: ClockSeen(row.at, row.ahead_ms, row.limit_s)
        for row in connection.execute(found)
    }


def _within(query: Any, table: Any, scope: Scope) -> Any:
    for name in ("tenant_id", "site_id", "charger_id"):
        wanted = getattr(scope, name)
        if wanted is not None:
            query = query.where(table.c[name] == wanted)
    return query


def _week(row: Any) -> Week:
    return Week(
        week=row.week,
        orders=row.orders,
        compared_orders=row.compared_orders,
        comparison=Comparison(
            row.register_mwh,
            row.integral_mwh,
            row.uncertain_mwh,
            row.passed_over_mwh,
            row.steps,
        ),
        payments=row.payments,
        payments_off=row.payments_off,
        over_rated=row.over_rated,
    )
