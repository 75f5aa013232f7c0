"""What a charger's end record means for its order."""

from datetime import datetime, timedelta

from chargecloud.charging.tracking import Track
from chargecloud.domain.charger import Admission, ChargerTime
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.domain.order import Ended, Order
from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.domain.tariff import Mark


def when(admission: Admission, at: ChargerTime, received_at: datetime) -> datetime:
    """
    The instant of a fact: by the charger's uptime where that is known, and else when we
    received it; never after we received it.  In whole milliseconds, as it is kept.
    """
    told = admission.instant(at)
    instant = received_at if told is None else min(told, received_at)
    return instant_of(instant_ms(instant))


def end_of(
    order: Order, track: Track, event: ChargeEnded, at: datetime, received_at: datetime
) -> Ended:
    """
    The end of an order by its record, with the marks that its bill needs.

    @param at: when it was by the charger's time; a clock that went back is not believed
        beyond what the seconds of charging allow.
    """
    charged = timedelta(seconds=event.duration_s)
    started_at = order.started_at or max(at - charged, order.created_at)
    ended_at = max(at, started_at, min(started_at + charged, received_at))
    first = Mark(started_at, event.start_meter_mwh)
    end = Mark(instant_of(instant_ms(ended_at)), event.end_meter_mwh)
    if event.end_meter_mwh < event.start_meter_mwh:
        # such a record is held; what was known before it is all that is known
        marks = order.marks or (first,)
    elif track.marks:
        marks = track.until(end)
    else:
        marks = (first, end)
    reason = event.reason
    if reason is StopReason.REMOTE and track.stop_reason is not None:
        reason = track.stop_reason
    return Ended(
        end.at, event.start_meter_mwh, event.end_meter_mwh, event.duration_s, reason, marks
    )


def is_same_end(order: Order, event: ChargeEnded) -> bool:
    """Whether an order has ended with just this record: it was sent again."""
    told = (event.start_meter_mwh, event.end_meter_mwh, event.duration_s)
    return told == (order.start_meter_mwh, order.end_meter_mwh, order.charged_s)
