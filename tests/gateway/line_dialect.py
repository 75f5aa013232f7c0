"""A dialect of hosts that relay several boxes, one line a message, without secrets: what
the gateway must bear from dialects that are not the platform's own."""

from collections.abc import Sequence

from attrs import define, field
from zope.interface import implementer

from chargecloud.domain.commands import Answer, Command, SetTime, VendorCall
from chargecloud.domain.errors import BadFrame, Invalid, LimitExceeded, Refusal, RemoteError
from chargecloud.domain.events import LoggedIn, Outcome, Reply, TimeAsked, VendorEvent
from chargecloud.interfaces import (
    Alive,
    Answered,
    Claimed,
    Credentials,
    DecodedFrame,
    Gone,
    Greeting,
    Heard,
    IConversation,
    IDialect,
    Proven,
    Record,
    Seconds,
    Told,
    record_nothing,
    stopped_clock,
)

#: what a connection begins with
PREAMBLE = b"LINES\n"
LONGEST_LINE = 60


@implementer(IConversation)
@define(eq=False)
class LineConversation:
    """
    Lines up: C{claim A}, C{login A}, C{beat A}, C{end A 7}, C{time A}, C{ok A 1}, C{gone A},
    C{remind 5}.  Lines down: C{welcome A}, C{unknown A}, C{alive A}, C{kept A 7}, C{do A 1 NAME},
    C{now}.
    """

    failure: RemoteError | None = None
    silence_s: float | None = None
    seconds: Seconds = stopped_clock
    due_s: float | None = None
    _waiting: bytes = b""
    _sending: list[str] = field(factory=list)
    _begun: bool = False

    def dismiss(self, identity: str) -> bool:
        """A host's boxes share its connection."""
        return False

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        if self.failure is not None:
            raise self.failure
        if self.due_s is not None and self.seconds() >= self.due_s:
            self.due_s = None
            self._sending.append("now")
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        heard: list[Heard] = []
        try:
            for line in lines:
                self._read(line, heard)
            if len(self._waiting) > LONGEST_LINE:
                raise LimitExceeded("a line without an end")
        except RemoteError as failure:
            self.failure = failure
            if not heard:
                raise
        return heard

    def _read(self, line: bytes, heard: list[Heard]) -> None:
        if not self._begun:
            self._begun = True
            return
        match line.decode("latin-1").split(" "):
            case ["claim", who]:
                heard.append(Claimed(who))
            case ["login", who]:
                heard.append(Proven(who, LoggedIn(boot=1, uptime_s=0)))
            case ["beat", who]:
                self._sending.append(f"alive {who}")
                heard.append(Alive(who))
            case ["remind", after_s] if after_s.isdigit():
                self.due_s = self.seconds() + int(after_s)
            case ["gone", who]:
                heard.append(Gone(who))
            case ["end", who, number]:
                heard.append(Told(who, VendorEvent("lines", "end", {"number": number}), number))
            case ["time", who]:
                heard.append(Told(who, TimeAsked()))
            case ["ok", who, number] if number.isdigit():
                heard.append(Answered(who, int(number), Answer(True)))
            case _:
                raise BadFrame(f"no such line: {line!r}")

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Welcome or refuse a box."""
        self._sending.append(f"{'welcome' if credentials else 'unknown'} {identity}")

    def postpone(self, identity: str, retry_s: int) -> None:
        """Lines have no word for it: the box comes back when it likes."""

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a record."""
        if reply.outcome is not Outcome.LATER:
            self._sending.append(f"{reply.outcome.value} {identity} {ticket}")

    def command(self, identity: str, number: int, command: Command) -> None:
        """Send a command; only its vendor's own, and the time."""
        if isinstance(command, VendorCall):
            self._sending.append(f"do {identity} {number} {command.name}")
        elif isinstance(command, SetTime):
            self._sending.append(f"do {identity} {number} time={command.unix_s}")
        else:
            raise Refusal("lines know no such command")

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = "".join(f"{line}\n" for line in self._sending)
        self._sending.clear()
        return data.encode()


@implementer(IDialect)
class LineDialect:
    """Lines, as a dialect; its first bytes are told apart late."""

    name = "lines"
    version = "1"
    key_bytes = None
    counts_anew = False
    knows_limits = True

    def recognises(self, first: bytes) -> bool | None:
        """By the whole preamble."""
        if first.startswith(PREAMBLE):
            return True
        return None if PREAMBLE.startswith(first) else False

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with one host."""
        return LineConversation(seconds=seconds)

    def decode(self, data: bytes) -> Sequence[DecodedFrame]:
        """The lines of some bytes."""
        return [self.describe(True, line, None) for line in data.splitlines()]

    def describe(self, is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """A line by its first word."""
        return DecodedFrame(raw.decode().partition(" ")[0], None, {})

    def read_identity(self, identity: str) -> str:
        """Any word is one."""
        if " " in identity:
            raise Invalid("an identity is one word")
        return identity


class PoliteConversation(LineConversation):
    """Lines with one more down: C{later A 17}."""

    def postpone(self, identity: str, retry_s: int) -> None:
        """Say when to come back."""
        self._sending.append(f"later {identity} {retry_s}")


@implementer(IDialect)
class PoliteLines(LineDialect):
    """Lines that have a word for a login that is postponed."""

    def conversation(
        self, record: Record = record_nothing, seconds: Seconds = stopped_clock
    ) -> IConversation:
        """A conversation with one host."""
        return PoliteConversation(seconds=seconds)


@implementer(IDialect)
class Undecided(LineDialect):
    """Never knows whether it is spoken."""

    name = "undecided"

    def recognises(self, first: bytes) -> bool | None:
        """Perhaps."""
        return None
