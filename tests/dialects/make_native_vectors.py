"""Makes native_vectors.json anew: C{python -m tests.dialects.make_native_vectors}.

A vector that changes is a protocol that changes: look at the difference before you commit.
"""

import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from chargecloud.dialects.fields import Record
from chargecloud.dialects.native import codes
from chargecloud.dialects.native.down import DOWN as DOWN_MESSAGES
from chargecloud.dialects.native.keys import CCM, GCM, next_key, session_key
from chargecloud.dialects.native.messages import Message
from chargecloud.dialects.native.start_codes import StartCode
from chargecloud.dialects.native.up import UP as UP_MESSAGES
from tests.dialects import native_pair
from tests.dialects.native_pair import GREETING, IDENTITY, SECRET, UPTIME_S, Pair, new_pair
from tests.dialects.native_script import DOWN, UP

PATH = Path(__file__).parent / "native_vectors.json"
MESSAGES: Mapping[int, Message] = {**UP_MESSAGES, **DOWN_MESSAGES}

_NUMBERS: dict[object, int] = {
    word: code
    for table in vars(codes).values()
    if isinstance(table, Mapping)
    for code, word in table.items()
    if isinstance(word, Enum)
}
_WORDS = {"ANSWER": codes.ANSWER_CODES, "CARD_ANSWER": codes.CARD_CODES}


def shown(value: Any, words: Mapping[int, str]) -> Any:
    """A value as any language can read it: codes as numbers, bytes as hex, flags as a bitmap."""
    if isinstance(value, Enum):
        return _NUMBERS[value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset):
        return sum(1 << _NUMBERS[each] for each in value)
    if isinstance(value, dict):
        return {name: shown(each, words) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [shown(each, words) for each in value]
    return value


def fields_of(name: str, record: Record, message: bytes) -> dict[str, Any]:
    """The fields of a message, by their names."""
    fields = record.read(message[1:])
    words = _WORDS.get(name, codes.ANSWER_CODES)
    if "code" in fields and name in ("ANSWER", "CARD_ANSWER", "FIRMWARE_BLOCK"):
        fields["code"] = next(code for code, word in words.items() if word == fields["code"])
    shown_fields: dict[str, Any] = shown(fields, words)
    return shown_fields


def _opened(pair: Pair, frames: list[tuple[str, bytes]], key: bytes, way: int) -> list[Any]:
    suite = GCM if pair.charger.suites & GCM.bit else CCM
    vectors = []
    for count, (name, frame) in enumerate(frames, start=way):
        start = 3 if frame[0] & 8 else 2
        nonce = bytes((way, 0, 0, 0)) + count.to_bytes(8, "big")
        message = suite.cipher(key).decrypt(nonce, frame[start:], frame[:start])
        found = MESSAGES[message[0]]
        assert found.name == name, (found.name, name)
        vectors.append(
            {
                "name": name,
                "nonce": nonce.hex(),
                "message": message.hex(),
                "frame": frame.hex(),
                "fields": fields_of(name, found.record, message),
            }
        )
    return vectors


def _cut(data: bytes) -> list[bytes]:
    frames = []
    while data:
        size = 2 + data[1] if not data[0] & 8 else 3 + int.from_bytes(data[1:3], "big")
        frames.append(data[:size])
        data = data[size:]
    return frames


def session(suites: int) -> dict[str, Any]:
    """The vectors of a session in which everything is said."""
    pair = new_pair(suites)
    pair.charger.hello(UPTIME_S)
    hello = pair.charger.data_to_send()
    pair.cloud.receive(hello)
    pair.welcome()
    welcome = pair.cloud.data_to_send()
    pair.charger.receive(welcome)
    key = session_key(SECRET.key, hello + welcome[:20])
    up = [("LOGIN", pair.charger.data_to_send())]
    for name, say, _heard in UP:
        say(pair.charger)
        up.append((name, pair.charger.data_to_send()))
    for _name, frame in up:
        pair.cloud.receive(frame)
    for _name, do, _received in DOWN:
        do(pair.cloud)
    down = _cut(pair.cloud.data_to_send())
    suite = GCM if suites & GCM.bit else CCM
    nonce = b"\x01" + bytes(11)
    terms = suite.cipher(key).decrypt(nonce, welcome[20:], welcome[:20])
    return {
        "suite": suite.number,
        "suites_offered": suites,
        "charger_key": SECRET.key.hex(),
        "server_nonce": native_pair.entropy(16).hex(),
        "hello": hello.hex(),
        "welcome_start": welcome[:20].hex(),
        "kdf_input": "01"
        + b"ChargeCloud 1 session\x00".hex()
        + hello.hex()
        + welcome[:20].hex()
        + "0080",
        "session_key": key.hex(),
        "welcome_nonce": nonce.hex(),
        "welcome_terms": terms.hex(),
        "welcome": welcome.hex(),
        "up": _opened(pair, up, key, 0),
        "down": _opened(pair, list(zip([n for n, _, _ in DOWN], down, strict=True)), key, 1),
    }


def vectors() -> dict[str, Any]:
    """All of them."""
    refused = native_pair.claimed_pair()
    refused.cloud.welcome(IDENTITY, None, GREETING)
    nonce = bytes(range(0x10, 0x20))
    code = StartCode(counter=5, port=3, energy=15)
    late = StartCode(counter=4_097, port=0, energy=0)
    return {
        "refusal_unknown_charger": refused.cloud.data_to_send().hex(),
        "rotation": {
            "key": SECRET.key.hex(),
            "generation": 2,
            "nonce": nonce.hex(),
            "identity": IDENTITY,
            "next_key": next_key(SECRET.key, 2, nonce, IDENTITY).hex(),
        },
        "start_codes": [
            {
                "key": SECRET.key.hex(),
                "highest": highest,
                "counter": each.counter,
                "port": each.port,
                "energy": each.energy,
                "code": each.write(SECRET.key),
            }
            for each, highest in ((code, 0), (late, 4_000))
        ],
        "sessions": [session(CCM.bit), session(CCM.bit | GCM.bit)],
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="ascii")
