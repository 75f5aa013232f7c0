"""Database engines, set up for this platform."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

#: how long one SQLite connection waits for another's lock; only migrations and the
#: command line ever write beside the writer, and they are short
SQLITE_BUSY_S = 10

_WRITES = "chargecloud_writes"


def open_engine(url: str) -> Engine:
    """
    An engine for a database URL.

    @param url: as SQLAlchemy has them: C{"sqlite:///var/chargecloud.db"}.  The folder of
        an SQLite file is made if it is missing.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        # names, phones and digests of tokens are in it: others on the machine may not read it;
        # what SQLite makes beside it gets the same mode
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    engine = create_engine(parsed, connect_args={"timeout": SQLITE_BUSY_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # transactions begin when SQLAlchemy says so, not when the driver guesses
    connection.isolation_level = None
    # readers never wait for the writer; a commit is on the disk when it returns
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def for_writing(engine: Engine) -> Engine:
    """
    The same engine for transactions that write.

    On SQLite they take the lock when they begin, and wait for it; one that began to read
    and then writes is refused at once if another has written meanwhile.
    """
    return engine.execution_options(**{_WRITES: True})
