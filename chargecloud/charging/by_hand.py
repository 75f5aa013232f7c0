"""Figures that a person has decided on: stated, or taken from a record that was in doubt."""

from datetime import datetime

from attrs import evolve

from chargecloud.domain.decision import Row
from chargecloud.domain.errors import Conflict
from chargecloud.domain.events import StopReason
from chargecloud.domain.occurrences import Ended
from chargecloud.domain.order_value import Order
from chargecloud.domain.plausible import BY_HAND
from chargecloud.domain.tariff import Mark

#: what of a record is kept with the order that it decides
_RECORDED = ("start_meter_mwh", "end_meter_mwh", "duration_s", "reason")


def adjusted(order: Order, energy_mwh: int, now: datetime) -> Ended:
    """The figures of an order whose energy a person states."""
    started_at = order.started_at or order.created_at
    ended_at = max(order.ended_at or now, started_at)
    start_mwh = order.start_meter_mwh or 0
    return Ended(
        at=ended_at,
        start_meter_mwh=start_mwh,
        end_meter_mwh=start_mwh + energy_mwh,
        charged_s=order.charged_until(ended_at) if order.charged_s is None else order.charged_s,
        reason=order.stop_reason or StopReason.UNKNOWN,
        marks=(Mark(started_at, start_mwh), Mark(ended_at, start_mwh + energy_mwh)),
        basis=BY_HAND,
        record=order.record,
        float_dw=order.float_dw,
        clock_ahead_s=order.clock_ahead_s,
    )


def of_dispute(order: Order, record: Row, now: datetime) -> Ended:
    """The figures of the record that disputes an order's end."""
    ended_at = order.ended_at or now
    return of_record(evolve(order, ended_at=ended_at), record, ended_at)


def of_record(order: Order, record: Row, ended_at: datetime) -> Ended:
    """
    The figures of a record that a person believes.

    @raise Conflict: if it has none that a bill can be made of.
    """
    start_mwh = record["start_meter_mwh"]
    if start_mwh is None:
        start_mwh = order.start_meter_mwh
    end_mwh = record["end_meter_mwh"]
    if start_mwh is None or end_mwh is None or end_mwh < start_mwh:
        raise Conflict("the record has no readings that a bill can be made of")
    started_at = order.started_at or order.created_at
    ended_at = max(ended_at, started_at)
    kept = tuple(
        mark
        for mark in order.marks
        if mark.at <= ended_at and start_mwh <= mark.meter_mwh <= end_mwh
    )
    return Ended(
        at=ended_at,
        start_meter_mwh=start_mwh,
        end_meter_mwh=end_mwh,
        charged_s=record["duration_s"] or order.charged_until(ended_at),
        reason=StopReason(record["reason"]),
        marks=(Mark(started_at, start_mwh), *kept, Mark(ended_at, end_mwh)),
        basis=BY_HAND,
        record={name: record[name] for name in _RECORDED},
        float_dw=order.float_dw,
        clock_ahead_s=order.clock_ahead_s,
    )
