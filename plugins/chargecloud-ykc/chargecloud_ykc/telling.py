"""What a simulated pile says of its guns and its charges, as the values of messages."""

from datetime import datetime, timedelta

from chargecloud.dialects.layouts import Fields
from chargecloud.domain.charger import PortState
from chargecloud.domain.events import ChargeEnded, StopReason
from chargecloud.simulator.memory import Port
from chargecloud.simulator.readings import read_port, state_of
from chargecloud_ykc.codes import (
    BY_APP,
    CHARGING,
    FAULTY,
    IDLE,
    NOT_KNOWN,
    OFFLINE_CARD,
    STOP_REASONS,
)
from chargecloud_ykc.facts import MWH_PER_UNIT, ZERO_C
from chargecloud_ykc.messages import PERIODS
from chargecloud_ykc.trades import NO_TRADE, write_trade

_CARD_BYTES = 8
_AMBIENT_DC = 250
_STATES = {PortState.FAULT: FAULTY, PortState.CHARGING: CHARGING}
_REASONS = {
    **{reason: number for number, reason in reversed([*STOP_REASONS.items()])},
    StopReason.REMOTE: 0x40,
}


def card(uid: str | None) -> bytes:
    """A card's number as it is on the wire: the last 16 of its digits, if it is digits."""
    try:
        told = bytes.fromhex((uid or "").rjust(2 * _CARD_BYTES, "0")[-2 * _CARD_BYTES :])
    except ValueError:
        told = b""
    return told.rjust(_CARD_BYTES, b"\0")


def own_trade(pile: str, gun: int, number: int) -> str:
    """Of a charge that a pile began by itself."""
    return f"{pile}{gun:02}{number:016}"


def reading(pile: str, port: Port) -> Fields:
    """What a gun measures (0x13)."""
    measured, charge = read_port(port), port.charge
    drawn_mwh = 0 if charge is None else port.meter_mwh - charge.start_meter_mwh
    trade = NO_TRADE
    if charge is not None and charge.order_id is not None:
        trade = write_trade(charge.order_id)
    elif charge is not None and charge.offline is not None:
        trade = own_trade(pile, port.number, charge.offline.number)
    return {
        "trade": trade,
        "gun": port.number,
        "state": _STATES.get(state_of(port), IDLE),
        "is_homed": int(port.bike is None),
        "is_plugged": int(port.bike is not None),
        "voltage_dv": measured.voltage_dv or 0,
        "current_da": min(0xFFFF, (measured.current_ma or 0) // 100),
        "cable_temperature": ZERO_C + max(0, (measured.temperature_dc or _AMBIENT_DC) // 10),
        "cable_code": bytes(8),
        "charged_percent": 0,
        "battery_temperature": 0,
        "minutes": 0 if charge is None else min(0xFFFF, charge.charged_s // 60),
        "minutes_left": 0,
        "energy_e4": drawn_mwh // MWH_PER_UNIT,
        "loss_energy_e4": drawn_mwh // MWH_PER_UNIT,
        "money_e4": 0,
        "faults": 0,
    }


def record(pile: str, ended: ChargeEnded, at: datetime) -> Fields:
    """
    The end of a charge (0x3B).

    @param at: when it was.
    """
    offline = ended.offline
    if ended.order_id is not None:
        trade = write_trade(ended.order_id)
    else:
        trade = own_trade(pile, ended.port, offline.number if offline else 0)
    start_e4 = (ended.start_meter_mwh or 0) // MWH_PER_UNIT
    energy_e4 = ((ended.end_meter_mwh or 0) - (ended.start_meter_mwh or 0)) // MWH_PER_UNIT
    splits = {
        f"{period}_{part}": energy_e4 if period == PERIODS[-1] and "energy" in part else 0
        for period in PERIODS
        for part in ("price_e5", "energy_e4", "loss_energy_e4", "money_e4")
    }
    return {
        "trade": trade,
        "gun": ended.port,
        "started": at - timedelta(seconds=ended.duration_s or 0),
        "ended": at,
        **splits,
        "start_meter_e4": start_e4,
        "end_meter_e4": start_e4 + energy_e4,
        "energy_e4": energy_e4,
        "loss_energy_e4": energy_e4,
        "money_e4": 0,
        "vin": "",
        "begun_by": BY_APP if offline is None else OFFLINE_CARD,
        "traded": at,
        "reason": _REASONS.get(ended.reason, NOT_KNOWN),
        "card": card(offline.card_uid if offline is not None else None),
    }
