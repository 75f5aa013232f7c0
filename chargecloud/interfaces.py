"""The seams: what integrators write and what the rooms know of each other.

A plugin provides one of these through a hook (L{chargecloud.hookspecs}); each provider
is checked against its interface when the service starts, and is then called directly.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attrs import field, frozen
from zope.interface import Attribute, Interface

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm
from chargecloud.domain.channel import (
    BillRow,
    Opening,
    PaymentAt,
    PaymentFact,
    Receiver,
    RefundAt,
    RefundFact,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
    ToPay,
)
from chargecloud.domain.charger import Admission, Secret
from chargecloud.domain.commands import Answer, Command, Price
from chargecloud.domain.decision import LogEntry
from chargecloud.domain.errors import RemoteError
from chargecloud.domain.events import ChargerEvent, LoggedIn, PortReading, Reply
from chargecloud.domain.order_value import OrderState
from chargecloud.domain.payment_value import PayMethod
from chargecloud.domain.tariff import BillLine, Remark, Usage
from chargecloud.routes import Route

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from twisted.internet.defer import Deferred

# ------------------------------------------------------------------ chargers' connections


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


class IAlarmSink(Interface):
    """Takes alarms to people.  Never called on the gateway's way."""

    name: str = Attribute("its name in configuration and logs")

    def deliver(alarm: Alarm) -> "Deferred[None]":
        """Deliver one alarm; a failure means that it was not delivered."""


# -------------------------------------------------------------------------------- money


class ITariff(Interface):
    """A way to price a charge.  Pure: the same terms and usage give the same lines for ever.

    C{terms} are the plain JSON that L{check} returned; a tariff stores nothing else.
    """

    kind: str = Attribute("its name in C{POST /tariffs}, for example C{'time_of_use'}")

    def check(terms: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        The terms in their canonical form, defaults filled in.

        @raise TariffError: naming every fault with its place.
        """

    def boundaries(
        terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[datetime]:
        """Instants within (after, until] at which a price changes, in order: meter
        readings on both sides of these decide how energy is split."""

    def prices(
        terms: Mapping[str, Any], zone: ZoneInfo, after: datetime, until: datetime
    ) -> Sequence[Price] | None:
        """What a kWh costs from C{after} to C{until}, with all that belongs to it: a charger
        shows it, and ends by it when the platform is away.  C{None} where energy has no
        price of its own (a tariff by time)."""

    def lines(terms: Mapping[str, Any], usage: Usage) -> Sequence[BillLine]:
        """The lines of the bill for what was used."""


class IRemarks(Interface):
    """A tariff that has something to say of its terms; beside L{ITariff}, for those that do."""

    def remarks(terms: Mapping[str, Any]) -> Sequence[Remark]:
        """What the one who uses them should know."""


class IPaymentChannel(Interface):
    """A way in which money comes from payers and goes back to them.

    Never called on the gateway's way.  Each method that gives a Deferred has a deadline, after
    which the Deferred is cancelled, and nobody knows what the far side has done: so whatever is
    asked may be asked again, and must have its effect once, by the merchant's number.  A failure
    with L{ChannelRefused} is the channel's final word; any other one says nothing.
    """

    name: str = Attribute("its name in API, database and ledger: a-z, 0-9 and _, 16 at the most")
    real_money: bool = Attribute("whether what is paid is real; a scaled calendar is none for it")
    methods: frozenset[PayMethod] = Attribute("how payers may pay by it")
    notice_answer: str = Attribute("the text that it takes for a notice's receipt; may be empty")

    def merchant(tenant_id: int) -> str | None:
        """The merchant's number that a tenant's payments go to; C{None} if it has none."""

    def open(opening: Opening) -> "Deferred[ToPay]":
        """Have a payment taken."""

    def read_notice(
        headers: Mapping[str, str], body: bytes
    ) -> "Deferred[PaymentFact | RefundFact]":
        """
        Read a notice that somebody has sent.

        @param headers: by their names in small letters.
        @param body: as it came, byte by byte.
        @raise NoticeRefused: as a failure, if it is not the channel's, or is stale.
        """

    def query(payment: PaymentAt) -> "Deferred[PaymentFact]":
        """Ask what became of a payment."""

    def close(payment: PaymentAt) -> "Deferred[None]":
        """
        See that nobody can pay it any more; one that the channel does not know is closed.

        @raise ChannelRefused: as a failure, if it was paid.
        """

    def refund(refund: RefundAt) -> "Deferred[RefundFact]":
        """Send money back the way it came."""

    def query_refund(refund: RefundAt) -> "Deferred[RefundFact]":
        """Ask what became of a refund."""

    def bill(tenant_id: int, merchant: str, day: date) -> "Deferred[Sequence[BillRow]]":
        """All that came and went back on a day in China (UTC+8)."""


class ISplittingChannel(IPaymentChannel):
    """
    A payment channel that gives parts of what was paid to others than the merchant.

    Its methods have the manners of those of L{IPaymentChannel}: a deadline each, their effect once
    by the merchant's number, and L{ChannelRefused} as the final word.  Nobody sends notices of
    splits: they are asked after.  What is to be refunded of what was split is called back first.
    """

    most_receivers: int = Attribute("of one split, at the most")
    most_splits: int = Attribute("of one payment, at the most")
    most_split_percent: int = Attribute(
        "of what was paid, in whole percent, that may go to others than the merchant, by all splits"
    )
    split_within_days: int = Attribute("after it was paid, or the merchant has it")

    def add_receiver(tenant_id: int, merchant: str, receiver: Receiver) -> "Deferred[None]":
        """
        Make a receiver known, before the first split that gives them something; one that is known
        stays so.

        @raise ChannelRefused: as a failure, if there is no such account.
        """

    def split(split: SplitAt) -> "Deferred[SplitFact]":
        """
        Give parts of a payment to receivers.  What is left of it stays frozen, where a channel
        freezes it, until L{finish_split}.
        """

    def query_split(split: SplitAt) -> "Deferred[SplitFact]":
        """Ask what became of a split."""

    def split_back(back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Call back a part, or some of it, from its receiver to the merchant."""

    def query_split_back(back: SplitBackAt) -> "Deferred[SplitBackFact]":
        """Ask what became of what was called back."""

    def finish_split(
        payment: PaymentAt, transaction: str, number: str, reason: str
    ) -> "Deferred[None]":
        """
        Say that no more is split of a payment: what is left of it is the merchant's to use.

        @param transaction: the channel's own number of the payment.
        @param number: the merchant's number of this, as of a split.
        """


# ----------------------------------------------------------------------------- features


class IFollower(Interface):
    """Follows the event log.  Each entry has its effect exactly once in the database."""

    name: str = Attribute("key of its cursors; never changed once used")

    def apply(connection: "Connection", entries: Sequence[tuple[datetime, LogEntry]]) -> None:
        """
        Write the effect of entries, oldest first.  Runs in a database thread, in the
        transaction that moves the cursor: whatever raises here undoes both.
        """


class IChargerDesk(Interface):
    """Speaks with chargers about what is none of the core's business."""

    facts: tuple[type, ...] = Attribute("classes of the facts that it acts on; each has one desk")

    def arrived(admission: Admission) -> None:
        """A charger's session is open: it can be told something."""

    def take(admission: Admission, event: ChargerEvent) -> "Deferred[Reply]":
        """A fact from a charger, and how it is to be answered."""


@frozen
class Platform:
    """What a feature is given to build itself with.

    @ivar read: runs a function of a database connection in a thread, and fires with its
        plain result.
    @ivar transact: the same for a function that writes, in a transaction of its own.
    @ivar log: writes a L{LogEntry} into the event log, and fires when it is there.
    @ivar new_id: makes the id of a new row.
    @ivar send: sends a command to a charger by its id, and fires with its L{Answer}; fails as
        the gateway's routing does.
    @ivar online: the ids of the chargers that are connected to this process.
    @ivar charging: the ids of the chargers, among those, with a port that an order has.
    @ivar node: the number of this process; a charger's row says at which it logged in last.
    @ivar reactor: what the service runs in; in memory, a clock.
    @ivar tell: takes an L{Alarm} to people, and writes it down.
    """

    calendar: Calendar
    read: Any
    transact: Any = None
    log: Any = None
    new_id: Any = None
    send: Any = None
    online: Any = None
    charging: Any = None
    node: int = 0
    reactor: Any = None
    tell: Any = None


@frozen
class FeatureParts:
    """What a feature adds to the service.

    @ivar sinks: ways to people that have settings; their names are told apart from all others.
    @ivar payment_channels: those that have settings, likewise.
    @ivar each_minute: called about once a minute, in every process that has chargers; a
        Deferred that it returns is waited for.
    @ivar shared_minute: the same for what one node does for all, by its name, which is never
        changed.  Two nodes may be at it for a moment.
    """

    routes: tuple[Route, ...] = ()
    followers: tuple[IFollower, ...] = ()
    watches: tuple[IReadingWatch, ...] = ()
    desks: tuple[IChargerDesk, ...] = ()
    sinks: tuple[IAlarmSink, ...] = ()
    payment_channels: tuple[IPaymentChannel, ...] = ()
    each_minute: tuple[Any, ...] = ()
    shared_minute: Mapping[str, Callable[[], Any]] = field(factory=dict)


class IFeature(Interface):
    """A room of floor 5, ours or a vendor's."""

    name: str = Attribute("its name, and the name of its table in the configuration")
    settings: type = Attribute("attrs class of its configuration table")
    migrations: Path | None = Attribute("folder of its Alembic revisions")

    def build(settings: Any, platform: Platform) -> FeatureParts:
        """Make its parts from its settings."""
