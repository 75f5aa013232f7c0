"""Servers that say nothing any more: one that is stopped, or whose machine hangs, closes no
connection, and its kernel goes on acknowledging what is sent to it.

A statement that is not answered for L{SILENCE_S} has lost its connection.  Whether it was carried
out is not known then, as with every connection that is lost.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection

#: what a server that works never takes for a statement of ours; an upgrade may, and does not
#: end with it (L{however_long})
SILENCE_S = 20

#: what they are called, by driver
_LIMITS = {"psycopg": ("silence_s",), "pymysql": ("_read_timeout", "_write_timeout")}


class Attentive(psycopg.Connection[Any]):
    """A connection to PostgreSQL that notices; libpq by itself waits for ever."""

    silence_s: float | None = SILENCE_S

    def wait(self, gen: Generator[Any, Any, Any], *given: Any, **named: Any) -> Any:
        """Wait for a statement's answer."""
        return super().wait(self._answered(gen), *given, **named)

    def _answered(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        last_s = monotonic()
        ready = None
        while True:
            try:
                # the first is no answer to anything
                wanted = gen.send(ready)
            except StopIteration as done:
                return done.value
            ready = yield wanted
            if ready:
                last_s = monotonic()
            elif self.silence_s is not None and monotonic() - last_s > self.silence_s:
                self.close()
                raise psycopg.OperationalError(
                    f"the server has said nothing for {self.silence_s} s"
                )


def limit_pymysql(connection: DBAPIConnection, silence_s: float) -> None:
    """Have PyMySQL notice: it has limits of its own, for each reading from the socket."""
    for name in _LIMITS["pymysql"]:
        setattr(connection, name, silence_s)


@contextmanager
def however_long(connection: Connection) -> Iterator[None]:
    """Wait for a server as long as it takes, on this connection."""
    driver: Any = connection.connection.dbapi_connection
    names = _LIMITS.get(connection.dialect.driver, ())
    before = {name: getattr(driver, name) for name in names}
    for name in names:
        setattr(driver, name, None)
    try:
        yield
    finally:
        for name, limit_s in before.items():
            setattr(driver, name, limit_s)
