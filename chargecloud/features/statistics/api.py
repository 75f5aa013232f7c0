"""C{/statistics}"""

from datetime import date, timedelta
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import Connection

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import Invalid, NotFound
from chargecloud.domain.fields import choice, whole
from chargecloud.domain.units import wh
from chargecloud.features.statistics.model import ONE_DAY, Period, Sums, carbon_kg
from chargecloud.features.statistics.totals import Scope, read_totals
from chargecloud.interfaces import Platform
from chargecloud.registry.sites import find_site
from chargecloud.routes import Call, Caller, Id, Method, Route

#: what is shown if no period is named
USUAL_DAYS = 30
#: a leap year: every day of the answer has its line, and more would be a report
MOST_DAYS = 366
#: the sites of the platform may be anywhere; here a day begins first
FIRST_ZONE = timedelta(hours=14)


@frozen(kw_only=True)
class StatisticsQuery:
    """Which days of whom."""

    from_: date | None = choice("the first day; 30 days before to if not given", default=None)
    to: date | None = choice("the day after the last; tomorrow if not given", default=None)
    site_id: Id | None = choice("of one site only", default=None)
    tenant_id: Id | None = choice(
        "of one tenant only; the platform's administrator names any", default=None
    )


@frozen(kw_only=True)
class Figures:
    """What some settled orders come to."""

    orders: int = whole("how many were settled")
    users: int = whole("different customers who charged")
    energy_wh: int = whole("energy, rounded")
    energy_mwh: int = whole("energy, exactly")
    saved_wh: int = whole("energy that cutting off full batteries saved, estimated and rounded")
    saved_mwh: int = whole("the same, not rounded")
    amount_fen: int = whole("what they cost, in fen")
    electricity_fen: int = whole("of which for electricity")
    service_fen: int = whole("of which for service")
    charged_s: int = whole("seconds of charging")
    carbon_kg: float = choice("carbon dioxide of the energy, in kg")


@frozen(kw_only=True)
class DayShown(Figures):
    """A day."""

    day: date = choice("by the calendar of each site")


@frozen(kw_only=True)
class StatisticsShown(Figures):
    """A period, and each day of it."""

    from_: date = choice("the first day")
    to: date = choice("the day after the last")
    carbon_g_per_kwh: int = whole("carbon dioxide that is counted for a kWh, in g")
    days: tuple[DayShown, ...] = choice("each day, also those without an order")


def statistics_route(platform: Platform, carbon_g_per_kwh: int) -> Route:
    """The route of the statistics."""

    def figures(sums: Sums, users: int) -> dict[str, Any]:
        return asdict(sums) | {
            "users": users,
            "energy_wh": wh(sums.energy_mwh),
            "saved_wh": wh(sums.saved_mwh),
            "carbon_kg": carbon_kg(sums.energy_mwh, carbon_g_per_kwh),
        }

    def show(connection: Connection, scope: Scope) -> StatisticsShown:
        if scope.site_id is not None:
            find_site(connection, scope.tenant_id, scope.site_id)
        totals = read_totals(connection, scope)
        return StatisticsShown(
            from_=scope.period.start,
            to=scope.period.until,
            carbon_g_per_kwh=carbon_g_per_kwh,
            days=tuple(
                DayShown(
                    day=day,
                    **figures(totals.days.get(day, Sums()), totals.users_of_days.get(day, 0)),
                )
                for day in scope.period.days()
            ),
            **figures(sum(totals.days.values(), Sums()), totals.users),
        )

    async def run(call: Call) -> StatisticsShown:
        query: StatisticsQuery = call.query
        scope = Scope(
            period_of(query, platform.calendar), whose(call.caller, query.tenant_id), query.site_id
        )
        shown: StatisticsShown = await platform.read(lambda connection: show(connection, scope))
        return shown

    return Route(
        method=Method.GET,
        path="/statistics",
        summary="What was charged, in a period and on each of its days",
        tag="statistics",
        permission="statistics:read",
        query=StatisticsQuery,
        answer=StatisticsShown,
        refusals=(NotFound,),
        run=run,
    )


def period_of(query: StatisticsQuery, calendar: Calendar) -> Period:
    """
    The days that are asked for.  Today counts wherever on earth it has begun.

    @raise Invalid: if they are none, or more than can be told at once.
    """
    until = query.to or (calendar.now() + FIRST_ZONE).date() + ONE_DAY
    # even 30 days before the first date that there is
    start = query.from_ or date.fromordinal(max(1, until.toordinal() - USUAL_DAYS))
    if start >= until:
        raise _invalid("from", f"must be before {until}")
    if until - start > MOST_DAYS * ONE_DAY:
        raise _invalid("from", f"must not be more than {MOST_DAYS} days before {until}")
    return Period(start, until)


def whose(caller: Caller, tenant_id: int | None) -> int | None:
    """
    The tenant whose orders are counted, C{None} for all of the platform's.

    @raise Invalid: if it is not the caller's.
    """
    if caller.tenant_id is None:
        return tenant_id
    if tenant_id not in (None, caller.tenant_id):
        raise _invalid("tenant_id", "is another's")
    return caller.tenant_id


def _invalid(parameter: str, what: str) -> Invalid:
    return Invalid(f"{parameter} {what}", errors=[{"parameter": parameter, "detail": what}])
