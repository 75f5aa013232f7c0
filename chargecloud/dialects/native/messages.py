"""All messages of the protocol, as tables.

A message is a number and a record.  Numbers below 0x40 go up to the cloud, those from
0x40 to 0x7E go down to the charger; 0x7F is reserved for several messages in one frame.
Tables grow at their ends; nothing in them is ever renumbered.
"""

from collections.abc import Mapping

from attrs import frozen

from chargecloud.dialects.fields import (
    U32,
    U63,
    Field,
    Fields,
    Record,
    coded,
    flag,
    number,
    octets,
    records,
    signed,
    text,
    wide_number,
)
from chargecloud.dialects.native.codes import (
    ANSWER_CODES,
    CARD_CODES,
    OUTCOMES,
    PORT_STATES,
    STOP_REASONS,
)
from chargecloud.domain.charger import PortState
from chargecloud.domain.errors import BadFrame, OutOfOrder
from chargecloud.domain.events import Outcome, StopReason

VERSION = 1

#: what a charger may be called, in a form that a regular expression matches
IDENTITY_FORM = r"[A-Za-z0-9_.:-]+"
IDENTITY_LIMIT = 32

_COUNT = number(U32)
_SECONDS = number(U32)
_UNIX_S = number(U63)
_ENERGY_MWH = number(U63)
_PORT = number(255, smallest=1)
_ORDER = wide_number(8, U63)
_CARD = text(32, r"[\x21-\x7e]+")

HELLO = Record(
    Field(0, "identity", text(IDENTITY_LIMIT, IDENTITY_FORM), required=True),
    Field(1, "key_generation", _COUNT, required=True),
    Field(2, "boot", _COUNT, required=True),
    Field(3, "connection", _COUNT, required=True),
    Field(4, "suites", number(), required=True),
    Field(5, "uptime_s", _SECONDS, required=True),
    Field(6, "login_digest", octets(4)),
    Field(7, "max_frame", _COUNT),
)
WELCOME = Record(
    Field(0, "unix_s", _UNIX_S, required=True),
    Field(1, "heartbeat_s", _SECONDS, required=True),
    Field(2, "send_login", flag(), required=True),
)
PORT = Record(
    Field(0, "port", _PORT, required=True),
    Field(1, "state", coded(PORT_STATES, unknown=PortState.UNKNOWN)),
    Field(2, "power_dw", number(U32)),
    Field(3, "meter_mwh", _ENERGY_MWH),
    Field(4, "voltage_dv", number(U32)),
    Field(5, "current_ma", number(U32)),
    Field(6, "temperature_dc", signed(32)),
    Field(7, "order_id", _ORDER),
)


@frozen(eq=False)
class Message:
    """A row of the table of messages.  There is one object of each, equal to itself only."""

    number: int
    name: str
    record: Record

    def write(self, fields: Fields | None = None) -> bytes:
        """The message as it is sealed; C{ValueError} if the fields do not fit."""
        return bytes((self.number,)) + self.record.write(fields or {})


HEARTBEAT = Message(0x01, "HEARTBEAT", Record())
LOGIN = Message(
    0x02,
    "LOGIN",
    Record(
        Field(0, "firmware", text(32)),
        Field(1, "hardware", text(32)),
        Field(2, "iccid", text(20)),
        Field(3, "imei", text(15)),
        Field(4, "port_count", number(255)),
    ),
)
REPORT = Message(
    0x03,
    "REPORT",
    Record(
        Field(0, "uptime_s", _SECONDS, required=True),
        Field(1, "ports", records(PORT), required=True),
    ),
)
STARTED = Message(
    0x04,
    "STARTED",
    Record(
        Field(0, "record", _COUNT, required=True),
        Field(1, "order_id", _ORDER),
        Field(2, "port", _PORT, required=True),
        Field(3, "start_meter_mwh", _ENERGY_MWH),
        Field(4, "boot", _COUNT, required=True),
        Field(5, "uptime_s", _SECONDS, required=True),
        Field(6, "offline", _COUNT),
        Field(7, "card", _CARD),
    ),
)
ENDED = Message(
    0x05,
    "ENDED",
    Record(
        Field(0, "record", _COUNT, required=True),
        Field(1, "order_id", _ORDER),
        Field(2, "port", _PORT, required=True),
        Field(3, "start_meter_mwh", _ENERGY_MWH),
        Field(4, "end_meter_mwh", _ENERGY_MWH),
        Field(5, "duration_s", _SECONDS),
        Field(6, "reason", coded(STOP_REASONS, unknown=StopReason.UNKNOWN), required=True),
        Field(7, "boot", _COUNT, required=True),
        Field(8, "uptime_s", _SECONDS, required=True),
        Field(9, "offline", _COUNT),
        Field(10, "card", _CARD),
    ),
)
ANSWER = Message(
    0x06,
    "ANSWER",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "code", coded(ANSWER_CODES, unknown="refused"), required=True),
    ),
)
TIME_WANTED = Message(0x07, "TIME_WANTED", Record())
CARD = Message(
    0x08,
    "CARD",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "port", _PORT, required=True),
        Field(2, "uid", _CARD, required=True),
        Field(3, "uptime_s", _SECONDS, required=True),
    ),
)

HEARTBEAT_ANSWER = Message(0x41, "HEARTBEAT_ANSWER", Record())
KEPT = Message(
    0x42,
    "KEPT",
    Record(
        Field(0, "record", _COUNT, required=True),
        Field(1, "outcome", coded(OUTCOMES, unknown=Outcome.LATER), required=True),
        Field(2, "order_id", _ORDER),
    ),
)
START = Message(
    0x43,
    "START",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "order_id", _ORDER, required=True),
        Field(2, "port", _PORT, required=True),
        Field(3, "valid_until_s", _UNIX_S, required=True),
        Field(4, "limit_energy_mwh", _ENERGY_MWH),
        Field(5, "limit_duration_s", _SECONDS),
        Field(6, "until_full", flag(), required=True),
        Field(7, "full_w", _COUNT),
        Field(8, "plateau_percent", _COUNT),
        Field(9, "hysteresis_percent", _COUNT),
        Field(10, "full_for_s", _SECONDS),
        Field(11, "float_hold_s", _SECONDS),
        Field(12, "no_load_dw", _COUNT),
        Field(13, "no_load_for_s", _SECONDS),
        Field(14, "replug_grace_s", _SECONDS),
        Field(15, "never_drawing_s", _SECONDS),
    ),
)
STOP = Message(
    0x44,
    "STOP",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "order_id", _ORDER, required=True),
        Field(2, "port", _PORT, required=True),
    ),
)
TIME = Message(
    0x45,
    "TIME",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "unix_s", _UNIX_S, required=True),
    ),
)
CARD_ANSWER = Message(
    0x46,
    "CARD_ANSWER",
    Record(
        Field(0, "number", _COUNT, required=True),
        Field(1, "code", coded(CARD_CODES, unknown="refused"), required=True),
        Field(2, "order_id", _ORDER),
        Field(3, "balance_fen", number(U63)),
    ),
)

UP: Mapping[int, Message] = {
    message.number: message
    for message in (HEARTBEAT, LOGIN, REPORT, STARTED, ENDED, ANSWER, TIME_WANTED, CARD)
}
DOWN: Mapping[int, Message] = {
    message.number: message for message in (HEARTBEAT_ANSWER, KEPT, START, STOP, TIME, CARD_ANSWER)
}
#: what only the other side says, whether it is known yet or not
UP_NUMBERS = range(0x40)
DOWN_NUMBERS = range(0x40, 0x7F)

#: stands for every message that a later version may add
UNKNOWN = Message(0x00, "UNKNOWN", Record())


def read_message(
    plaintext: bytes, known: Mapping[int, Message], foreign: range
) -> tuple[Message, Fields]:
    """
    The message in a frame that has been opened, and its fields; L{UNKNOWN} and no fields
    if it is none of those.

    @param known: the messages that may come from the far side.
    @param foreign: the numbers that may not.
    @raise BadFrame: if the fields are not that message's.
    @raise OutOfOrder: for a message of the wrong direction.
    """
    if not plaintext:
        raise BadFrame("a frame without a message")
    message = known.get(plaintext[0])
    if message is not None:
        return message, message.record.read(plaintext[1:])
    if plaintext[0] in foreign:
        raise OutOfOrder(f"message 0x{plaintext[0]:02x} does not come from this side")
    return UNKNOWN, {}
