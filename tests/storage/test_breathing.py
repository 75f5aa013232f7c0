"""A reactor lets the threads of the database come to the interpreter."""

from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.selectreactor import SelectReactor

from chargecloud.storage.breathing import BUSY, Breathing


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


@pytest.mark.parametrize(("at_work", "share"), [(True, 0.5), (True, 0.2), (False, 1.0)])
def test_a_busy_reactor_pauses_while_threads_are_at_work(at_work: bool, share: float) -> None:
    """In the loop that service runs; an idle one lets threads work anyway."""
    turns = Turns()
    breathing = Breathing(
        turns,
        lambda: at_work,
        lambda: turns.noted.count("turn") + 1,
        lambda: (turns.noted.count("turn") + 1) * share,
        lambda _s: turns.noted.append("breath"),
    )
    breathing.start()
    turns.run(installSignalHandlers=False)
    is_to_pause = at_work and share > BUSY
    assert turns.noted[:4] == (["breath", "turn"] * 2 if is_to_pause else ["turn"] * 4)


def test_short_turns_are_looked_at_together() -> None:
    """It is as busy as when it was last looked at."""
    turns = Turns()
    breathing = Breathing(
        turns, lambda: True, lambda: 1.0, lambda: 1.0, lambda _s: turns.noted.append("breath")
    )
    breathing.start()
    turns.run(installSignalHandlers=False)
    assert turns.noted[:4] == ["breath", "turn"] * 2


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
