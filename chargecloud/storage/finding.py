"""Rows by what some of their columns hold.  SQLAlchemy takes four times as long to build such a
statement, and to see that it has built one like it before, as to run it (250 µs, and 47)."""

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from sqlalchemy import ColumnElement, Connection, Select, bindparam, select


@define(eq=False)
class Rows:
    """
    The rows of a table.

    @ivar columns: what of a row is wanted: columns of one table.
    @ivar order_by: which row is the first of several; any, if this is empty.
    """

    columns: Sequence[ColumnElement[Any]]
    order_by: Sequence[ColumnElement[Any]] = ()
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
        found = select(*self.columns)
        table = found.get_final_froms()[0]
        conditions = [table.c[name] == bindparam(name, type_=table.c[name].type) for name in names]
        return found.where(*conditions).order_by(*self.order_by).limit(1)
