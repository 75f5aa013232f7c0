"""Layouts of a message's data: fields one after the other, little-endian.

The vendor has appended fields over the years, so that the length decides which of them are
there: a reader stops where the data end, and skips what stands behind the fields it knows.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import index
from typing import Any

from attrs import frozen

from chargecloud.domain.errors import BadFrame

Fields = dict[str, Any]


@frozen
class Kind:
    """How a value stands on the wire.

    @ivar size: bytes; C{None} for all that are left.
    @ivar is_bytes: whether its values are bytes.
    """

    size: int | None
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]
    is_bytes: bool = False


def whole(size: int) -> Kind:
    """A whole number in so many bytes, the low one first."""
    return Kind(
        size,
        lambda data: int.from_bytes(data, "little"),
        # no text and no fraction: C{"1"} would be a number in one place and none in another
        lambda value: index(value).to_bytes(size, "little"),
    )


U8, U16, U32 = whole(1), whole(2), whole(4)
#: the rest of the data
REST = Kind(None, bytes, bytes, is_bytes=True)


def raw(size: int) -> Kind:
    """Exactly so many bytes."""

    def write(value: bytes) -> bytes:
        if len(value) != size:
            raise ValueError(f"{len(value)} bytes where there must be {size}")
        return bytes(value)

    return Kind(size, bytes, write, is_bytes=True)


def text(size: int) -> Kind:
    """ASCII in so many bytes, filled up with NUL."""

    def write(value: str) -> bytes:
        written = value.encode("ascii")
        if len(written) > size:
            raise ValueError(f"{value!r} has more than {size} characters")
        return written.ljust(size, b"\0")

    return Kind(size, lambda data: data.rstrip(b"\0").decode("ascii", "replace"), write)


@frozen
class Field:
    """
    A row of a layout.

    @ivar count: name of the field before it that says how many of these there are; C{None}
        for one.
    @ivar since: whether it was appended later, so that older devices end before it.
    """

    name: str
    kind: Kind
    count: str | None = None
    since: bool = False


def later(*fields: Field) -> tuple[Field, ...]:
    """Fields that newer devices have."""
    return tuple([Field(each.name, each.kind, each.count, since=True) for each in fields])


class Layout:
    """The fields of one message.  Written out, as in documents: fields in brackets are those that
    came later."""

    def __str__(self) -> str:
        if not self.fields:
            return "no data"
        return ", ".join([_written(field) for field in self.fields])

    def __init__(self, *fields: Field) -> None:
        self.fields = fields

    def read(self, data: bytes) -> Fields:
        """
        The values that are there.

        @raise BadFrame: if the data end before a field that every device has.
        """
        values: Fields = {}
        offset = 0
        for field in self.fields:
            if field.kind.size is None:
                values[field.name] = field.kind.read(data[offset:])
                break
            count = 1 if field.count is None else values[field.count]
            end = offset + count * field.kind.size
            if end > len(data):
                if field.since:
                    break
                raise BadFrame(f"{len(data)} bytes end before {field.name}")
            size = field.kind.size
            read = [field.kind.read(data[at : at + size]) for at in range(offset, end, size)]
            values[field.name] = read[0] if field.count is None else tuple(read)
            offset = end
        return values

    def write(self, values: Mapping[str, Any]) -> bytes:
        """
        The data of some values; of the fields that came later, those before the first that
        is not there.

        @raise ValueError: if a value is missing, or does not fit.
        """
        written = bytearray()
        for field in self.fields:
            if field.name not in values:
                if field.since:
                    break
                raise ValueError(f"there is no {field.name}")
            value = values[field.name]
            try:
                each = [value] if field.count is None else list(value)
                if field.count is not None and len(each) != values[field.count]:
                    raise ValueError(f"{len(each)} are not {values[field.count]}")
                written += b"".join([field.kind.write(one) for one in each])
            except (AttributeError, OverflowError, TypeError, ValueError) as error:
                raise ValueError(f"{field.name}: {error}") from error
        return bytes(written)


def _written(field: Field) -> str:
    size = "the rest" if field.kind.size is None else str(field.kind.size)
    size = f"{size} for each of ``{field.count}``" if field.count else size
    text = f"``{field.name}`` {size}"
    return f"[{text}]" if field.since else text


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON has them: bytes as hex, instants as text."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
