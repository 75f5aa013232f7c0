"""Numbers on the wire, and what they stand for.  Nothing in here is ever renumbered."""

from collections.abc import Mapping
from enum import IntEnum

from chargecloud.domain.charger import PortState
from chargecloud.domain.events import Outcome, StopReason

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
