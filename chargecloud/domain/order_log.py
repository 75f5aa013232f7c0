"""What the event log is told of an order."""

from datetime import datetime
from typing import Any

from chargecloud.domain.decision import LogEntry
from chargecloud.domain.occurrences import Ended
from chargecloud.domain.order_rows import instant_ms
from chargecloud.domain.order_value import Order
from chargecloud.domain.tariff import Fee


def entry(order: Order, kind: str, **body: Any) -> LogEntry:
    """One entry, with where the order is."""
    return LogEntry(
        kind,
        order.tenant_id,
        {"site_id": order.site_id, "port": order.port, **body},
        order.charger_id,
        order.id,
    )


def ended(order: Order, end: Ended) -> LogEntry:
    """An order has ended, with the figures that it is to be billed by."""
    return entry(
        order,
        "order.ended",
        reason=end.reason.value,
        why=end.why,
        basis=end.basis,
        start_meter_mwh=end.start_meter_mwh,
        end_meter_mwh=end.end_meter_mwh,
        charged_s=end.charged_s,
        **_of_clock(end),
        **instants(end.at, end.told_at),
    )


def _of_clock(end: Ended) -> dict[str, int]:
    return {} if end.clock_ahead_s is None else {"clock_ahead_s": end.clock_ahead_s}


def instants(at: datetime, told_at: datetime | None = None) -> dict[str, int | None]:
    """Both times of a fact: as we judge it, and as the charger told it."""
    return {"at_ms": instant_ms(at), "told_ms": None if told_at is None else instant_ms(told_at)}


def place_and_day(order: Order) -> dict[str, Any]:
    """What statistics need to find the day that an order counts for."""
    assert order.ended_at is not None
    return {"time_zone": order.time_zone, "ended_ms": instant_ms(order.ended_at)}


def counted(order: Order) -> dict[str, Any]:
    """What a settled order comes to, for those who count."""
    bill = order.bill
    assert bill is not None
    return {
        "customer_id": order.customer_id,
        **place_and_day(order),
        "charged_s": order.charged_s,
        "energy_mwh": order.energy_mwh,
        "electricity_fen": bill.fee_fen(Fee.ELECTRICITY),
        "service_fen": bill.fee_fen(Fee.SERVICE),
        "amount_fen": bill.amount_fen,
        "basis": order.basis,
        "float_dw": order.float_dw,
    }
