"""How a channel is asked for a split: its row says when, and what came of it is written there.

People are told of what it refuses, and of what it does not answer for a day.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy import select
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.channel import SplitBackFact, SplitFact
from chargecloud.domain.decision import Change, Decision, Row, Stale
from chargecloud.domain.errors import ChannelRefused
from chargecloud.domain.ledger import Post
from chargecloud.interfaces import ISplittingChannel
from chargecloud.money.channels import Channels
from chargecloud.money.overdue import days_over, next_wait_s
from chargecloud.money.settlement.channel_split import ChannelSplit, split_of
from chargecloud.storage.schema import channel_splits
from chargecloud.storage.store import Store

T = TypeVar("T")
#: what a channel that splits is to tell, or to do
Asked = Callable[[ISplittingChannel], "Deferred[T]"]

#: a channel that fails fails for each of a month's orders: people are told once in so long
TOLD_EVERY = timedelta(days=1)


@define(eq=False)
class Asking:
    """
    @ivar seconds: Unix time.
    @ivar tell: takes alarms.
    @ivar _told: when people were told, by rule, tenant and channel.
    """

    store: Store
    calendar: Calendar
    seconds: Callable[[], float]
    channels: Channels
    tell: Callable[[Alarm], None] = lambda _alarm: None
    _told: dict[tuple[str, int, str], datetime] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    async def ask(self, row: ChannelSplit, question: "Asked[T]") -> T:
        """
        Ask the channel after something.

        @raise ChannelAway: if nobody knows.
        """
        return await self.channels.ask(row.channel, _of_splitting(question))

    async def have(self, row: ChannelSplit, done: "Asked[T]") -> T:
        """
        Have the channel do something.

        @raise ChannelRefused: if it says no for good, C{ChannelAway} if nobody knows.
        """
        return await self.channels.have(row.channel, _of_splitting(done))

    async def have_once(
        self,
        row: ChannelSplit,
        done: "Asked[T]",
        question: "Asked[T]",
        is_known: Callable[[T], bool],
    ) -> T:
        """Have the channel do what it may have done before; as L{have}."""
        return await self.channels.have_once(
            row.channel, _of_splitting(done), _of_splitting(question), is_known
        )

    def differs(self, row: ChannelSplit, told: SplitFact | SplitBackFact) -> None:
        """The channel tells of what it was not asked for: nothing of that is believed, and it is to
        be asked again."""
        self._log.critical(
            "the channel {name} tells of split {id} what cannot be: {told}",
            name=row.channel,
            id=row.id,
            told=told,
        )

    async def write(
        self, row: ChannelSplit, after: Mapping[str, Any], posts: Sequence[Post] = ()
    ) -> None:
        """
        Write down what came of it.

        @param after: columns; it has come to its end unless they say when it is due again.
        @raise Stale: if another node did.
        """
        ended = {"due_s": None, "ended_at": self.calendar.now()}
        values = {**ended, **after, "version": row.version + 1}
        change = Change("channel_splits", {"id": row.id}, values, {"version": row.version})
        await self.store.writer.decide(Decision((change, *posts)))
        parts: Sequence[Row] = values.get("parts", ())
        for part in parts:
            if part["state"] == "failed":
                why = part.get("why") or values.get("failure")
                self._tell(row, "channel-split-refused", {"why": why})

    async def later(self, row: ChannelSplit) -> None:
        """
        Nobody knows yet: it is asked again after a while.

        @param row: as it was; what was written down of it since counts.
        """
        row = await self._as_it_is(row)
        if row.due_s is None:
            return
        now_s = int(self.seconds())
        due_s = now_s + next_wait_s(row.tries)
        values = {"due_s": due_s, "tries": row.tries + 1}
        expect = {"version": row.version, "due_s": row.due_s}
        change = Change("channel_splits", {"id": row.id}, values, expect)
        try:
            await self.store.writer.decide(Decision((change,)))
        except Stale:
            return
        now = self.calendar.now()
        if days := days_over(row.created_at, now, now_s, row.due_s, row.tries):
            self._tell(row, "channel-split-unanswered", {"days": days})

    async def _as_it_is(self, row: ChannelSplit) -> ChannelSplit:
        found = select(channel_splits).where(channel_splits.c.id == row.id)
        return await self.store.read(lambda connection: split_of(connection.execute(found).one()))

    def _tell(self, row: ChannelSplit, rule: str, evidence: Row) -> None:
        now = self.calendar.now()
        of = (rule, row.tenant_id, row.channel)
        told = self._told.get(of)
        if told is not None and now - told < TOLD_EVERY:
            return
        self._told[of] = now
        found = {
            "channel": row.channel,
            "channel_split_id": str(row.id),
            "settlement_id": str(row.settlement_id),
            "is_call_back": row.back_of is not None,
            **evidence,
        }
        self.tell(
            Alarm(
                rule=rule,
                level=Level.WARNING,
                tenant_id=row.tenant_id,
                charger_id=None,
                at=now,
                order_id=row.order_id,
                evidence=found,
            )
        )


def _of_splitting(asked: "Asked[T]") -> Callable[[Any], "Deferred[T]"]:
    def ask(channel: Any) -> "Deferred[T]":
        if not ISplittingChannel.providedBy(channel):
            raise ChannelRefused("the channel does not split", why="not-supported")
        return asked(channel)

    return ask
