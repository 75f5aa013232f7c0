"""The threads of the database, with the real reactor."""

from collections.abc import Iterator
from threading import Event, current_thread

import pytest
import pytest_twisted
from twisted.internet import reactor

from chargecloud.domain.errors import Overloaded
from chargecloud.storage import threads
from chargecloud.storage.threads import Threads
from tests.harness import failure_of


@pytest.fixture
def pool() -> Iterator[Threads]:
    """A pool of one."""
    made = Threads(reactor, 1, "trial")  # type: ignore[arg-type]
    yield made
    made.stop()


@pytest_twisted.ensureDeferred
async def test_work_is_done_elsewhere_and_told_here(pool: Threads) -> None:
    """What it gives, and what it raises; and whether something is still under way."""

    def fail() -> None:
        raise KeyError("trial")

    here = current_thread()
    done = pool.run(current_thread)
    assert pool.are_at_work
    there = await done
    assert there is not here
    assert there.name.startswith("trial")
    with pytest.raises(KeyError, match="trial"):
        await pool.run(fail)
    assert not pool.are_at_work


@pytest_twisted.ensureDeferred
async def test_too_much_is_refused(pool: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and what waits is done."""
    monkeypatch.setattr(threads, "MOST_WAITING", 2)
    go_on = Event()
    waiting = [pool.run(go_on.wait), pool.run(lambda: True)]
    assert isinstance(failure_of(pool.run(lambda: True)), Overloaded)
    go_on.set()
    assert [await each for each in waiting] == [True, True]
    assert await pool.run(lambda: "again") == "again"


def test_after_its_end_nothing_begins() -> None:
    """A coroutine that wakes late is told so."""
    pool = Threads(reactor, 1, "trial")  # type: ignore[arg-type]
    pool.stop()
    assert isinstance(failure_of(pool.run(lambda: True)), Overloaded)
    assert not pool.are_at_work
