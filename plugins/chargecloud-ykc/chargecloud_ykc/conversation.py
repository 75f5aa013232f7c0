"""The platform's side of a connection: a pile's, or a concentrator's with several."""

from collections.abc import Sequence
from functools import partial

from attrs import define, field
from zope.interface import implementer

from chargecloud.dialects.arriving import Arriving
from chargecloud.domain.commands import Command
from chargecloud.domain.errors import BadFrame, ChargerOffline, RemoteError
from chargecloud.domain.events import Reply
from chargecloud.interfaces import (
    Claimed,
    Credentials,
    Gone,
    Greeting,
    Heard,
    IConversation,
    Proven,
    Record,
    Seconds,
    record_nothing,
    stopped_clock,
)
from chargecloud_ykc import facts
from chargecloud_ykc.frames import Frame, Stream, has_order
from chargecloud_ykc.identities import pile_of
from chargecloud_ykc.messages import UP, Message
from chargecloud_ykc.pile import MOST_WAITING, Pile, Question, Stage
from chargecloud_ykc.talk import Talk

#: piles give a sign of life every 10 s, and three that are missed are a dead link (protocol
#: V1.6, 6.3); one more, for networks that deliver late
SILENCE_S = 40.0
#: of a concentrator
MOST_PILES = 64

_LOGIN: Message = UP[0x01]
_REFUSED = 1


@implementer(IConversation)
@define(eq=False)
class YkcConversation:
    """
    See L{IConversation}.  Piles prove nothing: who they are is what they say, and that they are
    registered is all that is asked.  No bytes that a pile can send end the connection.
    """

    record: Record = record_nothing
    seconds: Seconds = stopped_clock
    failure: RemoteError | None = field(default=None, init=False)
    silence_s: float | None = field(default=SILENCE_S, init=False)
    _arriving: Arriving[Frame] = field(init=False)
    _piles: dict[str, Pile] = field(factory=dict, init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _turns: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._arriving = Arriving(Stream(), self.seconds)

    # ------------------------------------------------------------------------- for the gateway

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        now_s = self.seconds()
        heard: list[Heard] = []
        for frame, taken in self._arriving.receive(data):
            heard += self._take(frame, taken, now_s)
        for pile in list(self._piles.values()):
            heard += self._look_after(pile, now_s)
        return heard

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Let a pile in, or tell it that it has failed."""
        pile = self._piles.get(identity)
        if pile is None:
            # it may have fallen silent while it was looked up
            return
        if credentials is None:
            self._refuse(pile)
            return
        pile.stage, pile.welcomed = Stage.WELCOME, (greeting.unix_s, self.seconds())

    def postpone(self, identity: str, retry_s: int) -> None:
        """Tell a pile that it has failed: YKC has no other word, and the pile tries again."""
        if (pile := self._piles.get(identity)) is not None:
            self._refuse(pile)

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact; see L{IConversation.acknowledge}."""
        pile = self._piles.get(identity)
        if pile is not None and pile.stage is Stage.OPEN:
            self._talk(pile).acknowledge(ticket, reply)

    def command(self, identity: str, number: int, command: Command) -> None:
        """Send a command; see L{IConversation.command}."""
        pile = self._piles.get(identity)
        if pile is None or pile.stage is not Stage.OPEN:
            raise ChargerOffline(f"{identity} is not connected here")
        self._talk(pile).command(number, command)

    def dismiss(self, identity: str) -> bool:
        """Forget one of several piles; see L{IConversation.dismiss}."""
        if not self._piles.keys() - {identity} and identity in self._piles:
            return False
        self._piles.pop(identity, None)
        return True

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._sending)
        self._sending.clear()
        return data

    @property
    def due_s(self) -> float | None:
        """See L{IConversation.due_s}."""
        dues = [] if self._arriving.due_s is None else [self._arriving.due_s]
        for pile in self._piles.values():
            if pile.settled:
                dues.append(self.seconds())
            dues += pile.dues()
            if len(self._piles) > 1:
                dues.append(pile.heard_s + SILENCE_S)
        return min(dues, default=None)

    # ----------------------------------------------------------------------------------- piles

    def _take(self, frame: Frame, taken: bytes, now_s: float) -> Sequence[Heard]:
        number = pile_of(frame)
        if number is None:
            return ()
        self.record(number, True, taken, None)
        pile = self._piles.get(number)
        if pile is None:
            return self._claim(number, frame, now_s)
        pile.heard_s = now_s
        if has_order(taken):
            pile.is_high_first = frame.is_high_first
        if pile.stage is Stage.OPEN:
            return self._talk(pile).hear(frame)
        if frame.kind != _LOGIN.kind and len(pile.waiting) < MOST_WAITING:
            pile.waiting.append(frame)
        return ()

    def _claim(self, number: str, frame: Frame, now_s: float) -> Sequence[Heard]:
        """A pile that is not known here: what it says first is its login."""
        if frame.kind != _LOGIN.kind or len(self._piles) >= MOST_PILES:
            return ()
        try:
            fields = _LOGIN.read(frame.body)
        except BadFrame:
            return ()
        self._turns += 1
        login = Question(_LOGIN, fields, frame.sequence, self._turns)
        pile = Pile(number, now_s, login, frame.is_high_first, turn=self._turns)
        self._piles[number] = pile
        return (Claimed(number),)

    def _look_after(self, pile: Pile, now_s: float) -> Sequence[Heard]:
        """What is to be told of a pile without its having said anything new."""
        heard: list[Heard] = []
        talk = self._talk(pile)
        if pile.stage is Stage.WELCOME:
            pile.stage = Stage.OPEN
            heard.append(Proven(pile.number, facts.login(pile.login.fields)))
            heard += talk.open()
            waiting, pile.waiting = pile.waiting, []
            for frame in waiting:
                heard += talk.hear(frame)
        if pile.stage is Stage.OPEN:
            heard += talk.look_after()
        settled, pile.settled = pile.settled, []
        heard += settled
        if len(self._piles) > 1 and now_s >= pile.heard_s + SILENCE_S:
            del self._piles[pile.number]
            heard.append(Gone(pile.number))
        return heard

    def _refuse(self, pile: Pile) -> None:
        """A pile that hears of a failure waits for 30 s."""
        self._talk(pile).reply(pile.login, {"result": _REFUSED})
        del self._piles[pile.number]

    def _talk(self, pile: Pile) -> Talk:
        return Talk(pile, partial(self._send, pile.number), self.seconds())

    def _send(self, number: str, frame: Frame) -> None:
        written = frame.write()
        self.record(number, False, written, None)
        self._sending += written
