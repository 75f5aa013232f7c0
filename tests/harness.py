"""What many tests need: the platform's parts in memory, in step with a clock."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from attrs import define, field
from sqlalchemy import Connection, Double, Engine, Float, event, select
from sqlalchemy.types import _Binary
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from werkzeug.routing import Rule
from zope.interface import implementer

from chargecloud.calendar import Calendar
from chargecloud.domain.alarm import Alarm
from chargecloud.interfaces import IAlarmSink
from chargecloud.storage.engine import open_engine
from chargecloud.storage.migrate import upgrade, version_table
from chargecloud.storage.store import Store
from tests.databases import current
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


def failure_or_result(work: Any) -> Any:
    """What work came to by now, or the exception that it failed with."""
    outcome: list[Any] = []
    maybeDeferred(lambda: work).addBoth(outcome.append)
    return outcome[0].value if isinstance(outcome[0], Failure) else outcome[0]


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
    """A store on a folder's database, fresh or existing, everything in step."""
    engine = open_database(folder, features or {})
    calendar = Calendar(clock.seconds)
    return Store.open(
        engine,
        clock=clock,
        calendar=calendar,
        slot=slot,
        writing=InStep(),
        reading=InStep(),
    )


def open_database(folder: Path, features: Mapping[str, Path]) -> Engine:
    """An engine for a folder's database, which is up to date; of the kind that the test is
    about."""
    served = current()
    if served is not None:
        return served.open(folder, tuple(features.items()))
    database = folder / "chargecloud.db"
    is_new = not database.exists()
    engine = open_engine(f"sqlite:///{database}")
    _share_statements(engine)
    if is_new:
        database.write_bytes(_migrated(tuple(features.items())))
    else:
        upgrade(engine, features)
    # what another connection finds in the files is the same; nobody takes this machine's power
    event.listen(engine, "connect", _no_waiting_for_the_disk)
    return engine


def database_in(folder: Path) -> str:
    """The URL of a folder's database of that kind, which has no tables at first."""
    served = current()
    return f"sqlite:///{folder}/chargecloud.db" if served is None else served.empty(folder)


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


_compile_builder = Rule._compile_builder


def _share_builders() -> None:
    """Werkzeug compiles two functions for each rule that make paths, at which nobody asks for
    any here.  They are of the rule's words alone, and each test's platform has the same rules."""
    made: dict[Any, Any] = {}

    def compile_builder(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return _compile_builder(rule, append_unknown)
        words = (rule.rule, *rule._trace, append_unknown)
        if words not in made:
            made[words] = _compile_builder(rule, append_unknown)
        return made[words]

    Rule._compile_builder = compile_builder  # type: ignore[method-assign, assignment]


_share_builders()


def schema_differences(connection: Connection, expected: Any) -> list[Any]:
    """In what the tables of a database are not those of the code; the core's table of
    revisions is no such."""
    options = {"version_table": version_table("core"), "compare_type": _is_other_type}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), expected))


def _is_other_type(
    _context: Any, _found_column: Any, _column: Any, found: Any, wanted: Any
) -> bool | None:
    """MariaDB keeps bytes in four types, by their length, and has a name of its own for a long
    float; Alembic takes these for others."""
    bytes_both = isinstance(found, _Binary) and isinstance(wanted, _Binary)
    long_both = isinstance(found, Double) and isinstance(wanted, Float) and wanted.precision == 53
    return False if bytes_both or long_both else None


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
