"""One connection, sans-IO: bytes in; replies, and wishes to the rest of the platform, out.

It finds the dialect by the first bytes, keeps a session for each charger that the
connection carries, and does what L{chargecloud.gateway.machine} says.  It never waits:
what takes time is a L{Wish}, and its outcome is brought by a call.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen

from chargecloud.domain.charger import Admission
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import (
    BadFrame,
    ChargerOffline,
    LimitExceeded,
    NotAdmitted,
    RemoteError,
)
from chargecloud.domain.events import ChargerEvent, LoggedIn, Reply
from chargecloud.gateway.machine import Action, Input, State, follow
from chargecloud.gateway.recorder import FlightRecorder, FrameLog
from chargecloud.interfaces import (
    Alive,
    Answered,
    Claimed,
    Credentials,
    Gone,
    Greeting,
    Heard,
    ICertifiedConversation,
    IConversation,
    IDialect,
    Proven,
    Seconds,
    Told,
)

#: the longest beginning that a dialect may need to be recognised by (an HTTP request line)
MOST_FIRST_BYTES = 512
#: a host of the two-wheeler kind relays 50 boxes; twice that is no host any more
MOST_CHARGERS = 100
#: facts that may come while a login is committed: a charger that reconnects sends its
#: kept records at once, and waits for their acknowledgements before it sends more
MOST_KEPT = 32
#: what a dialect takes less than this for is not worth telling
LONG_S = 0.05
#: frames of logins under way that are recorded once these have come to their end
MOST_EARLY = 64


@frozen
class AskCredentials:
    """Look up a charger; bring the result to L{Connection.credentials}."""

    identity: str


@frozen
class AskAdmission:
    """Admit a charger; bring the result to L{Connection.admitted} or C{refused}."""

    identity: str
    login: LoggedIn
    login_digest: bytes | None


@frozen
class Deliver:
    """Give a fact to those who act on it; bring what became of it to
    L{Connection.acknowledge}."""

    identity: str
    admission: Admission
    event: ChargerEvent
    ticket: object | None


@frozen
class GiveAnswer:
    """A command has been answered."""

    identity: str
    number: int
    answer: Answer


@frozen
class LetGo:
    """A charger is not there any more; the connection stays.

    @ivar admission: C{None} if it had not been admitted.
    """

    identity: str
    admission: Admission | None


Wish = AskCredentials | AskAdmission | Deliver | GiveAnswer | LetGo


@define(eq=False)
class Session:
    """One charger on this connection."""

    identity: str
    state: State = State.NEW
    admission: Admission | None = None
    frames: FrameLog | None = None
    kept: list[Told] = field(factory=list)
    commands_sent: int = 0


_INPUTS: dict[type[Heard], Input] = {
    Claimed: Input.CLAIM,
    Proven: Input.PROOF,
    Told: Input.FACT,
    Answered: Input.ANSWER,
    Alive: Input.LIFE,
    Gone: Input.GONE,
}


@define(eq=False)
class Connection:
    """
    @ivar dialects: those that may be spoken here, asked in their order.
    @ivar greeting: what a charger is told when it is welcomed.
    @ivar took: is told the dialect, and how many seconds it took for what came.
    @ivar dialect: the one that is spoken, once it is known.
    @ivar heard: how much was heard so far; bytes alone are no sign of life.
    @ivar seconds: by which dialects keep their deadlines.
    @ivar recorder: keeps the frames of those who have proved who they are.
    @ivar peer_name: in the certificate that the far side has shown; C{None} if it has not.
    @ivar tally: what was heard, by dialect and class; of all connections together.
    """

    dialects: Sequence[IDialect]
    greeting: Callable[[], Greeting]
    recorder: FlightRecorder
    seconds: Seconds
    took: Callable[[str, float], None]
    dialect: IDialect | None = None
    peer_name: str | None = None
    sessions: dict[str, Session] = field(factory=dict)
    heard: int = 0
    tally: Counter[tuple[str, type]] = field(factory=Counter)
    _conversation: IConversation | None = None
    _first: bytes = b""
    _early: list[tuple[str, tuple[float, bool, bytes, bytes | None]]] = field(factory=list)
    _failure: RemoteError | None = None

    def receive(self, data: bytes) -> Sequence[Wish]:
        """
        Take bytes as they came.

        @raise RemoteError: close the connection; what L{data_to_send} holds may be sent.
        """
        if self._conversation is None:
            data = self._first = self._first + data
            if not self._recognise(data):
                return ()
            self._first = b""
        return self._hear(data)

    @property
    def failure(self) -> RemoteError | None:
        """What came wrong behind what was heard well: close the connection, once the
        wishes are carried out."""
        return self._failure or (self._conversation.failure if self._conversation else None)

    @property
    def due_s(self) -> float | None:
        """When L{receive} is to be called with no bytes; C{None} if nothing becomes due."""
        return self._conversation.due_s if self._conversation else None

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        return self._conversation.data_to_send() if self._conversation else b""

    def credentials(self, identity: str, credentials: Credentials | None) -> Sequence[Wish]:
        """
        What was found for L{AskCredentials}; C{None} turns the charger away.

        @raise RemoteError: close the connection; a charger that shares it with others is
            turned away alone.
        """
        assert self._conversation is not None
        found = Input.CREDENTIALS if credentials else Input.NO_CREDENTIALS
        action = self._step(self.sessions[identity], found)
        self._conversation.welcome(identity, credentials, self.greeting())
        if action is Action.TURN_AWAY:
            self._turn_away(identity, "is not registered")
        # what came while the credentials were looked up
        return self._hear(b"")

    def postpone(self, identity: str, retry_s: int) -> None:
        """Too many log in at once, and this charger is to come back after so many seconds:
        close the connection when what L{data_to_send} holds is sent."""
        assert self._conversation is not None
        self._step(self.sessions[identity], Input.POSTPONED)
        self._conversation.postpone(identity, retry_s)

    def admitted(self, identity: str, admission: Admission) -> Sequence[Wish]:
        """The charger that L{AskAdmission} asked for is ours now."""
        session = self.sessions[identity]
        self._step(session, Input.ADMITTED)
        session.admission = admission
        session.frames = self.recorder.log(admission.charger_id)
        for whose, frame in self._early:
            if whose == identity:
                session.frames.append(*frame)
        self._forget_early(identity)
        kept, session.kept = session.kept, []
        return self._wishes(kept)

    def refused(self, identity: str) -> None:
        """
        The charger that L{AskAdmission} asked for may not speak.

        @raise NotAdmitted: close the connection, unless others are on it.
        """
        self._step(self.sessions[identity], Input.REFUSED)
        self._turn_away(identity, "was not admitted")

    def _turn_away(self, identity: str, why: str) -> None:
        if not self.dismiss(identity):
            raise NotAdmitted(f"charger {identity!r} {why}")

    def dismiss(self, identity: str) -> bool:
        """Send one charger of several away; false if the connection is to be closed for it."""
        assert self._conversation is not None
        if not self._conversation.dismiss(identity):
            return False
        self._forget(identity)
        return True

    @property
    def silence_s(self) -> float | None:
        """Silence after which the far side is gone, if it has promised anything itself."""
        return self._conversation.silence_s if self._conversation else None

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """What became of a fact that L{Deliver} gave."""
        assert self._conversation is not None
        self._conversation.acknowledge(identity, ticket, reply)

    def command(self, identity: str, command: Command) -> int:
        """
        Send a command to a charger of this connection.

        @return: its number, which L{GiveAnswer} names.
        @raise ChargerOffline: if the charger's session is not open.
        @raise Refusal: if its dialect has no such command.
        """
        session = self.sessions.get(identity)
        if self._conversation is None or session is None or session.state is not State.OPEN:
            raise ChargerOffline("the charger has no open session")
        self._step(session, Input.COMMAND)
        session.commands_sent += 1
        self._conversation.command(identity, session.commands_sent, command)
        return session.commands_sent

    def _recognise(self, first: bytes) -> bool:
        undecided = False
        for dialect in self.dialects:
            recognised = dialect.recognises(first)
            if recognised:
                self.dialect = dialect
                self._conversation = self._new_conversation(dialect)
                return True
            undecided = undecided or recognised is None
        if not undecided:
            raise BadFrame(f"no dialect here begins with {first[:8].hex()}")
        if len(first) > MOST_FIRST_BYTES:
            raise LimitExceeded("no dialect was recognised in the first bytes")
        return False

    def _new_conversation(self, dialect: IDialect) -> IConversation:
        conversation: Any = dialect.conversation(self._record, self.seconds)
        if self.peer_name is not None and ICertifiedConversation.providedBy(conversation):
            conversation.certified(self.peer_name)
        made: IConversation = conversation
        return made

    def _record(self, identity: str, is_up: bool, raw: bytes, opened: bytes | None) -> None:
        session = self.sessions.get(identity)
        if session is not None and session.frames is not None:
            session.frames.append(self.seconds(), is_up, raw, opened)
        elif len(self._early) < MOST_EARLY:
            # whoever it is, it is not proved yet
            self._early.append((identity, (self.seconds(), is_up, raw, opened)))

    def _hear(self, data: bytes) -> Sequence[Wish]:
        assert self._conversation is not None
        assert self.dialect is not None
        began_s = self.seconds()
        try:
            heard = self._conversation.receive(data)
        except RemoteError as error:
            # those who share the connection share what ends it
            for session in self.sessions.values():
                if session.frames is not None:
                    session.frames.append(self.seconds(), True, data, None, error.code)
            raise
        took_s = self.seconds() - began_s
        if took_s > LONG_S:
            self.took(self.dialect.name, took_s)
        self.heard += len(heard)
        return self._wishes(heard)

    def _wishes(self, heard: Sequence[Heard]) -> Sequence[Wish]:
        wishes: list[Wish] = []
        try:
            for each in heard:
                wish = self._take(each)
                if isinstance(each, Gone):
                    # who has come and gone in the same bytes is not there to be let in
                    wishes = [wanted for wanted in wishes if not _lets_in(wanted, each)]
                if wish is not None:
                    wishes.append(wish)
        except RemoteError as failure:
            # what was heard before it stands
            self._failure = failure
            if not wishes:
                raise
        return wishes

    def _take(self, heard: Heard) -> Wish | None:
        session = self.sessions.get(heard.identity)
        if session is None:
            session = self._new_session(heard.identity)
        action = self._step(session, _INPUTS[type(heard)])
        assert self.dialect is not None
        kind = type(heard.event) if isinstance(heard, Told) else type(heard)
        self.tally[self.dialect.name, kind] += 1
        if action is Action.NOTHING:
            return None
        if isinstance(heard, Gone):
            self._forget(heard.identity)
            return LetGo(heard.identity, session.admission)
        if isinstance(heard, Told):
            if action is Action.KEEP:
                self._keep(session, heard)
                return None
            assert session.admission is not None
            return Deliver(heard.identity, session.admission, heard.event, heard.ticket)
        if isinstance(heard, Answered):
            return GiveAnswer(heard.identity, heard.number, heard.answer)
        if isinstance(heard, Claimed):
            return AskCredentials(heard.identity)
        if isinstance(heard, Proven):
            return AskAdmission(heard.identity, heard.login, heard.login_digest)
        return None

    def _new_session(self, identity: str) -> Session:
        if len(self.sessions) >= MOST_CHARGERS:
            raise LimitExceeded("too many chargers on one connection")
        session = self.sessions[identity] = Session(identity)
        return session

    def _forget(self, identity: str) -> None:
        del self.sessions[identity]
        self._forget_early(identity)

    def _forget_early(self, identity: str) -> None:
        self._early = [each for each in self._early if each[0] != identity]

    def _keep(self, session: Session, told: Told) -> None:
        # beyond it nothing is answered, so that what matters is told again; to hang up would
        # punish all who share the connection
        if len(session.kept) < MOST_KEPT:
            session.kept.append(told)

    @staticmethod
    def _step(session: Session, given: Input) -> Action:
        action, session.state = follow(session.state, given)
        return action


def _lets_in(wish: Wish, gone: Gone) -> bool:
    return isinstance(wish, AskCredentials | AskAdmission) and wish.identity == gone.identity
