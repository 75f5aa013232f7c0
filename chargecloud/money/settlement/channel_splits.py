"""Parts of payments that channels give to parties, and call back from them: asked for, asked
after, and posted once they are there.

What is due is in the rows, so that a restart goes on where the service stopped.  In the ledger the
money is in a party's account until the channel has given it to them, and it is there again, or is
made good there, when it has come back.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen
from sqlalchemy import select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.channel import (
    PartWord,
    PaymentAt,
    Receiver,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitFact,
    SplitPart,
)
from chargecloud.domain.decision import Change, Decision, Row, Stale
from chargecloud.domain.errors import ChannelAway, ChannelRefused
from chargecloud.domain.ledger import Post
from chargecloud.domain.payment_value import channel_account
from chargecloud.domain.split import Level
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.channels import Channels
from chargecloud.money.chasing import WAITS_S
from chargecloud.money.settlement.giving import Given, PaidBy, fitted, given_by
from chargecloud.money.settlement.parties import receiver_of, share_account
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import channel_splits, payments
from chargecloud.storage.store import Store

T = TypeVar("T")

#: rows of a round: at a channel's 300 questions a second, as many as it answers meanwhile
MOST_A_ROUND = 200
SUBJECT = "revenue share"


@frozen(kw_only=True)
class ChannelSplit:
    """
    What a channel is asked to give, or to call back, of a payment.

    @ivar back_of: the split that it calls something back of; C{None} for a split.
    @ivar parts: in plain values; C{state} of each is C{under_way}, C{done} or C{failed}.
    @ivar state: C{wanted}; C{asked}: cut to the limits of the channel; C{split}: all parts have
        ended, and the channel is to hear that no more is split; C{done}; C{failed}, of what
        is called back.
    @ivar due_s: Unix time at which something is to be done for it.
    """

    id: int
    tenant_id: int
    settlement_id: int
    order_id: int
    payment_id: int
    channel: str
    back_of: int | None
    parts: Sequence[Row]
    state: str
    version: int
    failure: str | None
    created_at: datetime
    ended_at: datetime | None
    due_s: int | None
    tries: int


def split_of(row: Any) -> ChannelSplit:
    """What a row of C{channel_splits} says."""
    return ChannelSplit(**row._mapping)


@define(eq=False)
class ChannelSplits:
    """
    @ivar seconds: Unix time.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    channels: Channels
    _log: Logger = field(factory=Logger, init=False)

    async def round(self) -> None:
        """Do what is due."""
        due = (
            select(channel_splits)
            .where(channel_splits.c.due_s <= int(self.seconds()))
            .order_by(channel_splits.c.due_s)
            .limit(MOST_A_ROUND)
        )
        rows = await self.store.read(
            lambda connection: [split_of(row) for row in connection.execute(due)]
        )
        for row in rows:
            try:
                await self._look(row)
            except ChannelAway as away:
                self._log.info("split {id} is asked for later: {why}", id=row.id, why=away.detail)
                await self._later(row)
            except Stale:
                self._log.info("split {id} was looked after by another node", id=row.id)
            except Exception:
                # one that fails must not keep the others
                self._log.failure("split {id} could not be looked after", id=row.id)
                await self._later(row)

    async def of(
        self, settlement_id: int, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[ChannelSplit], str | None]:
        """A page of what channels were asked for by a settlement, and the cursor of the next."""
        found = select(channel_splits).where(channel_splits.c.settlement_id == settlement_id)
        return await self.store.read(
            lambda connection: read_page(
                connection, found, channel_splits.c.id, split_of, limit=limit, cursor=cursor
            )
        )

    async def _look(self, row: ChannelSplit) -> None:
        payment = await self.store.read(
            lambda connection: connection.execute(
                select(payments).where(payments.c.id == row.payment_id)
            ).one()
        )
        if row.back_of is not None:
            await self._call_back(row, payment)
            return
        if row.state == "wanted":
            row = await self._fit(row, payment)
        if row.state == "asked" and row.parts:
            row = await self._split(row, payment)
        if row.state == "split" or not row.parts:
            await self._finish(row, payment)

    # ----------------------------------------------------------------------------- a split

    async def _fit(self, row: ChannelSplit, payment: Any) -> ChannelSplit:
        """Cut it to the channel's limits, and write that down: a channel that is asked again is
        asked for the same."""
        channel = self.channels.channels.get(row.channel)
        parts: Sequence[Row] = row.parts
        if ISplittingChannel.providedBy(channel):
            limits: Any = channel
            late = self.calendar.now() - payment.paid_at > timedelta(days=limits.split_within_days)
            left_fen = payment.amount_fen - payment.refunding_fen - payment.refunded_fen
            paid_by = PaidBy(payment.amount_fen, left_fen)
            before = await self._before(row)
            parts = () if late else fitted(row.parts, limits, paid_by, before)
        after = {"parts": list(parts), "state": "asked", "due_s": row.due_s, "ended_at": None}
        await self._write(row, after)
        return evolve(row, parts=parts, state="asked", version=row.version + 1)

    async def _before(self, row: ChannelSplit) -> Sequence[Given]:
        """What splits before have given of the same payment."""
        found = select(channel_splits).where(
            channel_splits.c.order_id == row.order_id, channel_splits.c.id != row.id
        )
        rows = await self.store.read(
            lambda connection: connection.execute(found.order_by(channel_splits.c.id)).all()
        )
        return given_by((each.id, each.back_of, each.parts) for each in rows)

    async def _split(self, row: ChannelSplit, payment: Any) -> ChannelSplit:
        asked = split_at(row, payment)
        try:
            fact = await self._asked(row, asked)
        except ChannelRefused as refused:
            why = _why(refused)
            ended: list[Row] = [{**part, "state": "failed", "why": why} for part in row.parts]
        else:
            ended = _parts(row.parts, fact)
        if any(part["state"] == "under_way" for part in ended):
            await self._later(row)
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
        after = {"parts": ended, "state": "split", "due_s": int(self.seconds()), "tries": 0}
        await self._write(row, after, posts)
        return evolve(row, parts=ended, state="split", version=row.version + 1)

    async def _asked(self, row: ChannelSplit, asked: SplitAt) -> SplitFact:
        """What became of it; it is asked for if the channel knows nothing of it."""
        if row.tries:
            fact = await self._ask(row, lambda channel: channel.query_split(asked))
            if fact.is_known:
                return fact
        for part in asked.parts:
            add = partial(_add_receiver, asked.payment, part.receiver)
            await self._ask(row, add)
        return await self._ask(row, lambda channel: channel.split(asked))

    async def _finish(self, row: ChannelSplit, payment: Any) -> None:
        asked = split_at(row, payment)
        # no id has twenty digits, so that this is no other split's number
        number = f"{row.id}0".zfill(20)
        failure = None
        try:
            await self._ask(
                row,
                lambda channel: channel.finish_split(
                    asked.payment, asked.transaction, number, SUBJECT
                ),
            )
        except ChannelRefused as refused:
            failure = _why(refused)
        await self._write(row, {"state": "done", "failure": failure})

    # -------------------------------------------------------------------- what is called back

    async def _call_back(self, row: ChannelSplit, payment: Any) -> None:
        given = await self.store.read(
            lambda connection: split_of(
                connection.execute(
                    select(channel_splits).where(channel_splits.c.id == row.back_of)
                ).one()
            )
        )
        if given.state in ("wanted", "asked"):
            # nobody knows yet whether there is anything to come back
            await self._later(row)
            return
        if row.state == "wanted":
            row = await self._fit_back(row, given)
        part = row.parts[0]
        if not part["amount_fen"]:
            await self._write(row, {"state": "done"})
            return
        back = SplitBackAt(
            split=split_at(given, payment),
            number=str(row.id),
            receiver=receiver_of(part["receiver"]),
            amount_fen=part["amount_fen"],
            reason="refunded",
        )
        try:
            fact = await self._ask(row, lambda channel: channel.query_split_back(back))
            if fact.word is RefundWord.UNKNOWN:
                fact = await self._ask(row, lambda channel: channel.split_back(back))
        except ChannelRefused as refused:
            await self._end_back(row, "failed", _why(refused))
            return
        if fact.word is RefundWord.DONE:
            await self._end_back(row, "done", None)
        elif fact.word is RefundWord.FAILED:
            await self._end_back(row, "failed", fact.why[:200])
        else:
            await self._later(row)

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
        await self._write(
            row, {"parts": parts, "state": "asked", "due_s": row.due_s, "ended_at": None}
        )
        return evolve(row, parts=parts, state="asked", version=row.version + 1)

    async def _backs(self, split_id: int) -> Sequence[ChannelSplit]:
        """What was to come back of a split."""
        of_order = select(channel_splits.c.order_id).where(channel_splits.c.id == split_id)
        found = select(channel_splits).where(
            channel_splits.c.order_id.in_(of_order), channel_splits.c.back_of == split_id
        )
        return await self.store.read(
            lambda connection: [split_of(row) for row in connection.execute(found)]
        )

    async def _end_back(self, row: ChannelSplit, state: str, failure: str | None) -> None:
        part = row.parts[0]
        account = share_account(row.tenant_id, Level(part["level"]), int(part["party"]))
        taken = channel_account(row.tenant_id, row.channel)
        post = Post(taken, account, part["amount_fen"], "channel_split", row.id)
        after = {"parts": [{**part, "state": state}], "state": state, "failure": failure}
        await self._write(row, after, [post] if state == "done" else [])

    # --------------------------------------------------------------------------- its parts

    async def _ask(
        self, row: ChannelSplit, question: Callable[[ISplittingChannel], "Deferred[T]"]
    ) -> T:
        def ask(channel: Any) -> "Deferred[T]":
            if not ISplittingChannel.providedBy(channel):
                raise ChannelRefused("the channel does not split", why="not-supported")
            return question(channel)

        return await self.channels.ask(row.channel, ask)

    async def _write(
        self, row: ChannelSplit, after: Mapping[str, Any], posts: Sequence[Post] = ()
    ) -> None:
        ended = {"due_s": None, "ended_at": self.calendar.now()}
        values = {**ended, **after, "version": row.version + 1}
        change = Change("channel_splits", {"id": row.id}, values, {"version": row.version})
        await self.store.writer.decide(Decision((change, *posts)))

    async def _later(self, row: ChannelSplit) -> None:
        wait_s = WAITS_S[min(row.tries, len(WAITS_S) - 1)]
        values = {"due_s": int(self.seconds()) + wait_s, "tries": row.tries + 1}
        expect = {"version": row.version, "due_s": row.due_s}
        change = Change("channel_splits", {"id": row.id}, values, expect)
        try:
            await self.store.writer.decide(Decision((change,)))
        except Stale:
            return


def _add_receiver(
    payment: PaymentAt, receiver: Receiver, channel: ISplittingChannel
) -> "Deferred[None]":
    return channel.add_receiver(payment.tenant_id, payment.merchant, receiver)


def split_at(row: ChannelSplit, payment: Any) -> SplitAt:
    """A split as a channel is asked for it."""
    return SplitAt(
        payment=PaymentAt(row.tenant_id, payment.merchant, str(payment.id)),
        transaction=payment.transaction,
        number=str(row.id),
        paid_fen=payment.amount_fen,
        parts=tuple(
            SplitPart(
                receiver=receiver_of(part["receiver"]),
                amount_fen=part["amount_fen"],
                subject=SUBJECT,
            )
            for part in row.parts
        ),
    )


def _parts(parts: Sequence[Row], fact: SplitFact) -> list[Row]:
    """The parts of a split, as a channel says that they are."""
    told = {each.account: each for each in fact.parts}
    found: list[Row] = []
    for part in parts:
        word = told.get(part["receiver"]["account"])
        if word is None or word.word is PartWord.UNDER_WAY:
            found.append(part)
        elif word.word is PartWord.DONE:
            found.append({**part, "state": "done"})
        else:
            found.append({**part, "state": "failed", "why": word.why[:200]})
    return found


def _why(refused: ChannelRefused) -> str:
    return str(refused.facts.get("why", refused.detail))[:200]
