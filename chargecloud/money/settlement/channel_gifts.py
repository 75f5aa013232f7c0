"""Parts of payments that a channel gives to parties: cut to its limits, asked for, posted, and the
rest set free."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from attrs import evolve, frozen
from sqlalchemy import select

from chargecloud.domain.channel import SplitAt, SplitFact
from chargecloud.domain.decision import Row
from chargecloud.domain.errors import ChannelRefused
from chargecloud.domain.ledger import Post
from chargecloud.domain.payment_value import channel_account
from chargecloud.domain.split import Level
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.settlement.channel_asking import Asking
from chargecloud.money.settlement.channel_receivers import Receivers
from chargecloud.money.settlement.channel_split import (
    SUBJECT,
    ChannelSplit,
    is_asked,
    parts_told,
    split_at,
    why_of,
)
from chargecloud.money.settlement.giving import Given, Remaining, fitted, given_by
from chargecloud.money.settlement.parties import share_account
from chargecloud.storage.schema import channel_splits


@frozen
class Gifts:
    """What is given, step by step; each is written down before the next."""

    asking: Asking
    receivers: Receivers

    async def look(self, row: ChannelSplit, payment: Any) -> None:
        """
        Do what is next.

        @raise ChannelAway: if nobody knows what came of it.
        @raise Stale: if another node looked after it.
        """
        # by a process before this one, perhaps, that did not live to count it
        was_asked = row.state == "asked"
        if row.state == "wanted":
            row = await self._fit(row, payment)
        if row.state == "asked" and row.parts:
            row = await self._split(row, payment, was_asked=was_asked)
        if row.state == "split" or not row.parts:
            await self._finish(row, payment)

    async def _fit(self, row: ChannelSplit, payment: Any) -> ChannelSplit:
        """Cut it to the channel's limits, and write that down: a channel that is asked again is
        asked for the same."""
        channel = self.asking.channels.channels.get(row.channel)
        parts: Sequence[Row] = row.parts
        if ISplittingChannel.providedBy(channel):
            limits: Any = channel
            late = self.asking.calendar.now() - payment.paid_at > timedelta(
                days=limits.split_within_days
            )
            left_fen = payment.amount_fen - payment.refunding_fen - payment.refunded_fen
            remaining = Remaining(payment.amount_fen, left_fen)
            before = await self._before(row)
            parts = () if late else fitted(row.parts, limits, remaining, before)
        after = {"parts": list(parts), "state": "asked", "due_s": row.due_s, "ended_at": None}
        await self.asking.write(row, after)
        return evolve(row, parts=parts, state="asked", version=row.version + 1)

    async def _before(self, row: ChannelSplit) -> Sequence[Given]:
        """What splits before have given of the same payment: what is called back later has not come
        back yet, and may be of this one."""
        found = select(channel_splits).where(
            channel_splits.c.order_id == row.order_id, channel_splits.c.id < row.id
        )
        rows = await self.asking.store.read(
            lambda connection: connection.execute(found.order_by(channel_splits.c.id)).all()
        )
        return given_by((each.id, each.back_of, each.parts) for each in rows)

    async def _split(self, row: ChannelSplit, payment: Any, *, was_asked: bool) -> ChannelSplit:
        fact = None
        asked = split_at(row, payment)
        if was_asked:
            fact = await self.asking.ask(row, lambda channel: channel.query_split(asked))
        if fact is not None and fact.is_known:
            ended = self._told(row, asked, fact)
        else:
            row = await self.receivers.make_known(row, asked.payment)
            ended = await self._split_anew(row, split_at(row, payment))
        if any(part["state"] == "under_way" for part in ended):
            await self.asking.later(row)
            return row
        posts = [
            Post(
                share_account(row.tenant_id, Level(part["level"]), int(part["party"])),
                channel_account(row.tenant_id, row.channel),
                part["amount_fen"],
                "channel_split",
                row.id,
            )
            for part in ended
            if part["state"] == "done"
        ]
        after = {"parts": ended, "state": "split", "due_s": int(self.asking.seconds()), "tries": 0}
        await self.asking.write(row, after, posts)
        return evolve(row, parts=ended, state="split", version=row.version + 1)

    async def _split_anew(self, row: ChannelSplit, asked: SplitAt) -> list[Row]:
        """What became of the parts that have not failed yet."""
        if not asked.parts:
            return list(row.parts)
        try:
            fact = await self.asking.have_once(
                row,
                lambda channel: channel.split(asked),
                lambda channel: channel.query_split(asked),
                lambda fact: fact.is_known,
            )
        except ChannelRefused as refused:
            self.receivers.forget(row, asked)
            failed = {"state": "failed", "why": why_of(refused)}
            return [{**part, **(failed if is_asked(part) else {})} for part in row.parts]
        return self._told(row, asked, fact)

    def _told(self, row: ChannelSplit, asked: SplitAt, fact: SplitFact) -> list[Row]:
        if (fact.merchant, fact.number) == (asked.payment.merchant, asked.number):
            return parts_told(row.parts, fact)
        self.asking.differs(row, fact)
        return list(row.parts)

    async def _finish(self, row: ChannelSplit, payment: Any) -> None:
        asked = split_at(row, payment)
        # no id has twenty digits, so that this is no other split's number
        number = f"{row.id}0".zfill(20)
        failure = None
        try:
            await self.asking.have(
                row,
                lambda channel: channel.finish_split(
                    asked.payment, asked.transaction, number, SUBJECT
                ),
            )
        except ChannelRefused as refused:
            failure = why_of(refused)
        await self.asking.write(row, {"state": "done", "failure": failure})
