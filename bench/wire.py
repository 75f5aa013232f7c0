"""Bytes that a box costs on the wire: the own protocol beside DNY and OCPP-J 1.6.

An hour of a ten-port box is played in each: it connects, and four of its ports charge; every
port that charges is told once a minute, by the same values.  The own protocol is spoken by the
real charger's and the real cloud's side of the dialect.  Payload is what TCP carries, both
ways; "on the wire" has headers and acknowledgements (L{bench.wire_count}).

Then a campus box for a month: each day 20 charges of six hours, which is 120 port-hours, in two
turns of ten ports, at noon and at night, whose people come within an hour.  It loses its
connection once a day, and is heard from every four minutes while nobody charges.

C{python -m bench.wire}
"""

from collections.abc import Callable, Sequence

from attrs import define, field

from bench.results import keep
from bench.wire_count import Traffic
from bench.wire_peers import dny_hour, ocpp_hour
from bench.wire_script import BEGIN_UNIX_S, PORTS, Bike, Reading
from chargecloud.dialects.native.charger import Facts, NativeCharger
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.received import Ordered
from chargecloud.domain.charger import Capability, ChargerTime, PortState, Secret
from chargecloud.domain.commands import Answer, StartCharge
from chargecloud.domain.events import (
    BoxReading,
    ChargeEnded,
    ChargeStarted,
    Outcome,
    PortReading,
    PortsReported,
    Reply,
    StopReason,
)
from chargecloud.interfaces import Answered, Claimed, Credentials, Greeting, IConversation, Told

IDENTITY = "EB-20260001234"
SECRET = Secret(bytes(range(16)), 1)
FACTS = Facts(
    firmware="1.4.2",
    hardware="B2",
    iccid="89860012345678901234",
    imei="861234567890123",
    port_count=PORTS,
    capabilities=frozenset(Capability),
    build=14,
)
GREETING = Greeting(unix_s=BEGIN_UNIX_S, heartbeat_s=60, heartbeat_most_s=240)
BOX = BoxReading(signal_dbm=-71, temperature_dc=284, leakage_ua=120, smoke=False, water=False)
#: the document's "at least every hour" of a report in full
FULL_EVERY_MIN = 60
IDLE_PROMISE_MIN = 4
DAY_MIN = 24 * 60
CHARGE_MIN = 6 * 60


@define(eq=False)
class NativeBox:
    """A box and the cloud, joined by a wire on which bytes are counted."""

    traffic: Traffic = field(factory=Traffic)
    _known: bytes | None = None
    _connections: int = 0
    _records: int = 0
    _charger: NativeCharger = field(init=False)
    _cloud: IConversation = field(init=False)

    def connect(self, minute: int) -> None:
        """Connect, and log in with the facts if the cloud does not know them."""
        self.traffic.connect()
        self._charger = NativeCharger(IDENTITY, SECRET, 7, self._connections, FACTS)
        self._cloud = NativeDialect().conversation()
        self._connections += 1
        self._charger.hello(minute * 60)
        said: list[tuple[str, bytes]] = []
        self._carry(said)
        self.traffic.exchange(*said)

    def _carry(self, said: list[tuple[str, bytes]]) -> None:
        """Carry bytes both ways until nothing moves, and see to what is heard."""
        moved = True
        while moved:
            up = self._charger.data_to_send()
            said += [("up", up)] if up else []
            for heard in self._cloud.receive(up):
                if isinstance(heard, Claimed):
                    self._cloud.welcome(IDENTITY, Credentials(SECRET, self._known), GREETING)
                elif isinstance(heard, Told) and heard.ticket is not None:
                    self._cloud.acknowledge(IDENTITY, heard.ticket, Reply(Outcome.KEPT))
                assert not isinstance(heard, Answered) or heard.answer.accepted
            down = self._cloud.data_to_send()
            said += [("down", down)] if down else []
            for received in self._charger.receive(down):
                if isinstance(received, Ordered):
                    self._charger.answer(received.number, Answer(accepted=True))
            moved = bool(up or down)
        self._known = FACTS.digest

    def say(self, speak: Callable[[NativeCharger], None]) -> None:
        """The charger says something, and is answered."""
        speak(self._charger)
        said: list[tuple[str, bytes]] = []
        self._carry(said)
        self.traffic.exchange(*said)

    def start(self, port: int, minute: int) -> None:
        """A charge is ordered, begins, and is told to have begun."""
        valid_until_s = BEGIN_UNIX_S + minute * 60 + 15
        said: list[tuple[str, bytes]] = []
        self._cloud.command(
            IDENTITY, 1, StartCharge(_order(port), port, valid_until_s, until_full=True)
        )
        self._carry(said)
        self.traffic.exchange(*said)
        self._records += 1
        began = ChargeStarted(_order(port), port, 10**8, ChargerTime(7, minute * 60))
        self.say(lambda charger: charger.started(self._records, began))

    def end(self, last: Reading, minute: int) -> None:
        """A charge ends by itself."""
        self._records += 1
        at = ChargerTime(7, minute * 60)
        ended = ChargeEnded(
            _order(last.port), last.port, 10**8, last.meter_mwh, 21_600, StopReason.FULL, at
        )
        self.say(lambda charger: charger.ended(self._records, ended))

    def report(self, minute: int, readings: Sequence[Reading], *, in_full: bool) -> None:
        """The readings of the ports that charge; all ports and the box when in full."""
        told = [
            PortReading(
                port=each.port,
                state=PortState.CHARGING,
                power_dw=each.power_dw,
                meter_mwh=each.meter_mwh,
                voltage_dv=each.voltage_dv,
                current_ma=each.current_ma,
                temperature_dc=each.temperature_dc,
                order_id=_order(each.port),
            )
            for each in readings
        ]
        if in_full:
            charging = {each.port for each in readings}
            idle = [port for port in range(1, PORTS + 1) if port not in charging]
            told += [PortReading(port=port, state=PortState.IDLE) for port in idle]
        report = PortsReported(ChargerTime(7, minute * 60), tuple(told), BOX if in_full else None)
        self.say(lambda charger: charger.report(report, in_full=in_full))


def _order(port: int) -> int:
    return 0x0123456789ABCD00 + port


def native_hour(minutes: Sequence[Sequence[Reading]]) -> Traffic:
    """The hour in the own protocol."""
    box = NativeBox()
    box.connect(0)
    for minute, readings in enumerate(minutes):
        box.report(minute, readings, in_full=minute % FULL_EVERY_MIN == 0)
    return box.traffic


def native_reconnect() -> Traffic:
    """A known charger is back: HELLO, WELCOME, a heartbeat and its answer."""
    return _known_box().traffic


def _known_box() -> NativeBox:
    """A box whose facts the cloud has, connected anew."""
    box = NativeBox()
    box.connect(0)
    box.traffic = Traffic()
    box.connect(0)
    box.say(lambda charger: charger.heartbeat())
    return box


def native_day(begins: Sequence[tuple[int, int]]) -> Traffic:
    """
    A day of a campus box.

    @param begins: of each charge, the port and the minute at which it begins.
    """
    box = _known_box()
    bikes: dict[int, tuple[Bike, int]] = {}
    last: dict[int, Reading] = {}
    for minute in range(DAY_MIN):
        for port, begin in begins:
            if begin == minute:
                box.start(port, minute)
                bikes[port] = Bike(port, seed=port + minute), minute + CHARGE_MIN
        for port in [port for port, (_bike, end) in bikes.items() if end == minute]:
            del bikes[port]
            box.end(last[port], minute)
        changed = any(begin == minute or begin + CHARGE_MIN == minute for _port, begin in begins)
        if bikes:
            last |= {port: bike.minute() for port, (bike, _end) in bikes.items()}
            readings = [last[port] for port in sorted(bikes)]
            box.report(minute, readings, in_full=changed or minute % FULL_EVERY_MIN == 0)
        elif minute % IDLE_PROMISE_MIN == 0:
            box.say(lambda charger: charger.heartbeat())
    return box.traffic


#: ten people come within an hour, at noon and in the evening
CAMPUS = [(port, turn + 6 * (port - 1)) for turn in (11 * 60, 17 * 60) for port in range(1, 11)]
#: five ports charge at any time: the dearest way to spend 120 port-hours
EVENLY = [
    (port, (port - 1) % 5 * 72 + turn) for port in range(1, 6) for turn in (0, 360, 720, 1080)
]


def measure() -> dict[str, float]:
    """All figures, by their names."""
    bikes = [Bike(port, seed=port) for port in (1, 3, 4, 8)]
    minutes = [[bike.minute() for bike in bikes] for _ in range(60)]
    native, dny, ocpp = native_hour(minutes), dny_hour(minutes), ocpp_hour(minutes)
    reconnect = native_reconnect()
    return {
        "wire_native_bytes": native.payload,
        "wire_dny_bytes": dny.payload,
        "wire_ocpp_bytes": ocpp.payload,
        "wire_native_to_dny": round(native.payload / dny.payload, 4),
        "wire_native_to_ocpp": round(native.payload / ocpp.payload, 4),
        "wire_native_on_wire_bytes": native.on_wire,
        "wire_dny_on_wire_bytes": dny.on_wire,
        "wire_ocpp_on_wire_bytes": ocpp.on_wire,
        "wire_reconnect_bytes": reconnect.payload,
        "wire_reconnect_on_wire_bytes": reconnect.on_wire,
        "wire_box_month_mb": round(native_day(CAMPUS).on_wire * 30 / 1e6, 2),
        "wire_box_month_evenly_mb": round(native_day(EVENLY).on_wire * 30 / 1e6, 2),
    }


def main() -> None:
    """Count, print a table, and keep the figures."""
    keep("wire", measure())


if __name__ == "__main__":
    main()
