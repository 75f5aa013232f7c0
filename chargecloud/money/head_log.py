"""The ends of the ledger's chains, written into the service's log once a day: a log that goes to
another machine keeps them where nobody who can write the database can change them."""

from datetime import date

from attrs import define, field
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.storage.audit import read_heads
from chargecloud.storage.store import Store


@define(eq=False)
class HeadLog:
    """Tells once on each day, and when the service has started."""

    store: Store
    calendar: Calendar
    _told: date | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def round(self) -> None:
        """Tell them, if today nobody has."""
        today = self.calendar.now().date()
        if today == self._told:
            return
        for (tenant_id, node), head in (await self.store.read(read_heads)).items():
            self._log.info(
                "ledger head {tenant_id} {node} {seq} {digest}",
                tenant_id=tenant_id,
                node=node,
                seq=head.seq,
                digest=head.digest.hex(),
            )
        self._told = today
