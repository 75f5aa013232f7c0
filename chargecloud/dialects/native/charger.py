"""The charger's side of a connection: what the simulator speaks, and the reference for
those who write firmware.

    >>> charger = NativeCharger("EB-0001", secret, boot=7, connection=0, facts=Facts("1.4"))
    >>> charger.hello(uptime_s=12)
    >>> send(charger.data_to_send())
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from attrs import define, evolve, field, frozen

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.framing import ReceiveBuffer
from chargecloud.dialects.native.codes import MOST_RETRY_S, RETRY_SIZE, VERSION, RefusalCode
from chargecloud.dialects.native.deltas import Baseline
from chargecloud.dialects.native.down import (
    CARD_ANSWER,
    DOWN,
    FIRMWARE_BLOCK,
    HEARTBEAT_ANSWER,
    KEPT,
)
from chargecloud.dialects.native.facts import (
    event_fields,
    parameter_items,
    plain,
    record_fields,
    report_fields,
)
from chargecloud.dialects.native.frames import (
    DOWN_HEADS,
    LONG_FRAME,
    SHORT_BODY,
    Frame,
    FrameKind,
    start_of,
    take_frame,
)
from chargecloud.dialects.native.keys import (
    CCM,
    SERVER_NONCE_SIZE,
    SUITES,
    Seal,
    session_key,
)
from chargecloud.dialects.native.messages import (
    HELLO,
    UNKNOWN,
    UP_NUMBERS,
    WELCOME,
    Message,
    read_message,
)
from chargecloud.dialects.native.orders import COMMANDS, answer_fields, read_command
from chargecloud.dialects.native.received import (
    BlockReceived,
    CardAnswered,
    HeartbeatAnswered,
    Kept,
    Ordered,
    Received,
    Refused,
    Relayed,
    Welcomed,
)
from chargecloud.dialects.native.relaying import read_relay, relay_end, relay_frames
from chargecloud.dialects.native.up import (
    ALARM,
    ANSWER,
    CARD,
    DELTA,
    ENDED,
    FIRMWARE_STATE,
    FIRMWARE_WANTED,
    HEARTBEAT,
    LOGIN,
    PARAMETERS_TOLD,
    PAUSED,
    REPORT,
    STARTED,
    TIME_WANTED,
)
from chargecloud.domain.charger import Capability, Secret
from chargecloud.domain.commands import Answer
from chargecloud.domain.errors import BadFrame, OutOfOrder, RemoteError
from chargecloud.domain.events import (
    ChargeEnded,
    ChargePaused,
    ChargeStarted,
    FirmwareTold,
    FirmwareWanted,
    HazardTold,
    ParametersTold,
    PortsReported,
)


@frozen
class Facts:
    """What a charger tells of itself in a LOGIN."""

    firmware: str | None = None
    hardware: str | None = None
    iccid: str | None = None
    imei: str | None = None
    port_count: int | None = None
    capabilities: frozenset[Capability] | None = None
    card_list: int | None = None
    card_slots: int | None = None
    build: int | None = None

    @property
    def digest(self) -> bytes:
        """Four bytes that change with the facts: CRC-32 of the LOGIN."""
        return zlib.crc32(LOGIN.write(plain(self))).to_bytes(4, "big")


class NotWelcomed(RuntimeError):
    """Something was to be said outside of an open session."""


class _State(Enum):
    NEW = "new"
    GREETED = "greeted"
    OPEN = "open"
    CLOSED = "closed"


@define(eq=False)
class NativeCharger:
    """
    One connection of a charger.  What is to be sent waits in L{data_to_send}.

    @ivar boot: which start of the charger this is, counted over its life.
    @ivar connection: which connection since that start; never the same one twice.
    @ivar suites: bits of the suites that it offers.
    @ivar max_frame: bytes of the longest frame that it takes; C{None} for 256.
    """

    identity: str
    secret: Secret
    boot: int
    connection: int
    facts: Facts = field(factory=Facts)
    suites: int = CCM.bit
    max_frame: int | None = None
    _state: _State = field(default=_State.NEW, init=False)
    _waiting: ReceiveBuffer = field(factory=lambda: ReceiveBuffer(LONG_FRAME), init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _hello: bytes = field(default=b"", init=False)
    _seal: Seal | None = field(default=None, init=False)
    _baseline: Baseline = field(factory=Baseline, init=False)
    _failure: RemoteError | None = field(default=None, init=False)

    def hello(self, uptime_s: int) -> None:
        """Begin: say who this is, and what it can do."""
        if self._state is not _State.NEW:
            raise NotWelcomed("a connection has one HELLO")
        body = bytes((VERSION,)) + HELLO.write(
            {
                "identity": self.identity,
                "key_generation": self.secret.generation,
                "boot": self.boot,
                "connection": self.connection,
                "suites": self.suites,
                "uptime_s": uptime_s,
                "login_digest": self.facts.digest,
                "max_frame": self.max_frame,
            }
        )
        self._hello = start_of(FrameKind.HELLO, len(body)) + body
        self._sending += self._hello
        self._state = _State.GREETED

    def heartbeat(self, next_s: int | None = None) -> None:
        """Give a sign of life, and promise the next one, or any other message, within so
        many seconds."""
        self._say(HEARTBEAT, {"next_s": next_s})

    def report(
        self, report: PortsReported, *, in_full: bool = False, next_s: int | None = None
    ) -> None:
        """Tell what the ports measure, in as many frames as it takes: as differences to
        what was told last where that says the same.

        @param in_full: not as differences.
        @param next_s: how soon it will be heard from again; it is told in full then.
        """
        seal = self._open_seal()
        fields = report_fields(report)
        delta = None if in_full or next_s is not None else self._baseline.difference(fields)
        message = (
            DELTA.write(delta) if delta is not None else REPORT.write(fields | {"next_s": next_s})
        )
        if len(message) + seal.suite.tag_size <= SHORT_BODY:
            if delta is None:
                self._baseline.keep(fields)
            self._sending += seal.frame(message)
        else:
            half = len(report.readings) // 2
            first = evolve(report, readings=report.readings[:half])
            rest = evolve(report, readings=report.readings[half:], box=None)
            self.report(first, in_full=True, next_s=next_s)
            self.report(rest, in_full=True)

    def started(self, record: int, event: ChargeStarted) -> None:
        """Tell that a charge began; C{record} is the charger's own number of this record."""
        self._say(STARTED, record_fields(record, event))

    def ended(self, record: int, event: ChargeEnded) -> None:
        """Tell that a charge ended; C{record} is the charger's own number of this record."""
        self._say(ENDED, record_fields(record, event))

    def paused(self, event: ChargePaused) -> None:
        """Tell that an order's charge is interrupted."""
        self._say(PAUSED, event_fields(event))

    def hazard(self, record: int, event: HazardTold) -> None:
        """Tell of a danger; C{record} is the charger's own number of this record."""
        self._say(ALARM, record_fields(record, event))

    def parameters(self, told: ParametersTold) -> None:
        """Tell what is set."""
        self._say(PARAMETERS_TOLD, {"parameters": parameter_items(told.parameters)})

    def want_firmware(self, wanted: FirmwareWanted) -> None:
        """Ask for a block of an image."""
        self._say(FIRMWARE_WANTED, plain(wanted))

    def firmware(self, told: FirmwareTold) -> None:
        """Tell how far an image has come."""
        self._say(FIRMWARE_STATE, plain(told))

    def relay(self, address: int, data: bytes) -> None:
        """Carry bytes of the device at this address; no bytes end its stream."""
        self._open_seal()
        self._sending += relay_frames(address, data) if data else relay_end(address)

    def card(self, number: int, port: int, uid: str, uptime_s: int) -> None:
        """Ask what becomes of a card that is presented; C{number} counts them since the
        charger's start."""
        self._say(CARD, {"number": number, "port": port, "uid": uid, "uptime_s": uptime_s})

    def answer(self, number: int, answer: Answer) -> None:
        """Answer the command of that number."""
        self._say(ANSWER, answer_fields(number, answer))

    def ask_time(self) -> None:
        """Ask for the time; it comes as a command."""
        self._say(TIME_WANTED, {})

    def receive(self, data: bytes) -> Sequence[Received]:
        """
        Take bytes as they came, in pieces of any size.  What was received before a fault
        in the same bytes is returned first, and the next call raises.

        @raise RemoteError: and nothing else, whatever the bytes are.  The connection is to
            be closed, and nothing more sent.
        """
        if self._failure is not None:
            self._state = _State.CLOSED
            raise self._failure.with_traceback(None)
        received: list[Received] = []
        try:
            self._waiting.append(data)
            while (frame := take_frame(self._waiting, DOWN_HEADS)) is not None:
                self._take(frame, received)
            self._waiting.check_limit()
        except RemoteError as failure:
            self._failure = failure
            if not received:
                self._state = _State.CLOSED
                raise
        return received

    def data_to_send(self) -> bytes:
        """Take what is to be sent; whoever called another method takes it at once."""
        data = bytes(self._sending)
        self._sending.clear()
        return data

    def _take(self, frame: Frame, received: list[Received]) -> None:
        step = _STEPS.get((self._state, frame.kind))
        if step is None:
            raise OutOfOrder(f"{frame.kind.name} in state {self._state.name}")
        step(self, frame, received)

    def _take_welcome(self, frame: Frame, received: list[Received]) -> None:
        opening, sealed = frame.body[:_OPENING_SIZE], frame.body[_OPENING_SIZE:]
        if len(opening) < _OPENING_SIZE or opening[0] != VERSION:
            raise BadFrame("a WELCOME that is cut off or of another version")
        suite = SUITES.get(opening[1])
        if suite is None or not suite.bit & self.suites:
            raise BadFrame(f"suite {opening[1]} was not offered")
        start = frame.start + opening
        seal = Seal.of_charger(suite, session_key(self.secret.key, self._hello + start))
        terms = WELCOME.read(seal.open(sealed, start))
        self._seal, self._hello, self._state = seal, b"", _State.OPEN
        received.append(
            Welcomed(terms["unix_s"], terms["heartbeat_s"], terms.get("heartbeat_most_s"))
        )
        if terms["send_login"]:
            self._say(LOGIN, plain(self.facts))

    def _take_refusal(self, frame: Frame, received: list[Received]) -> None:
        if len(frame.body) < 2:
            raise BadFrame("a REFUSAL without a code")
        self._state = _State.CLOSED
        hint = frame.body[2 : 2 + RETRY_SIZE]
        retry_s = None
        if frame.body[1] == RefusalCode.BUSY and len(hint) == RETRY_SIZE:
            retry_s = min(int.from_bytes(hint, "big"), MOST_RETRY_S)
        received.append(Refused(frame.body[1], retry_s))

    def _take_sealed(self, frame: Frame, received: list[Received]) -> None:
        plaintext = self._open_seal().open(frame.body, frame.start)
        message, fields = read_message(plaintext, DOWN, UP_NUMBERS)
        if message is not UNKNOWN:
            received.append(_RECEIVED[message](message, fields))

    def _take_relayed(self, frame: Frame, received: list[Received]) -> None:
        received.append(Relayed(*read_relay(frame.body)))

    def _say(self, message: Message, fields: Fields) -> None:
        self._sending += self._open_seal().frame(message.write(fields))

    def _open_seal(self) -> Seal:
        if self._seal is None or self._state is not _State.OPEN:
            raise NotWelcomed("nothing is said before the WELCOME, or after the end")
        return self._seal


_OPENING_SIZE = 2 + SERVER_NONCE_SIZE

_STEPS: Mapping[
    tuple[_State, FrameKind], Callable[[NativeCharger, Frame, list[Received]], None]
] = {
    (_State.GREETED, FrameKind.WELCOME): NativeCharger._take_welcome,
    (_State.GREETED, FrameKind.REFUSAL): NativeCharger._take_refusal,
    (_State.OPEN, FrameKind.SEALED): NativeCharger._take_sealed,
    (_State.OPEN, FrameKind.RELAY): NativeCharger._take_relayed,
}


def _ordered(message: Message, fields: Fields) -> Received:
    return Ordered(*read_command(message, fields))


_RECEIVED: Mapping[Message, Callable[[Message, Fields], Received]] = {
    HEARTBEAT_ANSWER: lambda _message, _fields: HeartbeatAnswered(),
    KEPT: lambda _message, fields: Kept(**fields),
    CARD_ANSWER: lambda _message, fields: CardAnswered(**fields),
    FIRMWARE_BLOCK: lambda _message, fields: BlockReceived(**fields),
    **dict.fromkeys(COMMANDS.values(), _ordered),
}
