"""Records of chargers that match no order: kept, for a person to decide."""

from datetime import datetime

from attrs import define, field
from twisted.logger import Logger

from chargecloud.charging.kept_records import Full, digest_of, keep_once, plain_record
from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.events import UNMATCHED, ChargeEnded, ChargeStarted, Outcome, Reply
from chargecloud.storage.schema import unmatched
from chargecloud.storage.store import Store

#: of one charger that wait for a person; what comes beyond stays with the charger
MOST_OPEN = 1_000


@define(eq=False)
class Unmatched:
    """
    @ivar store: where they are kept.
    """

    store: Store
    _log: Logger = field(factory=Logger, init=False)

    async def keep(
        self,
        admission: Admission,
        event: ChargeStarted | ChargeEnded,
        received_at: datetime,
        why: str,
    ) -> Reply:
        """Keep a record, once however often it is sent; it is never guessed onto an order."""
        record = plain_record(event)
        row = {
            "id": self.store.ids.next(),
            "tenant_id": admission.tenant_id,
            "charger_id": admission.charger_id,
            "port": event.port,
            "order_id": event.order_id,
            "why": why,
            "digest": digest_of(event),
            "record": record,
            "received_at": received_at,
        }
        body = {"why": why, "record": record["kind"], "named_order": str(event.order_id)}
        entry = LogEntry("record.unmatched", admission.tenant_id, body, admission.charger_id)
        try:
            is_new = await keep_once(self.store, unmatched, row, "charger_id", entry, MOST_OPEN)
        except Full as full:
            self._log.error("a record is left with its charger: {why}", why=full)
            return Reply(Outcome.LATER)
        if is_new:
            self._log.warn(
                "charger {charger_id}: a {kind} record matches no order: {why}",
                charger_id=admission.charger_id,
                kind=record["kind"],
                why=why,
            )
        return Reply(Outcome.KEPT, UNMATCHED)
