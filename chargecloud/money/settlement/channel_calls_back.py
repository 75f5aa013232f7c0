"""What a channel calls back from parties, of what it had given them: asked for, and posted once it
has come."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import select

from chargecloud.domain.channel import RefundWord, SplitBackAt, SplitBackFact
from chargecloud.domain.errors import ChannelRefused
from chargecloud.domain.ledger import Post
from chargecloud.domain.payment_value import channel_account
from chargecloud.domain.split import Level
from chargecloud.money.settlement.channel_asking import Asking
from chargecloud.money.settlement.channel_split import ChannelSplit, split_at, split_of, why_of
from chargecloud.money.settlement.parties import receiver_of, share_account
from chargecloud.storage.schema import channel_splits


@frozen
class CallsBack:
    """What is called back, step by step; each is written down before the next."""

    asking: Asking

    async def look(self, row: ChannelSplit, payment: Any) -> None:
        """
        Do what is next.

        @raise ChannelAway: if nobody knows what came of it.
        @raise Stale: if another node looked after it.
        """
        given = await self.asking.store.read(
            lambda connection: split_of(
                connection.execute(
                    select(channel_splits).where(channel_splits.c.id == row.back_of)
                ).one()
            )
        )
        if given.state in ("wanted", "asked"):
            # nobody knows yet whether there is anything to come back
            await self.asking.later(row)
            return
        if row.state == "wanted":
            row = await self._fit_back(row, given)
        part = row.parts[0]
        if not part["amount_fen"]:
            await self.asking.write(row, {"state": "done"})
            return
        back = SplitBackAt(
            split=split_at(given, payment),
            number=str(row.id),
            receiver=receiver_of(part["receiver"]),
            amount_fen=part["amount_fen"],
            reason="refunded",
        )
        try:
            fact = await self._back_or_known(row, back)
        except ChannelRefused as refused:
            await self._end_back(row, "failed", why_of(refused))
            return
        told = (fact.merchant, fact.number)
        is_all = fact.word is not RefundWord.DONE or fact.amount_fen == back.amount_fen
        if told != (back.split.payment.merchant, back.number) or not is_all:
            self.asking.differs(row, fact)
            await self.asking.later(row)
        elif fact.word is RefundWord.DONE:
            await self._end_back(row, "done", None)
        elif fact.word is RefundWord.FAILED:
            await self._end_back(row, "failed", fact.why[:200])
        else:
            await self.asking.later(row)

    async def _back_or_known(self, row: ChannelSplit, back: SplitBackAt) -> SplitBackFact:
        """What became of it; it is called back if the channel knows nothing of that."""
        fact = await self.asking.ask(row, lambda channel: channel.query_split_back(back))
        if _is_known(fact):
            return fact
        return await self.asking.have_once(
            row,
            lambda channel: channel.split_back(back),
            lambda channel: channel.query_split_back(back),
            _is_known,
        )

    async def _fit_back(self, row: ChannelSplit, given: ChannelSplit) -> ChannelSplit:
        """Cut it to what there is of the split, and write that down."""
        part = row.parts[0]
        gave = [each for each in given.parts if each["party"] == part["party"]]
        gave_fen = sum(each["amount_fen"] for each in gave if each["state"] == "done")
        # other ones of the same split that are not cut yet are cut after this one
        came_fen = sum(
            each.parts[0]["amount_fen"]
            for each in await self._backs(given.id)
            if each.id != row.id
            and each.state in ("asked", "done")
            and each.parts[0]["party"] == part["party"]
        )
        parts = [{**part, "amount_fen": min(part["amount_fen"], max(0, gave_fen - came_fen))}]
        await self.asking.write(
            row, {"parts": parts, "state": "asked", "due_s": row.due_s, "ended_at": None}
        )
        return evolve(row, parts=parts, state="asked", version=row.version + 1)

    async def _backs(self, split_id: int) -> Sequence[ChannelSplit]:
        """What was to come back of a split."""
        of_order = select(channel_splits.c.order_id).where(channel_splits.c.id == split_id)
        found = select(channel_splits).where(
            channel_splits.c.order_id.in_(of_order), channel_splits.c.back_of == split_id
        )
        return await self.asking.store.read(
            lambda connection: [split_of(row) for row in connection.execute(found)]
        )

    async def _end_back(self, row: ChannelSplit, state: str, failure: str | None) -> None:
        part = row.parts[0]
        account = share_account(row.tenant_id, Level(part["level"]), int(part["party"]))
        taken = channel_account(row.tenant_id, row.channel)
        post = Post(taken, account, part["amount_fen"], "channel_split", row.id)
        after = {"parts": [{**part, "state": state}], "state": state, "failure": failure}
        await self.asking.write(row, after, [post] if state == "done" else [])


def _is_known(fact: SplitBackFact) -> bool:
    return fact.word is not RefundWord.UNKNOWN
