"""OCPP 1.6J, as the simulator's chargers speak it: the same tables, from the other side."""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from attrs import define, field
from zope.interface import implementer

from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import SetTime
from chargecloud.domain.errors import NotAdmitted, RemoteError
from chargecloud.domain.events import ChargeStarted, OfflineStart, StopReason
from chargecloud.simulator.charge import Charge
from chargecloud.simulator.charger import SimulatedCharger
from chargecloud.simulator.own_time import OwnTime
from chargecloud.simulator.readings import read_port, state_of
from chargecloud.simulator.speaking import Connecting, ISession, ISimulatedDialect
from chargecloud_ocpp import saying
from chargecloud_ocpp.calls import Call, Error, Id, Message, Result, Unreadable, parse, write
from chargecloud_ocpp.codes import ErrorCode
from chargecloud_ocpp.frames import Closed, Text
from chargecloud_ocpp.messages.reading import read
from chargecloud_ocpp.outstanding import Outstanding
from chargecloud_ocpp.requests import Basic
from chargecloud_ocpp.side import Refused
from chargecloud_ocpp.station import Remembered, Station, charge_key
from chargecloud_ocpp.websocket_client import ClientSide, Opened

PATH = "/ocpp"
#: before the central system has said another one
HEARTBEAT_S = 60.0
#: within which an answer comes, or none does
ANSWER_S = 15.0
_MARGIN_S = 0.005
#: of HTTP: this name or password is not let in
_NOT_LET_IN = frozenset({401, 404})

Values = Mapping[str, Any]


class Silent(RemoteError):
    """The central system has said nothing for too long, or has hung up."""

    code = "silent"


@implementer(ISession)
@define(eq=False)
class OcppSession(OwnTime):
    """See L{ISession}."""

    remembered: Remembered
    is_welcome: bool = field(default=False, init=False)
    is_leaving: bool = field(default=False, init=False)
    was_refused: bool = field(default=False, init=False)
    retry_s: int | None = field(default=None, init=False)
    _side: ClientSide = field(factory=ClientSide, init=False)
    _calls: Outstanding = field(init=False)
    _station: Station = field(init=False)
    _heartbeat_s: float = field(default=HEARTBEAT_S, init=False)
    _heartbeat_due_s: float = field(default=0.0, init=False)
    _report_due_s: int = field(default=0, init=False)
    _told: "dict[int, PortState]" = field(factory=dict, init=False)
    #: the record that is on its way, or waits for its turn
    _record: int | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._calls = Outstanding(self.calendar.seconds, answer_within_s=ANSWER_S)
        self._station = Station(self.charger, self.remembered, self.calendar.now, self._trigger)

    # ----------------------------------------------------------------------- for the link

    def open(self) -> None:
        """Ask for a connection."""
        self.charger.advance(self.calendar.now())
        basic = None
        if self.charger.keys is not None:
            key = self.charger.keys.secret(before=self.connecting.goes_back).key.hex()
            basic = Basic(self.charger.identity.encode(), key.encode())
        self._side.connect(PATH, self.charger.identity, basic)

    def receive(self, data: bytes) -> None:
        """Take bytes; see L{ISession.receive}."""
        for each in self._side.receive(data):
            match each:
                case Opened():
                    self._opened()
                case Refused(status, reason):
                    self.was_refused = status in _NOT_LET_IN
                    raise NotAdmitted(f"{status}: {reason}")
                case Closed(code, reason):
                    raise Silent(f"the central system hangs up: {code} {reason}")
                case Text(text):
                    self._hear(parse(text))

    def work(self) -> None:
        """Say what is due; see L{ISession.work}."""
        now_s = self.calendar.seconds()
        self.charger.advance(self.calendar.now())
        self._give_up()
        if self.is_welcome:
            self._tell_states()
            self._tell_records()
            self._report()
            for card in self.charger.cards.take_questions():
                self._ask("Authorize", {"idTag": card.uid}, card)
            if now_s >= self._heartbeat_due_s:
                self._heartbeat_due_s = now_s + self._heartbeat_s
                self._ask("Heartbeat", {})
        if self._side.is_open and (call := self._calls.next()) is not None:
            self._say(call)

    def close(self) -> None:
        """The connection has gone."""
        if self.is_welcome:
            self.charger.hang_up()

    def data_to_send(self) -> bytes:
        """Take what is to be sent."""
        return self._side.data_to_send()

    @property
    def idle_s(self) -> float:
        """See L{ISession.idle_s}."""
        dues = [self._calls.due_s]
        if self.is_welcome:
            dues += [self._heartbeat_due_s, *map(self._seconds_at, self._uptimes_due())]
        now_s = self.calendar.seconds()
        return max(0.0, min((each - now_s for each in dues if each is not None), default=60.0)) + (
            _MARGIN_S
        )

    # ---------------------------------------------------------------------------- parts

    def _uptimes_due(self) -> list[int]:
        charger = self.charger
        dues = [] if charger.next_end_s is None else [charger.next_end_s]
        return [*dues, self._report_due_s] if charger.memory.is_charging else dues

    def _seconds_at(self, uptime_s: int) -> float:
        return self.calendar.seconds() + self.until_s(uptime_s)

    # ----------------------------------------------------------------------------- up

    def _opened(self) -> None:
        if self.remembered.boot == self.charger.memory.boot:
            # it was not started anew: it goes on where it was
            self._go_on()
        else:
            self._boot()

    def _boot(self) -> None:
        self._ask("BootNotification", saying.boot(self.connecting.facts))

    def _go_on(self) -> None:
        self.is_welcome = self.charger.is_online = True
        self._heartbeat_due_s = self.calendar.seconds() + self._heartbeat_s

    def _ask(self, action: str, payload: Values, ticket: object = None) -> None:
        self._calls.ask(action, payload, (action, ticket))

    def _say(self, message: Message) -> None:
        self._side.send_text(write(message))

    def _tell_states(self) -> None:
        for port in self.charger.memory.ports:
            if self._told.get(port.number) is state_of(port):
                continue
            self._told[port.number] = state_of(port)
            self.charger.tells(read_port(port))
            payload = saying.status(port, self.calendar.now())
            self._ask("StatusNotification", payload, port.number)

    def _tell_records(self) -> None:
        """Starts and ends, the oldest first, each until it is answered."""
        records = self.charger.memory.records
        if self._record is None and records:
            self._record = number = next(iter(records))
            told = records[number]
            key = charge_key(told.order_id, told.offline)
            transaction = self.remembered.transactions.get(key)
            self._ask(*saying.record(told, transaction, self.instant(told.at)), number)

    def _report(self) -> None:
        uptime_s = self.charger.uptime_s
        if uptime_s < self._report_due_s:
            return
        least_s = int(self.charger.report_least_real_s * self.calendar.anchor.speed)
        interval_s = int(self.remembered.configuration["MeterValueSampleInterval"])
        self._report_due_s = uptime_s + max(interval_s, least_s)
        for port in self.charger.memory.ports:
            if port.charge is not None and port.bike is not None:
                self.charger.tells(read_port(port))
                transaction = self._station.transaction_of(port)
                self._ask("MeterValues", saying.meters(port, transaction, self.calendar.now()))

    def _trigger(self, message: str) -> bool:
        if message == "StatusNotification":
            self._told.clear()
        elif message == "MeterValues":
            self._report_due_s = 0
        elif message == "Heartbeat":
            self._heartbeat_due_s = 0.0
        elif message == "BootNotification":
            self._boot()
        elif message == "SignChargePointCertificate":
            remembered = self.remembered
            name = remembered.configuration["CpoName"]
            csr = remembered.certificate.request(self.charger.identity, name)
            self._ask("SignCertificate", {"csr": csr})
        else:
            return False
        return True

    # ------------------------------------------------------------------------------ down

    def _give_up(self) -> None:
        for asked in self._calls.expire():
            action, ticket = _ticket(asked.ticket)
            if action in ("BootNotification", "Heartbeat"):
                raise Silent(f"the central system does not answer a {action}")
            if action == "StatusNotification":
                self._told.pop(ticket, None)
            elif action in ("StartTransaction", "StopTransaction"):
                self._record = None

    def _hear(self, message: Message | Unreadable) -> None:
        if isinstance(message, Call):
            self._obey(message)
            return
        asked = self._calls.answered(message)
        if asked is None:
            return
        action, ticket = _ticket(asked.ticket)
        values: Values = {}
        if isinstance(message, Result):
            values = read(action, True, message.payload).values
        if (take := _ANSWERED.get(action)) is not None:
            take(self, values, ticket)

    def _obey(self, call: Call) -> None:
        found = read(call.action, False, call.payload)
        if found.error is not None:
            self._refuse(call.id, found.error)
            return
        answer = self._station.answer(call.action, found.values)
        if isinstance(answer, ErrorCode):
            self._refuse(call.id, answer)
        else:
            self._say(Result(call.id, answer))

    def _refuse(self, call: Id, code: ErrorCode) -> None:
        self._say(Error(call, code))

    def _booted(self, values: Values, _ticket: Any) -> None:
        if values.get("status") != "Accepted":
            self.retry_s, self.is_leaving = values.get("interval"), True
            return
        self._heartbeat_s = float(values.get("interval") or HEARTBEAT_S)
        self.remembered.boot = self.charger.memory.boot
        self._timed(values, None)
        self._go_on()

    def _timed(self, values: Values, _ticket: Any) -> None:
        if (now := values.get("currentTime")) is not None:
            self._station.obey(SetTime(int(now.timestamp())))

    def _kept(self, values: Values, number: int) -> None:
        self._record = None
        record = self.charger.memory.records.get(number)
        if record is None or not values:
            # an error is no answer: it is said again
            return
        key = charge_key(record.order_id, record.offline)
        if isinstance(record, ChargeStarted):
            self.remembered.transactions[key] = values["transactionId"]
        else:
            self.remembered.transactions.pop(key, None)
        self.charger.forget(number)

    def _authorized(self, values: Values, card: Any) -> None:
        """A card that may charge begins a charge, or ends the one that it has begun."""
        is_good = values.get("idTagInfo", {}).get("status") == "Accepted"
        charger, port = self.charger, self.charger.port(card.port)
        charger.cards.answered(card.number, "ok" if is_good else "unknown-card")
        if not is_good or port.bike is None:
            return
        if port.charge is None:
            offline = OfflineStart(charger.memory.next_record, card.uid)
            charger.begin(port, Charge.begun_offline(offline, port.meter_mwh))
        elif port.charge.offline is not None and port.charge.offline.card_uid == card.uid:
            charger.end(port, StopReason.USER)


_ANSWERED: Mapping[str, Callable[[OcppSession, Values, Any], None]] = {
    "Authorize": OcppSession._authorized,
    "BootNotification": OcppSession._booted,
    "Heartbeat": OcppSession._timed,
    "StartTransaction": OcppSession._kept,
    "StopTransaction": OcppSession._kept,
}


def _ticket(ticket: Any) -> tuple[str, Any]:
    action, mark = ticket
    return action, mark


@implementer(ISimulatedDialect)
@define(eq=False)
class SimulatedOcpp:
    """See L{ISimulatedDialect}."""

    name = "ocpp"
    _remembered: "WeakKeyDictionary[SimulatedCharger, Remembered]" = field(
        factory=WeakKeyDictionary, init=False
    )

    def identity(self, number: int, ports: int) -> str:
        """A name as people give them."""
        return f"CP-{number:04}"

    def session(self, connecting: Connecting) -> ISession:
        """A new session."""
        remembered = self._remembered.setdefault(connecting.charger, Remembered())
        return OcppSession(connecting, remembered)
