"""The cloud's side of a connection: bytes in, what was heard and bytes out."""

from collections.abc import Callable, Sequence

from attrs import define, field

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.framing import ReceiveBuffer
from chargecloud.dialects.native.codes import MOST_RETRY_S, RETRY_SIZE, VERSION, RefusalCode
from chargecloud.dialects.native.deltas import Baseline
from chargecloud.dialects.native.down import NEW_KEY
from chargecloud.dialects.native.facts import reply_of
from chargecloud.dialects.native.frames import (
    SHORT_FRAME,
    UP_HEADS,
    Frame,
    FrameKind,
    frame_alone,
    start_of,
    take_frame,
)
from chargecloud.dialects.native.keys import SERVER_NONCE_SIZE, Seal, choose_suite, session_key
from chargecloud.dialects.native.machine import TRANSITIONS, Claim, State, Step, Turn
from chargecloud.dialects.native.messages import (
    DOWN_NUMBERS,
    HELLO,
    WELCOME,
    Message,
    read_message,
)
from chargecloud.dialects.native.orders import COMMANDS, command_fields
from chargecloud.dialects.native.patience import patience_s
from chargecloud.dialects.native.up import DELTA, FIRMWARE_WANTED, REPORT, UP
from chargecloud.domain.charger import Secret
from chargecloud.domain.commands import Command, VendorCall
from chargecloud.domain.errors import (
    BadFrame,
    ChargerOffline,
    NotAdmitted,
    NotSupported,
    OutOfOrder,
    RemoteError,
)
from chargecloud.domain.events import Reply
from chargecloud.interfaces import Credentials, Greeting, Heard, Record, record_nothing

#: bytes of a frame around the data of a block of firmware, at the most
BLOCK_OVERHEAD = 34

#: bytes that may wait for the rest of their frame or for the welcome: a charger that keeps
#: to the protocol has a frame's 256 under way at most, and says nothing before its welcome
WAITING_LIMIT = 1024


@define(eq=False)
class ChargerStream:
    """
    One charger's stream, as the cloud sees it: a connection of its own, or carried by the
    connection of another one (L{chargecloud.dialects.native.host}).

    What comes while the welcome is pending waits; after L{welcome}, C{receive(b"")} gives
    what was heard in it.  When a frame breaks the protocol, what was heard before it in
    the same bytes is returned first, and the next C{receive} raises: a record that came
    well is not lost for what followed it.

    @ivar entropy: gives so many bytes that nobody can guess.
    @ivar record: told of each frame, but not of what a new key is made with.
    """

    entropy: Callable[[int], bytes]
    record: Record = record_nothing
    _state: State = field(default=State.NEW, init=False)
    _waiting: ReceiveBuffer = field(factory=lambda: ReceiveBuffer(WAITING_LIMIT), init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _hello: bytes = field(default=b"", init=False)
    _claim: Claim | None = field(default=None, init=False)
    _seal: Seal | None = field(default=None, init=False)
    _baseline: Baseline = field(factory=Baseline, init=False)
    _promised_s: int = field(default=0, init=False)
    _most_promised_s: int = field(default=0, init=False)
    failure: RemoteError | None = field(default=None, init=False)
    #: the platform's own deadlines are all that it has
    due_s: float | None = field(default=None, init=False)

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes; see L{IConversation.receive}."""
        if self.failure is not None:
            self._state = State.FAILED
            raise self.failure.with_traceback(None)
        heard: list[Heard] = []
        try:
            self._read(data, heard)
        except RemoteError as failure:
            self.failure = failure
            if not heard:
                self._state = State.FAILED
                raise
        return heard

    def welcome(self, identity: str, credentials: Credentials | None, greeting: Greeting) -> None:
        """Welcome or refuse the charger; one that has failed meanwhile hears nothing."""
        if self._state is State.FAILED:
            return
        claim = self._claim
        if self._state is not State.CLAIMED or claim is None or claim.identity != identity:
            raise RuntimeError(f"nobody waits here to be welcomed as {identity}")
        secret = _secret_of(claim, credentials)
        if credentials is None or secret is None:
            self._refuse(RefusalCode.UNKNOWN_CHARGER)
            self._state = self._step(Turn.NOT_ADMITTED).state
            return
        is_known = claim.login_digest is not None and (
            claim.login_digest == credentials.login_digest
        )
        self._greet(claim, secret.key, greeting, send_login=not is_known)
        self._state = self._step(Turn.FACTS_KNOWN if is_known else Turn.FACTS_WANTED).state

    def postpone(self, identity: str, retry_s: int) -> None:
        """Tell the charger to come back later; one that has failed meanwhile hears nothing."""
        if self._state is not State.CLAIMED or self._claim is None:
            return
        seconds = min(retry_s, MOST_RETRY_S).to_bytes(RETRY_SIZE, "big")
        self._refuse(RefusalCode.BUSY, seconds)
        self._state = self._step(Turn.NOT_ADMITTED).state

    def acknowledge(self, identity: str, ticket: object, reply: Reply) -> None:
        """Answer a record, or a card; a record that is to be sent again is not answered."""
        answer = reply_of(ticket, reply)
        if answer is not None and self._holds(identity):
            self._say(*answer)

    def command(self, identity: str, number: int, command: Command) -> None:
        """
        Send a command; see L{IConversation.command}.

        @raise ChargerOffline: before the charger has proved itself.
        """
        message = COMMANDS.get(type(command))
        if message is None:
            what = command.name if isinstance(command, VendorCall) else type(command).__name__
            raise NotSupported(f"the native protocol has no command {what}")
        if not self._holds(identity):
            raise ChargerOffline(f"{identity} is not connected here")
        self._say(message, command_fields(number, command))

    def data_to_send(self) -> bytes:
        """Take what is to be sent; whoever called another method takes it at once."""
        if not self._sending:
            return b""
        data = bytes(self._sending)
        self._sending.clear()
        return data

    @property
    def identity(self) -> str | None:
        """Who it says to be, once it has."""
        return self._claim.identity if self._claim else None

    @property
    def silence_s(self) -> float | None:
        """Silence after which it is gone; C{None} before it is welcome."""
        return patience_s(self._promised_s) if self._promised_s else None

    def _read(self, data: bytes, heard: list[Heard]) -> None:
        if self._state is State.OPEN and not self._waiting:
            frame = frame_alone(data, UP_HEADS)
            if frame is not None and frame.kind is FrameKind.SEALED:
                self._take_sealed(frame, heard)
                return
        self._waiting.append(data)
        if self._state is State.REFUSED:
            raise NotAdmitted("a charger that was refused goes on")
        while self._state is not State.CLAIMED:
            frame = take_frame(self._waiting, UP_HEADS)
            if frame is None:
                break
            if frame.kind is FrameKind.HELLO:
                self._take_hello(frame, heard)
            elif frame.kind is FrameKind.RELAY:
                self._take_relayed(frame, heard)
            else:
                self._take_sealed(frame, heard)
        self._waiting.check_limit()

    def _take_hello(self, frame: Frame, heard: list[Heard]) -> None:
        step = self._step(Turn.HELLO)
        if not frame.body:
            raise BadFrame("a HELLO without a version")
        if frame.body[0] < VERSION:
            self._refuse(RefusalCode.VERSION_NOT_SUPPORTED)
            raise NotAdmitted(f"version {frame.body[0]} is not spoken here")
        claim = Claim(**HELLO.read(frame.body[1:]))
        if choose_suite(claim.suites) is None:
            self._refuse(RefusalCode.NO_COMMON_SUITE)
            raise NotAdmitted(f"none of the suites {claim.suites:#b} is spoken here")
        self._hello = frame.raw
        self._claim = claim
        self.record(claim.identity, True, self._hello, None)
        self._take(step, claim, {}, heard)

    def _take_relayed(self, frame: Frame, heard: list[Heard]) -> None:
        raise OutOfOrder("a stream within a stream that is carried itself")

    def _take_sealed(self, frame: Frame, heard: list[Heard]) -> None:
        if self._seal is None or self._claim is None:
            raise OutOfOrder("a sealed frame before any HELLO")
        plaintext = self._seal.open(frame.body, frame.start)
        self.record(self._claim.identity, True, frame.raw, plaintext)
        message, fields = read_message(plaintext, UP, DOWN_NUMBERS)
        if message is DELTA:
            message, fields = REPORT, self._baseline.whole(fields)
        elif message is REPORT:
            self._baseline.keep(fields)
        elif message is FIRMWARE_WANTED:
            largest = (self._claim.max_frame or SHORT_FRAME) - BLOCK_OVERHEAD
            fields["size"] = max(1, min(fields["size"], largest))
        step = self._step(message)
        next_s = fields.pop("next_s", None)
        if next_s:
            self._promised_s = min(next_s, self._most_promised_s)
        self._take(step, self._claim, fields, heard)

    def _step(self, turn: Message | Turn) -> Step:
        step = TRANSITIONS.get((self._state, turn))
        if step is None:
            raise OutOfOrder(f"{turn.name} in state {self._state.name}")
        return step

    def _take(self, step: Step, claim: Claim, fields: Fields, heard: list[Heard]) -> None:
        for hear in step.hear:
            heard.append(hear(claim, fields))
        if step.reply is not None:
            self._say(step.reply, {})
        self._state = step.state

    def _greet(self, claim: Claim, key: bytes, greeting: Greeting, *, send_login: bool) -> None:
        suite = choose_suite(claim.suites)
        assert suite is not None, "a claim without a common suite is refused at once"
        terms = WELCOME.write(
            {
                "unix_s": greeting.unix_s,
                "heartbeat_s": greeting.heartbeat_s,
                "send_login": send_login,
                "heartbeat_most_s": greeting.heartbeat_most_s,
            }
        )
        self._promised_s = greeting.heartbeat_s
        self._most_promised_s = greeting.heartbeat_most_s or greeting.heartbeat_s
        opening = bytes((VERSION, suite.number)) + self.entropy(SERVER_NONCE_SIZE)
        size = len(opening) + len(terms) + suite.tag_size
        start = start_of(FrameKind.WELCOME, size) + opening
        self._seal = Seal.of_cloud(suite, session_key(key, self._hello + start))
        welcome = start + self._seal.close(terms, start)
        self.record(claim.identity, False, welcome, None)
        self._sending += welcome
        self._hello = b""

    def _say(self, message: Message, fields: Fields) -> None:
        assert self._seal is not None, "only what was welcomed is spoken to"
        assert self._claim is not None, "only who claims to be somebody is welcomed"
        plaintext = message.write(fields)
        frame = self._seal.frame(plaintext)
        told = None if message is NEW_KEY else plaintext
        self.record(self._claim.identity, False, frame, told)
        self._sending += frame

    def _refuse(self, code: RefusalCode, more: bytes = b"") -> None:
        body = bytes((VERSION, code)) + more
        refusal = start_of(FrameKind.REFUSAL, len(body)) + body
        if self._claim is not None:
            self.record(self._claim.identity, False, refusal, None)
        self._sending += refusal

    def _holds(self, identity: str) -> bool:
        claim = self._claim
        return self._state is State.OPEN and claim is not None and claim.identity == identity


def _secret_of(claim: Claim, credentials: Credentials | None) -> Secret | None:
    """The key that a charger says to use, if it is one of those that it may use."""
    if credentials is None:
        return None
    secrets = (credentials.secret, credentials.next_secret)
    return next((s for s in secrets if s and s.generation == claim.key_generation), None)
