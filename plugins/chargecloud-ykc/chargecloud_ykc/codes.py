"""What the numbers in YKC's messages mean (protocol V1.6; stop reasons: its appendix 11.1)."""

from collections.abc import Mapping

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import StopReason
from chargecloud.domain.hazards import Hazard

#: a result: most of the answers say 1 for done, a few 0
FAILED, DONE = 0, 1

#: 0x01: what the pile gives
PILE_TYPES = {0: "DC", 1: "AC"}

#: 0x13: the state of a gun; one that is idle is told apart by its plug
FAULTY, IDLE, CHARGING = 1, 2, 3
GUN_STATES: Mapping[int, PortState] = {
    0: PortState.UNKNOWN,
    FAULTY: PortState.FAULT,
    IDLE: PortState.IDLE,
    CHARGING: PortState.CHARGING,
}

#: 0x13: bits of the fault word, from the lowest
FAULTS = (
    "emergency stop",
    "no rectifier",
    "outlet too hot",
    "AC surge protection",
    "no link to DC20",
    "no link to FC08 (insulation)",
    "no link to the meter",
    "no link to the card reader",
    "no link to RC10",
    "no link to the fan board",
    "DC fuse",
    "high-voltage contactor",
    "door open",
)
#: those of them that are dangerous, or may be
HAZARDS: Mapping[str, Hazard] = {
    "emergency stop": Hazard.UNKNOWN,
    "outlet too hot": Hazard.OVER_TEMPERATURE,
    "AC surge protection": Hazard.OVER_VOLTAGE,
    "no link to FC08 (insulation)": Hazard.SENSOR_FAULT,
    "no link to the meter": Hazard.METER_FAULT,
    "high-voltage contactor": Hazard.RELAY_STUCK,
    "door open": Hazard.DOOR,
}

#: 0x33: why a gun does not start
ALREADY_CHARGING, NOT_PLUGGED = 2, 5
START_FAILURES: Mapping[int, str] = {
    1: "refused",
    ALREADY_CHARGING: "busy",
    3: "fault",
    4: "fault",
    NOT_PLUGGED: "not-plugged",
}
#: 0x35: why a gun does not stop
NOT_CHARGING = 2

#: 0x31: who wants to charge
BY_CARD, BY_ACCOUNT, BY_VIN = 1, 2, 3

#: 0x32: why somebody may not charge, by the platform's word for it
NO_ACCOUNT, NOT_ALLOWED, UNKNOWN_VIN = 1, 6, 9
REFUSALS: Mapping[str, int] = {
    "unknown-card": NO_ACCOUNT,
    "blocked-card": 2,
    "expired-card": 2,
    "insufficient-funds": 3,
    # its own charge was ended by it
    "stopped": 4,
    "port-busy": 0x0A,
    "not-now": 8,
    "refused": NOT_ALLOWED,
}

#: 0x3B: how a charge was begun
BY_APP, ONLINE_CARD, OFFLINE_CARD, VIN = 1, 2, 4, 5

#: 0x3B: why a charge ended: the first numbers of ranges, and those that say more
_FAILED_START, NOT_KNOWN = 0x4A, 0x90
STOP_REASONS: Mapping[int, StopReason] = {
    0x40: StopReason.REMOTE,
    0x41: StopReason.FULL,
    0x42: StopReason.LIMIT_ENERGY,
    0x43: StopReason.LIMIT_AMOUNT,
    0x44: StopReason.LIMIT_TIME,
    0x45: StopReason.USER,
    0x6E: StopReason.LIMIT_AMOUNT,
    0x72: StopReason.SAFETY,
    0x83: StopReason.POWER_CUT,
}


def stop_reason(code: int) -> StopReason:
    """Why a charge ended."""
    if code in STOP_REASONS:
        return STOP_REASONS[code]
    return StopReason.CHARGER if _FAILED_START <= code < NOT_KNOWN else StopReason.UNKNOWN


#: 0x52: what a pile is told
WORKS, LOCKED = 0, 1
FULL_POWER_PERCENT = 100
#: 0x92
AT_ONCE, WHEN_IDLE = 1, 2
