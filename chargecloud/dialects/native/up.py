"""The messages from a charger, as tables."""

from collections.abc import Mapping

from chargecloud.dialects.fields import (
    U32,
    U64,
    Field,
    Record,
    coded,
    flag,
    nested,
    number,
    records,
    row_of,
    signed,
    some_of,
    text,
)
from chargecloud.dialects.native.codes import (
    ANSWER_CODES,
    CAPABILITIES,
    FIRMWARE_STAGES,
    HAZARDS,
    LOCK_OUTS,
    PAUSE_REASONS,
    PORT_STATES,
    RELAY_STATES,
    SAFETY_ACTIONS,
    STOP_REASONS,
)
from chargecloud.dialects.native.messages import (
    BLOCK_LIMIT,
    CARD_UID,
    COUNT,
    ENERGY_MWH,
    ORDER,
    PARAMETER_LIST,
    PORT_NUMBER,
    SECONDS,
    UNIX_S,
    Message,
)
from chargecloud.domain.charger import LockOut, PortState, RelayState
from chargecloud.domain.events import FirmwareStage, PauseReason, StopReason
from chargecloud.domain.hazards import Hazard, SafetyAction

#: digits of a code that starts a charge without a network
START_CODE = text(20, r"[0-9]*")
#: of how far a quantity has moved at each port, in the order of the ports
_STEPS = row_of(signed(64))

PORT = Record(
    Field(0, "port", PORT_NUMBER, required=True),
    Field(1, "state", coded(PORT_STATES, unknown=PortState.UNKNOWN)),
    Field(2, "power_dw", number(U32)),
    Field(3, "meter_mwh", ENERGY_MWH),
    Field(4, "voltage_dv", number(U32)),
    Field(5, "current_ma", number(U32)),
    Field(6, "temperature_dc", signed(32)),
    Field(7, "order_id", ORDER),
    Field(8, "power_factor_permille", number(1000)),
    Field(9, "leakage_ua", number(U32)),
    Field(10, "relay", coded(RELAY_STATES, unknown=RelayState.UNKNOWN)),
)
BOX = Record(
    Field(0, "signal_dbm", signed(32)),
    Field(1, "temperature_dc", signed(32)),
    Field(2, "leakage_ua", number(U32)),
    Field(3, "smoke", flag()),
    Field(4, "water", flag()),
    Field(5, "door_open", flag()),
    Field(6, "lock_out", coded(LOCK_OUTS, unknown=LockOut.OPERATOR)),
)
MARK = Record(
    Field(0, "unix_s", UNIX_S, required=True),
    Field(1, "meter_mwh", ENERGY_MWH, required=True),
)

HEARTBEAT = Message(0x01, "HEARTBEAT", Record(Field(0, "next_s", SECONDS)))
LOGIN = Message(
    0x02,
    "LOGIN",
    Record(
        Field(0, "firmware", text(32)),
        Field(1, "hardware", text(32)),
        Field(2, "iccid", text(20)),
        Field(3, "imei", text(15)),
        Field(4, "port_count", number(255)),
        Field(5, "capabilities", some_of(CAPABILITIES)),
        Field(6, "card_list", COUNT),
        Field(7, "card_slots", COUNT),
        Field(8, "build", COUNT),
    ),
)
REPORT = Message(
    0x03,
    "REPORT",
    Record(
        Field(0, "uptime_s", SECONDS, required=True),
        Field(1, "ports", records(PORT), required=True),
        Field(2, "box", nested(BOX)),
        Field(3, "next_s", SECONDS),
    ),
)
STARTED = Message(
    0x04,
    "STARTED",
    Record(
        Field(0, "record", COUNT, required=True),
        Field(1, "order_id", ORDER),
        Field(2, "port", PORT_NUMBER, required=True),
        Field(3, "start_meter_mwh", ENERGY_MWH),
        Field(4, "boot", COUNT, required=True),
        Field(5, "uptime_s", SECONDS, required=True),
        Field(6, "offline", COUNT),
        Field(7, "card", CARD_UID),
        Field(8, "code", START_CODE),
    ),
)
ENDED = Message(
    0x05,
    "ENDED",
    Record(
        Field(0, "record", COUNT, required=True),
        Field(1, "order_id", ORDER),
        Field(2, "port", PORT_NUMBER, required=True),
        Field(3, "start_meter_mwh", ENERGY_MWH),
        Field(4, "end_meter_mwh", ENERGY_MWH),
        Field(5, "duration_s", SECONDS),
        Field(6, "reason", coded(STOP_REASONS, unknown=StopReason.UNKNOWN), required=True),
        Field(7, "boot", COUNT, required=True),
        Field(8, "uptime_s", SECONDS, required=True),
        Field(9, "offline", COUNT),
        Field(10, "card", CARD_UID),
        Field(11, "marks", records(MARK)),
        Field(12, "code", START_CODE),
    ),
)
ANSWER = Message(
    0x06,
    "ANSWER",
    Record(
        Field(0, "number", COUNT, required=True),
        Field(1, "code", coded(ANSWER_CODES, unknown="refused"), required=True),
    ),
)
TIME_WANTED = Message(0x07, "TIME_WANTED", Record())
CARD = Message(
    0x08,
    "CARD",
    Record(
        Field(0, "number", COUNT, required=True),
        Field(1, "port", PORT_NUMBER, required=True),
        Field(2, "uid", CARD_UID, required=True),
        Field(3, "uptime_s", SECONDS, required=True),
    ),
)
DELTA = Message(
    0x09,
    "DELTA",
    Record(
        Field(0, "seconds", SECONDS, required=True),
        Field(1, "ports", number(U64), required=True),
        Field(2, "meter_mwh", row_of(ENERGY_MWH)),
        Field(3, "power_dw", _STEPS),
        Field(4, "voltage_dv", _STEPS),
        Field(5, "current_ma", _STEPS),
        Field(6, "temperature_dc", _STEPS),
        Field(7, "power_factor_permille", _STEPS),
        Field(8, "leakage_ua", _STEPS),
    ),
)
PAUSED = Message(
    0x0A,
    "PAUSED",
    Record(
        Field(0, "order_id", ORDER, required=True),
        Field(1, "port", PORT_NUMBER, required=True),
        Field(2, "why", coded(PAUSE_REASONS, unknown=PauseReason.UNKNOWN), required=True),
        Field(3, "boot", COUNT, required=True),
        Field(4, "uptime_s", SECONDS, required=True),
    ),
)
ALARM = Message(
    0x0B,
    "ALARM",
    Record(
        Field(0, "record", COUNT, required=True),
        Field(1, "hazard", coded(HAZARDS, unknown=Hazard.UNKNOWN), required=True),
        Field(2, "action", coded(SAFETY_ACTIONS, unknown=SafetyAction.UNKNOWN), required=True),
        Field(3, "boot", COUNT, required=True),
        Field(4, "uptime_s", SECONDS, required=True),
        Field(5, "port", PORT_NUMBER),
        Field(6, "is_over", flag(), required=True),
        Field(7, "value", signed(32)),
        Field(8, "limit", signed(32)),
    ),
)
PARAMETERS_TOLD = Message(
    0x0C, "PARAMETERS", Record(Field(0, "parameters", PARAMETER_LIST, required=True))
)
FIRMWARE_WANTED = Message(
    0x0D,
    "FIRMWARE_WANTED",
    Record(
        Field(0, "image", COUNT, required=True),
        Field(1, "offset", COUNT, required=True),
        Field(2, "size", number(BLOCK_LIMIT, smallest=1), required=True),
    ),
)
FIRMWARE_STATE = Message(
    0x0E,
    "FIRMWARE_STATE",
    Record(
        Field(0, "image", COUNT, required=True),
        Field(1, "stage", coded(FIRMWARE_STAGES, unknown=FirmwareStage.UNKNOWN), required=True),
        Field(2, "offset", COUNT),
    ),
)

UP: Mapping[int, Message] = {
    message.number: message
    for message in (
        HEARTBEAT,
        LOGIN,
        REPORT,
        STARTED,
        ENDED,
        ANSWER,
        TIME_WANTED,
        CARD,
        DELTA,
        PAUSED,
        ALARM,
        PARAMETERS_TOLD,
        FIRMWARE_WANTED,
        FIRMWARE_STATE,
    )
}
