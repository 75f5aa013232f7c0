"""A charger and a platform on a bench: both sides of a dialect, in step with a clock.

The charger is the simulator's, as its dialect lets it speak.  The platform is the least that the
interface asks for: it lets everybody in whom it knows, and says what becomes of each fact.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock

from chargecloud.calendar import Calendar
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Answer, Command, SetTime, StartCharge, StopCharge
from chargecloud.domain.errors import NotAdmitted, Refusal, RemoteError
from chargecloud.domain.events import (
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    Outcome,
    PortsReported,
    Reply,
    TimeAsked,
)
from chargecloud.domain.order_value import OrderState
from chargecloud.interfaces import (
    Answered,
    Claimed,
    Credentials,
    Greeting,
    Heard,
    IConversation,
    IDialect,
    OrderThere,
    Proven,
    Told,
)
from chargecloud.simulator.bikes import KINDS, Bike
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.keyring import Keyring
from chargecloud.simulator.link import Link
from chargecloud.simulator.memory import Memory
from chargecloud.simulator.provisioning import facts_of
from chargecloud.simulator.speaking import ISession, ISimulatedDialect

NOW = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
PORTS = 2
ORDER = 2**60 + 12_345
KEY_BYTE = 0x5A
HEARTBEAT_S = 60
#: turns of the wire in which everything that was said must have been answered
MOST_TURNS = 200
#: seconds in which a command is answered, its resends among them
PATIENCE_S = 60
_KIND = KINDS["lithium 48V12Ah"]

Pieces = Callable[[bytes], Iterable[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    """As it was sent."""
    if data:
        yield data


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """As networks cut it."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """The worst that a network does."""
    return in_pieces(data, 1)


class Restless(AssertionError):
    """The two sides never come to an end of what they say to each other."""


@define(eq=False, slots=False)
class Bench:
    """
    @ivar pieces: how the network cuts what the charger says.
    @ivar outcome: what becomes of facts that are to be kept.
    @ivar is_known: whether the platform knows the charger.
    @ivar retry_s: if the platform has too many logins: when the charger is to come back.
    @ivar loses_answers: whether what the platform says is lost on its way.
    @ivar is_deaf: whether nothing comes through, either way.
    @ivar is_rough: whether the network does damage: what is no protocol then ends the connection,
        as it does at the gateway, and else is raised, as a fault of the dialect.
    @ivar has_hung_up: whether the connection has ended.
    @ivar heard: all that came up, in order.
    @ivar replied: tickets of the facts that were answered.
    """

    dialect: IDialect
    simulated: ISimulatedDialect
    pieces: Pieces = whole
    outcome: Outcome = Outcome.KEPT
    is_known: bool = True
    retry_s: int | None = None
    loses_answers: bool = False
    is_deaf: bool = False
    is_rough: bool = False
    heard: list[Heard] = field(factory=list)
    replied: list[object] = field(factory=list)
    clock: Clock = field(factory=Clock)
    conversation: IConversation = field(init=False)
    session: ISession = field(init=False)
    charger: SimulatedCharger = field(init=False)
    has_hung_up: bool = field(default=False, init=False)
    _commands: int = 0

    def __attrs_post_init__(self) -> None:
        self.clock.rightNow = NOW.timestamp()
        identity = self.dialect.read_identity(self.simulated.identity(1, PORTS))
        memory = Memory.new(PORTS)
        memory.boot = 1
        self.charger = SimulatedCharger(identity, memory, NOW, lambda _ended, _at: None)
        if self.dialect.key_bytes is not None:
            self.charger.keys = Keyring(identity, self._key.hex())
        self.calendar = Calendar(self.clock.seconds)
        facts = facts_of(identity, PORTS)
        self.link = Link(
            self.charger, facts, self.calendar, self.clock, lambda: 0.0, self.simulated
        )

    # ----------------------------------------------------------------------------- the wire

    def connect(self) -> "Bench":
        """A new connection, up to where nothing more is to be said."""
        self.conversation = self.dialect.conversation(lambda *_frame: None, self.clock.seconds)
        self.session = self.link.new_session()
        self.has_hung_up = False
        self.session.open()
        return self.carry()

    def reboot(self) -> "Bench":
        """The charger's power was cut; what it remembers stays."""
        self.hang_up()
        self.charger.memory.boot += 1
        return self.connect()

    def hang_up(self) -> None:
        """The charger ends its connection."""
        if not self.has_hung_up:
            self.has_hung_up = True
            self.session.close()

    def _charger_does(self, step: Callable[[], None]) -> None:
        """Let the charger do something; it hangs up if the cloud is gone or has refused it."""
        if self.has_hung_up:
            return
        try:
            step()
        except RemoteError:
            self.hang_up()

    def carry(self) -> "Bench":
        """
        Carry what is said both ways, until nothing moves.

        @raise Restless: if that has no end.
        """
        for _ in range(MOST_TURNS):
            self._charger_does(self.session.work)
            up = b"" if self.has_hung_up else self.session.data_to_send()
            if self.is_deaf:
                up = b""
            if self.is_rough:
                self._platform_bears(self.pieces(up))
            else:
                for piece in self.pieces(up):
                    self._platform_hears(piece)
            due_s = self.conversation.due_s
            if due_s is not None and due_s <= self.clock.seconds():
                self._platform_hears(b"")
            down = self.conversation.data_to_send()
            if down and not (self.loses_answers or self.is_deaf):
                self._charger_does(partial(self.session.receive, down))
            if not up and not down:
                return self
        raise Restless("the charger and the dialect talk without an end")

    def _platform_hears(self, data: bytes) -> None:
        """Let the platform hear something; it closes the connection of whom it has refused."""
        try:
            self.take(self.conversation.receive(data))
        except NotAdmitted:
            self.hang_up()

    def _platform_bears(self, pieces: Iterable[bytes]) -> None:
        """Let the platform hear what may be no protocol, and act on it when all of it is there:
        what it says between two pieces would change what it hears of the second."""
        heard: list[Heard] = []
        is_over = False
        for piece in pieces:
            try:
                heard += self.conversation.receive(piece)
            except RemoteError:
                is_over = True
            if is_over or self.conversation.failure is not None:
                break
        try:
            self.take(heard)
        except RemoteError:
            # in what had waited for the welcome
            is_over = True
        if is_over or self.conversation.failure is not None:
            self.hang_up()

    def pass_time(self, seconds: float, step_s: float = 1.0) -> "Bench":
        """Let time pass."""
        while seconds > 0:
            self.clock.advance(min(step_s, seconds))
            seconds -= step_s
            self.carry()
        return self

    def take(self, heard: Iterable[Heard]) -> None:
        """Do with what was heard as the platform does."""
        for each in heard:
            self.heard.append(each)
            if isinstance(each, Claimed):
                greeting = Greeting(int(self.clock.seconds()), HEARTBEAT_S)
                credentials = self.credentials if self.is_known else None
                if self.retry_s is not None:
                    self.conversation.postpone(each.identity, self.retry_s)
                else:
                    self.conversation.welcome(each.identity, credentials, greeting)
                self.take(self.conversation.receive(b""))
            elif isinstance(each, Told):
                self._act(each)

    def _act(self, told: Told) -> None:
        if isinstance(told.event, TimeAsked):
            # refused, it asks again by itself
            with suppress(Refusal):
                self.command(SetTime(int(self.clock.seconds())))
        elif told.ticket is not None:
            self.replied.append(told.ticket)
            is_offline = getattr(told.event, "offline", None) is not None
            reply = Reply(self.outcome, order_id=ORDER + 1 if is_offline else None)
            self.conversation.acknowledge(told.identity, told.ticket, reply)

    @property
    def credentials(self) -> Credentials:
        """What the platform knows of the charger."""
        secret = None if self.dialect.key_bytes is None else Secret(self._key, 1)
        return Credentials(secret, orders=self._orders)

    @property
    def _orders(self) -> tuple[OrderThere, ...]:
        ended = {each.order_id for each in self.facts(ChargeEnded)}
        return tuple(
            OrderThere(
                each.order_id,
                each.port,
                OrderState.ENDED if each.order_id in ended else OrderState.CHARGING,
                each.start_meter_mwh,
            )
            for each in self.facts(ChargeStarted)
            if each.order_id is not None
        )

    @property
    def _key(self) -> bytes:
        return bytes([KEY_BYTE]) * (self.dialect.key_bytes or 0)

    # ------------------------------------------------------------------------------ what is done

    def command(self, command: Command) -> int:
        """Send a command; its number."""
        self._commands += 1
        self.conversation.command(self.charger.identity, self._commands, command)
        return self._commands

    def ask(self, command: Command) -> Answer:
        """Send a command and wait for its answer."""
        number = self.command(command)
        for _ in range(PATIENCE_S):
            answers = [each for each in self.of(Answered) if each.number == number]
            if answers:
                assert len(answers) == 1, "a command is answered once"
                answer: Answer = answers[0].answer
                return answer
            self.pass_time(1)
        raise AssertionError(f"{command} was not answered within {PATIENCE_S} s")

    def plugged(self, port: int = 1) -> None:
        """Somebody plugs in an empty battery, and nothing is said of it yet."""
        bike = Bike(_KIND.name, _KIND.plateau_w * 1_000, 0)
        self.charger.plug(port, bike, self.calendar.now())

    def plug(self, port: int = 1) -> "Bench":
        """Somebody plugs in an empty battery."""
        self.plugged(port)
        return self.carry()

    def start(self, order_id: int = ORDER, port: int = 1, **limits: Any) -> Answer:
        """Start a charge."""
        valid_until_s = int(self.clock.seconds()) + 600
        return self.ask(StartCharge(order_id, port, valid_until_s, **limits))

    def stop(self, order_id: int = ORDER, port: int = 1) -> Answer:
        """Stop a charge."""
        return self.ask(StopCharge(order_id, port))

    # ------------------------------------------------------------------------------ what was heard

    def of(self, kind: type) -> list[Any]:
        """What was heard of a kind."""
        return [each for each in self.heard if isinstance(each, kind)]

    def facts(self, kind: type | None = None) -> list[Any]:
        """The facts that the charger told, of one class or all."""
        events: list[ChargerEvent] = [each.event for each in self.of(Told)]
        return [event for event in events if kind is None or isinstance(event, kind)]

    @property
    def is_in(self) -> bool:
        """Whether the charger has proved who it is, or need not.  Where nothing is proved, a
        name that was damaged on its way is another one's."""
        return any(each.identity == self.charger.identity for each in self.of(Proven))

    def story(self) -> list[str]:
        """What happened, without what differs from one run to the next: to compare two."""
        told: list[str] = []
        for each in self.heard:
            if isinstance(each, Told) and isinstance(
                each.event, ChargeStarted | ChargeEnded | PortsReported
            ):
                told.append(repr(each.event))
            elif isinstance(each, Claimed | Answered):
                told.append(repr(each))
        return told

    def tale(self) -> tuple[list[str], list[str]]:
        """All that was heard, without what differs from one run to the next: to compare two.  When
        a command counts as answered is also a matter of time: those answers stand apart."""
        told = [
            f"{each.identity}: {type(each).__name__} {getattr(each, 'event', '')!r}"
            for each in self.heard
            if not isinstance(each, Answered)
        ]
        return told, sorted(repr(each) for each in self.of(Answered))


def only_remote_errors(conversation: IConversation, data: bytes) -> bool:
    """
    Give bytes to a conversation; whether it goes on.

    @raise AssertionError: if it raises anything but a L{RemoteError}, which it may.
    """
    try:
        conversation.receive(data)
    except RemoteError:
        return False
    except Exception as error:
        raise AssertionError(
            f"{data[:40].hex()} made it raise {error!r}, where only RemoteError may be"
        ) from error
    return conversation.failure is None
