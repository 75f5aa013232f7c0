"""The platform's side of a charge point's connection."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum

from attrs import define, field
from zope.interface import implementer

from chargecloud.domain.commands import Command
from chargecloud.domain.errors import (
    BadFrame,
    ChargerOffline,
    Invalid,
    LimitExceeded,
    NotAdmitted,
    RemoteError,
)
from chargecloud.domain.events import Reply, TimeAsked
from chargecloud.interfaces import (
    Alive,
    Claimed,
    Credentials,
    Greeting,
    Heard,
    ICertifiedConversation,
    Proven,
    Record,
    Seconds,
    Told,
    record_nothing,
    stopped_clock,
)
from chargecloud_ocpp import facts
from chargecloud_ocpp.calls import Call, Message, Result, parse, write
from chargecloud_ocpp.charges import Ticket
from chargecloud_ocpp.identities import read_identity
from chargecloud_ocpp.messages.fields import moment
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.passwords import is_let_in
from chargecloud_ocpp.point import Point
from chargecloud_ocpp.talk import Talk
from chargecloud_ocpp.websocket import (
    Allowances,
    Closed,
    Handshake,
    Ping,
    Pong,
    Refused,
    ServerSide,
    Text,
)

#: a charge point that was not started anew may have nothing to say: its name was proved by the
#: request already
PROVED_AFTER_S = 5.0
#: of texts that wait until the platform has let it in: its whole queue, if it does not wait for
#: answers
MOST_WAITING_CHARACTERS = 1_000_000


class HungUp(RemoteError):
    """The charge point has closed the connection."""

    code = "hung-up"


class Stage(Enum):
    """How far a connection has come."""

    NEW = "new"
    CLAIMED = "claimed"
    #: its request was accepted; it has said nothing
    ACCEPTED = "accepted"
    #: who it is was told to the platform
    PROVEN = "proven"
    #: the platform has told the time: it is let in
    OPEN = "open"


@implementer(ICertifiedConversation)
@define(eq=False)
class OcppConversation:
    """See L{IConversation}.  What is no message never ends a connection; what is no WebSocket
    does."""

    record: Record = record_nothing
    seconds: Seconds = stopped_clock
    allowances: Allowances = field(factory=Allowances)
    failure: RemoteError | None = field(default=None, init=False)
    silence_s: float | None = field(default=None, init=False)
    _certified: str | None = field(default=None, init=False)
    _stage: Stage = field(default=Stage.NEW, init=False)
    _side: ServerSide = field(init=False)
    _request: Handshake | None = field(default=None, init=False)
    _talk: Talk | None = field(default=None, init=False)
    _texts: "deque[str]" = field(factory=deque, init=False)
    _waiting: int = field(default=0, init=False)
    _accepted_s: float = field(default=0.0, init=False)
    _unix_s: int = field(default=0, init=False)
    _spoken_s: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._side = ServerSide(allowances=self.allowances)

    # ------------------------------------------------------------------------- for the gateway

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        if self.failure is not None:
            raise self.failure
        heard: list[Heard] = []
        for each in self._side.receive(data) if data else ():
            heard += self._take(each)
        if self._stage is Stage.ACCEPTED and self._is_proved:
            heard += self._prove()
        if self._stage is Stage.OPEN and self._talk is not None:
            heard += self._talk.asking.look_after()
            while self._texts:
                heard += self._talk.hear(self._texts.popleft())
            self._waiting = 0
            self._ping_if_quiet(self._talk)
        if self.failure is not None and not heard:
            raise self.failure
        return heard

    def certified(self, name: str) -> None:
        """A certificate is its proof (security profile 3)."""
        self._certified = name

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Accept the request, or refuse it: 404 for nobody that we know, 401 for the wrong
        password, or for another one's certificate."""
        assert self._request is not None
        if credentials is None:
            self._side.refuse(404)
            self._fail(NotAdmitted(f"{identity} is not registered"))
            return
        if not is_let_in(identity, credentials, self._request.basic, self._certified):
            self._side.refuse(401)
            self._fail(NotAdmitted(f"{identity} has not proved who it is"))
            return
        point = Point(identity, self._say, self.seconds)
        point.transactions.know(credentials.orders)
        point.time.told(greeting.unix_s, self.seconds())
        self._talk = Talk(point, greeting.heartbeat_s)
        self._accepted_s = self._spoken_s = self.seconds()
        self._unix_s = greeting.unix_s
        self._stage = Stage.ACCEPTED
        for each in self._side.accept(self._request.subprotocol):
            # what came behind the request: nothing of it proves anything before it is looked at
            self._take(each)

    def postpone(self, identity: str, retry_s: int) -> None:
        """Have it come back: by HTTP, or by the answer to its BootNotification."""
        if self._stage is Stage.CLAIMED:
            self._side.refuse(503, [("Retry-After", str(retry_s))])
            return
        first = parse(self._texts[0]) if self._texts else None
        if isinstance(first, Call) and first.action == "BootNotification":
            now = moment(datetime.fromtimestamp(self._unix_s, UTC))
            answer = {"status": "Rejected", "currentTime": now, "interval": retry_s}
            self._say(Result(first.id, answer))

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a fact; see L{IConversation.acknowledge}."""
        assert isinstance(ticket, Ticket | Call)
        if self._talk is not None and self._side.is_open:
            self._talk.acknowledge(ticket, reply)

    def command(self, identity: str, number: int, command: Command) -> None:
        """Send a command; see L{IConversation.command}."""
        if self._talk is None or self._stage not in (Stage.PROVEN, Stage.OPEN):
            raise ChargerOffline(f"{identity} is not connected here")
        if not self._side.is_open:
            raise ChargerOffline(f"{identity} hangs up")
        self._talk.command(number, command)
        self._stage = Stage.OPEN

    def dismiss(self, identity: str) -> bool:
        """The connection is its charge point's own."""
        return False

    def data_to_send(self) -> bytes:
        """Take what is to be sent: answers at once, and a call when none is on its way."""
        if self._talk is not None and self._stage is Stage.OPEN and self._side.is_open:
            self._talk.asking.say_next()
        return self._side.data_to_send()

    @property
    def due_s(self) -> float | None:
        """See L{IConversation.due_s}."""
        if self._talk is None or self.failure is not None:
            return None
        if self._stage is Stage.ACCEPTED:
            return self.seconds() if self._texts else self._accepted_s + PROVED_AFTER_S
        if self._stage is not Stage.OPEN:
            return None
        if self._texts:
            return self.seconds()
        dues = [self._spoken_s + self._talk.heartbeat_s]
        if (due_s := self._talk.asking.due_s) is not None:
            dues.append(due_s)
        return min(dues)

    # ----------------------------------------------------------------------------- what is heard

    def _take(self, each: Handshake | Refused | Text | Ping | Pong | Closed) -> Sequence[Heard]:
        self._spoken_s = self.seconds()
        match each:
            case Handshake():
                return self._asked(each)
            case Refused():
                self._fail(BadFrame(each.reason))
            case Closed():
                fault = f"WebSocket: {each.code} {each.reason}"
                self._fail(BadFrame(fault) if each.is_fault else HungUp(fault))
            case Text():
                self._keep(each.text)
            case Ping() | Pong() if self._stage in (Stage.PROVEN, Stage.OPEN):
                assert self._talk is not None
                return (Alive(self._talk.point.identity),)
        return ()

    def _asked(self, request: Handshake) -> Sequence[Heard]:
        self._request = request
        try:
            identity = read_identity(request.identity)
        except Invalid as error:
            self._side.refuse(404)
            self._fail(NotAdmitted(error.detail))
            return ()
        self._stage = Stage.CLAIMED
        return (Claimed(identity),)

    def _keep(self, text: str) -> None:
        assert self._talk is not None
        self.record(self._talk.point.identity, True, text.encode(), None)
        self._waiting += len(text)
        if self._waiting > MOST_WAITING_CHARACTERS:
            self._fail(LimitExceeded("too much is said before the login is committed"))
        else:
            self._texts.append(text)

    @property
    def _is_proved(self) -> bool:
        return bool(self._texts) or self.seconds() >= self._accepted_s + PROVED_AFTER_S

    def _prove(self) -> Sequence[Heard]:
        """Tell who it is, by its BootNotification if that is what it says first; the rest waits
        until the platform has let it in, and has said what time it is."""
        assert self._talk is not None
        self._stage, identity = Stage.PROVEN, self._talk.point.identity
        first = parse(self._texts[0]) if self._texts else None
        values: facts.Values = {}
        if isinstance(first, Call) and first.action == "BootNotification":
            values = read(first.action, False, first.payload).values
        return [Proven(identity, facts.login(values)), Told(identity, TimeAsked())]

    # ------------------------------------------------------------------------------ what is said

    def _say(self, message: Message) -> None:
        if not self._side.is_open:
            return
        assert self._talk is not None
        text = write(message)
        self.record(self._talk.point.identity, False, text.encode(), None)
        self._side.send_text(text)

    def _ping_if_quiet(self, talk: Talk) -> None:
        """Ask for a sign of life; the platform gives up who is silent for longer."""
        now_s = self.seconds()
        if self._side.is_open and now_s >= self._spoken_s + talk.heartbeat_s:
            self._side.ping()
            self._spoken_s = now_s

    def _fail(self, error: RemoteError) -> None:
        self.failure = self.failure or error
