"""What was found by fuzzing is said again in every run of the suite."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define

from chargecloud.interfaces import Heard
from chargecloud_dny.conversation import DnyConversation
from chargecloud_dny.dialect import DnyDialect
from tests.fuzz import keeping
from tests.fuzz.targets import TARGETS, Beginning, Target

#: inputs of each, at the least: a corpus that was lost is found out
LEAST = 15


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_breaks_nothing(name: str) -> None:
    """Only values and remote errors; the same in one piece and in several."""
    inputs = keeping.read(name)
    assert len(inputs) >= LEAST
    for each in inputs:
        try:
            TARGETS[name](each)
        except Exception as error:
            raise AssertionError(f"{each.hex()} breaks it") from error


@define(eq=False)
class Impatient(DnyConversation):
    """Takes each piece for all that comes."""

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes."""
        heard = super().receive(data)
        while self._arriving.stream.is_waiting:
            self._arriving.stream.give_up()
        return heard


@define(eq=False)
class Fragile(DnyConversation):
    """Falls over what it does not know."""

    def receive(self, data: bytes) -> Sequence[Heard]:
        """Take bytes."""
        if data[:1] > b"\x7f":
            raise KeyError(data[0])
        return super().receive(data)


@pytest.mark.parametrize("broken", [Impatient, Fragile])
def test_what_is_broken_is_caught(broken: Any) -> None:
    """By one of the inputs that are kept."""
    target = Target(DnyDialect(), [Beginning(broken)])
    with pytest.raises((AssertionError, KeyError)):
        _say_all(target, keeping.read("dny"))


def _say_all(target: Target, inputs: list[bytes]) -> None:
    for each in inputs:
        target(each)


def test_a_corpus_is_made_small() -> None:
    """Of inputs that go the same way, the smallest is kept."""
    run = TARGETS["dny"]
    inputs = keeping.read("dny")
    kept = keeping.minimised(run, [*inputs[:10], inputs[5] + inputs[5][-1:] * 30])
    assert 0 < len(kept) <= 10
