"""Frames in words."""

from collections.abc import Sequence
from typing import Any

from chargecloud.dialects.layouts import Fields, plain
from chargecloud.domain.errors import BadFrame
from chargecloud.interfaces import DecodedFrame
from chargecloud_dny.frames import Frame, Iccid, Stream
from chargecloud_dny.identities import identity_of
from chargecloud_dny.messages import DOWN, UP, Message

#: who has these can charge with another's card
_MASKED = frozenset({"card", "extra", "user_key", "new_key"})


def decode(data: bytes) -> Sequence[DecodedFrame]:
    """
    What some bytes consist of, from either side.

    @raise BadFrame: unless they are whole frames and nothing else.
    """
    stream = Stream()
    found = [_described(each, None) for each, _ in stream.receive(data)]
    if stream.skipped or stream.is_waiting:
        raise BadFrame("there is more than whole frames")
    return found


def describe(is_up: bool, raw: bytes) -> DecodedFrame:
    """
    A frame in words.

    @raise BadFrame: if it is none.
    """
    stream = Stream()
    found = [each for each, _ in stream.receive(raw)]
    if len(found) != 1 or stream.skipped or stream.is_waiting:
        raise BadFrame("this is not one whole frame")
    return _described(found[0], is_up)


def _described(found: Any, is_up: bool | None) -> DecodedFrame:
    if isinstance(found, Iccid):
        return DecodedFrame("iccid", None, {"iccid": found.digits})
    if not isinstance(found, Frame):
        return DecodedFrame("link", None, {})
    charger = identity_of(found.device)
    name, fields = _fields(found, is_up)
    return DecodedFrame(name, charger, {"message": found.number, **fields})


def _fields(frame: Frame, is_up: bool | None) -> tuple[str, dict[str, Any]]:
    """Name and fields, of the first of its possible readings that its data allow."""
    for message, is_request in _readings(frame.command, is_up):
        try:
            read: Fields = (
                message.layout.read(frame.data) if is_request else message.read_answer(frame.data)
            )
        except BadFrame:
            continue
        name = message.name if is_request else f"{message.name}_reply"
        return name, plain({each: _mask(each, value) for each, value in read.items()})
    return f"{frame.command:#04x}", {"data": frame.data.hex()}


def _readings(command: int, is_up: bool | None) -> list[tuple[Message, bool]]:
    """Messages that a command may be; whose side it is from tells request from reply."""
    up, down = UP.get(command), DOWN.get(command)
    found = []
    if up is not None:
        found = [(up, each) for each in (True, False) if is_up is None or each is is_up]
    elif down is not None:
        found = [(down, each) for each in (True, False) if is_up is None or each is not is_up]
    return found


def _mask(name: str, value: Any) -> Any:
    if name not in _MASKED:
        return value
    shown = value.hex() if isinstance(value, bytes) else bytes(value).hex()
    return "*" * max(0, len(shown) - 4) + shown[-4:]
