"""A reactor lets the threads of the database come to the interpreter."""

from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.selectreactor import SelectReactor

from chargecloud.storage.breathing import Breathing


class Turns(SelectReactor):
    """Notes what happens in it, and ends after some turns."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[str] = []

    def doIteration(self, timeout: float | None) -> None:  # noqa: N802
        """A turn."""
        self.noted.append("turn")
        if self.noted.count("turn") == 3:
            self.stop()


@pytest.mark.parametrize("at_work", [True, False])
def test_a_turn_begins_with_a_breath_while_threads_are_at_work(at_work: bool) -> None:
    """In the loop that service runs."""
    turns = Turns()
    breathing = Breathing(turns, lambda: at_work, lambda _s: turns.noted.append("breath"))
    breathing.start()
    turns.run(installSignalHandlers=False)
    assert turns.noted[:4] == (["breath", "turn"] * 2 if at_work else ["turn"] * 4)[:4]


def test_it_is_as_before_in_the_end() -> None:
    """A test's reactor outlives a store."""
    before: Any = reactor.doIteration  # type: ignore[attr-defined]
    breathing = Breathing(reactor, lambda: True)
    breathing.start()
    assert reactor.doIteration != before  # type: ignore[attr-defined]
    breathing.stop()
    assert reactor.doIteration == before  # type: ignore[attr-defined]


def test_a_reactor_without_turns_is_left_alone() -> None:
    """One in memory, or asyncio's."""
    breathing = Breathing(object(), lambda: True)
    breathing.start()
    breathing.stop()
