"""Frames of YKC as they were seen in the field."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.errors import BadFrame, Invalid
from chargecloud_ykc.dialect import YkcDialect
from chargecloud_ykc.frames import MOST_BODY, Frame, Stream
from chargecloud_ykc.identities import read_identity
from chargecloud_ykc.kinds import CP56
from chargecloud_ykc.messages import BY_NAME, DOWN, UP
from chargecloud_ykc.trades import number_of, read_order, write_trade

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
#: the vectors' names of our fields
NAMES = {
    "model": "model",
    "result": "result",
    "status": "status",
    "trade": "trade",
    "gun": "gun",
    "balance_cent": "balance_fen",
    "lock": "is_locked",
    "max_power_pct": "most_power_percent",
    "value": "result",
}
#: bodies that no edition of the document knows
NONSTANDARD = {each["id"] for each in VECTORS["valid"] if "body_layout" in each["decoded"]}
#: V1.7's record, which is longer than V1.6 lets a frame be
V17 = "YKC-133"
PILE = "32010200000001"


def found_in(data: bytes) -> list[Frame]:
    """What a stream finds in some bytes."""
    return [frame for frame, _ in Stream().receive(data)]


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: str(vector["id"]))
def test_a_frame_from_the_field_is_read_as_it_was(vector: dict[str, Any]) -> None:
    """Its sequence, its pile and its fields; and written, in its own order of the check, it is the
    same again."""
    raw = bytes.fromhex(vector["hex"])
    (frame,) = found_in(raw)
    told = vector["decoded"]
    assert frame.sequence.hex() == told["seq_bytes"]
    if vector["id"] != V17:
        assert frame.write() == raw
    described = YkcDialect().describe(vector["direction"] == "up", raw, None)
    if "pile" in told:
        assert described.charger == told["pile"]
    wanted = {NAMES[name]: value for name, value in told.items() if name in NAMES}
    shown = {name: described.fields.get(name) for name in wanted}
    if "gun" in wanted:
        wanted["gun"] = int(wanted["gun"])
    assert shown == wanted


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: str(vector["id"]))
def test_what_was_wrong_in_the_field_is_no_frame(vector: dict[str, Any]) -> None:
    """And a good one behind it is found all the same."""
    good = Frame(0x09, bytes.fromhex(PILE), b"\0\7").write()
    raw = bytes.fromhex(vector["hex"])
    with pytest.raises(BadFrame):
        YkcDialect().decode(raw)
    # a length that says more than there is swallows what comes, until it is given up
    stream = Stream()
    found = [frame for frame, _ in stream.receive(raw + good)]
    while not found and stream.is_waiting:
        stream.give_up()
        found = [frame for frame, _ in stream.receive(b"")]
    assert [frame.write() for frame in found] == [good]


@pytest.mark.parametrize("name", sorted(NONSTANDARD - {"YKC-151"}))
def test_odd_bodies_from_the_field_are_shown_as_they_are(name: str) -> None:
    """They are of cousins of the protocol: nobody guesses what they mean."""
    (vector,) = [each for each in VECTORS["valid"] if each["id"] == name]
    raw = bytes.fromhex(vector["hex"])
    (frame,) = found_in(raw)
    (shown,) = YkcDialect().decode(raw)
    assert shown.fields["body"] == frame.body.hex()


@given(
    kind=st.sampled_from(sorted({*UP, *DOWN})),
    body=st.binary(max_size=MOST_BODY),
    sequence=st.binary(min_size=2, max_size=2),
    is_high_first=st.booleans(),
)
def test_a_frame_is_read_as_it_was_written(
    kind: int, body: bytes, sequence: bytes, is_high_first: bool
) -> None:
    """In both orders of the check, with noise around it."""
    frame = Frame(kind, body, sequence, is_high_first=is_high_first)
    (found,) = found_in(b"\x00\xff" + frame.write())
    # a check whose two bytes are alike has no order
    same = frame.write()[-1] == frame.write()[-2]
    assert (found.kind, found.body, found.sequence) == (kind, body, sequence)
    assert found.is_high_first == is_high_first or same


def test_a_body_that_no_pile_takes_is_not_written() -> None:
    """The document's limit is 200 of the length."""
    with pytest.raises(ValueError, match="196"):
        Frame(0x44, bytes(MOST_BODY + 1)).write()


@given(st.datetimes(datetime(2000, 1, 2), datetime(2127, 12, 30)))
def test_an_instant_is_read_as_it_was_written(at: datetime) -> None:
    """To the millisecond, in Beijing's time."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    assert CP56.read(CP56.write(at)) == at


def test_the_documents_instant() -> None:
    """Of its appendix."""
    sample = bytes.fromhex("98B70E11100314")
    assert CP56.read(sample) == datetime(2020, 3, 16, 9, 14, 47, tzinfo=UTC)
    assert CP56.read(bytes(7)) is None


@given(st.integers(1, 2**63 - 1))
def test_an_order_is_known_by_its_trade(order_id: int) -> None:
    """Whatever its id."""
    assert read_order(write_trade(order_id), PILE) == order_id


def test_a_trade_of_the_piles_own_is_no_order() -> None:
    """But one of its own."""
    trades = [
        "0" * 32,
        f"{PILE}0120031311304700",
        f"{PILE}0120031311304701",
        "9" * 32,
        "0000000000001A23000000000000ABCD",
    ]
    assert {read_order(trade, PILE) for trade in trades} == {None}
    assert len({number_of(trade) for trade in trades}) == len(trades)


@pytest.mark.parametrize(
    ("given_identity", "wanted"),
    [("32010200000001", "32010200000001"), (" 5503141278230a ", "5503141278230A")],
)
def test_a_pile_is_registered_as_it_is_printed(given_identity: str, wanted: str) -> None:
    """Fourteen digits."""
    assert read_identity(given_identity) == wanted


@pytest.mark.parametrize("wrong", ["", "123", "0" * 14, "00000000000007", "3201020000000X"])
def test_what_is_no_piles_number_cannot_be_registered(wrong: str) -> None:
    """With the reason."""
    with pytest.raises(Invalid):
        read_identity(wrong)


def test_cards_and_passwords_are_not_shown() -> None:
    """Who has them can charge with them."""
    body = BY_NAME["ask_start"].layout.write(
        {
            "pile": PILE,
            "gun": 1,
            "mode": 1,
            "needs_password": 1,
            "card": bytes.fromhex("00000000D14B0A54"),
            "password": b"p" * 16,
            "vin": bytes(17),
        }
    )
    (shown,) = YkcDialect().decode(Frame(0x31, body).write())
    assert shown.fields["card"] == "*" * 12 + "0a54"
    assert set(shown.fields["password"]) == {"*"}
