"""Chargers' ends of connections: who they are, and frames that are made before the clock starts.

Each kind is a class with the same: it logs in when it is made, C{make} adds frames to those that it
has, C{next_frame} takes one, and what begins with C{GOOD} is a good answer.
"""

import base64
import socket
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

from bench.served import Registered
from bench.wire_script import Bike
from chargecloud.dialects.native.charger import NativeCharger
from chargecloud.dialects.native.deltas import Baseline
from chargecloud.dialects.native.facts import report_fields
from chargecloud.dialects.native.received import Welcomed
from chargecloud.dialects.native.up import DELTA, REPORT
from chargecloud.domain.charger import ChargerTime, PortState, Secret
from chargecloud.domain.events import PortReading, PortsReported
from chargecloud_dny import frames as dny
from chargecloud_dny.messages import UP as DNY_UP
from chargecloud_ykc import frames as ykc
from chargecloud_ykc.messages import BY_NAME as YKC_UP

#: reports that are put together once; every charger tells them, in turn
REPORTS = 500
READ_BYTES = 65_536


class Line:
    """A connection."""

    #: whatever a charger is told
    GOOD = b""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        # one address has too few ports for a city
        self.socket = socket.create_connection(("127.0.0.1", port), source_address=(host, 0))
        self.socket.settimeout(30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.frames: deque[bytes] = deque()
        self.next_frame: Callable[[], bytes] = self.frames.popleft

    def ask(self, data: bytes) -> bytes:
        """Say something; what comes back."""
        self.socket.sendall(data)
        return self.socket.recv(READ_BYTES)


class EchoLine(Line):
    """Of nobody."""

    SIZE = 11

    def make(self, count: int) -> None:
        """As long as a heartbeat, both ways."""
        self.frames += [bytes(self.SIZE)] * (count - len(self.frames))


class NativeLine(Line):
    """Of a charger that speaks the native protocol."""

    #: of the charger, which is never the same again
    BOOTS = iter(range(1, 2**32))

    def __init__(self, port: int, who: Registered, host: str = "127.0.0.1") -> None:
        super().__init__(port, host)
        boot = next(self.BOOTS)
        self.charger = NativeCharger(who.identity, Secret(who.key, 1), boot=boot, connection=0)
        self.charger.hello(uptime_s=1)
        data = self.ask(self.charger.data_to_send())
        while not any(isinstance(each, Welcomed) for each in self.charger.receive(data)):
            data = self.socket.recv(READ_BYTES)
        # who is known from before has no LOGIN to send
        self.socket.sendall(self.charger.data_to_send())
        self.charger.heartbeat()
        self.charger.receive(self.ask(self.charger.data_to_send()))

    def make(self, count: int) -> None:
        """Heartbeats."""
        seal = self.charger._open_seal()
        self.frames += [seal.frame(b"\x01") for _ in range(count - len(self.frames))]


class ReportLine(NativeLine):
    """Of a charger that tells of four ports, each time in full."""

    IN_FULL = True
    _told = 0

    def make(self, count: int) -> None:
        """Reports."""
        seal, messages = self.charger._open_seal(), reports(in_full=self.IN_FULL)
        for _ in range(count - len(self.frames)):
            self.frames.append(seal.frame(messages[self._told % REPORTS]))
            self._told += 1


class DeltaLine(ReportLine):
    """The same, as differences where it can be, as firmware does."""

    IN_FULL = False


@cache
def reports(*, in_full: bool) -> list[bytes]:
    """Messages of a charger with four bikes that draw a little less each time."""
    baseline, messages = Baseline(), []
    bikes = [Bike(port, seed=port) for port in (1, 2, 3, 4)]
    for number in range(REPORTS):
        minutes = [bike.minute() for bike in bikes]
        readings = tuple(
            PortReading(
                each.port,
                PortState.CHARGING,
                each.power_dw,
                each.meter_mwh,
                each.voltage_dv,
                each.current_ma,
                each.temperature_dc,
            )
            for each in minutes
        )
        report = PortsReported(ChargerTime(1, 60 * (number + 1)), readings)
        fields = report_fields(report)
        # the first is told again when all have been
        delta = None if in_full or number == 0 else baseline.difference(fields)
        if delta is None:
            baseline.keep(fields)
        messages.append(REPORT.write(fields) if delta is None else DELTA.write(delta))
    return messages


class DnyLine(Line):
    """Of a two-port box that speaks DNY."""

    def __init__(self, port: int, who: Registered) -> None:
        super().__init__(port)
        self._device, self._number = int(who.identity, 16), 0
        self.ask(
            self._frame("register", firmware=126, ports=2, virtual_id=1, device_type=4, work_mode=0)
        )

    def _frame(self, name: str, **fields: Any) -> bytes:
        message = next(each for each in DNY_UP.values() if each.name == name)
        self._number = self._number % 0xFFFF + 1
        data = message.layout.write(fields)
        return dny.Frame(self._device, self._number, message.command, data).write()

    def make(self, count: int) -> None:
        """Heartbeats."""
        told = {"voltage_dv": 2300, "ports": 2, "states": (0, 0), "signal": 20, "temperature": 90}
        for _ in range(count - len(self.frames)):
            self.frames.append(self._frame("heartbeat", **told))


class YkcLine(Line):
    """Of a pile with one gun that speaks YKC."""

    def __init__(self, port: int, who: Registered) -> None:
        super().__init__(port)
        self._pile, self._number = who.identity, 0
        login = {"pile_type": 0, "guns": 1, "version": 15, "program": "V4.1.50", "network": 0}
        self.ask(self._frame("login", **login, sim="898604D11722D0348606", operator=0))

    def _frame(self, name: str, **fields: Any) -> bytes:
        message = YKC_UP[name]
        self._number = (self._number + 1) & 0xFFFF
        body = message.layout.write({"pile": self._pile, **fields})
        return ykc.Frame(message.kind, body, self._number.to_bytes(2, "big")).write()

    def make(self, count: int) -> None:
        """Heartbeats."""
        for _ in range(count - len(self.frames)):
            self.frames.append(self._frame("heartbeat", gun=1, status=0))


class OcppLine(Line):
    """Of a charge point that speaks OCPP 1.6J, to the platform or to another central system."""

    def __init__(self, port: int, who: Registered) -> None:
        super().__init__(port)
        password = base64.b64encode(who.identity.encode() + b":" + who.key.hex().encode())
        self.ask(
            b"GET /ocpp/%b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Version: 13\r\n"
            b"Authorization: Basic %b\r\n\r\n" % (who.identity.encode(), password)
        )
        boot = b'[2,"0","BootNotification",{"chargePointVendor":"E","chargePointModel":"B2"}]'
        self.ask(masked(boot))
        self._calls = 0

    def make(self, count: int) -> None:
        """Heartbeats."""
        for _ in range(count - len(self.frames)):
            self._calls += 1
            self.frames.append(masked(b'[2,"%x","Heartbeat",{}]' % self._calls))


def masked(payload: bytes) -> bytes:
    """A text in one frame of a client (RFC 6455, section 5.2)."""
    mask = b"\x37\xfa\x21\x3d"
    data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes((0x81, 0x80 | len(payload))) + mask + data
