"""Parts of payments that channels give to parties, and call back from them: asked for, asked
after, and posted once they are there.

What is due is in the rows, so that a restart goes on where the service stopped.  In the ledger the
money is in a party's account until the channel has given it to them, and it is there again, or is
made good there, when it has come back.
"""

from collections.abc import Sequence

from attrs import define, field
from sqlalchemy import select
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.logger import Logger

from chargecloud.domain.decision import Stale
from chargecloud.domain.errors import ChannelAway
from chargecloud.money.settlement.channel_asking import Asking
from chargecloud.money.settlement.channel_calls_back import CallsBack
from chargecloud.money.settlement.channel_gifts import Gifts
from chargecloud.money.settlement.channel_receivers import Receivers
from chargecloud.money.settlement.channel_split import ChannelSplit, split_of
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import channel_splits, payments

#: rows of a round; what is due beyond them is in the next one
MOST_A_ROUND = 200
#: orders of which a channel is asked at a time: it limits them, and we have one core
AT_A_TIME = 8


@define(eq=False)
class ChannelSplits:
    """All of them."""

    asking: Asking
    _receivers: Receivers = field(init=False)
    _log: Logger = field(factory=Logger, init=False)

    @_receivers.default
    def _nobody_yet(self) -> Receivers:
        return Receivers(self.asking)

    async def round(self) -> None:
        """Do what is due."""
        due = (
            select(channel_splits)
            .where(channel_splits.c.due_s <= int(self.asking.seconds()))
            .order_by(channel_splits.c.due_s)
            .limit(MOST_A_ROUND)
        )
        rows = await self.asking.store.read(
            lambda connection: [split_of(row) for row in connection.execute(due)]
        )
        of_orders: dict[int, list[ChannelSplit]] = {}
        for row in rows:
            of_orders.setdefault(row.order_id, []).append(row)
        gate = DeferredSemaphore(AT_A_TIME)
        await gatherResults([gate.run(self._in_turn, each) for each in of_orders.values()])

    def _in_turn(self, rows: Sequence[ChannelSplit]) -> "Deferred[None]":
        """Those of an order one after the other: what one gives, or calls back, is what the next
        one is cut to."""

        async def all_of_them() -> None:
            for row in rows:
                await self._try(row)

        return Deferred.fromCoroutine(all_of_them())

    async def _try(self, row: ChannelSplit) -> None:
        """Whatever happens to one must not keep the others."""
        try:
            if not await self._is_looked_after(row):
                await self.asking.later(row)
        except Exception:
            self._log.failure("split {id} stays due", id=row.id)

    async def _is_looked_after(self, row: ChannelSplit) -> bool:
        try:
            await self._look(row)
        except ChannelAway as away:
            self._log.info("split {id} is asked for later: {why}", id=row.id, why=away.detail)
            return False
        except Stale:
            self._log.info("split {id} was looked after by another node", id=row.id)
        except Exception:
            self._log.failure("split {id} could not be looked after", id=row.id)
            return False
        return True

    async def of(
        self, settlement_id: int, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[ChannelSplit], str | None]:
        """A page of what channels were asked for by a settlement, and the cursor of the next."""
        found = select(channel_splits).where(channel_splits.c.settlement_id == settlement_id)
        return await self.asking.store.read(
            lambda connection: read_page(
                connection, found, channel_splits.c.id, split_of, limit=limit, cursor=cursor
            )
        )

    async def _look(self, row: ChannelSplit) -> None:
        payment = await self.asking.store.read(
            lambda connection: connection.execute(
                select(payments).where(payments.c.id == row.payment_id)
            ).one()
        )
        subject = (
            Gifts(self.asking, self._receivers) if row.back_of is None else CallsBack(self.asking)
        )
        await subject.look(row, payment)
