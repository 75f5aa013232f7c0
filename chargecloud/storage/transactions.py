"""Transactions that are carried out once, though servers and networks fail.

What two transactions had in each other's way, and what a server lost that was restarted, is
tried again with the same work.  When the connection is lost at the commit, nobody knows whether
it was committed; therefore each transaction leaves its number behind, and the next one looks.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define
from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from chargecloud.storage.schema import commits

T = TypeVar("T")

#: waits between the tries: two transactions are past each other in a moment, a server is
#: restarted in some seconds.  Whoever waits for more is told so: a charger repeats what it
#: was not answered
RETRY_AFTER_S = (0.01, 0.05, 0.2, 0.7, 1.5, 3.0)
#: a server that hangs takes its time to fail: after so long nothing is tried again
MOST_RETRYING_S = 10.0

#: deadlock, serialisation, lock timeout
_IN_THE_WAY = {"40001", "40P01", "55P03", 1213, 1205, 1020, 9007, 8005, 8022, 8028}
#: the connection cannot be made, or is no more: it was closed, the server stops, or has no more
#: room for connections
_LOST = {
    *("57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006", "53300"),
    *(2002, 2003, 2006, 2013, 2014, 2045, 2055, 4031, 1040, 1047, 1053, 1927),
}


#: there is no room on its disk: PostgreSQL, the MySQL family (the disk, a table)
_FULL = {"53100", 1021, 1114}
#: SQLite on our own disk; where its shared memory finds no room it only knows that it failed
_FULL_HERE = ("SQLITE_FULL", "SQLITE_IOERR")


def is_full(error: DBAPIError) -> bool:
    """Whether the database has no room."""
    here = str(getattr(error.orig, "sqlite_errorname", ""))
    return _code(error) in _FULL or here.startswith(_FULL_HERE)


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection to the database is gone, or could not be made."""
    code = _code(error)
    if code is None and isinstance(error, OperationalError):
        # libpq has no code for a server that it cannot reach; SQLite has no servers
        return hasattr(error.orig, "sqlstate")
    return error.connection_invalidated or code in _LOST


def may_pass(error: DBAPIError) -> bool:
    """Whether the same may succeed if it is tried again."""
    return is_lost(error) or _code(error) in _IN_THE_WAY


def _code(error: DBAPIError) -> Any:
    """The number of the MySQL family, or SQLSTATE; nothing for SQLite."""
    number = next(iter(getattr(error.orig, "args", ())), None)
    return number if isinstance(number, int) else getattr(error.orig, "sqlstate", None)


def reading(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run a function that only reads, on another connection if it loses this one."""
    try:
        with engine.connect() as connection:
            return work(connection)
    except DBAPIError as error:
        if not may_pass(error):
            raise
    # a lost connection tells the pool that the others are lost as well
    with engine.connect() as connection:
        return work(connection)


def retried(work: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Do it, and again while it fails with what may pass, until it has failed too often or for
    too long."""
    until_s = None
    for pause_s in RETRY_AFTER_S:
        try:
            return work()
        except DBAPIError as error:
            until_s = until_s or time.monotonic() + MOST_RETRYING_S
            if not may_pass(error) or time.monotonic() > until_s:
                raise
        sleep(pause_s)
    return work()


@define
class _Doubtful:
    """A transaction that was to be committed, with its number and its result."""

    number: int
    result: Any


@define(eq=False)
class Transactions:
    """
    @ivar engine: for writing.
    @ivar slot: the node slot of this process, which no other has.
    @ivar new_id: gives each transaction a number.
    @ivar sleep: waits some seconds, in the thread that writes.
    """

    engine: Engine
    slot: int
    new_id: Callable[[], int]
    sleep: Callable[[float], None] = time.sleep

    def run(self, work: Callable[[Connection], T]) -> T:
        """
        Run a function in a transaction, and commit it once.

        @param work: may be called again, and then does the same.
        @raise DBAPIError: for a trouble that does not pass, or not soon.  Whether it was
            committed is only unknown if the connection was lost at the commit and the
            database cannot be reached since.
        """
        doubtful: _Doubtful | None = None

        def once() -> T:
            nonlocal doubtful
            if doubtful is not None:
                if self._is_committed(doubtful.number):
                    committed: T = doubtful.result
                    return committed
                doubtful = None
            with self.engine.begin() as connection:
                result = work(connection)
                doubtful = _Doubtful(self._leave_number(connection), result)
            return result

        return retried(once, self.sleep)

    def _leave_number(self, connection: Connection) -> int:
        if connection.dialect.name == "sqlite":
            # there is no connection that could be lost
            return 0
        number = self.new_id()
        here = commits.c.slot == self.slot
        found = connection.execute(update(commits).where(here).values(number=number))
        if not found.rowcount:
            connection.execute(insert(commits).values(slot=self.slot, number=number))
        return number

    def _is_committed(self, number: int) -> bool:
        """Waits for the server to be done with the connection that was lost, as its row is
        locked until then."""
        found = select(commits.c.number).where(commits.c.slot == self.slot).with_for_update()
        with self.engine.begin() as connection:
            return connection.execute(found).scalar() == number
