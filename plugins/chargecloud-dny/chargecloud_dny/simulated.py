"""DNY, as the simulator's chargers speak it: the same tables, from the other side.

They keep the vendor's habits: the number of the SIM first, which nobody answers; a
settlement that is repeated until it is acknowledged; two heartbeats without an answer are a
dead cloud.  Only their cards are longer than the vendor's, in the field for such.
"""

from attrs import define, field
from zope.interface import implementer

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.charger import PortState
from chargecloud.domain.commands import SetTime
from chargecloud.domain.errors import BadFrame, RemoteError
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.memory import Port
from chargecloud.simulator.own_time import OwnTime
from chargecloud.simulator.readings import read_port, state_of
from chargecloud.simulator.speaking import Connecting, ISession, ISimulatedDialect
from chargecloud_dny.codes import (
    CARD_STATUS,
    DONE,
    OFFLINE_CARD,
    ONLINE,
    PORT_STATES,
    STOP_REASONS,
)
from chargecloud_dny.facts import ZERO_C
from chargecloud_dny.frames import Frame, Stream
from chargecloud_dny.messages import DOWN, UP, Message
from chargecloud_dny.obeying import Obeying
from chargecloud_dny.orders import MWH_PER_UNIT, write_order

#: real seconds between two heartbeats (0x83 sets them)
HEARTBEAT_S = 180.0
#: and between a settlement and its next try
RESEND_S = 60.0
#: real seconds within which a heartbeat is answered
ANSWER_S = 15.0
MOST_UNANSWERED = 2
#: seconds of the calendar between two reports of a port that charges
REPORT_S = 300
SOCIAL_CARD = 4
_MARGIN_S = 0.005
#: of the classes of boxes, the smallest with so many ports
_CLASSES = ((1, 0x03), (2, 0x04), (10, 0x05), (12, 0x07), (20, 0x06))

_UP = {message.name: message for message in UP.values()}
_STATES = {state: number for number, state in reversed([*PORT_STATES.items()])}
_REASONS = {
    **{reason: number for number, reason in reversed([*STOP_REASONS.items()])},
    StopReason.REMOTE: 0x07,
}
_CARD_CODES = {status: code for code, status in reversed([*CARD_STATUS.items()])}


class Silent(RemoteError):
    """The cloud has said nothing for too long."""

    code = "silent"


@implementer(ISession)
@define(eq=False)
class DnySession(OwnTime):
    """See L{ISession}."""

    is_welcome: bool = field(default=False, init=False)
    is_leaving: bool = field(default=False, init=False)
    was_refused: bool = field(default=False, init=False)
    retry_s: int | None = field(default=None, init=False)
    _stream: Stream = field(factory=Stream, init=False)
    _sending: bytearray = field(factory=bytearray, init=False)
    _numbers: int = field(default=0, init=False)
    _heartbeat_due_s: float = field(default=0.0, init=False)
    _unanswered_since_s: float | None = field(default=None, init=False)
    _unanswered: int = field(default=0, init=False)
    _report_due_s: int = field(default=0, init=False)
    _told: "dict[int, PortState]" = field(factory=dict, init=False)
    _settled: dict[int, float] = field(factory=dict, init=False)
    _asked: dict[int, int] = field(factory=dict, init=False)
    _records: dict[int, int] = field(factory=dict, init=False)
    _obeying: Obeying = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._obeying = Obeying(self.charger, self.calendar.now)

    # ----------------------------------------------------------------------- for the link

    def open(self) -> None:
        """Say which SIM it has, what it is, and that it wants to know the time."""
        self.charger.advance(self.calendar.now())
        self._sending += (self.connecting.facts.iccid or "").encode()
        self._register()
        self._say("asks_time", {})
        self._heartbeat_due_s = self.calendar.seconds() + ANSWER_S

    def receive(self, data: bytes) -> None:
        """Take bytes; see L{ISession.receive}."""
        for found, _ in self._stream.receive(data):
            if isinstance(found, Frame) and found.device == self._device:
                self._take(found)

    def work(self) -> None:
        """Say what is due; see L{ISession.work}."""
        now_s = self.calendar.seconds()
        self.charger.advance(self.calendar.now())
        if now_s >= self._heartbeat_due_s:
            if self._unanswered >= MOST_UNANSWERED:
                raise Silent("the cloud does not answer")
            self._beat()
        if not self.is_welcome:
            return
        if any(self._told.get(p.number) is not state_of(p) for p in self.charger.memory.ports):
            self._beat()
        self._settle(now_s)
        self._report()
        for card in self.charger.cards.take_questions():
            self._asked[self._numbers + 1] = card.number
            extra = card.uid.encode()
            self._say(
                "card",
                {
                    "card": extra[-4:],
                    "card_type": SOCIAL_CARD,
                    "port": card.port - 1,
                    "balance_fen": 0,
                    "unix_s": card.uptime_s,
                    "extra_size": len(extra),
                    "extra": tuple(extra),
                },
            )

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
        dues = [self._heartbeat_due_s - now_s]
        if self.is_welcome:
            dues += [sent_s + RESEND_S - now_s for sent_s in self._settled.values()]
            dues += [self.until_s(uptime_s) for uptime_s in self._uptimes_due()]
        return max(0.0, min(dues)) + _MARGIN_S

    # ---------------------------------------------------------------------------- parts

    @property
    def _device(self) -> int:
        return int(self.charger.identity, 16)

    def _uptimes_due(self) -> list[int]:
        charger = self.charger
        dues = [] if charger.next_end_s is None else [charger.next_end_s]
        return [*dues, self._report_due_s] if charger.memory.is_charging else dues

    # ----------------------------------------------------------------------------- up

    def _say(self, name: str, fields: Fields) -> None:
        message = _UP[name]
        self._numbers = self._numbers % 0xFFFF + 1
        data = message.layout.write(fields)
        self._sending += Frame(self._device, self._numbers, message.command, data).write()

    def _register(self) -> None:
        ports = len(self.charger.memory.ports)
        self._say(
            "register",
            {
                "firmware": 142,
                "ports": ports,
                "virtual_id": 0,
                "device_type": self._device >> 24,
                "work_mode": 0,
            },
        )

    def _beat(self) -> None:
        ports = self.charger.memory.ports
        self._told = {port.number: state_of(port) for port in ports}
        self._say(
            "heartbeat",
            {
                "voltage_dv": 2_300,
                "ports": len(ports),
                "states": tuple(_STATES.get(state_of(port), 0) for port in ports),
                "signal": 20,
                "temperature": ZERO_C + 25,
            },
        )
        self._unanswered += 1
        self._heartbeat_due_s = self.calendar.seconds() + (
            ANSWER_S if self._unanswered > 1 else HEARTBEAT_S
        )

    def _report(self) -> None:
        uptime_s = self.charger.uptime_s
        if uptime_s < self._report_due_s:
            return
        least_s = int(self.charger.report_least_real_s * self.calendar.anchor.speed)
        self._report_due_s = uptime_s + max(REPORT_S, least_s)
        for port in self.charger.memory.ports:
            if port.charge is not None and port.bike is not None:
                self._report_port(port)

    def _report_port(self, port: Port) -> None:
        reading, charge = read_port(port), port.charge
        assert charge is not None
        self.charger.tells(reading)
        power_dw = min(0xFFFF, reading.power_dw or 0)
        self._say(
            "power",
            {
                "port": port.number - 1,
                "state": 1,
                "duration_s": min(0xFFFF, charge.charged_s),
                "energy_10wh": self._units(port.meter_mwh - charge.start_meter_mwh),
                "start_mode": ONLINE if charge.order_id is not None else OFFLINE_CARD,
                "power_dw": power_dw,
                "most_power_dw": power_dw,
                "least_power_dw": power_dw,
                "average_power_dw": power_dw,
                "order": write_order(charge.order_id or 0),
                "period_energy": 0,
                "peak_power_dw": power_dw,
                "voltage_dv": reading.voltage_dv or 0,
                "current_ma": min(0xFFFF, reading.current_ma or 0),
                "ambient": ZERO_C + 25,
                "temperature": ZERO_C + (reading.temperature_dc or 0) // 10,
            },
        )

    @staticmethod
    def _units(energy_mwh: int) -> int:
        return min(0xFFFF, energy_mwh // MWH_PER_UNIT)

    def _settle(self, now_s: float) -> None:
        """Tell the ends that wait; a start is told by the answer to its order."""
        for number, record in list(self.charger.memory.records.items()):
            if not isinstance(record, ChargeEnded) or record.order_id is None:
                self.charger.forget(number)
                continue
            if now_s < self._settled.get(number, -RESEND_S) + RESEND_S:
                continue
            self._settled[number] = now_s
            self._records[self._numbers + 1] = number
            drawn_mwh = (record.end_meter_mwh or 0) - (record.start_meter_mwh or 0)
            self._say(
                "settlement",
                {
                    "duration_s": min(0xFFFF, record.duration_s or 0),
                    "most_power_dw": 0,
                    "energy_10wh": self._units(drawn_mwh),
                    "port": record.port - 1,
                    "start_mode": ONLINE,
                    "card": bytes(4),
                    "reason": _REASONS.get(record.reason, 0x15),
                    "order": write_order(record.order_id),
                    "second_power_dw": 0,
                },
            )

    # ------------------------------------------------------------------------------ down

    def _take(self, frame: Frame) -> None:
        if frame.command in UP:
            self._take_answer(UP[frame.command], frame)
            return
        message = DOWN.get(frame.command)
        if message is None:
            return
        try:
            fields = message.layout.read(frame.data)
        except BadFrame:
            return
        if message.name == "query":
            self._query()
            return
        answer = self._obeying.answer(message.name, fields)
        if message.answer is not None:
            data = message.answer.write(answer)
            self._sending += Frame(self._device, frame.number, frame.command, data).write()

    def _take_answer(self, message: Message, frame: Frame) -> None:
        self._unanswered = 0
        self._heartbeat_due_s = self.calendar.seconds() + HEARTBEAT_S
        self.is_welcome = self.charger.is_online = True
        if message.name == "asks_time":
            self._obeying.obey(SetTime(int.from_bytes(frame.data, "little")))
        elif message.name == "settlement":
            number = self._records.pop(frame.number, None)
            if number is not None:
                self._settled.pop(number, None)
                self.charger.forget(number)
        elif message.name == "card" and message.answer is not None:
            asked = self._asked.pop(frame.number, None)
            status = message.answer.read(frame.data)["status"]
            # one that the cloud has let charge is asked about again the next time all the same
            if asked is not None and status != DONE:
                self.charger.cards.answered(asked, _CARD_CODES.get(status, "refused"))

    def _query(self) -> None:
        self._register()
        self._beat()


@implementer(ISimulatedDialect)
class SimulatedDny:
    """See L{ISimulatedDialect}."""

    name = "dny"

    def identity(self, number: int, ports: int) -> str:
        """A physical id of the class with so many ports."""
        kind = next(kind for most, kind in _CLASSES if ports <= most)
        return f"{kind << 24 | number:08X}"

    def session(self, connecting: Connecting) -> ISession:
        """A new session."""
        return DnySession(connecting)
