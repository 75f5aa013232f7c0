"""The same hour in DNY (AP3000) and in OCPP-J 1.6, as their devices and servers say it.

Neither is padded: fields that their documents let a device leave out and that carry none of
the values are left out.  DNY has no power of ten finer than 0.01 kWh for energy, and says no
power factor; OCPP says all.
"""

import json
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bench.wire_count import Traffic
from bench.wire_script import BEGIN_UNIX_S, PORTS, Reading

# -------------------------------------------------------------------------------- DNY, AP3000

#: a ten-port box: class 05, number 13544000
BOX = 0x05CEAA40
LINK = b"link"
#: seconds between heartbeats (command 0x21), as devices are delivered
DNY_HEARTBEAT_S = 180


def dny_frame(message: int, command: int, data: bytes) -> bytes:
    """Header, length of what follows it, physical id, message, command, data, sum of all."""
    frame = struct.pack("<3sHIHB", b"DNY", 9 + len(data), BOX, message & 0xFFFF, command) + data
    return frame + struct.pack("<H", sum(frame) & 0xFFFF)


def dny_power_heartbeat(minute: int, reading: Reading) -> bytes:
    """Command 0x06 of one port, up to the port's temperature; 41 bytes of data."""
    power_dw, energy_cwh = reading.power_dw, minute * reading.power_dw // 60_000
    order = b"2026112600000000"
    return dny_frame(
        0x0100 + minute,
        0x06,
        struct.pack(
            "<BBHHBHHHH16sHHHHBB",
            reading.port - 1,
            1,
            minute * 60,
            energy_cwh,
            1,
            power_dw,
            power_dw,
            power_dw,
            power_dw,
            order,
            0,
            power_dw,
            reading.voltage_dv,
            reading.current_ma,
            25 + 65,
            reading.temperature_dc // 10 + 65,
        ),
    )


def dny_hour(minutes: Sequence[Sequence[Reading]]) -> Traffic:
    """A box connects, registers, asks the time, and charges for an hour."""
    traffic = Traffic()
    traffic.connect()
    traffic.exchange(("up", b"898604D9162390488297"))
    register = struct.pack("<HBBBB", 100, PORTS, 0, 5, 2)
    traffic.exchange(("up", dny_frame(1, 0x20, register)), ("down", dny_frame(1, 0x20, b"\0")))
    now = struct.pack("<I", BEGIN_UNIX_S)
    traffic.exchange(("up", dny_frame(2, 0x22, b"")), ("down", dny_frame(2, 0x22, now)))
    for minute, readings in enumerate(minutes):
        traffic.exchange(*(("up", dny_power_heartbeat(minute, each)) for each in readings))
        if minute * 60 % DNY_HEARTBEAT_S == 0:
            charging = {each.port for each in readings}
            status = bytes(port in charging for port in range(1, PORTS + 1))
            beat = struct.pack("<HB", readings[0].voltage_dv, PORTS) + status + bytes((20, 90))
            answer = dny_frame(minute, 0x21, b"\0")
            traffic.exchange(("up", dny_frame(minute, 0x21, beat)), ("down", answer))
        # nothing has been said for half a minute
        traffic.exchange(("up", LINK))
    return traffic


# -------------------------------------------------------------------------------- OCPP-J 1.6

#: seconds between heartbeats, as most central systems set it
OCPP_HEARTBEAT_S = 300
UPGRADE = (
    b"GET /ocpp/EB-20260001234 HTTP/1.1\r\nHost: charge.example.com\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


def websocket(message: Any, *, is_masked: bool) -> bytes:
    """A text message in one frame (RFC 6455, section 5.2)."""
    text = json.dumps(message, separators=(",", ":")).encode()
    length = bytes((len(text),)) if len(text) < 126 else b"\x7e" + struct.pack(">H", len(text))
    return b"\x81" + length + bytes(4 if is_masked else 0) + text


class OcppBox:
    """A charge point that says what it has to in calls; each is answered."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._calls = 0

    def call(self, action: str, payload: Any, answer: Any) -> None:
        """A call and its result.  Its id is a UUID, as those who implement it make them."""
        self._calls += 1
        name = str(UUID(int=self._calls, version=4))
        self.traffic.exchange(
            ("up", websocket([2, name, action, payload], is_masked=True)),
            ("down", websocket([3, name, answer], is_masked=False)),
        )


def _timestamp(minute: int) -> str:
    return datetime.fromtimestamp(BEGIN_UNIX_S + minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ocpp_meter_values(minute: int, reading: Reading) -> dict[str, Any]:
    """MeterValues.req; what has its default (context, format, location) is left out."""
    sampled = [
        {"value": f"{reading.meter_mwh / 1000:.3f}", "measurand": "Energy.Active.Import.Register"},
        {"value": f"{reading.power_dw / 10:.1f}", "measurand": "Power.Active.Import", "unit": "W"},
        {"value": f"{reading.voltage_dv / 10:.1f}", "measurand": "Voltage", "unit": "V"},
        {"value": f"{reading.current_ma / 1000:.3f}", "measurand": "Current.Import", "unit": "A"},
        {
            "value": f"{reading.temperature_dc / 10:.1f}",
            "measurand": "Temperature",
            "unit": "Celsius",
        },
    ]
    return {
        "connectorId": reading.port,
        "transactionId": 1_000_000 + reading.port,
        "meterValue": [{"timestamp": _timestamp(minute), "sampledValue": sampled}],
    }


def ocpp_hour(minutes: Sequence[Sequence[Reading]]) -> Traffic:
    """A box connects, boots, tells its connectors, and charges for an hour."""
    box = OcppBox()
    box.traffic.connect()
    box.traffic.exchange(("up", UPGRADE), ("down", UPGRADED))
    boot = {
        "chargePointVendor": "Example",
        "chargePointModel": "B2",
        "firmwareVersion": "1.4.2",
        "iccid": "89860012345678901234",
        "imsi": "460001234567890",
    }
    accepted = {"status": "Accepted", "currentTime": _timestamp(0), "interval": OCPP_HEARTBEAT_S}
    box.call("BootNotification", boot, accepted)
    charging = {each.port for each in minutes[0]}
    for port in range(PORTS + 1):
        status = "Charging" if port in charging else "Available"
        told = {"connectorId": port, "errorCode": "NoError", "status": status}
        box.call("StatusNotification", told, {})
    for minute, readings in enumerate(minutes):
        for each in readings:
            box.call("MeterValues", ocpp_meter_values(minute, each), {})
        if minute * 60 % OCPP_HEARTBEAT_S == 0:
            box.call("Heartbeat", {}, {"currentTime": _timestamp(minute)})
    return box.traffic
