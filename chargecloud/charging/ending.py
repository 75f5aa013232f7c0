"""What a charger's end record means for its order."""

from datetime import UTC, datetime, timedelta

from attrs import frozen

from chargecloud.charging.tracking import Track
from chargecloud.domain.charger import Admission, Told
from chargecloud.domain.decision import Row
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.domain.marks import with_told
from chargecloud.domain.occurrences import Ended
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.order_value import Order
from chargecloud.domain.plausible import LAST_READING, Figures, Known, judge
from chargecloud.domain.tariff import Mark

_SECOND = timedelta(seconds=1)


def when(admission: Admission, at: Told, received_at: datetime) -> datetime:
    """
    The instant of a fact: by the charger's time where that is known, and else when we
    received it; never after we received it.  A clock that is too far off is put right by what it
    is off.  In whole milliseconds, as it is kept.
    """
    told = admission.instant(at)
    instant = received_at if told is None else min(admission.by_our_clock(told, at), received_at)
    return instant_of(instant_ms(instant))


@frozen
class Judgement:
    """
    @ivar end: what occurs to the order.
    @ivar doubt: why its figures are not believed; C{None} if they are.
    @ivar evidence: what was gone by, if they are not.
    """

    end: Ended
    doubt: str | None = None
    evidence: Row | None = None


def end_of(
    order: Order, track: Track, event: ChargeEnded, admission: Admission, received_at: datetime
) -> Judgement:
    """The end of an order by its record, with the marks that its bill needs."""
    at = when(admission, event.at, received_at)
    known = Known(
        told_start_mwh=track.told_start_mwh,
        start_known=order.started_at is not None and order.basis is None,
        register_before_mwh=track.register_before_mwh,
        marks=track.marks,
        basis=track.basis,
        drawn_mwh=track.drawn_mwh,
        rated_w=track.rated_w,
        age_s=(received_at - order.created_at) // _SECOND,
        own_s=order.charged_until(max(at, order.created_at)),
    )
    figures = judge(event, known)
    end = ended(order, track, event, figures, at, received_at, admission)
    if figures.doubt is None:
        return Judgement(end)
    return Judgement(end, figures.doubt, _evidence(event, known))


def ended(
    order: Order,
    track: Track | None,
    event: ChargeEnded,
    figures: Figures,
    at: datetime,
    received_at: datetime,
    admission: Admission,
) -> Ended:
    """
    @param at: when it ended by the charger's time; a clock that went back is not believed
        beyond what the seconds of charging allow.
    """
    charged = timedelta(seconds=figures.charged_s)
    started_at = order.started_at or max(at - charged, order.created_at)
    ended_at = max(at, started_at, min(started_at + charged, received_at))
    ended_at = instant_of(instant_ms(ended_at))
    reason = event.reason
    if reason is StopReason.REMOTE and track is not None and track.stop_reason is not None:
        reason = track.stop_reason
    told_marks = _told_marks(event, admission)
    return Ended(
        at=ended_at,
        start_meter_mwh=figures.start_mwh,
        end_meter_mwh=figures.end_mwh,
        charged_s=figures.charged_s,
        reason=reason,
        marks=with_told(_marks(figures, track, started_at, ended_at), told_marks),
        basis=figures.basis,
        record=record_of(event),
        float_dw=track.float_dw if track and reason is StopReason.FULL else None,
        told_at=admission.instant(event.at),
        clock_ahead_s=admission.ahead_s(event.at),
    )


def _marks(
    figures: Figures, track: Track | None, started_at: datetime, ended_at: datetime
) -> tuple[Mark, ...]:
    seen = track.marks if track is not None else ()
    if figures.start_mwh is None or figures.end_mwh is None:
        return seen
    if figures.end_mwh < figures.start_mwh:
        # what was known before such a record is all that is known
        return seen or (Mark(started_at, figures.start_mwh),)
    end = Mark(ended_at, figures.end_mwh)
    if track is not None and seen:
        return track.until(end)
    return Mark(started_at, figures.start_mwh), end


def _told_marks(event: ChargeEnded, admission: Admission) -> list[Mark]:
    """The charger's clock is set by us, and its marks are of whole seconds; what no calendar
    holds is no mark."""
    latest_s = int(datetime.max.replace(tzinfo=UTC).timestamp())
    told = [
        (datetime.fromtimestamp(mark.unix_s, UTC), mark.meter_mwh)
        for mark in event.marks
        if mark.unix_s < latest_s
    ]
    return [Mark(admission.by_our_clock(at, event.at), meter_mwh) for at, meter_mwh in told]


def end_by_last_reading(order: Order, track: Track, at: datetime, why: str) -> Ended:
    """
    The end of an order whose charger tells none: by the last reading that came.

    @param at: now, for an order of which no reading came.
    """
    last = track.marks[-1] if track.marks else None
    ended_at = last.at if last is not None else max(order.suspended_at or at, order.created_at)
    return Ended(
        at=ended_at,
        start_meter_mwh=track.marks[0].meter_mwh if track.marks else None,
        end_meter_mwh=last.meter_mwh if last is not None else None,
        charged_s=order.charged_until(ended_at),
        reason=StopReason.WATCHDOG,
        marks=track.marks,
        why=why,
        basis=LAST_READING,
    )


def record_of(event: ChargeEnded) -> Row:
    """An end record as it was told, in plain values."""
    amount = {} if event.amount_e5 is None else {"amount_e5": event.amount_e5}
    return {
        "start_meter_mwh": event.start_meter_mwh,
        "end_meter_mwh": event.end_meter_mwh,
        "duration_s": event.duration_s,
        "reason": event.reason.value,
        **amount,
    }


def is_same_end(order: Order, event: ChargeEnded) -> bool:
    """Whether an order has ended with just this record: it was sent again, or tells late of
    the energy that the order was closed with."""
    if order.record is not None:
        return _says_the_same(order.record, record_of(event))
    if order.basis != LAST_READING or None in (event.start_meter_mwh, event.end_meter_mwh):
        return False
    return (order.start_meter_mwh, order.end_meter_mwh) == (
        event.start_meter_mwh,
        event.end_meter_mwh,
    )


def _says_the_same(record: Row, again: Row) -> bool:
    # the reason is left out: a charger may only know it after a restart as "power cut"
    meters = ("start_meter_mwh", "end_meter_mwh")
    if any(record[each] != again[each] for each in meters):
        return False
    # a dialect that has only instants knows no duration once it has lost the first of them
    return record["duration_s"] == again["duration_s"] or again["duration_s"] is None


def _evidence(event: ChargeEnded, known: Known) -> Row:
    last = known.marks[-1] if known.marks else None
    return {
        "record": dict(record_of(event)),
        "told_start_mwh": known.told_start_mwh,
        "register_before_mwh": known.register_before_mwh,
        "last_reading_mwh": None if last is None else last.meter_mwh,
        "last_reading_ms": None if last is None else instant_ms(last.at),
        "drawn_mwh": known.drawn_mwh,
        "rated_w": known.rated_w,
        "age_s": known.age_s,
    }
