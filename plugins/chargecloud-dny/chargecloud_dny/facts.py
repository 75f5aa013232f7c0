"""What devices say, as the platform's facts.

A device counts each charge's energy from zero (L{IDialect.counts_anew}), ports from zero, and
has a clock that begins in 1970: what it says of times is taken where the year can be.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

from chargecloud.dialects.layouts import Fields, plain
from chargecloud.domain.charger import ChargerTime, PortState, Told, WallTime
from chargecloud.domain.events import (
    BoxReading,
    CardPresented,
    ChargeEnded,
    ChargerEvent,
    ChargeStarted,
    ClockTold,
    HazardTold,
    LoggedIn,
    OfflineStart,
    ParametersTold,
    PortReading,
    PortsReported,
    StopReason,
    TimeAsked,
    VendorEvent,
)
from chargecloud.domain.hazards import SafetyAction
from chargecloud.domain.parameters import Parameter
from chargecloud_dny.codes import (
    ALARMS,
    OFFLINE_CARD,
    OFFLINE_CODE,
    PORT_STATES,
    POWER_STATES,
    STOP_REASONS,
)
from chargecloud_dny.identities import HOSTS
from chargecloud_dny.messages import Message
from chargecloud_dny.orders import MWH_PER_UNIT, read_order

#: of a temperature's byte: degrees are so much above it
ZERO_C = 65


def _temperature_dc(byte: int | None) -> int | None:
    """Tenths of a degree; zero is no sensor."""
    return None if not byte else (byte - ZERO_C) * 10


def _when(fields: Fields) -> Told:
    told = fields.get("unix_s")
    return WallTime(datetime.fromtimestamp(told, UTC)) if told else None


def _uid(card: bytes) -> str:
    """As people read it on the card: the highest byte first."""
    return card[::-1].hex().upper()


def hardware_of(device: int, fields: Fields) -> str:
    """What firmware a device takes: by which transfer, and its class.  Old devices, which take the
    old one, are known by their heartbeat."""
    is_host = device >> 24 in HOSTS
    is_old = "most_powers_dw" in fields
    transfer = ("F9" if is_old else "FA") if is_host else ("F8" if is_old else "E0")
    return f"{transfer}-{device >> 24:02X}"


def login(device: int, fields: Fields, iccid: str | None) -> LoggedIn:
    """Who connects, as far as its first message tells.  DNY counts no starts."""
    firmware = fields.get("firmware")
    return LoggedIn(
        boot=0,
        uptime_s=0,
        port_count=fields.get("ports"),
        firmware=None if firmware is None else f"V{firmware // 100}.{firmware % 100:02}",
        hardware=hardware_of(device, fields),
        iccid=fields.get("iccid") or iccid,
        imei=fields.get("imei") or None,
    )


def card_number(fields: Fields, number: int, welcomed_s: int) -> int:
    """
    A card's number of its own, the same when the device asks again: DNY has only the
    message's, which begins anew with each start.
    """
    since = fields.get("unix_s") or welcomed_s
    told = f"{number}-{fields['card'].hex()}-{since}".encode()
    return int.from_bytes(sha256(told).digest()[:7], "big")


def card(fields: Fields, number: int, welcomed_s: int) -> CardPresented:
    """A card at a reader (0x02).  Of a social-security card the number is in the extra field."""
    extra = bytes(fields.get("extra", ())).decode("ascii", "ignore").strip("\0 ")
    return CardPresented(
        card_uid=extra if fields["card_type"] == _SOCIAL_CARD and extra else _uid(fields["card"]),
        port=fields["port"] + 1,
        number=card_number(fields, number, welcomed_s),
        at=ChargerTime(0, 0),
    )


_SOCIAL_CARD = 4


def offline_start(fields: Fields) -> OfflineStart:
    """How a device has begun a charge by itself."""
    mode = fields["start_mode"]
    told = bytes((mode, fields["port"])) + fields["order"]
    code = int.from_bytes(fields["card"], "little")
    return OfflineStart(
        number=int.from_bytes(sha256(told).digest()[:7], "big"),
        card_uid=_uid(fields["card"]) if mode == OFFLINE_CARD else None,
        code=f"{code:06}" if mode == OFFLINE_CODE else None,
    )


def settlement(fields: Fields) -> ChargeEnded:
    """The end of a charge (0x03); the port's register began at zero."""
    order_id = read_order(fields["order"], fields["start_mode"])
    return ChargeEnded(
        order_id=order_id,
        port=fields["port"] + 1,
        start_meter_mwh=0,
        end_meter_mwh=fields["energy_10wh"] * MWH_PER_UNIT,
        duration_s=fields["duration_s"],
        reason=STOP_REASONS.get(fields["reason"], StopReason.UNKNOWN),
        at=_when(fields),
        offline=None if order_id is not None else offline_start(fields),
    )


def _started(fields: Fields) -> ChargerEvent:
    """Old devices tell of a start (0x04), perhaps before they answer the order for it."""
    order_id = read_order(fields["order"], fields["start_mode"])
    offline = None if order_id is not None else offline_start(fields)
    return ChargeStarted(order_id, fields["port"] + 1, 0, None, offline)


def _power(fields: Fields) -> ChargerEvent | None:
    state = POWER_STATES.get(fields["state"])
    if state is None:
        return None
    reading = PortReading(
        fields["port"] + 1,
        state,
        power_dw=fields["power_dw"],
        meter_mwh=fields["energy_10wh"] * MWH_PER_UNIT,
        voltage_dv=fields.get("voltage_dv") or None,
        current_ma=fields.get("current_ma"),
        temperature_dc=_temperature_dc(fields.get("temperature")),
        order_id=read_order(fields["order"], fields["start_mode"]),
    )
    box = BoxReading(temperature_dc=_temperature_dc(fields.get("ambient")))
    return PortsReported(None, (reading,), box)


def _heartbeat(fields: Fields) -> ChargerEvent:
    powers = fields.get("powers_dw", (None,) * len(fields["states"]))
    readings = [
        PortReading(
            number,
            PORT_STATES.get(state, PortState.UNKNOWN),
            power_dw=power,
            voltage_dv=fields["voltage_dv"] or None,
        )
        for number, (state, power) in enumerate(zip(fields["states"], powers, strict=True), 1)
    ]
    box = BoxReading(temperature_dc=_temperature_dc(fields.get("temperature")))
    return PortsReported(None, tuple(readings), box)


def _host(fields: Fields) -> ChargerEvent:
    leakage_ma = fields.get("leakage_ma")
    box = BoxReading(
        temperature_dc=_temperature_dc(fields["temperature"]),
        leakage_ua=None if leakage_ma is None else leakage_ma * 1_000,
        smoke=bool(fields["smoke"]),
    )
    return PortsReported(None, (), box)


def _alarm(fields: Fields) -> ChargerEvent | None:
    hazard = ALARMS.get(fields["kind"])
    if hazard is None:
        return None
    # what is dangerous is about all of the box, whatever the sensor's address
    return HazardTold(hazard, SafetyAction.NONE, None, is_over=not fields["trigger"])


_TAKE: Mapping[str, Callable[[Fields], ChargerEvent | None]] = {
    "old_heartbeat": _heartbeat,
    "heartbeat": _heartbeat,
    "power": _power,
    "settlement": settlement,
    "started": _started,
    "host_status": _host,
    "alarm": _alarm,
    "asks_time": lambda _fields: TimeAsked(),
    "host_asks_time": lambda _fields: TimeAsked(),
}


def fact(message: Message, fields: Fields) -> ChargerEvent:
    """What a device's message tells; what only DNY has is a L{VendorEvent}."""
    take = _TAKE.get(message.name)
    told = None if take is None else take(fields)
    return told or VendorEvent("dny", message.name, plain(fields))


#: messages that say what a device's clock shows as they are sent
_SHOW_CLOCK = frozenset({"power", "host_heartbeat"})


def clock(message: Message, fields: Fields) -> ClockTold | None:
    """What a device's clock shows, where it is told."""
    at = _when(fields) if message.name in _SHOW_CLOCK else None
    return None if at is None else ClockTold(at)


def parameters(fields: Fields) -> ParametersTold:
    """What is set (0x92)."""
    return ParametersTold({Parameter.MOST_CHARGE_S: fields["most_s"]})


def answered_start(order_id: int, port: int) -> ChargeStarted:
    """A device that has closed its relay says so by its answer, and in no other way."""
    return ChargeStarted(order_id, port, 0, None)
