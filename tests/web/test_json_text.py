"""JSON is read strictly and written compactly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.web import json_text
from chargecloud.web.json_text import NESTING_LIMIT
from chargecloud.web.problems import BadRequest

keepable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # and text of every plane
    | keepable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keepable, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_round_trip(value: Any) -> None:
    """What is written is read back as it was."""
    assert json_text.parse(json_text.write(value)) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,1e-+.\\u0d8tn ', max_size=40))
def test_any_bytes(content: bytes | str) -> None:
    """Whatever comes is plain values that can be written, or refused."""
    raw = content.encode() if isinstance(content, str) else content
    try:
        value = json_text.parse(raw)
    except BadRequest:
        return
    assert json_text.parse(json_text.write(value)) == value


def test_place_of_an_error() -> None:
    """A text that stops being JSON is refused with the place."""
    with pytest.raises(BadRequest) as caught:
        json_text.parse(b'{"a": 1,\n "b": }')
    assert caught.value.facts == {"line": 2, "column": 7}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a": 1, "a": 1}', "key 'a' twice"),
        (b'[{"x": {"b": 1, "c": 2, "b": 1}}]', "key 'b' twice"),
        (b"[NaN]", "finite"),
        (b"[-Infinity]", "finite"),
        (b"[1e999]", "finite"),
        (b'["\\u0000"]', "U+0000"),
        (b'{"\\ud800": 1}', "surrogate"),
        (b"9" * 5000, "too long"),
        (b"[" * (NESTING_LIMIT + 1) + b"]" * (NESTING_LIMIT + 1), "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
    ],
)
def test_refused(content: bytes, words: str) -> None:
    """What is ambiguous, or could not be kept or written again, is refused and named."""
    with pytest.raises(BadRequest) as caught:
        json_text.parse(content)
    assert words in caught.value.detail


def test_deepest() -> None:
    """The limit itself is allowed."""
    value = json_text.parse(b"[" * NESTING_LIMIT + b"]" * NESTING_LIMIT)
    assert json.dumps(value).count("[") == NESTING_LIMIT


def test_surrogate_pair() -> None:
    """A character that is escaped as a pair is one character."""
    assert json_text.parse(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_compact_and_readable() -> None:
    """No spaces, and text as it is rather than escaped."""
    assert (
        json_text.write({"name": "充电", "n": [1, None]}) == '{"name":"充电","n":[1,null]}'.encode()
    )


def test_canonical() -> None:
    """Equal objects have the same canonical text, in whatever order they came."""
    one, other = b'{"a":1,"b":{"d":2,"c":3}}', b'{"b":{"c":3,"d":2},"a":1}'
    texts = {json_text.write_canonical(json_text.parse(each)) for each in (one, other)}
    assert texts == {b'{"a":1,"b":{"c":3,"d":2}}'}


def test_write_refuses_nan() -> None:
    """An answer that is no JSON is our own fault and is never sent."""
    with pytest.raises(ValueError, match="JSON"):
        json_text.write(float("nan"))
