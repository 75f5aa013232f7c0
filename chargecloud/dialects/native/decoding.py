"""Frames in words, for people who look at the wire."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from chargecloud.dialects.fields import Fields
from chargecloud.dialects.framing import ReceiveBuffer
from chargecloud.dialects.native.codes import RefusalCode
from chargecloud.dialects.native.down import DOWN
from chargecloud.dialects.native.frames import (
    DOWN_HEADS,
    LONG_FRAME,
    UP_HEADS,
    Frame,
    FrameKind,
    take_frame,
)
from chargecloud.dialects.native.keys import SERVER_NONCE_SIZE
from chargecloud.dialects.native.messages import HELLO, Message, read_message
from chargecloud.dialects.native.relaying import read_relay
from chargecloud.dialects.native.up import ENDED, STARTED, UP
from chargecloud.domain.errors import BadFrame
from chargecloud.interfaces import DecodedFrame

_HEADS = {**UP_HEADS, **DOWN_HEADS}
_NONE_FOREIGN = range(0)
_MASKED = frozenset({"uid", "card", "add", "remove"})
#: digits of a card that are shown: enough to know one's own by
SHOWN = 4


def decode(data: bytes) -> Sequence[DecodedFrame]:
    """
    The frames that some bytes consist of; what is sealed stays closed.

    @raise BadFrame: unless they are whole frames and nothing else.
    """
    buffer = ReceiveBuffer(max(LONG_FRAME, len(data)))
    buffer.append(data)
    found = []
    while frame := take_frame(buffer, _HEADS):
        found.append(_outer(frame))
    if len(buffer):
        raise BadFrame(f"{len(buffer)} bytes behind the last whole frame")
    return found


def describe(is_up: bool, raw: bytes, opened: bytes | None) -> DecodedFrame:
    """
    A frame in words; a sealed one too, given what was in it.

    @raise BadFrame: if it is none.
    """
    if opened is None:
        (frame,) = decode(raw)
        return frame
    message, fields = read_message(opened, UP if is_up else DOWN, _NONE_FOREIGN)
    return DecodedFrame(message.name.lower(), None, _plain(_masked(message, fields)))


def _masked(message: Message, fields: Fields) -> Fields:
    """The fields, with what opens something masked but for its end: cards, and the codes that
    start a charge."""
    with_codes = message in (STARTED, ENDED)
    return {
        name: _mask(value) if name in _MASKED or (name == "code" and with_codes) else value
        for name, value in fields.items()
    }


def _mask(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_mask(each) for each in value]
    shown = str(value)
    return "*" * max(0, len(shown) - SHOWN) + shown[-SHOWN:]


def _outer(frame: Frame) -> DecodedFrame:
    charger, fields = None, {}
    if frame.kind is FrameKind.HELLO:
        if not frame.body:
            raise BadFrame("a HELLO without a version")
        fields = {"version": frame.body[0], **HELLO.read(frame.body[1:])}
        charger = str(fields["identity"])
    elif frame.kind is FrameKind.WELCOME:
        if len(frame.body) < 2 + SERVER_NONCE_SIZE:
            raise BadFrame("a WELCOME that ends too early")
        fields = {"version": frame.body[0], "suite": frame.body[1]}
    elif frame.kind is FrameKind.REFUSAL:
        fields = _refusal(frame.body)
    elif frame.kind is FrameKind.RELAY:
        address, data = read_relay(frame.body)
        fields = {"address": address, "data": data}
    else:
        fields = {"size": len(frame.body)}
    return DecodedFrame(frame.kind.name.lower(), charger, _plain(fields))


def _refusal(body: bytes) -> dict[str, Any]:
    if len(body) < 2:
        raise BadFrame("a REFUSAL without a code")
    known = body[1] in {code.value for code in RefusalCode}
    code = RefusalCode(body[1]).name.lower() if known else body[1]
    fields: dict[str, Any] = {"version": body[0], "code": code}
    return fields | ({"retry_s": int.from_bytes(body[2:], "big")} if len(body) > 2 else {})


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(_plain(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
