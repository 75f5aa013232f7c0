"""What nodes tell each other comes out as it went in."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.commands import (
    Answer,
    Command,
    SetParameters,
    VendorCall,
)
from chargecloud.domain.cut_off import CutOff
from chargecloud.domain.errors import Refusal
from chargecloud.domain.parameters import Parameter
from chargecloud.nodes import wording

words = st.text(max_size=12) | st.sampled_from(["$", "$bytes", "$$bytes", "$words"])
#: what a vendor's command or a charger's answer may have in it
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
maps = st.dictionaries(words, plain, max_size=4)
st.register_type_strategy(CutOff, st.builds(CutOff, swap_percent=st.integers(5, 90)))
st.register_type_strategy(VendorCall, st.builds(VendorCall, words, words, maps))
st.register_type_strategy(
    SetParameters,
    st.builds(SetParameters, st.dictionaries(st.sampled_from(Parameter), st.integers())),
)


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: kind.__name__)
def test_each_command(kind: type) -> None:
    """Also those with values of their own, in tuples, or with bytes."""

    @given(st.from_type(kind))
    def comes_out(command: Command) -> None:
        told = wording.read(wording.write(wording.plain_command(command)))
        found = wording.read_command(told)
        assert found == command
        assert type(found) is kind

    comes_out()


@given(st.builds(Answer, st.booleans(), words, maps))
def test_each_answer(answer: Answer) -> None:
    """With whatever fields a dialect gives it."""
    told = wording.read(wording.write(wording.plain_answer(answer)))
    assert wording.read_answer(told) == answer


@given(plain)
def test_plain_values(value: Any) -> None:
    """Text that looks like our own form of bytes is text."""
    assert wording.read(wording.write(value)) == value


@pytest.mark.parametrize("value", [{"$bytes": "no hex"}, {"$bytes": "00"}, {"$$bytes": 1}])
def test_what_looks_like_ours_is_the_others(value: Any) -> None:
    """Somebody who gives a command such words must not make a message that cannot be read."""
    assert wording.read(wording.write(value)) == value


@pytest.mark.parametrize("value", [object(), Decimal(1), datetime.now(UTC), {1, 2}, [{"a": {3}}]])
def test_what_cannot_be_told(value: Any) -> None:
    """It is said by whoever would tell it."""
    with pytest.raises(TypeError, match="cannot be told to another node"):
        wording.write(value)


def test_what_is_no_text_of_ours() -> None:
    """It is a fault of whoever told it."""
    for text in (b"", b"{", b"\xff"):
        with pytest.raises(ValueError, match=r".+"):
            wording.read(text)


@pytest.mark.parametrize(
    "told",
    [None, {}, {"is": "Fly", "with": {}}, {"is": "StopCharge", "with": {"order_id": 1}}],
)
def test_a_command_that_this_version_does_not_know(told: Any) -> None:
    """It is told apart from one that was carried out."""
    with pytest.raises(ValueError, match="no command of ours"):
        wording.read_command(told)


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    # those that charging, gateway and rooms below raise; the web's own are put into a response
    # by the node that raises them
    if not kind.__module__.startswith("chargecloud.domain"):
        return
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


@pytest.mark.parametrize("kind", list(_kinds(Refusal)), ids=lambda kind: kind.__name__)
def test_each_refusal_comes_back_as_its_class(kind: type[Refusal]) -> None:
    """With its sentence and its facts."""
    faults = [{"pointer": "/port", "detail": "none"}]
    facts: Mapping[str, Any] = {"errors": faults, "why": "stale", "wanted": 7}
    told = wording.plain_refusal(kind("why not", **facts))
    found = wording.read_refusal(wording.read(wording.write(told)))
    assert type(found) is kind
    assert (found.detail, found.facts) == ("why not", facts)


def test_a_refusal_of_a_newer_version_is_one() -> None:
    """Its sentence is what a person reads."""
    found = wording.read_refusal({"code": "of-tomorrow", "detail": "not yet", "facts": {}})
    assert type(found) is Refusal
    assert found.detail == "not yet"
