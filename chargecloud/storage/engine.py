"""Database engines, set up for this platform: SQLite, PostgreSQL, MariaDB and MySQL.

On all of them text is equal only if its bytes are, what does not fit is refused and not cut
off, each statement sees what was committed before it, and an update counts the rows that it
found.
"""

import os
import socket
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from chargecloud.storage.silence import SILENCE_S, Attentive, limit_pymysql

#: the driver of each kind of database, if the URL names no other (ADR 0032)
DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}

#: readers wait for the database, not for each other; more would only fight over one core
READERS = 4

#: how long one SQLite connection waits for another's lock; only migrations and the
#: command line ever write beside the writer, and they are short
SQLITE_BUSY_S = 10

#: how long a statement waits for what another has locked, before it is tried again
LOCK_S = 5

#: a server that does not answer a new connection is given up after so long, and one that is silent
#: on another after L{SILENCE_S}
CONNECT_S = 5

_KEEPALIVE = {"IDLE": 10, "INTVL": 5, "CNT": 2}
_CONNECTING = {
    "psycopg": {
        "connect_timeout": CONNECT_S,
        "keepalives_idle": _KEEPALIVE["IDLE"],
        "keepalives_interval": _KEEPALIVE["INTVL"],
        "keepalives_count": _KEEPALIVE["CNT"],
        "tcp_user_timeout": SILENCE_S * 1000,
    },
    # the limits of reading and writing are for the greeting, and are raised when that is over
    "pymysql": {
        "connect_timeout": CONNECT_S,
        "read_timeout": CONNECT_S,
        "write_timeout": CONNECT_S,
        "charset": "utf8mb4",
    },
}

#: servers whose binary collation ignores blanks at the end of a text have another that does not
_EXACT = {True: "utf8mb4_nopad_bin", False: "utf8mb4_0900_bin"}

_WRITES = "chargecloud_writes"


class UnknownDatabase(ValueError):
    """The platform was never run on such a database."""


def database_url(text: str) -> URL:
    """
    Read a database URL, and give it the driver that belongs to it.

    @raise ArgumentError, ValueError: if it is none.
    @raise UnknownDatabase: if it is of a kind that we do not know.
    """
    url = make_url(text)
    if url.get_backend_name() not in DRIVERS:
        raise UnknownDatabase(f"{url.get_backend_name()} is none of {', '.join(DRIVERS)}")
    is_bare = "+" not in url.drivername
    return url.set(drivername=DRIVERS[url.drivername]) if is_bare else url


def open_engine(url: str) -> Engine:
    """
    An engine for a database URL.

    @param url: C{"sqlite:///var/chargecloud.db"}, C{"postgresql://user:password@host/name"},
        C{"mariadb://…"} or C{"mysql://…"}.  The folder of an SQLite file is made if it is
        missing.
    """
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    engine = create_engine(
        parsed,
        isolation_level="READ COMMITTED",
        # one for each reader and one for the writer; a lease that is taken or given back at
        # the ends of a process's life may be beside them
        pool_size=READERS + 1,
        max_overflow=1,
        connect_args=_CONNECTING.get(parsed.get_driver_name(), {}),
    )
    is_postgresql = parsed.get_backend_name() == "postgresql"
    event.listen(engine, "connect", _set_up_postgresql if is_postgresql else _set_up_mysql)
    if parsed.get_driver_name() == "psycopg":
        event.listen(engine, "do_connect", _connect_attentively)
    return engine


def _open_sqlite(url: URL) -> Engine:
    if url.database:
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        # names, phones and digests of tokens are in it: others on the machine may not read it;
        # what SQLite makes beside it gets the same mode
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # transactions begin when SQLAlchemy says so, not when the driver guesses
    connection.isolation_level = None
    # readers never wait for the writer; a commit is on the disk when it returns
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _connect_attentively(_dialect: object, _record: object, words: Any, options: Any) -> Any:
    return Attentive.connect(*words, **options)


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET lock_timeout = '{LOCK_S}s'")
    connection.execute("SET timezone = 'UTC'")
    # else the first rollback undoes it
    connection.commit()


def _set_up_mysql(connection: Any, _record: object) -> None:
    # what a server's own configuration says otherwise would cut text off, or write a zero
    # for what it cannot read
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET NAMES utf8mb4 COLLATE {exact_collation(connection.get_server_info())}, "
            "sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
            "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
            "time_zone = '+00:00', "
            f"innodb_lock_wait_timeout = {LOCK_S}, lock_wait_timeout = {LOCK_S}"
        )
    limit_pymysql(connection, SILENCE_S)
    _notice_silence(connection)


def exact_collation(version: str) -> str:
    """
    The collation of a server by which text is equal only if its bytes are.

    @param version: as a server of the MySQL family calls itself.
    """
    return _EXACT["mariadb" in version.lower()]


def _notice_silence(connection: Any) -> None:
    """Have the machine look whether the server's is still there, also while nothing is asked of
    it."""
    sock = getattr(connection, "_sock", None)
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, value in _KEEPALIVE.items():
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{name}"), value)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_S * 1000)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def for_writing(engine: Engine) -> Engine:
    """
    The same engine for transactions that write.

    On SQLite they take the lock when they begin, and wait for it; one that began to read
    and then writes is refused at once if another has written meanwhile.  Elsewhere rows are
    locked, and what is in another's way is tried again (L{chargecloud.storage.transactions}).
    """
    return engine.execution_options(**{_WRITES: True})


def at_one_moment(engine: Engine) -> Engine:
    """The same engine for transactions all of whose statements see the database as it was at
    the first, as they always do on SQLite."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ")
