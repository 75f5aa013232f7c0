"""The messages to a charger, as tables."""

from collections.abc import Mapping

from chargecloud.dialects.fields import (
    U32,
    U63,
    Field,
    Record,
    blob,
    coded,
    flag,
    number,
    octets,
    records,
    row_of,
    text,
)
from chargecloud.dialects.native.codes import (
    ANSWER_CODES,
    CARD_CODES,
    LOCK_OUTS,
    OUTCOMES,
    PHRASES,
    QUESTIONS,
)
from chargecloud.dialects.native.messages import (
    AMOUNT_FEN,
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
from chargecloud.domain.charger import LockOut
from chargecloud.domain.commands import Question
from chargecloud.domain.events import Outcome

#: bytes of what is shown or said, and of an address
WORDS_LIMIT = 120
HOST_LIMIT = 64
#: bytes of what a vendor signs, and of a signature with Ed25519
MANIFEST_LIMIT = 128
SIGNATURE_SIZE = 64
ROTATION_NONCE_SIZE = 16

PRICE = Record(
    Field(0, "until_s", UNIX_S, required=True),
    Field(1, "millifen_per_kwh", number(U32), required=True),
)
_PRICES = records(PRICE)
_NUMBER = Field(0, "number", COUNT, required=True)

HEARTBEAT_ANSWER = Message(0x41, "HEARTBEAT_ANSWER", Record())
KEPT = Message(
    0x42,
    "KEPT",
    Record(
        Field(0, "record", COUNT, required=True),
        Field(1, "outcome", coded(OUTCOMES, unknown=Outcome.LATER), required=True),
        Field(2, "order_id", ORDER),
    ),
)
START = Message(
    0x43,
    "START",
    Record(
        _NUMBER,
        Field(1, "order_id", ORDER, required=True),
        Field(2, "port", PORT_NUMBER, required=True),
        Field(3, "valid_until_s", UNIX_S, required=True),
        Field(4, "limit_energy_mwh", ENERGY_MWH),
        Field(5, "limit_duration_s", SECONDS),
        Field(6, "until_full", flag(), required=True),
        Field(7, "full_w", COUNT),
        Field(8, "plateau_percent", COUNT),
        Field(9, "hysteresis_percent", COUNT),
        Field(10, "full_for_s", SECONDS),
        Field(11, "float_hold_s", SECONDS),
        Field(12, "no_load_dw", COUNT),
        Field(13, "no_load_for_s", SECONDS),
        Field(14, "replug_grace_s", SECONDS),
        Field(15, "never_drawing_s", SECONDS),
        Field(16, "limit_amount_fen", AMOUNT_FEN),
        Field(17, "prices", _PRICES),
    ),
)
STOP = Message(
    0x44,
    "STOP",
    Record(
        _NUMBER,
        Field(1, "order_id", ORDER, required=True),
        Field(2, "port", PORT_NUMBER, required=True),
    ),
)
TIME = Message(0x45, "TIME", Record(_NUMBER, Field(1, "unix_s", UNIX_S, required=True)))
CARD_ANSWER = Message(
    0x46,
    "CARD_ANSWER",
    Record(
        _NUMBER,
        Field(1, "code", coded(CARD_CODES, unknown="refused"), required=True),
        Field(2, "order_id", ORDER),
        Field(3, "balance_fen", number(U63)),
    ),
)
CHANGE = Message(
    0x47,
    "CHANGE",
    Record(
        _NUMBER,
        Field(1, "order_id", ORDER, required=True),
        Field(2, "port", PORT_NUMBER, required=True),
        Field(3, "limit_energy_mwh", ENERGY_MWH),
        Field(4, "limit_duration_s", SECONDS),
        Field(5, "limit_amount_fen", AMOUNT_FEN),
        Field(6, "until_full", flag()),
    ),
)
SET = Message(0x48, "SET", Record(_NUMBER, Field(1, "parameters", PARAMETER_LIST, required=True)))
QUERY = Message(
    0x49,
    "QUERY",
    Record(_NUMBER, Field(1, "question", coded(QUESTIONS, unknown=Question.UNKNOWN), True)),
)
REBOOT = Message(0x4A, "REBOOT", Record(_NUMBER, Field(1, "when_idle", flag(), required=True)))
LOCATE = Message(0x4B, "LOCATE", Record(_NUMBER, Field(1, "for_s", SECONDS, required=True)))
LOCK = Message(
    0x4C,
    "LOCK",
    Record(
        _NUMBER,
        Field(1, "lock_out", coded(LOCK_OUTS, unknown=LockOut.OPERATOR), required=True),
        Field(2, "port", PORT_NUMBER),
        Field(3, "lifts_fire", flag(), required=True),
    ),
)
PRICES = Message(0x4D, "PRICES", Record(_NUMBER, Field(1, "prices", _PRICES, required=True)))
SHOW = Message(
    0x4E,
    "SHOW",
    Record(_NUMBER, Field(1, "text", text(WORDS_LIMIT), required=True), Field(2, "for_s", SECONDS)),
)
SAY = Message(
    0x4F,
    "SAY",
    Record(
        _NUMBER,
        Field(1, "phrase", coded(PHRASES, unknown=None)),
        Field(2, "text", text(WORDS_LIMIT)),
        Field(3, "port", PORT_NUMBER),
    ),
)
CARDS = Message(
    0x50,
    "CARDS",
    Record(
        _NUMBER,
        Field(1, "from_version", COUNT, required=True),
        Field(2, "to_version", COUNT, required=True),
        Field(3, "add", row_of(CARD_UID)),
        Field(4, "remove", row_of(CARD_UID)),
    ),
)
COME_BACK = Message(0x51, "COME_BACK", Record(_NUMBER, Field(1, "after_s", SECONDS, required=True)))
GO_TO = Message(
    0x52,
    "GO_TO",
    Record(
        _NUMBER,
        Field(1, "host", text(HOST_LIMIT, r"[A-Za-z0-9.:-]+"), required=True),
        Field(2, "port", number(65_535, smallest=1), required=True),
        Field(3, "is_tls", flag(), required=True),
        Field(4, "tries", number(100, smallest=1), required=True),
    ),
)
FIRMWARE_OFFER = Message(
    0x53,
    "FIRMWARE_OFFER",
    Record(
        _NUMBER,
        Field(1, "image", COUNT, required=True),
        Field(2, "manifest", blob(MANIFEST_LIMIT), required=True),
        Field(3, "signature", octets(SIGNATURE_SIZE), required=True),
    ),
)
FIRMWARE_BLOCK = Message(
    0x54,
    "FIRMWARE_BLOCK",
    Record(
        Field(0, "image", COUNT, required=True),
        Field(1, "offset", COUNT, required=True),
        Field(2, "code", coded(ANSWER_CODES, unknown="refused"), required=True),
        Field(3, "data", blob(BLOCK_LIMIT)),
    ),
)
NEW_KEY = Message(
    0x55,
    "NEW_KEY",
    Record(
        _NUMBER,
        Field(1, "generation", COUNT, required=True),
        Field(2, "nonce", octets(ROTATION_NONCE_SIZE), required=True),
    ),
)
FIRMWARE_WITHDRAWAL = Message(
    0x56, "FIRMWARE_WITHDRAWAL", Record(_NUMBER, Field(1, "image", COUNT, required=True))
)

DOWN: Mapping[int, Message] = {
    message.number: message
    for message in (
        HEARTBEAT_ANSWER,
        KEPT,
        START,
        STOP,
        TIME,
        CARD_ANSWER,
        CHANGE,
        SET,
        QUERY,
        REBOOT,
        LOCATE,
        LOCK,
        PRICES,
        SHOW,
        SAY,
        CARDS,
        COME_BACK,
        GO_TO,
        FIRMWARE_OFFER,
        FIRMWARE_BLOCK,
        NEW_KEY,
        FIRMWARE_WITHDRAWAL,
    )
}
