"""The service's database, opened beside it for one command."""

import argparse
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from chargecloud.calendar import Calendar
from chargecloud.config import Setup, read_config
from chargecloud.domain.errors import NotFound
from chargecloud.storage.calendars import resume
from chargecloud.storage.engine import for_writing, open_engine
from chargecloud.storage.ids import Ids
from chargecloud.storage.migrate import pending
from chargecloud.storage.roster import Roster
from chargecloud.storage.slots import lease_slot, release_slot
from chargecloud.storage.store import Store
from chargecloud.storage.transactions import Transactions
from chargecloud.storage.writer import Writer

T = TypeVar("T")


def read_setup(arguments: argparse.Namespace) -> Setup:
    """The configuration that a command is given."""
    return read_config(Path(arguments.config))


@contextmanager
def open_database(setup: Setup) -> Iterator[Engine]:
    """
    The database, as it is.

    @raise NotFound: if there is none.
    """
    path = make_url(setup.config.database_url).database
    if setup.config.database_url.startswith("sqlite:") and path and not Path(path).exists():
        raise NotFound(f"there is no database {path}: `chargecloud db upgrade` makes it")
    engine = open_engine(setup.config.database_url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def current(setup: Setup) -> Iterator[Engine]:
    """The engine of a database that has all its tables."""
    with open_database(setup) as engine:
        if lacking := pending(engine, setup.plugins.migrations):
            raise NotFound(f"the database lacks {', '.join(lacking)}: `chargecloud db upgrade`")
        yield engine


@contextmanager
def open_store(arguments: argparse.Namespace) -> Iterator[tuple[Store, Calendar, Setup]]:
    """The store beside the service's, with a node slot of its own for its ids."""
    setup = read_setup(arguments)
    holder = f"command line {os.getpid()}"
    with current(setup) as engine:
        calendar = _calendar(setup, engine)
        with for_writing(engine).begin() as connection:
            slot = lease_slot(connection, holder, time.time())
        try:
            ids = Ids(time.time, slot)
            transactions = Transactions(for_writing(engine), slot, ids.next)
            writer = Writer(transactions, AtOnce(), calendar, slot)
            with engine.connect() as connection:
                writer.open(connection)
            yield Store(engine, ids, writer, AtOnce(), Roster(slot)), calendar, setup
        finally:
            with for_writing(engine).begin() as connection:
                release_slot(connection, slot, holder, time.time())


def _calendar(setup: Setup, engine: Engine) -> Calendar:
    settings = setup.config.calendar
    if settings is None:
        return Calendar(time.time)
    with engine.connect() as connection:
        anchor = resume(connection, settings.start, time.time(), settings.speed)
    return Calendar(time.time, anchor)


class AtOnce:
    """Runs the database's work here and now: a command has nothing else to do."""

    def run(self, work: Callable[[], T]) -> "Deferred[T]":
        """Run it."""
        return maybeDeferred(work)


def result_of(work: Awaitable[T]) -> T:
    """What work came to, all of which is done at once."""

    async def done() -> T:
        return await work

    outcome: list[Any] = []
    Deferred.fromCoroutine(done()).addBoth(outcome.append)
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    result: T = outcome[0]
    return result
