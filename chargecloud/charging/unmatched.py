"""Records of chargers that match no order: kept, for a person to decide."""

from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any

from attrs import asdict, define, field
from sqlalchemy import Connection, select
from twisted.logger import Logger

from chargecloud.domain.charger import Admission
from chargecloud.domain.decision import Decision, Insert, LogEntry, Row, Stale
from chargecloud.domain.events import ChargeEnded, ChargeStarted, Outcome
from chargecloud.storage.schema import unmatched
from chargecloud.storage.store import Store


def _plain(_instance: object, _attribute: object, value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _is_kept(connection: Connection, row: Row) -> bool:
    found = select(unmatched.c.id).where(
        unmatched.c.charger_id == row["charger_id"], unmatched.c.digest == row["digest"]
    )
    return connection.execute(found).first() is not None


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
    ) -> Outcome:
        """Keep a record, once however often it is sent; it is never guessed onto an order."""
        kind = "ended" if isinstance(event, ChargeEnded) else "started"
        row = {
            "id": self.store.ids.next(),
            "tenant_id": admission.tenant_id,
            "charger_id": admission.charger_id,
            "port": event.port,
            "order_id": event.order_id,
            "why": why,
            "digest": sha256(repr(event).encode()).hexdigest(),
            "record": {"kind": kind} | asdict(event, value_serializer=_plain),
            "received_at": received_at,
        }
        body = {"why": why, "record": kind, "order_id": str(event.order_id)}
        entry = LogEntry("record.unmatched", admission.tenant_id, body, admission.charger_id)
        try:
            await self.store.writer.decide(Decision((Insert("unmatched", row),), (entry,)))
        except Stale:
            # this very record is kept already, unless it was only its id that was taken
            if not await self.store.read(lambda connection: _is_kept(connection, row)):
                raise
            return Outcome.KEPT
        self._log.warn(
            "charger {charger_id}: a {kind} record matches no order: {why}",
            charger_id=admission.charger_id,
            kind=kind,
            why=why,
        )
        return Outcome.KEPT
