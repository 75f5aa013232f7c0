"""What DNY's numbers mean: AP3000 protocol 3.1 to 4.3, host protocol 4 and 6."""

from collections.abc import Mapping

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import StopReason
from chargecloud.domain.hazards import Hazard

DONE = 0

#: a port's state in 0x01 and 0x21
PORT_STATES: Mapping[int, PortState] = {
    0: PortState.IDLE,
    1: PortState.CHARGING,
    2: PortState.PLUGGED,
    3: PortState.FULL,
    # floated: it draws, and its order goes on
    5: PortState.CHARGING,
    **dict.fromkeys((4, 6, 7, 8, 9, 0xA, 0xB, 0xD, 0xE, 0xF, 0x10), PortState.FAULT),
}
#: of them, in 0x06 these alone mean anything
POWER_STATES: Mapping[int, PortState] = {
    1: PortState.CHARGING,
    3: PortState.FULL,
    5: PortState.CHARGING,
}

STOP_REASONS: Mapping[int, StopReason] = {
    0x01: StopReason.FULL,
    0x02: StopReason.LIMIT_TIME,
    0x03: StopReason.LIMIT_TIME,
    0x04: StopReason.LIMIT_ENERGY,
    0x05: StopReason.UNPLUGGED,
    0x06: StopReason.SAFETY,
    0x07: StopReason.REMOTE,
    0x08: StopReason.SAFETY,
    0x09: StopReason.NO_LOAD,
    0x0A: StopReason.SAFETY,
    0x0B: StopReason.SAFETY,
    0x0C: StopReason.SAFETY,
    0x0D: StopReason.UNPLUGGED,
    0x0E: StopReason.CHARGER,
    0x0F: StopReason.CHARGER,
    0x10: StopReason.SAFETY,
    0x11: StopReason.SAFETY,
    0x12: StopReason.SAFETY,
    0x13: StopReason.USER,
    0x14: StopReason.CHARGER,
    0x15: StopReason.CHARGER,
    0x16: StopReason.USER,
    0x17: StopReason.REMOTE,
    0x18: StopReason.SAFETY,
    0x19: StopReason.CHARGER,
    0x1A: StopReason.SAFETY,
    0x1B: StopReason.SAFETY,
    0x1C: StopReason.NO_LOAD,
}

#: how a charge began
OFFLINE_CARD, ONLINE, OFFLINE_CODE = 0, 1, 3

#: what a start or stop came to: whether it is done, and the platform's word for it
CHARGE_RESULTS: Mapping[int, tuple[bool, str]] = {
    0x00: (True, "ok"),
    0x01: (False, "not-plugged"),
    0x02: (False, "busy"),
    0x03: (False, "fault"),
    0x04: (False, "no-such-port"),
    0x05: (False, "refused"),
    0x06: (False, "refused"),
    0x07: (False, "fault"),
    0x08: (False, "fault"),
    0x09: (False, "fault"),
    0x0A: (False, "fault"),
    0x0B: (False, "locked-out"),
    0x0C: (False, "fault"),
    0x0D: (False, "fault"),
    0x0E: (False, "fault"),
}
#: results that say no, and yet the relay has closed
EXECUTED_ALL_THE_SAME = frozenset({0x03, 0x09})
#: it was in that state already
ALREADY = 0x02

CHANGE_RESULTS: Mapping[int, tuple[bool, str]] = {
    0: (True, "ok"),
    1: (False, "refused"),
    # less than is used already: it stops at once, as it was to
    2: (True, "ok"),
    3: (False, "no-such-port"),
}

#: what an alarm (0x42) is about; 1 is a cut of the power, which the lost connection tells
ALARMS: Mapping[int, Hazard] = {
    2: Hazard.WATER,
    3: Hazard.OVER_TEMPERATURE,
    4: Hazard.SMOKE,
    5: Hazard.OVER_TEMPERATURE,
    6: Hazard.WATER,
    7: Hazard.DOOR,
}

#: what a card is answered (0x02), by the platform's code
CARD_STATUS: Mapping[str, int] = {
    "ok": 0x00,
    "stopped": 0x00,
    "unknown-card": 0x01,
    "insufficient-funds": 0x06,
    "expired-card": 0x07,
    "port-busy": 0x08,
    "blocked-card": 0x0B,
}
#: for any other: the port cannot
CARD_REFUSED = 0x08
#: a card is asked about without a port: how much it has
ANY_PORT = 0xFF
BY_TIME, BY_ENERGY = 0, 2
