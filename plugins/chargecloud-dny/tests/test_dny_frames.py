"""Frames of DNY as they were seen in the field, and what else comes on a wire."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import BadFrame, Invalid
from chargecloud_dny.dialect import DnyDialect
from chargecloud_dny.frames import Frame, Iccid, Link, Stream
from chargecloud_dny.identities import read_identity
from chargecloud_dny.messages import DOWN, UP

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
#: the vectors' names of our fields
NAMES = {
    "message_id": "message",
    "firmware": "firmware",
    "voltage_0.1V": "voltage_dv",
    "ports": "ports",
    "port_status": "states",
    "duration_s": "duration_s",
    "energy_0.01kWh": "energy_10wh",
    "start_mode": "start_mode",
    "stop_reason": "reason",
    "order": "order",
    "power_0.1W": "power_dw",
    "current_mA": "current_ma",
    "signal": "signal",
    "timestamp": "unix_s",
    "max_duration_s": "most_s",
    "duration_or_energy": "amount",
    "iccid": "iccid",
}
LINK = b"link"
ICCID = b"898604D9162390488297"


def found_in(data: bytes) -> list[Any]:
    """What a stream finds in some bytes."""
    return [each for each, _ in Stream().receive(data)]


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: str(vector["id"]))
def test_a_frame_from_the_field_is_read_as_it_was(vector: dict[str, Any]) -> None:
    """Its device, its command and its fields; and written, it is the same again."""
    raw = bytes.fromhex(vector["hex"])
    (frame,) = found_in(raw)
    assert isinstance(frame, Frame)
    assert frame.command == int(vector["cmd"], 16)
    assert frame.write() == raw
    is_up = vector["direction"] != "down"
    described = DnyDialect().describe(is_up, raw, None)
    told = vector["decoded"]
    assert described.charger == told["physical_id"]
    wanted = {NAMES[name]: value for name, value in told.items() if name in NAMES}
    for theirs, ours in (("states", "state"), ("amount", "value")):
        if theirs in wanted and ours in described.fields:
            wanted[ours] = wanted.pop(theirs)
    assert wanted.items() <= dict(described.fields).items()
    message = UP.get(frame.command) or DOWN[frame.command]
    # one device sends heartbeats without anything in them
    bare = f"{frame.command:#04x}"
    assert described.kind in (message.name, f"{message.name}_reply", bare)
    assert (described.kind == bare) is (not frame.data and bool(message.layout.fields))


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: str(vector["id"]))
def test_a_broken_frame_loses_nothing_around_it(vector: dict[str, Any]) -> None:
    """It is skipped, and those before and behind it are found."""
    good = [bytes.fromhex(each["hex"]) for each in VECTORS["valid"][:2]]
    # what was cut off waits for its rest, and is given up after a while
    stream = Stream()
    between = good[0] + bytes.fromhex(vector["hex"]) + good[1]
    taken = [raw for _, raw in stream.receive(between)]
    while stream.is_waiting:
        stream.give_up()
        taken += [raw for _, raw in stream.receive(b"")]
    # a SIM's number within it looks like one by itself
    assert [raw for raw in taken if raw.startswith(b"DNY")] == good
    assert stream.skipped + sum(map(len, taken)) == len(between)


PIECES = st.lists(
    st.one_of(
        st.just(LINK),
        st.just(ICCID),
        st.builds(
            Frame,
            st.integers(0, 2**32 - 1),
            st.integers(0, 2**16 - 1),
            st.integers(0, 255),
            st.binary(max_size=300),
        ).map(Frame.write),
    ),
    max_size=6,
)


@given(PIECES, st.data())
def test_however_it_is_cut_the_same_is_found(pieces: list[bytes], data: st.DataObject) -> None:
    """Glued together, split anywhere."""
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    stream = Stream()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        found += [raw for _, raw in stream.receive(whole[start:end])]
    assert found == pieces


@given(st.binary(max_size=600))
def test_no_bytes_are_too_bad(data: bytes) -> None:
    """Each is found in something or skipped, or waits; decoding says which are none."""
    stream = Stream()
    taken = [raw for _, raw in stream.receive(data)]
    assert sum(map(len, taken)) + stream.skipped <= len(data)
    while stream.is_waiting:
        stream.give_up()
        taken += [raw for _, raw in stream.receive(b"")]
    assert sum(map(len, taken)) + stream.skipped == len(data)
    try:
        described = DnyDialect().decode(data)
    except BadFrame:
        assert stream.skipped or not data
    else:
        assert len(described) == len(taken)


def test_modules_say_who_they_are() -> None:
    """The number of the SIM, also with a letter in it, and that they live."""
    assert found_in(ICCID + LINK) == [Iccid("898604D9162390488297"), Link()]
    dialect = DnyDialect()
    assert [dialect.recognises(first) for first in (ICCID, LINK, b"DNY\x0a")] == [True] * 3
    assert [dialect.recognises(first) for first in (b"D", b"li", b"8")] == [None] * 3
    assert [dialect.recognises(first) for first in (b"\xa7", b"GET /", b"88")] == [False] * 3


def test_identities_are_as_they_are_printed() -> None:
    """Hexadecimal, or class and number; not those of devices that have lost theirs."""
    assert read_identity("04ceaa40") == read_identity("04-13544000") == "04CEAA40"
    for wrong in ("04CEAA4", "99CEAA40", "04-99999999", "04-10011001", "05B71B00"):
        with pytest.raises(Invalid):
            read_identity(wrong)


def test_a_card_is_masked() -> None:
    """Who reads a log must not be able to copy a card."""
    raw = next(bytes.fromhex(each["hex"]) for each in VECTORS["valid"] if each["cmd"] == "0x02")
    (frame,) = DnyDialect().decode(raw)
    assert frame.fields["card"] == "****05dd"
