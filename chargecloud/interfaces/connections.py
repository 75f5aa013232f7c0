"""Chargers' connections: how a vendor's frames become facts, and commands frames."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen
from zope.interface import Attribute, Interface

from chargecloud.domain.alarm import Alarm
from chargecloud.domain.charger import Admission, Secret
from chargecloud.domain.commands import Answer, Command
from chargecloud.domain.errors import RemoteError
from chargecloud.domain.events import ChargerEvent, LoggedIn, PortReading, Reply
from chargecloud.domain.order_value import OrderState

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


@frozen
class OrderThere:
    """
    An order of a charger, for dialects whose chargers number their charges otherwise: by it
    they know again what a charger speaks of, also when the platform was started anew meanwhile.

    @ivar start_meter_mwh: the port's register as the charge began, if that is known.
    @ivar card_uid: of the card that it was begun with.
    @ivar started_at: when the charge began, if it has.
    """

    order_id: int
    port: int
    state: OrderState
    start_meter_mwh: int | None = None
    card_uid: str | None = None
    started_at: datetime | None = None


@frozen
class Credentials:
    """What the platform knows of a charger that says it is one of ours.

    @ivar secret: C{None} for a dialect that has no secrets.
    @ivar login_digest: digest of the facts it told at its last login (a dialect that
        need not hear them again says so to the charger), C{None} before the first.
    @ivar next_secret: one that it has been told to use from its next connection on, and
        may not have heard of.
    @ivar needs_no_secret: whether it was registered to come without one; a charger whose secret
        was revoked has none either, and is not let in.
    @ivar orders: for an L{INumberingDialect}, its newest ones, the newest last: those that run, and
        some that have ended, as an end is told again whose acknowledgement was lost.
    """

    secret: Secret | None
    login_digest: bytes | None = None
    next_secret: Secret | None = None
    needs_no_secret: bool = False
    orders: tuple[OrderThere, ...] = ()


@frozen
class Greeting:
    """What a dialect may tell a charger that connects.

    @ivar heartbeat_s: how often an idle one gives a sign of life; C{heartbeat_most_s} is up
        to where it may stretch that by trying, where a dialect has words for it.
    """

    unix_s: int
    heartbeat_s: int
    heartbeat_most_s: int | None = None


@frozen
class Claimed:
    """Somebody says it is this charger; L{IConversation.welcome} goes on from here."""

    identity: str


@frozen
class Proven:
    """That charger it is: its secret was used (or its dialect has none).

    @ivar login_digest: of the facts in C{login}, C{None} where the dialect has no digest.
    """

    identity: str
    login: LoggedIn
    login_digest: bytes | None = None


@frozen
class Told:
    """A charger told a fact.

    @ivar ticket: the dialect's own mark of it, given back with what became of the fact;
        C{None} if this fact is not answered.
    """

    identity: str
    event: ChargerEvent
    ticket: object | None = None


@frozen
class Answered:
    """A charger answered the command of that number."""

    identity: str
    number: int
    answer: Answer


@frozen
class Alive:
    """A charger gave a sign of life which its dialect has answered already."""

    identity: str


@frozen
class Gone:
    """One of several chargers on a connection is not there any more; the others are."""

    identity: str


Heard = Claimed | Proven | Told | Answered | Alive | Gone


#: told of each whole frame: whose it is, whether it came up from the charger, its bytes on
#: the wire, and what was in it where a seal kept that from everybody else
Record = Callable[[str, bool, bytes, bytes | None], None]


#: seconds that only go forward, for deadlines
Seconds = Callable[[], float]


def stopped_clock() -> float:
    """For a conversation that is over before any of its deadlines."""
    return 0.0


def record_nothing(identity: str, is_up: bool, raw: bytes, opened: bytes | None) -> None:
    """For a conversation that nobody looks at."""


@frozen
class DecodedFrame:
    """
    A frame in words.

    @ivar kind: the dialect's own name of it.
    @ivar charger: its identity, where the frame itself says it.
    @ivar fields: plain JSON.
    """

    kind: str
    charger: str | None
    fields: Mapping[str, Any]


class IConversation(Interface):
    """The server's side of one connection in one dialect.  Sans-IO: bytes in, what was
    heard out; what is to be sent waits in L{data_to_send}.  One conversation may carry
    several chargers, told apart by their identity on the wire."""

    failure: RemoteError | None = Attribute(
        "what ended it, for a fault that came behind good frames in the same bytes: those "
        "are heard first"
    )
    silence_s: float | None = Attribute(
        "seconds of silence after which the far side is gone, as it has promised itself to "
        "be heard from; None: as the platform's limits say"
    )

    due_s: float | None = Attribute(
        "when L{receive} is to be called with no bytes, by the clock that the conversation was "
        "made with, as something is to be sent or given up by then; None: there is nothing"
    )

    def receive(data: bytes) -> Sequence[Heard]:
        """
        Take bytes as they came, in pieces of any size.

        @raise RemoteError: and nothing else, whatever the bytes are.  The connection is
            to be closed; what L{data_to_send} holds may still be sent.
        """

    def welcome(identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Go on after L{Claimed}; C{None} refuses the charger."""

    def postpone(identity: str, retry_s: int) -> None:
        """Instead of L{welcome}: too many log in at once, and this charger is to come back
        after so many seconds.  The connection is closed when that is sent."""

    def acknowledge(identity: str, ticket: object, reply: Reply) -> None:
        """Answer the fact that was told with that ticket."""

    def command(identity: str, number: int, command: Command) -> None:
        """
        Send a command; its answer comes as L{Answered} with the same number.

        @raise Refusal: if this dialect has no such command.
        """

    def dismiss(identity: str) -> bool:
        """Send one charger of several away: it is on another connection now.  False if the
        connection is to be closed for it, as it is that charger's own."""

    def data_to_send() -> bytes:
        """Take what is to be sent."""


class ICertifiedConversation(IConversation):
    """A conversation for which a certificate is a proof, where a listener asks for one."""

    def certified(name: str) -> None:
        """The far side has shown a certificate of ours with this name, before its first byte."""


class IDialect(Interface):
    """A vendor's protocol."""

    name: str = Attribute("its name in configuration, database and API, for example C{'dny'}")
    version: str = Attribute("version of the dialect's implementation, shown beside frames")

    key_bytes: int | None = Attribute(
        "size of the key by which a charger proves itself; None if it has none"
    )
    counts_anew: bool = Attribute(
        "whether its registers of energy begin at zero with each charge; else they only rise"
    )
    knows_limits: bool = Attribute(
        "whether a charge ends at a limit of time or energy without the platform; else that alone "
        "does it, by the readings"
    )

    def recognises(first: bytes) -> bool | None:
        """Whether a connection that begins with these bytes (at least one) speaks it;
        C{None}: more bytes are needed to tell."""

    def conversation(record: Record, seconds: Seconds) -> IConversation:
        """A new conversation, for a connection that was just made; it tells C{record} of each
        frame that it takes or sends, and keeps its deadlines by C{seconds}."""

    def decode(data: bytes) -> Sequence[DecodedFrame]:
        """
        The frames that some bytes consist of, from wherever they were heard.

        @raise BadFrame: unless they are whole frames and nothing else.
        """

    def describe(is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
        """
        A frame in words, as it was given to C{record}.

        @raise BadFrame: if it is none.
        """

    def read_identity(identity: str) -> str:
        """
        The canonical form of a charger's identity on the wire.

        @raise Invalid: if no charger of this dialect could have it.
        """


class IKeyedDialect(IDialect):
    """A dialect whose chargers may be given new keys, and take codes where there is no
    network."""

    nonce_bytes: int = Attribute("size of what a new key is made with, beside the present one")

    def next_secret(identity: str, secret: Secret, nonce: bytes) -> Secret:
        """The secret that follows a charger's present one."""

    def start_code(secret: Secret, counter: int, port: int | None, limit_wh: int | None) -> str:
        """
        A code that starts one charge at a charger that has this secret.

        @param counter: which code of this charger and secret it is, from 1.
        @param port: C{None} for whichever is plugged in.
        @param limit_wh: C{None} for until full.
        @raise Invalid: for a port or a limit that no code can say.
        """


class IOptionalKeyDialect(IDialect):
    """A dialect whose keys have several lengths, and some of whose chargers have none."""

    least_key_bytes: int = Attribute(
        "size of its shortest key; C{key_bytes} is that of its longest"
    )


class INumberingDialect(IDialect):
    """A dialect whose chargers have numbers of their own for charges: L{Credentials.orders} are
    looked up for it at each login, and for no other."""


class IPunctualDialect(IDialect):
    """A dialect that says how soon the record of a charge's end follows it: people are told of one
    that does not."""

    record_deadline_s: int = Attribute(
        "from the charger's word that a charge is over, on a connection, to its end record"
    )


class ILenientDialect(IDialect):
    """A dialect that makes good what chargers leave out, and need not."""

    def strictly() -> IDialect:
        """The same one, which does not."""


class IChargerEvents(Interface):
    """Those who act on what chargers say.  The gateway calls it; charging implements it."""

    def credentials(dialect: str, identity: str) -> "Deferred[Credentials | None]":
        """What to check a charger's claim with; C{None} if there is no such charger."""

    def logged_in(
        dialect: str, identity: str, login: LoggedIn, login_digest: bytes | None
    ) -> "Deferred[Admission]":
        """
        A charger has proved itself: raise its epoch, so that no earlier connection of it
        can decide anything any more.

        @raise NotAdmitted: as a failure.
        """

    def arrived(admission: Admission) -> None:
        """Its session is open: it can be told something."""

    def receive(
        admission: Admission, event: ChargerEvent, received_at: datetime
    ) -> "Deferred[Reply] | None":
        """A fact from a charger that is logged in; C{None} if there is nothing to wait for."""

    def gone(admission: Admission, at: datetime) -> None:
        """The charger has no connection any more; another connection of it that has come
        meanwhile is not told of here."""

    def contested(admission: Admission, times: int, at: datetime) -> None:
        """One live connection of the charger after another is displaced by a newer one, so
        many times within a short while: two boxes may have one identity and key."""

    def flapping(admission: Admission, times: int, at: datetime) -> None:
        """The charger has logged in so many times within a short while: its network does not
        hold, or it starts anew again and again."""

    def took(dialect: str, seconds: float) -> None:
        """A dialect has read what came, and everybody else has waited for so long."""

    def failed(dialect: str) -> None:
        """A dialect has raised what it must not; its connection is closed, and no other."""


class IReadingWatch(Interface):
    """Looks at every reading on its way.  Pure and synchronous: no I/O, no waiting."""

    name: str = Attribute("its name in alarms and logs")

    def watch(admission: Admission, reading: PortReading, at: datetime) -> Alarm | None:
        """An alarm, if the reading gives reason for one."""
