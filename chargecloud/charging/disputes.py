"""End records of orders that have ended otherwise: both versions are kept, for a person."""

from datetime import datetime

from attrs import define, field
from twisted.logger import Logger

from chargecloud.charging.kept_records import Full, digest_of, keep_once, plain_record
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import LogEntry, Row
from chargecloud.domain.events import ChargeEnded, Outcome, Reply
from chargecloud.domain.order_rows import instant_ms
from chargecloud.domain.order_value import Order
from chargecloud.storage.schema import disputes
from chargecloud.storage.store import Store

#: versions of one order's end that wait for a person; more are not wanted
MOST_OPEN = 20


@define(eq=False)
class Disputes:
    """
    @ivar store: where they are kept.
    """

    store: Store
    _log: Logger = field(factory=Logger, init=False)

    async def keep(
        self, order: Order, event: ChargeEnded, admission: Admission, received_at: datetime
    ) -> Reply:
        """Keep a record beside what its order has ended with, which it does not change."""
        why = f"order {order.state.value}"
        row = {
            "id": self.store.ids.next(),
            "tenant_id": order.tenant_id,
            "charger_id": order.charger_id,
            "port": order.port,
            "order_id": order.id,
            "why": why,
            "digest": digest_of(event),
            "kept": _version_of(order),
            "record": plain_record(event),
            "received_at": received_at,
        }
        told = admission.instant(event.at)
        body = {
            "why": why,
            "end_meter_mwh": event.end_meter_mwh,
            "told_ms": None if told is None else instant_ms(told),
        }
        entry = LogEntry("record.disputed", order.tenant_id, body, order.charger_id, order.id)
        try:
            is_new = await keep_once(self.store, disputes, row, "order_id", entry, MOST_OPEN)
        except Full as full:
            self._log.error("a version of an end is not kept: {why}", why=full)
            return Reply(Outcome.REFUSED)
        if is_new:
            self._log.warn(
                "order {order_id} has ended, and is told to have ended otherwise", order_id=order.id
            )
        return Reply(Outcome.KEPT, order_id=order.id if event.offline is not None else None)


def _version_of(order: Order) -> Row:
    return {
        "state": order.state.value,
        "start_meter_mwh": order.start_meter_mwh,
        "end_meter_mwh": order.end_meter_mwh,
        "duration_s": order.charged_s,
        "reason": None if order.stop_reason is None else order.stop_reason.value,
        "basis": order.basis,
        "amount_fen": None if order.bill is None else order.bill.amount_fen,
    }
