from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.fields import (
    U64,
    Field,
    Kind,
    Record,
    coded,
    flag,
    number,
    octets,
    read_varint,
    records,
    signed,
    text,
    wide_number,
    write_varint,
)
from chargecloud.domain.errors import BadFrame


class Colour(Enum):
    """Something with numbers on the wire."""

    RED = "red"
    BLUE = "blue"
    OTHER = "other"


COLOURS = coded({0: Colour.RED, 1: Colour.BLUE}, unknown=Colour.OTHER)

ITEM = Record(Field(0, "name", text(8), required=True), Field(1, "size", number()))
FIRST_EDITION = Record(
    Field(0, "count", number(), required=True),
    Field(1, "change", signed(32)),
    Field(2, "items", records(ITEM)),
)
SECOND_EDITION = Record(
    *FIRST_EDITION.rows,
    Field(3, "colour", COLOURS),
    Field(4, "mark", octets(4)),
    Field(5, "order", wide_number(8, 2**63 - 1)),
    Field(6, "on", flag()),
    Field(7, "note", text(20)),
)

plain_text = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=8
).filter(lambda value: len(value.encode()) <= 8)
items = st.lists(
    st.fixed_dictionaries({"name": plain_text}, optional={"size": st.integers(0, U64)}), max_size=5
)
values = st.fixed_dictionaries(
    {"count": st.integers(0, U64)},
    optional={
        "change": st.integers(-(2**31), 2**31 - 1),
        "items": items,
        "colour": st.sampled_from([Colour.RED, Colour.BLUE]),
        "mark": st.binary(min_size=4, max_size=4),
        "order": st.integers(0, 2**63 - 1),
        "on": st.booleans(),
        "note": plain_text,
    },
)


@given(values)
def test_what_is_written_is_read(fields: dict[str, Any]) -> None:
    """One table both writes and reads, and absent stays absent."""
    assert SECOND_EDITION.read(SECOND_EDITION.write(fields)) == fields


@given(values)
def test_older_reader_skips_what_it_does_not_know(fields: dict[str, Any]) -> None:
    """A field of a higher number disturbs nobody who does not know it."""
    known = {name: fields[name] for name in ("count", "change", "items") if name in fields}
    assert FIRST_EDITION.read(SECOND_EDITION.write(fields)) == known


@given(values, st.data())
def test_cut_off_record_is_refused(fields: dict[str, Any], data: st.DataObject) -> None:
    """No beginning of a record passes for a whole one."""
    written = SECOND_EDITION.write(fields)
    size = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(BadFrame):
        SECOND_EDITION.read(written[:size])


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but a BadFrame comes of bytes that are no record; and what was read can be
    written, unless it is of a later version."""
    try:
        fields = SECOND_EDITION.read(data)
    except BadFrame:
        return
    if fields.get("colour") is not Colour.OTHER:
        assert SECOND_EDITION.read(SECOND_EDITION.write(fields)) == fields


@given(st.integers(0, U64))
def test_varint_has_one_form(value: int) -> None:
    """A number is written in as few bytes as it needs."""
    written = write_varint(value)
    assert len(written) == max(1, -(-value.bit_length() // 7))
    assert read_varint(written, 0) == (value, len(written))


@pytest.mark.parametrize(
    "written",
    ["8000", "ff00", "80808000", "ffffffffffffffffff02", "ffffffffffffffffffff01"],
    ids=["zero in two", "127 in two", "zero in four", "2**64 and above", "eleven bytes"],
)
def test_varint_in_another_form_is_refused(written: str) -> None:
    """Over-long and overflowing numbers are no numbers."""
    with pytest.raises(BadFrame):
        read_varint(bytes.fromhex(written), 0)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (number(100), "65"),
        (number(9, smallest=1), "00"),
        (signed(8), "8002"),
        (flag(), "02"),
        (octets(4), "000000"),
        (wide_number(8, 2**63 - 1), "8000000000000000"),
        (text(2), "03616263"),
        (text(9), "02ff41"),
        (text(9), "0100"),
        (text(9, "[0-9]+"), "0161"),
        (text(9, "[0-9]+"), "00"),
        (text(9), "0261"),
    ],
)
def test_value_that_its_kind_cannot_have_is_refused(kind: Kind[Any], written: str) -> None:
    """Limits, characters and sizes are checked when reading."""
    with pytest.raises(BadFrame):
        kind.read(bytes.fromhex(written), 0)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (number(100), 101),
        (number(), -1),
        (number(9, smallest=1), 0),
        (signed(8), 128),
        (octets(4), b"abc"),
        (wide_number(8, 2**63 - 1), 2**63),
        (text(2), "abc"),
        (text(9), "a\x00"),
        (COLOURS, Colour.OTHER),
    ],
)
def test_value_that_its_kind_cannot_hold_is_not_written(kind: Kind[Any], value: object) -> None:
    """Our own faults show where they are made."""
    with pytest.raises(ValueError):  # noqa: PT011
        kind.write(value)


def test_later_code_is_read_as_unknown() -> None:
    """A number that a later version added has a stated meaning for us."""
    assert COLOURS.read(b"\x63", 0) == (Colour.OTHER, 1)


def test_zigzag_counts_from_zero_both_ways() -> None:
    """0, -1, 1, -2 are 0, 1, 2, 3 on the wire."""
    assert [signed(32).write(value)[0] for value in (0, -1, 1, -2)] == [0, 1, 2, 3]


def test_record_without_fields_is_no_bytes() -> None:
    """An empty record costs nothing, and has no second form."""
    empty = Record()
    assert empty.write({}) == b""
    assert empty.read(b"") == {}
    with pytest.raises(BadFrame):
        empty.read(b"\x00")


def test_bytes_behind_the_last_known_field_are_refused() -> None:
    """Only fields that we do not know may follow those that we know."""
    assert FIRST_EDITION.read(b"\x01\x05") == {"count": 5}
    with pytest.raises(BadFrame):
        FIRST_EDITION.read(b"\x01\x05\x05")


def test_required_field_is_required() -> None:
    """Both to write and to read."""
    with pytest.raises(ValueError, match="required"):
        ITEM.write({"size": 3})
    with pytest.raises(BadFrame):
        ITEM.read(b"\x02\x03")


def test_numbers_have_no_gap() -> None:
    """A retired field stays in its table, and none is given twice."""
    with pytest.raises(ValueError, match="without a gap"):
        Record(Field(0, "a", number()), Field(2, "c", number()))
