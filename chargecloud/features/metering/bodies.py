"""What is asked and answered at C{/metering}."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from attrs import frozen

from chargecloud.domain.fields import choice, text, whole
from chargecloud.domain.metering import ppm
from chargecloud.domain.trend import Trend
from chargecloud.domain.units import wh
from chargecloud.domain.verification import Occasion, Reading
from chargecloud.features.metering.model import ClockSeen, Found, MeteringSettings, Quantity, Week
from chargecloud.features.metering.ranking import Ranked
from chargecloud.features.metering.sessions import Session, SessionState
from chargecloud.routes import Id, Paging

_MOST_MWH = 10**12
_SIGNED = 2**53 - 1
_DAYS = 7


@frozen(kw_only=True)
class RankQuery(Paging):
    """Whose chargers."""

    site_id: Id | None = choice("at this site", default=None)
    tenant_id: Id | None = choice("of this tenant; only the platform names one", default=None)


@frozen(kw_only=True)
class FoundShown:
    """Something of a charger, held against its limit."""

    quantity: Quantity = choice("of what")
    value: float = choice("how far it is off, in its unit")
    uncertainty: float = choice("what that may itself be off by")
    limit: float = choice("what it is to be within")
    unit: str = text("ppm, ppm/week, % of orders, or s")
    times_limit: float = choice("what of it is proven, in times of the limit: above 1 is beyond")


@frozen(kw_only=True)
class AuditShown:
    """What an order came to."""

    order_id: Id = choice("which")
    port: int = whole("at which port")
    ended_at: datetime = choice("when it ended")
    energy_wh: int = whole("what was billed")
    register_mwh: int = whole("what the register gained while the power was known")
    integral_mwh: int = whole("what the power comes to in that time")
    uncertain_mwh: int = whole("what both may be beside each other though the meter is right")
    passed_over_mwh: int = whole("what the register gained while the power was not known")
    steps: int = whole("from one reading to the next, that were compared")
    error_ppm: int | None = whole(
        "of the register, in millionths; null where too little was compared", least=-_SIGNED
    )
    uncertainty_ppm: int | None = whole("of that")
    over_rated_ppm: int = whole("beyond all that the rated power gives in its time")
    payment_error_fen: int | None = whole(
        "what the charger told that it costs, less the bill; null where it told nothing",
        least=-_SIGNED,
    )
    clock_ahead_s: int | None = whole(
        "its charger's clock, where the order was billed by ours", least=-_SIGNED
    )


@frozen(kw_only=True)
class RankedShown:
    """A charger, with what speaks against it."""

    charger_id: Id = choice("which")
    site_id: Id = choice("where")
    times_limit: float = choice("the worst of what is proven, in times of its limit")
    orders: int = whole("that ended in the weeks that are ranked by")
    compared_orders: int = whole("of which register and power could be compared")
    found: tuple[FoundShown, ...] = choice("the worst first")
    evidence: tuple[AuditShown, ...] = choice("the orders that say the most, the worst first")


@frozen(kw_only=True)
class WeekShown:
    """A week of a charger."""

    begins: date = choice("its Monday, in UTC")
    orders: int = whole("that ended in it")
    compared_orders: int = whole("of which register and power could be compared")
    error_ppm: int | None = whole("of the register, over all of those", least=-_SIGNED)
    uncertainty_ppm: int | None = whole("of that")
    payments: int = whole("orders with an amount that the charger told")
    payments_off: int = whole("of which differ from the bill by more than the limit")
    over_rated: int = whole("orders with more energy than the rated power gives")


@frozen(kw_only=True)
class TrendShown:
    """Where a register's error goes."""

    ppm_per_week: int = whole("the median of all slopes between two weeks", least=-_SIGNED)
    least_ppm_per_week: int = whole("with 95 % it is not less", least=-_SIGNED)
    most_ppm_per_week: int = whole("nor more", least=-_SIGNED)
    is_proven: bool = choice("whether it goes one way, and not only by chance")


@frozen(kw_only=True)
class ClockShown:
    """A clock, as it was seen last on a day."""

    at: datetime = choice("when it was seen")
    ahead_s: float = choice("by how much it was ahead of ours; below zero: behind")
    limit_s: int = whole("what it is to be within there")


@frozen(kw_only=True)
class ChargerMetering(RankedShown):
    """All that is known of a charger's meters."""

    weeks: tuple[WeekShown, ...] = choice("the oldest first")
    drift: TrendShown | None = choice("null for less than four weeks with an error")
    clocks: tuple[ClockShown, ...] = choice("the newest first")
    certificate: str | None = text("number of its newest certificate", longest=64)
    valid_until: datetime | None = choice("until when that is good")


@frozen(kw_only=True)
class NewSession:
    """A verification on site begins."""

    charger_id: Id = choice("of which charger")
    occasion: Occasion = choice("the first of it, or a later one", default=Occasion.LATER)
    limit_permille: int = whole(
        "what its registers are to be within: 10 is class 1, 20 is class 2",
        default=20,
        least=1,
        most=100,
    )
    reference: str = text("the reference meter: its serial number and certificate", longest=64)
    reference_permille: int = whole("what it is within itself", default=2, most=30)
    inspector: str = text("who measures", longest=64)


@frozen(kw_only=True)
class NewReading:
    """What was read: registers of energy, the clock, or an amount."""

    port: int = whole("at which port", least=1)
    load_w: int | None = whole("the load, about", default=None)
    register_start_mwh: int | None = whole("the register at first", default=None)
    register_end_mwh: int | None = whole("and at last", default=None)
    register_step_mwh: int = whole(
        "the least by which it goes on; 1000 is 0.001 kWh", default=1_000, least=1, most=_MOST_MWH
    )
    reference_mwh: int | None = whole(
        "what the reference meter measured meanwhile", default=None, least=1, most=_MOST_MWH
    )
    clock_ahead_ms: int | None = whole(
        "by how much its clock is ahead of the reference clock; below zero: behind",
        default=None,
        least=-_SIGNED,
    )
    told_fen: int | None = whole("what it told that the charge costs", default=None)
    due_fen: int | None = whole("and what it has to cost", default=None)


@frozen(kw_only=True)
class ReadingShown:
    """A reading that was entered."""

    at: datetime = choice("when it was entered")
    port: int = whole("at which port")
    load_w: int | None = whole("the load, about")
    register_mwh: int | None = whole("what the register gained")
    reference_mwh: int | None = whole("what the reference meter measured")
    error_ppm: int | None = whole("the register's error", least=-_SIGNED)
    clock_ahead_ms: int | None = whole("the clock's error", least=-_SIGNED)
    payment_error_fen: int | None = whole("the amount's error", least=-_SIGNED)


@frozen(kw_only=True)
class SessionShown:
    """A verification, with its record of errors."""

    id: Id = choice("its id")
    charger_id: Id = choice("of which charger")
    state: SessionState = choice("open, passed or failed")
    occasion: Occasion = choice("the first of it, or a later one")
    limit_permille: int = whole("what its registers are to be within")
    reference: str = text("the reference meter")
    reference_permille: int = whole("what that is within")
    inspector: str = text("who measured")
    opened_at: datetime = choice("when it began")
    finished_at: datetime | None = choice("when it was judged")
    readings: tuple[ReadingShown, ...] = choice("in the order in which they were entered")
    worst_error_ppm: int | None = whole("the error farthest from zero", least=-_SIGNED)
    faults: tuple[str, ...] = choice("what is beyond its limit, so far")
    certificate: str | None = text("its number, if it has passed", longest=64)
    valid_until: datetime | None = choice("until when that is good")


@frozen(kw_only=True)
class SessionQuery(Paging):
    """Which sessions."""

    charger_id: Id | None = choice("of this charger", default=None)


def show_ranked(ranked: Ranked, rows: Sequence[Any]) -> RankedShown:
    """A charger, with rows of its orders."""
    return RankedShown(**_of_ranked(ranked, rows))


def show_charger(
    ranked: Ranked,
    rows: Sequence[Any],
    weeks: Sequence[Week],
    clocks: Sequence[ClockSeen],
    session: Session | None,
    settings: MeteringSettings,
) -> ChargerMetering:
    """All that is known of one."""
    return ChargerMetering(
        **_of_ranked(ranked, rows),
        weeks=tuple(_show_week(each, settings) for each in weeks),
        drift=None if ranked.drift is None else _show_trend(ranked.drift),
        clocks=tuple(
            ClockShown(at=each.at, ahead_s=each.ahead_ms / 1000, limit_s=each.limit_s)
            for each in clocks
        ),
        certificate=None if session is None else session.certificate,
        valid_until=None if session is None else session.row.valid_until,
    )


def _of_ranked(ranked: Ranked, rows: Sequence[Any]) -> dict[str, Any]:
    return {
        "charger_id": ranked.charger_id,
        "site_id": ranked.site_id,
        "times_limit": ranked.times_limit,
        "orders": sum(each.orders for each in ranked.weeks),
        "compared_orders": sum(each.compared_orders for each in ranked.weeks),
        "found": tuple(_show_found(each) for each in ranked.found),
        "evidence": tuple(show_audit(row) for row in rows),
    }


def _show_found(found: Found) -> FoundShown:
    return FoundShown(
        quantity=found.quantity,
        value=found.value,
        uncertainty=found.uncertainty,
        limit=found.limit,
        unit=found.unit,
        times_limit=found.times_limit,
    )


def show_audit(row: Any) -> AuditShown:
    """An order, of its row."""
    return AuditShown(
        order_id=row.order_id,
        port=row.port,
        ended_at=row.ended_at,
        energy_wh=wh(row.energy_mwh),
        register_mwh=row.register_mwh,
        integral_mwh=row.integral_mwh,
        uncertain_mwh=row.uncertain_mwh,
        passed_over_mwh=row.passed_over_mwh,
        steps=row.steps,
        error_ppm=row.error_ppm,
        uncertainty_ppm=row.uncertainty_ppm,
        over_rated_ppm=row.over_rated_ppm,
        payment_error_fen=row.payment_error_fen,
        clock_ahead_s=row.clock_ahead_s,
    )


def _show_week(week: Week, settings: MeteringSettings) -> WeekShown:
    error = week.comparison.error(settings.power_permille)
    return WeekShown(
        begins=date.min + timedelta(days=week.week * _DAYS),
        orders=week.orders,
        compared_orders=week.compared_orders,
        error_ppm=None if error is None else ppm(error.value),
        uncertainty_ppm=None if error is None else ppm(error.uncertainty),
        payments=week.payments,
        payments_off=week.payments_off,
        over_rated=week.over_rated,
    )


def _show_trend(trend: Trend) -> TrendShown:
    return TrendShown(
        ppm_per_week=ppm(trend.slope),
        least_ppm_per_week=ppm(trend.least),
        most_ppm_per_week=ppm(trend.most),
        is_proven=trend.is_proven,
    )


def show_session(session: Session) -> SessionShown:
    """A verification."""
    row, finding = session.row, session.finding
    return SessionShown(
        id=row.id,
        charger_id=row.charger_id,
        state=SessionState(row.state),
        occasion=Occasion(row.occasion),
        limit_permille=row.limit_permille,
        reference=row.reference,
        reference_permille=row.reference_permille,
        inspector=row.inspector,
        opened_at=row.opened_at,
        finished_at=row.finished_at,
        readings=tuple(
            _show_reading(read, each, row.reference_permille) for read, each in session.read
        ),
        worst_error_ppm=None if finding is None else ppm(finding.worst),
        faults=() if finding is None else finding.faults,
        certificate=session.certificate,
        valid_until=row.valid_until,
    )


def _show_reading(reading: Reading, row: Any, reference_permille: int) -> ReadingShown:
    energy = reading.energy
    payment_fen = None
    if reading.told_fen is not None and reading.due_fen is not None:
        payment_fen = reading.told_fen - reading.due_fen
    return ReadingShown(
        at=row.at,
        port=row.port,
        load_w=row.load_w,
        register_mwh=row.register_mwh,
        reference_mwh=row.reference_mwh,
        error_ppm=None if energy is None else ppm(energy.error(reference_permille).value),
        clock_ahead_ms=row.clock_ahead_ms,
        payment_error_fen=payment_fen,
    )
