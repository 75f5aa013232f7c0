"""What a message is, and the two that stand in frames of their own: HELLO and WELCOME.

A message is a number and a record.  Numbers below 0x40 go up to the cloud (L{up}), those
from 0x40 to 0x7E go down to the charger (L{down}); 0x7F is reserved for several messages
in one frame.  Tables grow at their ends; nothing in them is ever renumbered.
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
from chargecloud.dialects.native.codes import PARAMETERS
from chargecloud.domain.errors import BadFrame, OutOfOrder

#: what a charger may be called, in a form that a regular expression matches
IDENTITY_FORM = r"[A-Za-z0-9_.:-]+"
IDENTITY_LIMIT = 32

# kinds that many messages share
COUNT = number(U32)
SECONDS = number(U32)
UNIX_S = number(U63)
ENERGY_MWH = number(U63)
AMOUNT_FEN = number(U63)
PORT_NUMBER = number(255, smallest=1)
ORDER = wide_number(8, U63)
CARD_UID = text(32, r"[\x21-\x7e]+")

#: bytes of a firmware image that one long frame carries
BLOCK_LIMIT = 1024

#: a parameter that a later version has added is read as C{None}, and is skipped
PARAMETER = Record(
    Field(0, "parameter", coded(PARAMETERS, unknown=None), required=True),
    Field(1, "value", signed(32), required=True),
)
PARAMETER_LIST = records(PARAMETER)

HELLO = Record(
    Field(0, "identity", text(IDENTITY_LIMIT, IDENTITY_FORM), required=True),
    Field(1, "key_generation", COUNT, required=True),
    Field(2, "boot", COUNT, required=True),
    Field(3, "connection", COUNT, required=True),
    Field(4, "suites", number(), required=True),
    Field(5, "uptime_s", SECONDS, required=True),
    Field(6, "login_digest", octets(4)),
    Field(7, "max_frame", COUNT),
)
WELCOME = Record(
    Field(0, "unix_s", UNIX_S, required=True),
    Field(1, "heartbeat_s", SECONDS, required=True),
    Field(2, "send_login", flag(), required=True),
    Field(3, "heartbeat_most_s", SECONDS),
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
