"""Payment channels, asked: each answer has a deadline, and one that fails again and again is
left alone for a while, and people are told."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm, Level
from chargecloud.domain.channel import BillRow, PaymentFact, RefundFact
from chargecloud.domain.errors import ChannelAway, ChannelRefused, Invalid, NoticeRefused
from chargecloud.domain.failing import Failures
from chargecloud.interfaces import IPaymentChannel
from chargecloud.money.settings import PaymentSettings
from chargecloud.registry.tokens import PLATFORM

T = TypeVar("T")
#: what a channel is to tell, or to do
Asked = Callable[[IPaymentChannel], "Deferred[T]"]

#: a channel that has not answered by then has not answered
DEADLINE_S = 10.0
#: the bill of a day may have a million lines
BILL_DEADLINE_S = 120.0
#: the far side waits 5 s for its receipt, and the decision has to be committed within that
NOTICE_DEADLINE_S = 3.0
#: bytes of a notice: those of the channels that we know have some thousand
MOST_NOTICE = 64 * 1024


@define(eq=False)
class Channels:
    """
    @ivar channels: by their names.
    @ivar made_by: the plugin that each comes from, with its version.
    @ivar tell: takes alarms.
    @ivar took: told how long a channel kept everybody waiting.
    @ivar failed: questions that were not answered, by channel.
    @ivar refused: notices that were not believed, by channel and reason.
    """

    channels: Mapping[str, IPaymentChannel]
    settings: PaymentSettings
    clock: IReactorTime
    calendar: Calendar
    made_by: Mapping[str, str] = field(factory=dict)
    tell: Callable[[Alarm], None] = lambda _alarm: None
    took: Callable[[str, float], None] = lambda _name, _seconds: None
    failed: Counter[str] = field(factory=Counter, init=False)
    refused: Counter[tuple[str, str]] = field(factory=Counter, init=False)
    _failures: dict[tuple[str, str], Failures] = field(factory=dict, init=False)
    _again_s: dict[tuple[str, str], float] = field(factory=dict, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def find(self, name: str) -> IPaymentChannel:
        """
        The channel that a payer wants.

        @raise Invalid: if there is none of this name.
        """
        channel = self.channels.get(name)
        if channel is None:
            what = f"is none of the payment channels: {', '.join(sorted(self.channels)) or 'none'}"
            raise Invalid(f"{name} {what}", errors=[{"pointer": "/channel", "detail": what}])
        return channel

    async def ask(self, name: str, question: "Asked[T]") -> T:
        """
        What a channel tells of something, or nothing: a no to the question is none to that.

        @raise ChannelAway: if it does not answer, fails, or is left alone for a while.
        """
        try:
            return await self.have(name, question)
        except ChannelRefused as refused:
            raise ChannelAway(
                f"the payment channel {name} did not tell: {refused.detail}"
            ) from None

    async def have_once(
        self, name: str, done: "Asked[T]", question: "Asked[T]", is_known: Callable[[T], bool]
    ) -> T:
        """
        Have a channel do what it may have done before, and nobody has heard: its no is believed if
        it knows nothing of it.

        @raise ChannelRefused: if it says no, and has not done it.
        @raise ChannelAway: as L{ask}.
        """
        try:
            return await self.have(name, done)
        except ChannelRefused as refused:
            told = await self.ask(name, question)
            if not is_known(told):
                raise refused from None
            return told

    async def have(self, name: str, done: "Asked[T]") -> T:
        """
        Have a channel do something.

        @raise ChannelRefused: if it says no.
        @raise ChannelAway: as L{ask}.
        """
        return await self._have(name, done, DEADLINE_S)

    async def bill(self, name: str, tenant_id: int, merchant: str, day: date) -> Sequence[BillRow]:
        """
        A channel's bill of a day.  It takes longer than what payers wait for, and bills that fail
        are no reason to have nobody pay.

        @raise ChannelRefused: if there is none.
        @raise ChannelAway: as L{ask}.
        """
        return await self._have(
            name, lambda asked: asked.bill(tenant_id, merchant, day), BILL_DEADLINE_S, "bills"
        )

    async def _have(self, name: str, done: "Asked[T]", deadline_s: float, of: str = "") -> T:
        channel = self.channels.get(name)
        if channel is None:
            raise ChannelAway(f"there is no payment channel {name} any more")
        failures = self._failures.setdefault((name, of), Failures())
        if failures.is_suspended and self.clock.seconds() < self._again_s[name, of]:
            raise ChannelAway(f"the payment channel {name} has failed {failures.count} times")
        try:
            answer = await self._within(deadline_s, channel, done)
        except (ChannelRefused, ChannelAway):
            self._succeeded(name, of, failures)
            raise
        except Exception as error:
            self._log.failure("payment channel {name} has not answered", name=name)
            self._failed(name, of, failures)
            raise ChannelAway(f"the payment channel {name} has not answered") from error
        self._succeeded(name, of, failures)
        return answer

    async def read(
        self, name: str, headers: Mapping[str, str], body: bytes
    ) -> PaymentFact | RefundFact:
        """
        What a notice says.  Anybody may send one: whatever a channel makes of it is no reason
        to leave the channel alone.

        @raise NoticeRefused: if it is not believed; it is counted.
        """
        try:
            channel = self.channels.get(name)
            if channel is None:
                raise NoticeRefused("there is no such payment channel", "foreign")
            if len(body) > MOST_NOTICE:
                raise NoticeRefused(f"a notice may have {MOST_NOTICE} bytes", "malformed")
            return await self._within(
                NOTICE_DEADLINE_S, channel, lambda asked: asked.read_notice(headers, body)
            )
        except NoticeRefused as refused:
            raise self.counted(name, refused) from None
        except Exception as error:
            self._log.failure("payment channel {name} cannot read a notice", name=name)
            unreadable = NoticeRefused("the notice cannot be read", "malformed")
            raise self.counted(name, unreadable) from error

    def counted(self, name: str, refused: NoticeRefused) -> NoticeRefused:
        """A notice that is not believed, counted; who sends it chooses the name, and shall not
        choose what is counted."""
        self.refused[name if name in self.channels else "", refused.why] += 1
        return refused

    async def _within(
        self,
        deadline_s: float,
        channel: IPaymentChannel,
        question: "Asked[T]",
    ) -> T:
        began_s = self.clock.seconds()
        answered = maybeDeferred(question, channel)
        self.took(channel.name, self.clock.seconds() - began_s)
        answered.addTimeout(deadline_s, self.clock)
        return await answered

    def _succeeded(self, name: str, of: str, failures: Failures) -> None:
        if failures.succeeded():
            self._tell(name, of, is_over=True)

    def _failed(self, name: str, of: str, failures: Failures) -> None:
        self.failed[name] += 1
        is_told = failures.failed()
        self._again_s[name, of] = self.clock.seconds() + failures.pause_s
        if is_told:
            self._tell(name, of, is_over=False)

    def _tell(self, name: str, of: str, *, is_over: bool) -> None:
        self.tell(
            Alarm(
                rule="payment-channel-fails",
                level=Level.NOTICE if is_over else Level.WARNING,
                tenant_id=PLATFORM,
                charger_id=None,
                at=self.calendar.now(),
                evidence={"channel": name, **({"of": of} if of else {}), "is_over": is_over},
                made_by=self.made_by.get(name),
            )
        )
