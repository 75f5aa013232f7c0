"""A database that is away, by what its driver raises then; or that takes a commit and is lost
before it can say so."""

from typing import Any

from attrs import define, field
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

GONE = "the server has gone away"


@define(eq=False)
class Outage:
    """
    @ivar is_away: whether no transaction begins.
    @ivar commits_lost: of the next commits, so many are made and not answered.
    """

    engine: Engine
    is_away: bool = False
    commits_lost: int = 0
    failed: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "commit", self._commit)

    def _begin(self, _connection: Connection) -> None:
        if self.is_away:
            self._fail("BEGIN")

    def _commit(self, connection: Connection) -> None:
        if self.commits_lost:
            self.commits_lost -= 1
            connection.exec_driver_sql("COMMIT")
            self._fail("COMMIT")

    def _fail(self, statement: str) -> Any:
        self.failed += 1
        raise OperationalError(statement, {}, Exception(GONE))
