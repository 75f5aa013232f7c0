"""Receivers of parts, made known at their channels before anything is given to them."""

from functools import partial
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from chargecloud.domain.channel import PaymentAt, Receiver, SplitAt
from chargecloud.domain.decision import Row
from chargecloud.domain.errors import ChannelRefused
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.settlement.channel_asking import Asking
from chargecloud.money.settlement.channel_split import ChannelSplit, why_of
from chargecloud.money.settlement.parties import receiver_of

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


@define(eq=False)
class Receivers:
    """
    @ivar _known: channel, tenant, merchant and receiver of what was made known since the process
        began: a few parties get parts of all orders.
    """

    asking: Asking
    _known: set[tuple[str, int, str, Receiver]] = field(factory=set, init=False)

    async def make_known(self, row: ChannelSplit, at: PaymentAt) -> ChannelSplit:
        """
        Make those of a split known.

        @return: the split as it is to be asked for; parts whose receivers were refused have failed,
            and that is written down: whoever asks again asks for the same.
        @raise ChannelAway: if nobody knows whether one is known.
        """
        parts: list[Row] = []
        for part in row.parts:
            why = None
            if part["state"] == "under_way":
                why = await self._why_not(row, at, receiver_of(part["receiver"]))
            parts.append(part if why is None else {**part, "state": "failed", "why": why})
        if parts == list(row.parts):
            return row
        after = {"parts": parts, "state": row.state, "due_s": row.due_s, "ended_at": None}
        await self.asking.write(row, after)
        return evolve(row, parts=parts, version=row.version + 1)

    async def _why_not(self, row: ChannelSplit, at: PaymentAt, receiver: Receiver) -> str | None:
        of = (row.channel, at.tenant_id, at.merchant, receiver)
        if of not in self._known:
            try:
                await self.asking.have(row, partial(_add, at, receiver))
            except ChannelRefused as refused:
                return why_of(refused)
            self._known.add(of)
        return None

    def forget(self, row: ChannelSplit, asked: SplitAt) -> None:
        """The channel has refused to give to them: it may not know them any more."""
        at = asked.payment
        for part in asked.parts:
            self._known.discard((row.channel, at.tenant_id, at.merchant, part.receiver))


def _add(at: PaymentAt, receiver: Receiver, channel: ISplittingChannel) -> "Deferred[None]":
    return channel.add_receiver(at.tenant_id, at.merchant, receiver)
