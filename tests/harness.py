"""What many tests need: the platform's parts in memory, in step with a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chargecloud.calendar import Calendar
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.store import Store

T = TypeVar("T")

#: a Monday morning in Shanghai, where most test sites are
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

_case = SynchronousTestCase()


def result_of(deferred: Any) -> Any:
    """The result of a Deferred or coroutine that has one already."""
    return _case.successResultOf(maybeDeferred(lambda: deferred))


def failure_of(deferred: Any, *kinds: type[Exception]) -> Any:
    """The exception of a Deferred or coroutine that has failed already with such a one."""
    return _case.failureResultOf(maybeDeferred(lambda: deferred), *kinds).value


class InStep:
    """Runs blocking work at once, in the caller's thread."""

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it."""
        return maybeDeferred(work)


def clock_at(instant: datetime = NOW) -> Clock:
    """A clock that stands at an instant."""
    clock = Clock()
    clock.rightNow = instant.timestamp()
    return clock


def open_store(folder: Path, clock: Clock, *features: Path) -> Store:
    """A store on a fresh or an existing database in a folder, everything in step."""
    engine = open_engine(f"sqlite:///{folder}/chargecloud.db")
    upgrade(engine, features)
    calendar = Calendar(clock.seconds)
    return Store.open(
        engine,
        clock=clock,
        calendar=calendar,
        node=1,
        slot=1,
        writing=InStep(),
        reading=InStep(),
    )
