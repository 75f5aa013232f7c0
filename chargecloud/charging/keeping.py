"""Records of chargers, kept before they are acknowledged: in the database, or while that is
away in the spool."""

from datetime import datetime

from attrs import define, evolve, field
from sqlalchemy import select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.charging.backlog import Backlog
from chargecloud.charging.records import Records, kept, plausible
from chargecloud.charging.spooled import Spooled
from chargecloud.domain.charger import Admission
from chargecloud.domain.events import ChargeEnded, ChargeStarted, Outcome, Reply
from chargecloud.storage.schema import chargers
from chargecloud.storage.writer import TROUBLES


@define(eq=False)
class Keeping:
    """
    What a charger tells after a record that waits in the spool waits there behind it: an end is
    never decided before its start.

    @ivar records: decides what follows from a record.
    """

    records: Records
    backlog: Backlog
    _log: Logger = field(factory=Logger, init=False)

    def take(
        self, admission: Admission, event: ChargeStarted | ChargeEnded, received_at: datetime
    ) -> "Deferred[Reply]":
        """Keep a record, in the charger's turn."""
        spooled = Spooled(admission, plausible(event), received_at)
        return self.records.book.turns.take(
            admission.charger_id, lambda: self._keep(spooled), though_shut=True
        )

    async def _keep(self, told: Spooled) -> Reply:
        reply = self._reply_to(told)
        can_wait = reply.outcome is Outcome.KEPT
        # where the last try has failed, the next would too, and may take as long as its driver
        # is patient: who brings the spool there finds out when that is over
        is_away = can_wait and self.records.book.store.writer.trouble is not None
        if told.charger_id not in self.backlog and not is_away:
            try:
                return await self.records.decide(told.admission, told.event, told.received_at)
            except TROUBLES as error:
                self._log.warn(
                    "charger {charger_id}: a record did not come into the database: {why}",
                    charger_id=told.charger_id,
                    why=error.orig,
                )
        is_kept = can_wait and await self.backlog.put(told)
        return reply if is_kept else Reply(Outcome.LATER)

    def _reply_to(self, told: Spooled) -> Reply:
        """The answer to a record that is in the spool: as after a commit, as far as the order is
        in memory.  The start of a charge that is not has no order yet whose id the charger must
        be told: it keeps that, and its end tells all that there is to pay."""
        event = told.event
        order = self.records.in_memory(told.admission, event)
        if order is not None:
            return kept(order, event)
        return Reply(Outcome.LATER if isinstance(event, ChargeStarted) else Outcome.KEPT)

    async def apply(self, told: Spooled) -> Reply:
        """Decide about a record that was acknowledged, as about one that has just come."""
        return await self.records.book.turns.take(
            told.charger_id, lambda: self._apply(told), though_shut=True
        )

    async def _apply(self, told: Spooled) -> Reply:
        # its session is often not the charger's newest any more, and it will not tell it again
        # in that one
        of_charger = select(chargers.c.epoch).where(chargers.c.id == told.charger_id)
        epoch = await self.records.book.store.read(
            lambda connection: connection.execute(of_charger).scalar_one()
        )
        admission = evolve(told.admission, epoch=epoch)
        return await self.records.decide(admission, told.event, told.received_at)
