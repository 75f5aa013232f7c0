"""What a factory hands over can be read by nobody else, and not be changed on the way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.charger import ChargerKind
from chargecloud.domain.errors import Invalid
from chargecloud.registry.batches import (
    CODE_ALPHABET,
    BadLine,
    Batch,
    MadeCharger,
    claim_digest,
    is_claim,
    label,
    new_code,
    read_batch,
    read_transport_key,
    write_batch,
)

KEY = bytes(range(32))
BATCH = Batch("2026-47", "native", ChargerKind.EBIKE, 10, 5_500, "Example")

identities = st.from_regex(r"[A-Za-z0-9_.:-]{1,32}", fullmatch=True)
chargers = st.builds(
    MadeCharger,
    identities,
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.none() | st.text("0123456789", min_size=15, max_size=15),
    st.none() | st.text("0123456789", min_size=20, max_size=20),
)


@given(st.lists(chargers, max_size=5))
def test_a_batch_is_read_as_it_was_written(made: list[MadeCharger]) -> None:
    """Every charger, with its line."""
    batch, lines = read_batch(write_batch(BATCH, made, KEY), KEY)
    assert batch == BATCH
    assert list(lines) == list(enumerate(made, start=2))


@given(chargers, st.data())
def test_what_was_changed_on_the_way_is_refused(made: MadeCharger, data: st.DataObject) -> None:
    """Key, identity and claim code belong together, and to this batch."""
    text = write_batch(BATCH, [made], KEY)
    head, line = text.splitlines()
    told = json.loads(line)
    name = data.draw(st.sampled_from(["identity", "wrapped_key", "claim_digest", "batch"]))
    if name == "batch":
        head = head.replace("2026-47", "2026-48")
    else:
        at = data.draw(st.integers(0, len(told[name]) - 1))
        other = "1" if told[name][at] == "0" else "0"
        told[name] = told[name][:at] + other + told[name][at + 1 :]
    _batch, lines = read_batch(f"{head}\n{json.dumps(told)}\n", KEY)
    ((_number, read),) = lines
    assert isinstance(read, BadLine)


def test_another_transport_key_opens_nothing() -> None:
    """And no key stands in the file in clear."""
    made = MadeCharger("EB-1", bytes(range(16)), claim_digest("EB-1", "0"))
    text = write_batch(BATCH, [made], KEY)
    assert made.key.hex() not in text
    _batch, lines = read_batch(text, bytes(32))
    assert [line for _number, line in lines] == [
        BadLine("does not open with this transport key, or was changed")
    ]


@given(st.text())
def test_what_is_no_batch_is_refused(text: str) -> None:
    """With a reason, whatever it is."""
    with pytest.raises(Invalid):
        read_batch(text, KEY)


@given(st.text(max_size=60))
def test_a_line_that_is_no_charger_keeps_none_of_the_others_out(line: str) -> None:
    """It is named."""
    good = MadeCharger("EB-1", bytes(16), claim_digest("EB-1", "0"))
    head, charger = write_batch(BATCH, [good], KEY).splitlines()
    _batch, lines = read_batch("\n".join([head, line.replace("\n", " "), charger]), KEY)
    read = [each for _number, each in lines]
    assert read[-1] == good
    assert all(isinstance(each, BadLine) for each in read[:-1])


def test_codes_are_read_as_people_write_them() -> None:
    """In small letters, with hyphens; and each code is of one charger."""
    code = new_code()
    assert set(code) <= set(CODE_ALPHABET)
    digest = claim_digest("EB-1", code)
    written = f"{code[:4]}-{code[4:8]}-{code[8:]}".lower()
    assert is_claim("EB-1", written, digest)
    assert not is_claim("EB-2", code, digest)
    assert not is_claim("EB-1", new_code(), digest)
    assert not is_claim("EB-1", code, None)
    assert label("EB-1", "ABC") == "CHARGECLOUD:1:EB-1:ABC"


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_a_transport_key_has_its_size(text: str) -> None:
    """Or it is none."""
    with pytest.raises(Invalid):
        read_transport_key(text)
    assert read_transport_key("0f" * 32 + "\n") == b"\x0f" * 32
