"""YKC, as the simulator's piles speak it: the same tables, from the other side.

They keep the habits that the document asks for: a heartbeat for each gun every 10 s, of which
three without an answer are a dead link; readings every 15 s while a gun charges and every five
minutes else; a record that is sent three times, once more after five minutes, and again at the
next login.  One thing they do not: they charge without a billing model, too.
"""

from collections.abc import Iterator

from attrs import define, field
from zope.interface import implementer

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.charger import PortState
from chargecloud.domain.errors import BadFrame, RemoteError
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.memory import Port
from chargecloud.simulator.own_time import OwnTime
from chargecloud.simulator.readings import read_port, state_of
from chargecloud.simulator.speaking import Connecting, ISession, ISimulatedDialect
from chargecloud_ykc import telling
from chargecloud_ykc.codes import (
    BY_CARD,
    REFUSALS,
)
from chargecloud_ykc.facts import NAME
from chargecloud_ykc.frames import Frame, Stream
from chargecloud_ykc.identities import pile_of
from chargecloud_ykc.messages import BY_NAME, DOWN
from chargecloud_ykc.obeying import Obeying
from chargecloud_ykc.prices import NO_MODEL

#: real seconds
HEARTBEAT_S = 10.0
LOGIN_RETRY_S = 10.0
MOST_UNANSWERED = 3
#: from one try of a record to the next, after so many of them
RECORD_RETRIES_S = (30.0, 30.0, 240.0)
#: seconds of the calendar
REPORT_S = 15
IDLE_REPORT_S = 300
_MARGIN_S = 0.005
_AC, _V16 = 1, 16

_CARD_CODES = {number: code for code, number in reversed([*REFUSALS.items()])}


class Silent(RemoteError):
    """The cloud has said nothing for too long."""

    code = "silent"


@define(eq=False)
class Sent:
    """A record that waits for its acknowledgement."""

    at_s: float
    tries: int = 1

    @property
    def due_s(self) -> float | None:
        """When it is sent again; C{None}: at the next login."""
        if self.tries > len(RECORD_RETRIES_S):
            return None
        return self.at_s + RECORD_RETRIES_S[self.tries - 1]


@implementer(ISession)
@define(eq=False)
class YkcSession(OwnTime):
    """See L{ISession}."""

    is_welcome: bool = field(default=False, init=False)
    is_leaving: bool = field(default=False, init=False)
    was_refused: bool = field(default=False, init=False)
    retry_s: int | None = field(default=None, init=False)
    model: str = field(default=NO_MODEL, init=False)
    _stream: Stream = field(factory=Stream, init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _sequence: int = field(default=-1, init=False)
    _beat_due_s: float = field(default=0.0, init=False)
    _unanswered: int = field(default=0, init=False)
    _report_due_s: int = field(default=0, init=False)
    _told: "dict[int, PortState]" = field(factory=dict, init=False)
    _sent: dict[int, Sent] = field(factory=dict, init=False)
    _trades: dict[str, int] = field(factory=dict, init=False)
    _asked: dict[int, int] = field(factory=dict, init=False)
    _obeying: Obeying = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._obeying = Obeying(self.charger, self.calendar.now)

    # ----------------------------------------------------------------------- for the link

    def open(self) -> None:
        """Say who it is."""
        self.charger.advance(self.calendar.now())
        self._login()

    def receive(self, data: bytes) -> None:
        """Take bytes; see L{ISession.receive}."""
        for frame, _ in self._stream.receive(data):
            message = DOWN.get(frame.kind)
            owner = pile_of(frame)
            if message is None or owner not in (None, self.charger.identity):
                continue
            try:
                self._take(message.name, message.read(frame.body), frame)
            except BadFrame:
                continue

    def work(self) -> None:
        """Say what is due; see L{ISession.work}."""
        now_s = self.calendar.seconds()
        self.charger.advance(self.calendar.now())
        if now_s >= self._beat_due_s:
            if self._unanswered >= MOST_UNANSWERED:
                raise Silent("the cloud does not answer")
            self._beat() if self.is_welcome else self._login()
        if not self.is_welcome:
            return
        for port in self.charger.memory.ports:
            if port.charge is not None and port.bike is None:
                # a car's plug is locked: one that is out has been let go
                self.charger.end(port, StopReason.UNPLUGGED)
        for gun, trade in self._obeying.late_starts(now_s):
            self._say("start_reply", {"trade": trade, "gun": gun, "result": 1, "reason": 0})
        self._report()
        self._tell_records(now_s)
        self._ask_cards()

    def close(self) -> None:
        """The connection has gone."""
        if self.is_welcome:
            self.charger.hang_up()

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._sending)
        self._sending.clear()
        return data

    @property
    def idle_s(self) -> float:
        """See L{ISession.idle_s}."""
        now_s = self.calendar.seconds()
        dues = [self._beat_due_s - now_s]
        if self.is_welcome:
            dues += [each.due_s - now_s for each in self._sent.values() if each.due_s is not None]
            dues += [self.until_s(uptime_s) for uptime_s in self._uptimes_due()]
        return max(0.0, min(dues)) + _MARGIN_S

    # ---------------------------------------------------------------------------- parts

    def _uptimes_due(self) -> Iterator[int]:
        if self.charger.next_end_s is not None:
            yield self.charger.next_end_s
        yield self._report_due_s

    # ----------------------------------------------------------------------------- up

    def _say(self, name: str, fields: Fields, sequence: bytes | None = None) -> bytes:
        message = BY_NAME[name]
        if sequence is None:
            self._sequence = (self._sequence + 1) & 0xFFFF
            sequence = self._sequence.to_bytes(2, "little")
        body = message.layout.write({"pile": self.charger.identity, **fields})
        self._sending += Frame(message.kind, body, sequence).write()
        return sequence

    def _login(self) -> None:
        sim = (self.connecting.facts.iccid or "").ljust(20, "0")[:20]
        self._say(
            "login",
            {
                "pile_type": _AC,
                "guns": len(self.charger.memory.ports),
                "version": _V16,
                "program": "V4.1.50",
                "network": 0,
                "sim": sim,
                "operator": 0,
            },
        )
        self._unanswered += 1
        self._beat_due_s = self.calendar.seconds() + LOGIN_RETRY_S

    def _beat(self) -> None:
        for port in self.charger.memory.ports:
            self._say("heartbeat", {"gun": port.number, "status": int(port.is_faulty)})
        self._unanswered += 1
        self._beat_due_s = self.calendar.seconds() + HEARTBEAT_S

    def _report(self) -> None:
        """All guns when it is time, and at once those whose state or plug has changed."""
        uptime_s, ports = self.charger.uptime_s, self.charger.memory.ports
        is_due = uptime_s >= self._report_due_s
        for port in ports:
            if is_due or self._told.get(port.number) is not state_of(port):
                self._report_gun(port)
        if is_due:
            every_s = REPORT_S if self.charger.memory.is_charging else IDLE_REPORT_S
            least_s = int(self.charger.report_least_real_s * self.calendar.anchor.speed)
            self._report_due_s = uptime_s + max(every_s, least_s)
        elif self.charger.memory.is_charging:
            self._report_due_s = min(self._report_due_s, uptime_s + REPORT_S)

    def _report_gun(self, port: Port) -> None:
        self._told[port.number] = state_of(port)
        self.charger.tells(read_port(port))
        self._say("reading", telling.reading(self.charger.identity, port))

    def _tell_records(self, now_s: float) -> None:
        for number, record in list(self.charger.memory.records.items()):
            if not isinstance(record, ChargeEnded):
                # that it began was its answer to the start
                self.charger.forget(number)
                continue
            sent = self._sent.get(number)
            if sent is not None and (sent.due_s is None or sent.due_s > now_s):
                continue
            self._sent[number] = Sent(now_s, 1 if sent is None else sent.tries + 1)
            self._tell_record(number, record)

    def _tell_record(self, number: int, record: ChargeEnded) -> None:
        told = telling.record(self.charger.identity, record, self.instant(record.at))
        self._trades[told["trade"]] = number
        self._say("record", told)

    def _ask_cards(self) -> None:
        for card in self.charger.cards.take_questions():
            self._asked[card.port] = card.number
            self._say(
                "ask_start",
                {
                    "gun": card.port,
                    "mode": BY_CARD,
                    "needs_password": 0,
                    "card": telling.card(card.uid),
                    "password": bytes(16),
                    "vin": bytes(17),
                },
            )

    # ------------------------------------------------------------------------------ down

    def _take(self, name: str, fields: Fields, frame: Frame) -> None:
        self._unanswered = 0
        if name == "login_reply":
            self._logged_in(fields["result"] == 0)
        elif name == "check_model_reply":
            if fields["result"] != 0:
                self._say("ask_model", {})
        elif name == "model":
            self.model = fields["model"]
        elif name == "record_reply":
            number = self._trades.pop(fields["trade"], None)
            if number is not None:
                self._sent.pop(number, None)
                self.charger.forget(number)
        elif name == "may_start":
            self._card_answered(fields)
        elif name == "query":
            self._report_gun(self.charger.port(fields["gun"]))
        else:
            self._answer(name, fields, frame)

    def _logged_in(self, is_in: bool) -> None:
        self.is_welcome = self.charger.is_online = is_in
        self.was_refused = not is_in
        if is_in:
            self._beat_due_s = self.calendar.seconds()
            self._say("check_model", {"model": self.model})

    def _card_answered(self, fields: Fields) -> None:
        number = self._asked.pop(fields["gun"], None)
        if fields["is_authorised"]:
            self._obeying.start(fields["trade"], fields["gun"])
        if number is not None:
            code = "ok" if fields["is_authorised"] else _CARD_CODES.get(fields["reason"], "refused")
            self.charger.cards.answered(number, code)

    def _answer(self, name: str, fields: Fields, frame: Frame) -> None:
        message = DOWN[frame.kind]
        answer = self._obeying.answer(name, fields, self.calendar.seconds())
        if answer is None or message.answer is None:
            return
        if name == "set_model":
            self.model = fields["model"]
        reply = BY_NAME[_ANSWERS[message.answer]]
        echoed = {
            each.name: fields[each.name] for each in reply.layout.fields if each.name in fields
        }
        self._say(reply.name, {**echoed, **answer}, frame.sequence)


_ANSWERS = {message.kind: message.name for message in BY_NAME.values()}


@implementer(ISimulatedDialect)
class SimulatedYkc:
    """See L{ISimulatedDialect}."""

    name = NAME

    def identity(self, number: int, ports: int) -> str:
        """A pile of an operator of ours."""
        return f"3201{number:010}"

    def session(self, connecting: Connecting) -> ISession:
        """A new session."""
        return YkcSession(connecting)
