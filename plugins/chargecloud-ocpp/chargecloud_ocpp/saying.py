"""What a simulated charge point says, as payloads.  Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chargecloud.dialects.native.charger import Facts
from chargecloud.domain.charger import PortState
from chargecloud.domain.events import ChargeStarted, StopReason
from chargecloud.simulator.memory import Port, Record
from chargecloud.simulator.readings import read_port, state_of
from chargecloud_ocpp.facts import MWH_PER_WH, STOP_REASONS
from chargecloud_ocpp.messages.fields import moment
from chargecloud_ocpp.meters import ENERGY
from chargecloud_ocpp.numbers import order_tag

#: for a charge whose number was never heard
NO_TRANSACTION = -1

_STATUS: Mapping[PortState, str] = {
    PortState.IDLE: "Available",
    PortState.PLUGGED: "Preparing",
    PortState.CHARGING: "Charging",
    PortState.FULL: "Finishing",
    PortState.FAULT: "Faulted",
}
_REASONS = {
    **{reason: name for name, reason in reversed([*STOP_REASONS.items()])},
    StopReason.CHARGER: "Other",
}
Values = Mapping[str, Any]


def boot(facts: Facts) -> Values:
    """BootNotification."""
    payload = {
        "chargePointVendor": "ChargeCloud",
        "chargePointModel": facts.hardware or "simulator",
        "firmwareVersion": facts.firmware,
        "iccid": facts.iccid,
    }
    return {name: value for name, value in payload.items() if value}


def status(port: Port, now: datetime) -> Values:
    """StatusNotification."""
    state = state_of(port)
    return {
        "connectorId": port.number,
        "errorCode": "OtherError" if state is PortState.FAULT else "NoError",
        "status": _STATUS[state],
        "timestamp": moment(now),
    }


def record(told: Record, transaction: int | None, at: datetime) -> tuple[str, Values]:
    """StartTransaction or StopTransaction, and its action."""
    offline = told.offline
    tag = offline.card_uid if offline and offline.card_uid else order_tag(told.order_id or 0)
    if isinstance(told, ChargeStarted):
        return "StartTransaction", {
            "connectorId": told.port,
            "idTag": tag,
            # rounded so that nobody pays for what was drawn before
            "meterStart": -(-(told.start_meter_mwh or 0) // MWH_PER_WH),
            "timestamp": moment(at),
        }
    return "StopTransaction", {
        "transactionId": NO_TRANSACTION if transaction is None else transaction,
        "idTag": tag,
        "meterStop": (told.end_meter_mwh or 0) // MWH_PER_WH,
        "timestamp": moment(at),
        "reason": _REASONS.get(told.reason, "Other"),
    }


def meters(port: Port, transaction: int | None, now: datetime) -> Values:
    """MeterValues."""
    reading = read_port(port)
    shown = (
        (ENERGY, (reading.meter_mwh or 0) // MWH_PER_WH, "Wh"),
        ("Power.Active.Import", (reading.power_dw or 0) / 10, "W"),
        ("Current.Import", (reading.current_ma or 0) / 1_000, "A"),
        ("Voltage", (reading.voltage_dv or 0) / 10, "V"),
    )
    sampled = [
        {"value": str(value), "measurand": measurand, "unit": unit}
        for measurand, value, unit in shown
    ]
    payload: dict[str, Any] = {
        "connectorId": port.number,
        "meterValue": [{"timestamp": moment(now), "sampledValue": sampled}],
    }
    return payload if transaction is None else payload | {"transactionId": transaction}
