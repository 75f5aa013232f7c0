"""Every message of both directions, by its table: whatever it may say arrives as it was said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.fields import Record
from chargecloud.dialects.native.down import DOWN
from chargecloud.dialects.native.messages import HELLO, UNKNOWN, WELCOME, Message, read_message
from chargecloud.dialects.native.up import UP
from chargecloud.domain.errors import RemoteError

MESSAGES: list[Message] = [*UP.values(), *DOWN.values()]
RECORDS: list[Record] = [HELLO, WELCOME, *(message.record for message in MESSAGES)]


@st.composite
def said(draw: st.DrawFn) -> tuple[Message, bytes]:
    """A message, and bytes that its table takes: what a reader finds in anything at all."""
    message = draw(st.sampled_from(MESSAGES))
    for _ in range(4):
        record = draw(st.binary(max_size=60))
        try:
            message.record.read(record)
        except RemoteError:
            continue
        return message, bytes((message.number,)) + record
    return message, b""


@given(said())
def test_what_is_read_is_written_and_read_alike(found: tuple[Message, bytes]) -> None:
    """Whatever form it came in: unknown fields are left out, codes of a later version are read as
    C{None}, which is absent when it is written, and all else is the same."""
    message, plaintext = found
    if not plaintext:
        return
    _message, fields = read_message(plaintext, {message.number: message}, range(0))
    try:
        again = message.write(fields)
    except ValueError:
        # a list of codes says each, and one of a later version has no number to be written with
        return
    known = {name: value for name, value in fields.items() if value is not None}
    assert read_message(again, {message.number: message}, range(0)) == (message, known)


@given(st.sampled_from(RECORDS), st.binary(max_size=80))
def test_any_bytes_are_a_record_or_a_remote_error(record: Record, data: bytes) -> None:
    """And nothing else, whatever they are."""
    try:
        record.read(data)
    except RemoteError:
        return


@given(st.sampled_from(RECORDS), st.data())
def test_fields_of_a_later_version_are_skipped(record: Record, data: st.DataObject) -> None:
    """A bitmap that names fields above the table, and whatever stands behind those."""
    tail = data.draw(st.binary(max_size=20))
    optional = not any(row.required for row in record.rows)
    bitmap = 1 << len(record.rows) + data.draw(st.integers(0, 5))
    if optional:
        assert record.read(_varint(bitmap) + tail) == {}
    else:
        with pytest.raises(RemoteError):
            record.read(_varint(bitmap) + tail)


@given(st.integers(0, 255), st.binary(max_size=20))
def test_messages_of_a_later_version_are_skipped(number: int, record: bytes) -> None:
    """In the direction that they come from; the other one's are a fault."""
    plaintext = bytes((number,)) + record
    for known, foreign in ((DOWN, range(0x40)), (UP, range(0x40, 0x7F))):
        if number in known:
            continue
        if number in foreign:
            with pytest.raises(RemoteError):
                read_message(plaintext, known, foreign)
        else:
            assert read_message(plaintext, known, foreign) == (UNKNOWN, {})


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*written, value))


def test_every_message_can_be_said() -> None:
    """No number twice, and none in the other direction's range."""
    numbers: list[Any] = [message.number for message in MESSAGES]
    assert len(set(numbers)) == len(numbers)
    assert all(number < 0x40 for number in UP)
    assert all(0x40 <= number < 0x7F for number in DOWN)
