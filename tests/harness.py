"""What many tests need: the platform's parts in memory, in step with a clock."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from attrs import define, field
from sqlalchemy import Engine, event, select
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade
from chargecloud.storage.store import Store
from tests.quick_clock import QuickClock

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
    clock = QuickClock()
    clock.rightNow = instant.timestamp()
    return clock


def open_store(
    folder: Path, clock: Clock, features: Mapping[str, Path] | None = None, slot: int = 1
) -> Store:
    """A store on a fresh or an existing database in a folder, everything in step."""
    database = folder / "chargecloud.db"
    is_new = not database.exists()
    engine = open_engine(f"sqlite:///{database}")
    _share_statements(engine)
    if is_new:
        database.write_bytes(_migrated(tuple((features or {}).items())))
    else:
        upgrade(engine, features or {})
    # what another connection finds in the files is the same; nobody takes this machine's power
    event.listen(engine, "connect", _no_waiting_for_the_disk)
    calendar = Calendar(clock.seconds)
    return Store.open(
        engine,
        clock=clock,
        calendar=calendar,
        slot=slot,
        writing=InStep(),
        reading=InStep(),
    )


@cache
def _compiling() -> Engine:
    """An engine that is there only for what it compiles."""
    engine = open_engine("sqlite://")
    # what a dialect learns of SQLite, it learns from its first connection
    engine.connect().close()
    return engine


def _share_statements(engine: Engine) -> None:
    """SQLAlchemy compiles each statement once for an engine, and most tests have a new one: that
    would take longer than all that they do with it."""
    shared = _compiling()
    engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache


def _no_waiting_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@cache
def _migrated(lineages: tuple[tuple[str, Path], ...]) -> bytes:
    """The file of a new database: all migrations take longer than most tests that need one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        engine = open_engine(f"sqlite:///{path}")
        upgrade(engine, dict(lineages))
        # the last connection that goes takes its log of writes into the file
        engine.dispose()
        assert [each.name for each in path.parent.iterdir()] == [path.name]
        return path.read_bytes()


class Gathering:
    """Takes blocking work and does it when told, so that what comes meanwhile waits."""

    def __init__(self) -> None:
        self._work: list[tuple[Callable[[], Any], Deferred[Any]]] = []
        self.done = 0

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Take it."""
        done: Deferred[T] = Deferred()
        self._work.append((work, done))
        return done

    def do_next(self) -> None:
        """Do the oldest."""
        work, done = self._work.pop(0)
        self.done += 1
        maybeDeferred(work).chainDeferred(done)

    def do_all(self) -> None:
        """Do all, also what comes of it."""
        while self._work:
            self.do_next()


@implementer(IAlarmSink)
@define(eq=False)
class Notebook:
    """A sink that keeps what it is given; or that is broken in one of three ways."""

    answer: Any = succeed
    name: str = "notebook"
    alarms: list[Alarm] = field(factory=list)

    def deliver(self, alarm: Alarm) -> "Deferred[None]":
        """Take an alarm."""
        self.alarms.append(alarm)
        answer: Deferred[None] = self.answer(None)
        return answer


def rows_of(store: Store, table: Any) -> list[dict[str, Any]]:
    """All rows of a table, in the order of its primary key."""
    query = select(table).order_by(*table.primary_key.columns)
    found: list[dict[str, Any]] = result_of(
        store.read(lambda connection: [row._asdict() for row in connection.execute(query)])
    )
    return found
