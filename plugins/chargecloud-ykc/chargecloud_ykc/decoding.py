"""Frames in words."""

from collections.abc import Sequence
from typing import Any

from chargecloud.dialects.layouts import plain
from chargecloud.domain.errors import BadFrame
from chargecloud.interfaces import DecodedFrame
from chargecloud_ykc.frames import PLAIN, Frame, Stream
from chargecloud_ykc.identities import pile_of
from chargecloud_ykc.messages import DOWN, UP

#: who has these can charge at another's cost, or change a pile's program
_MASKED = frozenset({"card", "cards", "logical_card", "password", "vin"})
_SHOWN = 4


def decode(data: bytes) -> Sequence[DecodedFrame]:
    """
    What some bytes consist of, from either side.

    @raise BadFrame: unless they are whole frames and nothing else.
    """
    stream = Stream()
    found = [_described(frame) for frame, _ in stream.receive(data)]
    if stream.skipped or stream.is_waiting:
        raise BadFrame("there is more than whole frames")
    return found


def describe(raw: bytes) -> DecodedFrame:
    """
    A frame in words: its type tells whose it is.

    @raise BadFrame: if it is none.
    """
    found = decode(raw)
    if len(found) != 1:
        raise BadFrame("this is not one whole frame")
    return found[0]


def _described(frame: Frame) -> DecodedFrame:
    message = UP.get(frame.kind) or DOWN.get(frame.kind)
    told = {"sequence": frame.sequence.hex()}
    if message is not None and frame.encryption == PLAIN:
        try:
            fields = {name: _mask(name, each) for name, each in message.read(frame.body).items()}
            return DecodedFrame(message.name, pile_of(frame), {**told, **plain(fields)})
        except BadFrame:
            pass
    kind = message.name if message is not None else f"{frame.kind:#04x}"
    name = "body" if frame.encryption == PLAIN else "encrypted"
    return DecodedFrame(kind, pile_of(frame), {**told, name: frame.body.hex()})


def _mask(name: str, value: Any) -> Any:
    if name not in _MASKED:
        return value
    if isinstance(value, tuple):
        return tuple([_mask(name, each) for each in value])
    text = value.hex() if isinstance(value, bytes) else value
    shown = 0 if name == "password" else _SHOWN
    return "*" * max(0, len(text) - shown) + (text[-shown:] if shown else "")
