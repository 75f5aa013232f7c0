"""Frames of the native protocol in words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.dialects.native.decoding import decode, describe
from chargecloud.dialects.native.dialect import NativeDialect
from chargecloud.dialects.native.down import CARDS
from chargecloud.dialects.native.frames import FrameKind, start_of
from chargecloud.dialects.native.up import CARD, LOGIN
from chargecloud.domain.charger import Capability
from chargecloud.domain.errors import BadFrame
from tests.dialects.make_native_vectors import PATH


def test_frames_behind_each_other() -> None:
    """Each by its kind; what is sealed stays closed."""
    refusal = start_of(FrameKind.REFUSAL, 2) + bytes((1, 1))
    sealed = start_of(FrameKind.SEALED, 9) + bytes(9)
    found = decode(refusal + sealed)
    assert [each.kind for each in found] == ["refusal", "sealed"]
    assert found[0].fields == {"version": 1, "code": "unknown_charger"}
    assert found[1].fields == {"size": 9}


def test_what_opens_something_is_masked() -> None:
    """A card by all but its last digits, and a start code: who reads over a shoulder charges on
    nobody's account."""
    card = {"number": 1, "port": 1, "uid": "04A1B2C3D4E5", "uptime_s": 9}
    shown = describe(True, b"", CARD.write(card)).fields
    assert (shown["uid"], shown["port"]) == ("********D4E5", 1)
    listed = CARDS.write(
        {"number": 1, "from_version": 0, "to_version": 1, "add": ["04A1B2C3D4E5"], "remove": []}
    )
    assert describe(False, b"", listed).fields["add"] == ["********D4E5"]


@pytest.mark.parametrize(
    "wrong", ["c0", "c000", "41", "c202ff", "c301", "c30101", "c400", "c10100"]
)
def test_what_is_no_whole_frame(wrong: str) -> None:
    """It is told, and nothing is guessed."""
    with pytest.raises(BadFrame):
        decode(bytes.fromhex(wrong))


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_frames_or_are_refused(data: bytes, is_up: bool) -> None:
    """Nothing else comes of them, opened or not."""
    with suppress(BadFrame):
        assert all(each.kind for each in decode(data))
    with suppress(BadFrame):
        assert NativeDialect().describe(is_up, b"", data).kind


def test_a_message_of_a_later_version() -> None:
    """It is said to be unknown."""
    assert describe(True, b"", bytes((0x3F,))).kind == "unknown"


def test_every_message_of_the_vectors_is_plain_json() -> None:
    """Each that goes up and each that goes down: words, numbers, lists and objects."""
    described = 0
    for session in json.loads(PATH.read_text())["sessions"]:
        assert decode(bytes.fromhex(session["hello"]))[0].kind == "hello"
        for way in ("up", "down"):
            for each in session[way]:
                frame = describe(way == "up", b"", bytes.fromhex(each["message"]))
                assert frame.kind == each["name"].lower()
                assert json.loads(json.dumps(frame.fields)) == frame.fields
                described += 1
    assert described > 40


def test_what_a_charger_can_do_is_a_list() -> None:
    """Sets have an order in words."""
    abilities = frozenset({Capability.VOICE, Capability.CARD_READER})
    plain = LOGIN.write({"port_count": 2, "capabilities": abilities})
    assert describe(True, b"", plain).fields["capabilities"] == ["card_reader", "voice"]
