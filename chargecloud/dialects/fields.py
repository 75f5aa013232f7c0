"""Records of numbered fields: one table both writes and reads them.

A record is a bitmap of the fields that are present, and then those fields, in the order
of their numbers.  A field that is absent was not said; it is never zero.  A reader skips
what stands behind the fields it knows, so that a table may grow at its end.
docs/native-protocol.rst tells the coding byte by byte.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from chargecloud.domain.errors import BadFrame

T = TypeVar("T")
#: a record's values by the names of their fields; absent fields are not in it
Fields = dict[str, Any]

U32 = 2**32 - 1
#: what a signed column of 64 bits can hold
U63 = 2**63 - 1
U64 = 2**64 - 1


@frozen
class Kind(Generic[T]):
    """How the values of a field stand on the wire.

    @ivar write: the bytes of a value; C{ValueError} if the kind cannot hold it.
    @ivar read: the value at an offset, and the offset behind it.  It raises L{BadFrame},
        or C{IndexError} where the bytes end too early.
    """

    write: Callable[[T], bytes]
    read: Callable[[bytes, int], tuple[T, int]]


def write_varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; all bytes but the last have their top bit set."""
    if value < 0x80:
        return bytes((value,))
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """
    The number at an offset, and the offset behind it.

    @raise BadFrame: for 2**64 and above, or a form longer than the number needs.
    @raise IndexError: where the bytes end within the number.
    """
    byte = data[offset]
    if byte < 0x80:
        return byte, offset + 1
    value = byte & 0x7F
    shift = 7
    while True:
        offset += 1
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise BadFrame("a number of more than ten bytes")
    if byte == 0 or value > U64:
        raise BadFrame("a number that is over-long or above 2**64")
    return value, offset + 1


def number(largest: int = U64, smallest: int = 0) -> Kind[int]:
    """A whole number from C{smallest} to C{largest} (both included), as a varint."""

    def write(value: int) -> bytes:
        if not smallest <= value <= largest:
            raise ValueError(f"{value} is not within {smallest} and {largest}")
        return write_varint(value)

    def read(data: bytes, offset: int) -> tuple[int, int]:
        value, offset = read_varint(data, offset)
        if not smallest <= value <= largest:
            raise BadFrame(f"{value} is not within {smallest} and {largest}")
        return value, offset

    return Kind(write, read)


def signed(bits: int) -> Kind[int]:
    """A whole number in two's complement of so many bits, zigzag: 0, -1, 1, -2 are 0, 1, 2, 3."""
    zigzag = number(2**bits - 1)

    def write(value: int) -> bytes:
        return zigzag.write(2 * value if value >= 0 else -2 * value - 1)

    def read(data: bytes, offset: int) -> tuple[int, int]:
        value, offset = zigzag.read(data, offset)
        return (value >> 1) ^ -(value & 1), offset

    return Kind(write, read)


def octets(size: int) -> Kind[bytes]:
    """Exactly so many bytes."""

    def write(value: bytes) -> bytes:
        if len(value) != size:
            raise ValueError(f"{len(value)} bytes where there must be {size}")
        return value

    def read(data: bytes, offset: int) -> tuple[bytes, int]:
        end = offset + size
        if end > len(data):
            raise BadFrame(f"a field of {size} bytes that is cut off")
        return data[offset:end], end

    return Kind(write, read)


def wide_number(size: int, largest: int) -> Kind[int]:
    """A number of always so many bytes, big-endian."""
    raw = octets(size)

    def write(value: int) -> bytes:
        if not 0 <= value <= largest:
            raise ValueError(f"{value} is not within 0 and {largest}")
        return value.to_bytes(size, "big")

    def read(data: bytes, offset: int) -> tuple[int, int]:
        taken, end = raw.read(data, offset)
        value = int.from_bytes(taken, "big")
        if value > largest:
            raise BadFrame(f"{value} is above {largest}")
        return value, end

    return Kind(write, read)


def _read_sized(data: bytes, offset: int) -> tuple[bytes, int]:
    size, start = read_varint(data, offset)
    end = start + size
    if end > len(data):
        raise BadFrame(f"{size} bytes are announced, and {len(data) - start} are there")
    return data[start:end], end


def text(longest: int, form: str = r"[^\x00-\x1f]*") -> Kind[str]:
    """Text of at most so many bytes of UTF-8, all of which matches C{form}; control
    characters have no place in it unless the form says so."""
    matches = re.compile(form).fullmatch

    def write(value: str) -> bytes:
        raw = value.encode()
        if len(raw) > longest or not matches(value):
            raise ValueError(f"{value!r} has more than {longest} bytes or characters it may not")
        return write_varint(len(raw)) + raw

    def read(data: bytes, offset: int) -> tuple[str, int]:
        raw, end = _read_sized(data, offset)
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            raise BadFrame("text that is not UTF-8") from None
        if len(raw) > longest or not matches(value):
            raise BadFrame("text that is too long or has characters that it may not have")
        return value, end

    return Kind(write, read)


def flag() -> Kind[bool]:
    """Yes or no, as 1 or 0."""
    bit = number(1)

    def read(data: bytes, offset: int) -> tuple[bool, int]:
        value, offset = bit.read(data, offset)
        return bool(value), offset

    return Kind(bit.write, read)


def coded(meanings: Mapping[int, T], unknown: T) -> Kind[T]:
    """A number that stands for a value.  A number that a later version may have added is
    read as C{unknown}; a value without a number cannot be written."""
    codes = {meaning: code for code, meaning in meanings.items()}

    def write(value: T) -> bytes:
        if value not in codes:
            raise ValueError(f"{value!r} has no number")
        return write_varint(codes[value])

    def read(data: bytes, offset: int) -> tuple[T, int]:
        code, offset = read_varint(data, offset)
        return meanings.get(code, unknown), offset

    return Kind(write, read)


def some_of(meanings: Mapping[int, T]) -> Kind[frozenset[T]]:
    """Any of some values, each of which has a bit: a bitmap as a varint.  Bits that a later
    version may have added are left out when it is read."""
    bits = {meaning: 1 << bit for bit, meaning in meanings.items()}

    def write(value: frozenset[T]) -> bytes:
        if not value <= bits.keys():
            raise ValueError(f"some of {value!r} have no bit")
        return write_varint(sum(bits[meaning] for meaning in value))

    def read(data: bytes, offset: int) -> tuple[frozenset[T], int]:
        bitmap, offset = read_varint(data, offset)
        return frozenset(meaning for meaning, bit in bits.items() if bitmap & bit), offset

    return Kind(write, read)


def blob(longest: int) -> Kind[bytes]:
    """At most so many bytes, behind their length."""

    def write(value: bytes) -> bytes:
        if len(value) > longest:
            raise ValueError(f"{len(value)} bytes where at most {longest} may be")
        return write_varint(len(value)) + value

    def read(data: bytes, offset: int) -> tuple[bytes, int]:
        raw, end = _read_sized(data, offset)
        if len(raw) > longest:
            raise BadFrame(f"{len(raw)} bytes where at most {longest} may be")
        return raw, end

    return Kind(write, read)


def row_of(kind: Kind[T]) -> Kind[Sequence[T]]:
    """Any number of values of one kind, all behind the length of all in bytes."""

    def write(values: Sequence[T]) -> bytes:
        items = b"".join([kind.write(value) for value in values])
        return write_varint(len(items)) + items

    def read(data: bytes, offset: int) -> tuple[Sequence[T], int]:
        items, end = _read_sized(data, offset)
        values = []
        position = 0
        while position < len(items):
            value, position = kind.read(items, position)
            values.append(value)
        return values, end

    return Kind(write, read)


def nested(record: "Record") -> Kind[Fields]:
    """A record behind its length."""

    def write(value: Fields) -> bytes:
        written = record.write(value)
        return write_varint(len(written)) + written

    def read(data: bytes, offset: int) -> tuple[Fields, int]:
        raw, end = _read_sized(data, offset)
        return record.read(raw), end

    return Kind(write, read)


def records(record: "Record") -> Kind[Sequence[Fields]]:
    """Any number of records, each behind its own length, all behind the length of all."""
    return row_of(nested(record))


@frozen
class Field:
    """One row of a record's table.

    @ivar number: its bit in the bitmap; once used, it has this kind for ever.
    """

    number: int
    name: str
    kind: Kind[Any]
    required: bool = False


class Record:
    """The table of a record: its fields, numbered from 0 without a gap."""

    def __init__(self, *rows: Field) -> None:
        if [row.number for row in rows] != list(range(len(rows))):
            raise ValueError("fields are numbered from 0 without a gap, and never renumbered")
        self.rows = rows
        self.names = frozenset(row.name for row in rows)
        self._known = 2 ** len(rows) - 1
        self._required = sum(1 << row.number for row in rows if row.required)
        self._writers = [(1 << row.number, row.name, row.kind.write) for row in rows]
        self._readers = [(1 << row.number, row.name, row.kind.read) for row in rows]

    def write(self, values: Mapping[str, Any]) -> bytes:
        """
        The bytes of a record.

        @param values: by the fields' names; C{None} is absent, and names that are not in
            the table are left out.
        @raise ValueError: if a required field is absent, or a kind cannot hold its value.
        """
        bitmap = 0
        written = bytearray()
        for bit, name, write in self._writers:
            value = values.get(name)
            if value is not None:
                bitmap |= bit
                written += write(value)
        if bitmap & self._required != self._required:
            raise ValueError(f"a required field is missing from {sorted(values)}")
        return write_varint(bitmap) + written if bitmap else b""

    def read(self, data: bytes) -> Fields:
        """
        The values of a record that takes up all of C{data}.

        @raise BadFrame: if the bytes are no such record.
        """
        values: Fields = {}
        bitmap = offset = 0
        if data:
            try:
                bitmap, offset = read_varint(data, 0)
                for bit, name, read in self._readers:
                    if bitmap & bit:
                        values[name], offset = read(data, offset)
            except IndexError:
                raise BadFrame("a record that is cut off") from None
            if not bitmap or (bitmap <= self._known and offset < len(data)):
                raise BadFrame("bytes that belong to no field")
        if bitmap & self._required != self._required:
            raise BadFrame(f"a required field is missing: only {sorted(values)} are there")
        return values
