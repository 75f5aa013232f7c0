"""Frames: a head, a length, a body.

The upper half of the head is always 0xC, so that the first byte of a connection cannot be
taken for another protocol's.  The lower half is a flag for a long frame, which has two
bytes of length, and three bits of kind.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from chargecloud.dialects.framing import ReceiveBuffer
from chargecloud.domain.errors import BadFrame

#: a short frame is at most 256 bytes long: a board with little memory can take any
SHORT_BODY = 254
SHORT_FRAME = 2 + SHORT_BODY
#: a long frame fits into one packet of any mobile network
LONG_BODY = 1200
LONG_FRAME = 3 + LONG_BODY

_HEAD = 0xC0
_LONG = 0x08


class FrameKind(IntEnum):
    """What a frame carries; 5 to 7 are reserved."""

    HELLO = 0
    WELCOME = 1
    SEALED = 2
    REFUSAL = 3
    RELAY = 4


#: first byte of a connection that speaks this protocol
FIRST_BYTE = _HEAD | FrameKind.HELLO

#: heads that a charger may send, and heads that the cloud may send
UP_HEADS: Mapping[int, FrameKind] = {
    _HEAD | FrameKind.HELLO: FrameKind.HELLO,
    _HEAD | FrameKind.SEALED: FrameKind.SEALED,
    _HEAD | FrameKind.RELAY: FrameKind.RELAY,
}
DOWN_HEADS: Mapping[int, FrameKind] = {
    _HEAD | FrameKind.WELCOME: FrameKind.WELCOME,
    _HEAD | FrameKind.SEALED: FrameKind.SEALED,
    _HEAD | FrameKind.REFUSAL: FrameKind.REFUSAL,
    _HEAD | FrameKind.RELAY: FrameKind.RELAY,
    _HEAD | _LONG | FrameKind.SEALED: FrameKind.SEALED,
}


class Frame(NamedTuple):
    """A frame as it came.

    @ivar raw: all of it.
    @ivar start: head and length, which a seal covers too.
    """

    kind: FrameKind
    raw: bytes
    start: bytes
    body: bytes


def start_of(kind: FrameKind, size: int) -> bytes:
    """Head and length of a frame whose body has so many bytes: a short one where it can be,
    and else a long one, which only SEALED frames may be."""
    if size <= SHORT_BODY:
        return bytes((_HEAD | kind, size))
    if size > LONG_BODY or kind is not FrameKind.SEALED:
        raise ValueError(f"a body of {size} bytes is too long")
    return bytes((_HEAD | _LONG | kind, *size.to_bytes(2, "big")))


def frame_alone(data: bytes, heads: Mapping[int, FrameKind]) -> Frame | None:
    """The frame that these bytes are, as nearly all that come are one short frame; C{None} if they
    are anything else, which L{take_frame} takes apart."""
    size = len(data)
    if size < 2 or data[1] != size - 2 or data[0] & _LONG:
        return None
    kind = heads.get(data[0])
    if kind is None or size > SHORT_FRAME:
        return None
    return Frame(kind, data, data[:2], data[2:])


def take_frame(buffer: ReceiveBuffer, heads: Mapping[int, FrameKind]) -> Frame | None:
    """
    The next whole frame; C{None} if more bytes are needed.

    @param heads: the heads that the far side may send.
    @raise BadFrame: for any other head, and for a length above the limit of its frame.
    """
    waiting = len(buffer)
    if not waiting:
        return None
    head = buffer[0]
    kind = heads.get(head)
    if kind is None:
        raise BadFrame(f"no frame that may come here begins with 0x{head:02x}")
    start_size, limit = (3, LONG_BODY) if head & _LONG else (2, SHORT_BODY)
    if waiting < start_size:
        return None
    size = buffer[1] if start_size == 2 else buffer[1] << 8 | buffer[2]
    if size > limit:
        raise BadFrame(f"a body of {size} bytes is above {limit}")
    frame = buffer.take(start_size + size)
    if frame is None:
        return None
    return Frame(kind, frame, frame[:start_size], frame[start_size:])
