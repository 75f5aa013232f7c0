"""What piles say, as the platform's facts.

A gun's energy is told from zero with each charge (L{IDialect.counts_anew}); its register over
all charges is in the record of their end, and stays there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

from chargecloud.dialects.layouts import Fields, plain
from chargecloud.domain.charger import ChargerTime, PortState, WallTime
from chargecloud.domain.events import (
    CardPresented,
    ChargeEnded,
    HazardTold,
    LoggedIn,
    OfflineStart,
    PortReading,
    VendorEvent,
)
from chargecloud.domain.hazards import SafetyAction
from chargecloud_ykc.codes import (
    BY_VIN,
    FAULTS,
    GUN_STATES,
    HAZARDS,
    IDLE,
    OFFLINE_CARD,
    ONLINE_CARD,
    PILE_TYPES,
    stop_reason,
)
from chargecloud_ykc.messages import PERIODS
from chargecloud_ykc.trades import number_of, read_order

NAME = "ykc"
#: of 0.0001 kWh
MWH_PER_UNIT = 100
#: of a temperature's byte: degrees are so much above it
ZERO_C = 50
#: four parts that are rounded each may differ from their sum by so much
_ROUNDING = 4


def login(fields: Fields) -> LoggedIn:
    """Who connects (0x01).  YKC counts no starts."""
    version, sim = fields["version"], fields["sim"].strip("0")
    return LoggedIn(
        boot=0,
        uptime_s=0,
        port_count=fields["guns"],
        firmware=fields["program"] or None,
        hardware=f"{PILE_TYPES.get(fields['pile_type'], '?')} V{version // 10}.{version % 10}",
        iccid=fields["sim"] if sim else None,
    )


def _temperature_dc(byte: int) -> int | None:
    """Tenths of a degree; zero is no sensor."""
    return (byte - ZERO_C) * 10 if byte else None


def reading(fields: Fields) -> PortReading:
    """What a gun measures (0x13)."""
    state = GUN_STATES.get(fields["state"], PortState.UNKNOWN)
    if fields["state"] == IDLE and fields["is_plugged"] == 1:
        state = PortState.PLUGGED
    return PortReading(
        fields["gun"],
        state,
        power_dw=fields["voltage_dv"] * fields["current_da"] // 10,
        meter_mwh=fields["energy_e4"] * MWH_PER_UNIT,
        voltage_dv=fields["voltage_dv"] or None,
        current_ma=fields["current_da"] * 100,
        temperature_dc=_temperature_dc(fields["cable_temperature"]),
        # an idle gun may still name the charge before
        order_id=None if fields["state"] == IDLE else read_order(fields["trade"], fields["pile"]),
    )


def hazards(gun: int, before: int, now: int, unix_s: int) -> Iterator[HazardTold | VendorEvent]:
    """What has become of a gun's faults since its last reading: those that are dangerous, and
    the word of all of them.

    @param unix_s: Unix time.
    """
    at = WallTime(datetime.fromtimestamp(unix_s, UTC))
    for bit, name in enumerate(FAULTS):
        was, is_so = before >> bit & 1, now >> bit & 1
        if was != is_so and name in HAZARDS:
            action = SafetyAction.NONE
            yield HazardTold(HAZARDS[name], action, at, gun, is_over=not is_so)
    if before != now:
        names = [name for bit, name in enumerate(FAULTS) if now >> bit & 1]
        yield VendorEvent(NAME, "faults", {"port": gun, "faults": names})


def card(fields: Fields, sequence: bytes, turn: str) -> CardPresented:
    """
    Somebody wants to charge (0x31, 0xA1): with a card, or a car whose VIN stands for one.

    @param turn: what the question belongs to.  The same question within it is the same one, sent
        again; behind it, as sequences repeat, it is another.
    """
    vin = fields["vin"].strip(b"\0")[::-1].decode("ascii", "replace")
    uid = vin if fields["mode"] == BY_VIN else fields["card"].hex().upper()
    told = f"{sequence.hex()}-{fields['gun']}-{uid}-{turn}".encode()
    return CardPresented(
        card_uid=uid,
        port=fields["gun"],
        number=int.from_bytes(sha256(told).digest()[:7], "big"),
        at=ChargerTime(0, 0),
    )


def record(fields: Fields) -> ChargeEnded:
    """The end of a charge (0x3B)."""
    order_id = read_order(fields["trade"], fields["pile"])
    started, ended = fields["started"], fields["ended"]
    is_timed = started is not None and ended is not None and ended >= started
    return ChargeEnded(
        order_id=order_id,
        port=fields["gun"],
        start_meter_mwh=0,
        end_meter_mwh=fields["energy_e4"] * MWH_PER_UNIT,
        duration_s=int((ended - started).total_seconds()) if is_timed else None,
        reason=stop_reason(fields["reason"]),
        at=None if ended is None else WallTime(ended),
        offline=None if order_id is not None else _offline(fields),
        amount_e5=_amount_e5(fields),
    )


def _amount_e5(fields: Fields) -> int | None:
    """What the pile has billed, in 1e-5 yuan; without any price it knows of none."""
    if not any(fields[f"{period}_price_e5"] for period in PERIODS):
        return None
    return int(fields["money_e4"]) * 10


def _offline(fields: Fields) -> OfflineStart:
    has_card = fields["begun_by"] in (ONLINE_CARD, OFFLINE_CARD) and any(fields["card"])
    return OfflineStart(
        number_of(fields["trade"]), card_uid=fields["card"].hex().upper() if has_card else None
    )


def odd_record(fields: Fields) -> VendorEvent | None:
    """A record whose parts do not make up its whole: the platform bills the whole, and somebody
    should look at the pile (protocol V1.6, 13.3(8))."""
    parts = sum(fields[f"{period}_energy_e4"] for period in PERIODS)
    if abs(parts - fields["energy_e4"]) <= _ROUNDING:
        return None
    told = {"trade": fields["trade"], "parts_e4": parts, "energy_e4": fields["energy_e4"]}
    return VendorEvent(NAME, "odd_record", told)


def vendor_event(name: str, fields: Fields) -> VendorEvent:
    """What only YKC has."""
    return VendorEvent(NAME, name, plain(fields))
