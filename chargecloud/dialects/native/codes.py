"""Numbers on the wire, and what they stand for.  Nothing in here is ever renumbered."""

from collections.abc import Mapping
from enum import IntEnum

from chargecloud.domain.charger import Capability, LockOut, PortState, RelayState
from chargecloud.domain.commands import Phrase, Question
from chargecloud.domain.events import FirmwareStage, Outcome, PauseReason, StopReason
from chargecloud.domain.hazards import Hazard, SafetyAction
from chargecloud.domain.parameters import Parameter

VERSION = 1


class RefusalCode(IntEnum):
    """Codes of a REFUSAL, which is not sealed and therefore only a hint."""

    UNKNOWN_CHARGER = 1
    VERSION_NOT_SUPPORTED = 2
    NO_COMMON_SUITE = 3
    BUSY = 4


#: a REFUSAL tells for how long to stay away in this many bytes, where it does
RETRY_SIZE = 2
#: and for no longer than this
MOST_RETRY_S = 600

#: a state without a number, C{UNKNOWN}, is not said at all
PORT_STATES: Mapping[int, PortState] = {
    0: PortState.IDLE,
    1: PortState.PLUGGED,
    2: PortState.CHARGING,
    3: PortState.FULL,
    4: PortState.FAULT,
    5: PortState.PAUSED,
}

RELAY_STATES: Mapping[int, RelayState] = {
    0: RelayState.OPEN,
    1: RelayState.CLOSED,
    2: RelayState.STUCK_CLOSED,
    3: RelayState.STUCK_OPEN,
}

LOCK_OUTS: Mapping[int, LockOut] = {
    0: LockOut.NONE,
    1: LockOut.OPERATOR,
    2: LockOut.FIRE,
}

#: bits, not codes
CAPABILITIES: Mapping[int, Capability] = {
    0: Capability.CARD_READER,
    1: Capability.DISPLAY,
    2: Capability.VOICE,
    3: Capability.PLUG_SENSING,
    4: Capability.PORT_METERS,
    5: Capability.LEAKAGE_SENSING,
    6: Capability.PORT_TEMPERATURE,
    7: Capability.SMOKE_SENSING,
    8: Capability.WATER_SENSING,
    9: Capability.DOOR_SENSING,
    10: Capability.RELAY_FEEDBACK,
    11: Capability.FIRMWARE_UPDATE,
    12: Capability.CARD_LIST,
    13: Capability.START_CODES,
    14: Capability.RELAYS_DEVICES,
}

PAUSE_REASONS: Mapping[int, PauseReason] = {
    0: PauseReason.UNKNOWN,
    1: PauseReason.POWER_CUT,
    2: PauseReason.UNPLUGGED,
    3: PauseReason.HEAT,
    4: PauseReason.LOAD,
    5: PauseReason.OPERATOR,
}

HAZARDS: Mapping[int, Hazard] = {
    0: Hazard.UNKNOWN,
    1: Hazard.OVER_TEMPERATURE,
    2: Hazard.OVER_CURRENT,
    3: Hazard.SHORT_CIRCUIT,
    4: Hazard.LEAKAGE,
    5: Hazard.OVER_VOLTAGE,
    6: Hazard.UNDER_VOLTAGE,
    7: Hazard.MOST_TIME,
    8: Hazard.SMOKE,
    9: Hazard.WATER,
    10: Hazard.DOOR,
    11: Hazard.FIRE,
    12: Hazard.RELAY_STUCK,
    13: Hazard.METER_FAULT,
    14: Hazard.SENSOR_FAULT,
    15: Hazard.TAMPER,
    16: Hazard.RECORDS_FULL,
}

SAFETY_ACTIONS: Mapping[int, SafetyAction] = {
    0: SafetyAction.NONE,
    1: SafetyAction.PORT_CUT,
    2: SafetyAction.BOX_CUT,
    3: SafetyAction.FIRE_LOCK_OUT,
    4: SafetyAction.UNKNOWN,
}

#: a parameter that is not known has no meaning, and is skipped
PARAMETERS: Mapping[int, Parameter] = {
    1: Parameter.REPORT_S,
    2: Parameter.FULL_REPORT_S,
    3: Parameter.CUT_TEMPERATURE_DC,
    4: Parameter.WARN_TEMPERATURE_DC,
    5: Parameter.CUT_CURRENT_MA,
    6: Parameter.CUT_LEAKAGE_UA,
    7: Parameter.MOST_CHARGE_S,
    8: Parameter.POWER_STEP_DW,
    9: Parameter.SMOKE_LOCKS_OUT,
    10: Parameter.RESUMES,
    11: Parameter.STAGGER_S,
    12: Parameter.OFFLINE_CARDS,
    13: Parameter.START_CODES,
    14: Parameter.VOLUME_PERCENT,
    15: Parameter.BRIGHTNESS_PERCENT,
}

QUESTIONS: Mapping[int, Question] = {
    1: Question.PORTS,
    2: Question.PARAMETERS,
    3: Question.FIRMWARE,
}

PHRASES: Mapping[int, Phrase] = {
    1: Phrase.WELCOME,
    2: Phrase.CHARGE_BEGINS,
    3: Phrase.CHARGE_ENDS,
    4: Phrase.UNPLUG,
    5: Phrase.NO_MONEY,
    6: Phrase.OUT_OF_ORDER,
    7: Phrase.LEAVE_THE_ROOM,
}

FIRMWARE_STAGES: Mapping[int, FirmwareStage] = {
    0: FirmwareStage.UNKNOWN,
    1: FirmwareStage.FETCHING,
    2: FirmwareStage.READY,
    3: FirmwareStage.RUNNING,
    4: FirmwareStage.FELL_BACK,
    5: FirmwareStage.REFUSED,
    6: FirmwareStage.FAILED,
}

#: C{WATCHDOG} is the platform's own and has no number: no charger ends a charge for it
STOP_REASONS: Mapping[int, StopReason] = {
    0: StopReason.UNKNOWN,
    1: StopReason.USER,
    2: StopReason.LIMIT_ENERGY,
    3: StopReason.LIMIT_TIME,
    4: StopReason.LIMIT_AMOUNT,
    5: StopReason.FULL,
    6: StopReason.NO_LOAD,
    7: StopReason.UNPLUGGED,
    8: StopReason.SAFETY,
    9: StopReason.CHARGER,
    10: StopReason.OPERATOR,
    11: StopReason.POWER_CUT,
    12: StopReason.REMOTE,
}

ANSWER_CODES: Mapping[int, str] = {
    0: "ok",
    1: "busy",
    2: "no-such-port",
    3: "fault",
    4: "expired",
    5: "not-plugged",
    6: "unknown-command",
    7: "refused",
    8: "charging",
    9: "locked-out",
    10: "other-version",
    11: "no-room",
    12: "bad-signature",
    13: "other-hardware",
    14: "older",
}

#: what somebody who presented a card is told; C{not-now} stands for what could not be decided
CARD_CODES: Mapping[int, str] = {
    0: "ok",
    1: "unknown-card",
    2: "blocked-card",
    3: "expired-card",
    4: "insufficient-funds",
    5: "port-busy",
    6: "stopped",
    7: "refused",
    8: "not-now",
}

#: C{LATER} has no number: nothing is said of a record that is to be sent again
OUTCOMES: Mapping[int, Outcome] = {0: Outcome.KEPT, 1: Outcome.REFUSED}
