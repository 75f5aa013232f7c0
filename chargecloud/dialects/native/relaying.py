"""Bytes of other devices on a charger's connection.

A box that others hang on carries their streams in RELAY frames, as they are: an address
and some bytes of that device's own stream, which its own key seals.  A frame without
bytes ends a stream.
"""

from chargecloud.dialects.native.frames import SHORT_BODY, FrameKind, start_of
from chargecloud.domain.errors import BadFrame

ADDRESS_LIMIT = 255


def relay_frames(address: int, data: bytes) -> bytes:
    """The frames that carry some bytes of a device's stream."""
    pieces = range(0, len(data), SHORT_BODY - 1)
    return b"".join([_frame(address, data[at : at + SHORT_BODY - 1]) for at in pieces])


def relay_end(address: int) -> bytes:
    """The frame that ends a device's stream."""
    return _frame(address, b"")


def read_relay(body: bytes) -> tuple[int, bytes]:
    """
    The address of a RELAY frame and what it carries.

    @raise BadFrame: if it has no address.
    """
    if not body or not body[0]:
        raise BadFrame("a relayed frame of no device")
    return body[0], body[1:]


def _frame(address: int, data: bytes) -> bytes:
    if not 1 <= address <= ADDRESS_LIMIT:
        raise ValueError(f"{address} is no address of a device")
    return start_of(FrameKind.RELAY, 1 + len(data)) + bytes((address,)) + data
