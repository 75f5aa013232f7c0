"""Messages in words.  What is kept of a connection is its texts, without WebSocket's frames."""

from collections.abc import Mapping, Sequence
from typing import Any

from chargecloud.domain.errors import BadFrame
from chargecloud.interfaces import DecodedFrame
from chargecloud_ocpp.calls import Call, Error, Message, Result, Unreadable, parse
from chargecloud_ocpp.numbers import read_order_tag

#: who has these can charge with another's card
_CARDS = frozenset({"idTag", "parentIdTag"})
#: configuration keys that are secrets
_SECRET_KEYS = frozenset({"authorizationkey"})
#: of a text that is no message, what is shown
_SHOWN = 500


def decode(data: bytes) -> Sequence[DecodedFrame]:
    """
    The messages of some text, one a line.

    @raise BadFrame: unless they are messages and nothing else.
    """
    found = []
    for line in _text(data).splitlines() or [""]:
        message = parse(line)
        if isinstance(message, Unreadable):
            raise BadFrame(f"no message of OCPP-J: {message.reason}")
        found.append(_described(message))
    return found


def describe(raw: bytes) -> DecodedFrame:
    """
    A text that came or went, in words; one that is no message says why.

    @raise BadFrame: if it is no text.
    """
    text = _text(raw)
    message = parse(text)
    if isinstance(message, Unreadable):
        return DecodedFrame("unreadable", None, {"reason": message.reason, "text": text[:_SHOWN]})
    return _described(message)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadFrame("no text") from None


def _described(message: Message) -> DecodedFrame:
    match message:
        case Call(id, action, payload):
            return DecodedFrame(action[:50], None, {"id": id, "payload": masked(payload)})
        case Result(id, payload):
            return DecodedFrame("result", None, {"id": id, "payload": masked(payload)})
        case Error(id, code, description, details):
            told = {"id": id, "code": code, "description": description, "details": dict(details)}
            return DecodedFrame("error", None, told)


def masked(value: Any, name: str = "") -> Any:
    """A payload to be shown: without the whole numbers of cards, and without secrets."""
    if isinstance(value, Mapping):
        is_secret = str(value.get("key", "")).lower() in _SECRET_KEYS
        return {
            each: "****" if is_secret and each == "value" else masked(inner, each)
            for each, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(each) for each in value]
    if name in _CARDS and isinstance(value, str) and read_order_tag(value) is None:
        return "*" * max(0, len(value) - 4) + value[-4:]
    return value
