"""The curve of a charge: what its port measured, minute by minute.

Readings are kept in packed pieces (table C{curves}), each some minutes long.  A piece is a
version byte, the time of its first sample in ms, and for each sample: a byte that tells
which quantities it has and, as varints, what changed: the time since the sample before in
ms, and each quantity's difference to its last value.  A usual minute takes 10 bytes.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from attrs import frozen
from sqlalchemy import Connection, select

from chargecloud.domain.order_rows import instant_ms, instant_of
from chargecloud.storage.schema import curves

_VERSION = 1
_QUANTITIES = ("power_dw", "meter_mwh", "voltage_dv", "current_ma", "temperature_dc")


@frozen
class Sample:
    """What a port measured at an instant; C{None} for what was not said."""

    at: datetime
    power_dw: int | None = None
    meter_mwh: int | None = None
    voltage_dv: int | None = None
    current_ma: int | None = None
    temperature_dc: int | None = None


def pack(samples: Sequence[Sample]) -> bytes:
    """A piece of a curve."""
    piece = bytearray((_VERSION,))
    at_ms, last = 0, dict.fromkeys(_QUANTITIES, 0)
    for sample in samples:
        values = [(name, getattr(sample, name)) for name in _QUANTITIES]
        piece.append(sum(1 << bit for bit, (_, value) in enumerate(values) if value is not None))
        now_ms = instant_ms(sample.at)
        _write(piece, now_ms - at_ms)
        at_ms = now_ms
        for name, value in values:
            if value is not None:
                _write(piece, value - last[name])
                last[name] = value
    return bytes(piece)


def unpack(piece: bytes) -> Sequence[Sample]:
    """
    The samples of a piece.

    @raise ValueError: for one of a version that is not known here.
    """
    if not piece or piece[0] != _VERSION:
        raise ValueError("a piece of a curve in a form that is not known here")
    samples = []
    numbers = iter(piece[1:])
    at_ms, last = 0, dict.fromkeys(_QUANTITIES, 0)
    for said in numbers:
        at_ms += _read(numbers)
        values = {}
        for bit, name in enumerate(_QUANTITIES):
            if said >> bit & 1:
                last[name] += _read(numbers)
                values[name] = last[name]
        samples.append(Sample(instant_of(at_ms), **values))
    return samples


def _write(piece: bytearray, number: int) -> None:
    """A signed number: 0, -1, 1, -2 as 0, 1, 2, 3, seven bits a byte, the lowest first."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    while left > 0x7F:
        piece.append(left & 0x7F | 0x80)
        left >>= 7
    piece.append(left)


def _read(numbers: Iterator[int]) -> int:
    value = shift = 0
    for byte in numbers:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return -(value + 1 >> 1) if value & 1 else value >> 1


def find_curve(connection: Connection, order_id: int) -> Sequence[Sample]:
    """All that is written down of an order's curve, oldest first."""
    pieces = select(curves.c.samples).where(curves.c.order_id == order_id).order_by(curves.c.id)
    return [sample for piece in connection.execute(pieces).scalars() for sample in unpack(piece)]
