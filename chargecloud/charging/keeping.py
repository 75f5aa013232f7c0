"""Records of chargers, kept before they are acknowledged: in the database, or while that is
away in the spool."""

from datetime import datetime

from attrs import define, evolve, field
from sqlalchemy import select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.charging.backlog import Backlog
from chargecloud.charging.lending import Lending
from chargecloud.charging.records import Records, kept, plausible, started_of
from chargecloud.charging.spooled import ChargePlaced, Spooled
from chargecloud.domain.charger import Admission
from chargecloud.domain.events import ChargeEnded, ChargeStarted, Outcome, Reply
from chargecloud.domain.order import decide
from chargecloud.domain.order_value import Order, OrderState
from chargecloud.storage.schema import chargers
from chargecloud.storage.writer import TROUBLES


@define(eq=False)
class Keeping:
    """
    What a charger tells after a record that waits in the spool waits there behind it: an end is
    never decided before its start.

    @ivar records: decides what follows from a record.
    @ivar lending: opens the orders that began without the database.
    """

    records: Records
    backlog: Backlog
    lending: Lending
    _log: Logger = field(factory=Logger, init=False)

    def take(
        self, admission: Admission, event: ChargeStarted | ChargeEnded, received_at: datetime
    ) -> "Deferred[Reply]":
        """Keep a record, in the charger's turn."""
        told = plausible(event)
        return self.records.book.turns.take(
            admission.charger_id,
            lambda: self._keep(Spooled(admission, told, received_at), told),
            though_shut=True,
        )

    async def _keep(self, told: Spooled, event: ChargeStarted | ChargeEnded) -> Reply:
        order = self.records.in_memory(told.admission, event)
        reply = _reply(order, event)
        can_wait = reply.outcome is Outcome.KEPT
        # where the last try has failed, the next would too, and may take as long as its driver
        # is patient: who brings the spool there finds out when that is over
        is_away = can_wait and self.records.book.store.writer.trouble is not None
        if told.charger_id not in self.backlog and not is_away:
            try:
                return await self.records.decide(told.admission, event, told.received_at)
            except TROUBLES as error:
                self._log.warn(
                    "charger {charger_id}: a record did not come into the database: {why}",
                    charger_id=told.charger_id,
                    why=error.orig,
                )
        if not (can_wait and await self.backlog.put(told)):
            return Reply(Outcome.LATER)
        if order is not None and isinstance(event, ChargeStarted):
            self._foresee(order, event, told)
        return reply

    def _foresee(self, order: Order, event: ChargeStarted, told: Spooled) -> None:
        """What it may cost is watched from now on, and not only when it is written down."""
        track = self.records.book.tracked(order.id)
        if track is not None and track.present.state is OrderState.STARTING:
            started = started_of(track.order, event, told.admission, told.received_at)
            track.foresee(decide(track.order, started).order)

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
        if isinstance(told.event, ChargePlaced):
            await self.lending.open(told.event, epoch)
            return Reply(Outcome.KEPT)
        admission = evolve(told.admission, epoch=epoch)
        return await self.records.decide(admission, told.event, told.received_at)


def _reply(order: Order | None, event: ChargeStarted | ChargeEnded) -> Reply:
    """The answer to a record that is in the spool: as after a commit, as far as the order is
    in memory.  The start of a charge that is not has no order yet whose id the charger must
    be told: it keeps that, and its end tells all that there is to pay."""
    if order is not None:
        return kept(order, event)
    return Reply(Outcome.LATER if isinstance(event, ChargeStarted) else Outcome.KEPT)
