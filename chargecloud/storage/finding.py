"""Rows by what some of their columns hold.  SQLAlchemy takes four times as long to build such a
statement, and to see that it has built one like it before, as to run it (200 µs, and 47)."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, Select, Table, bindparam


@define(eq=False)
class Rows:
    """
    The rows of a table.

    @ivar found: of all of them, what is wanted, in the order in which one of several is first.
    """

    table: Table
    found: Select[Any]
    _statements: dict[tuple[str, ...], Select[Any]] = field(factory=dict, init=False)

    def first(self, connection: Connection, **known: Any) -> Any:
        """
        The first row with these values, if there is one.

        @param known: by the names of their columns; C{None} for any value.
        """
        known = {name: value for name, value in known.items() if value is not None}
        names = tuple(known)
        if names not in self._statements:
            self._statements[names] = self._statement(names)
        return connection.execute(self._statements[names], known).first()

    def _statement(self, names: Sequence[str]) -> Select[Any]:
        columns = {name: self.table.c[name] for name in names}
        conditions = [each == bindparam(name, type_=each.type) for name, each in columns.items()]
        return self.found.where(*conditions).limit(1)
