"""Revisions that can be run again after they were cut off.

The MySQL family commits each change of a table by itself.  When an upgrade is cut off in the
middle of a revision, the revision is not among those that are done, and what it has made is
there.  It is run again from its beginning, and what is there already is left out.
"""

from typing import Any

from alembic.ddl.mysql import MariaDBImpl, MySQLImpl
from sqlalchemy import Column, Table, inspect

#: where it is needed
DIALECTS = ("mysql", "mariadb")


class _Resuming:
    """What Alembic does, unless it is done.  A revision's own statements (C{op.execute}) must
    be such as can be run twice: this does not know what they do."""

    def create_table(self, table: Table, **more: Any) -> None:
        """Make a table and its indexes."""
        if not self._look().has_table(table.name):
            super().create_table(table, **more)  # type: ignore[misc]

    def drop_table(self, table: Table, **more: Any) -> None:
        """Take a table away."""
        if self._look().has_table(table.name):
            super().drop_table(table, **more)  # type: ignore[misc]

    def add_column(self, table_name: str, column: Column[Any], **more: Any) -> None:
        """Add a column."""
        if column.name not in self._names("columns", table_name):
            super().add_column(table_name, column, **more)  # type: ignore[misc]

    def drop_column(self, table_name: str, column: Column[Any], **more: Any) -> None:
        """Take a column away."""
        if column.name in self._names("columns", table_name):
            super().drop_column(table_name, column, **more)  # type: ignore[misc]

    def create_index(self, index: Any, **more: Any) -> None:
        """Make an index."""
        if index.name not in self._names("indexes", index.table.name):
            super().create_index(index, **more)  # type: ignore[misc]

    def drop_index(self, index: Any, **more: Any) -> None:
        """Take an index away."""
        if index.name in self._names("indexes", index.table.name):
            super().drop_index(index, **more)  # type: ignore[misc]

    def add_constraint(self, const: Any, **kw: Any) -> None:
        """Add a constraint; those of one kind are indexes here, and have their names."""
        kept = self._names("indexes", const.table.name)
        kept |= self._names("check_constraints", const.table.name)
        if const.name not in kept:
            super().add_constraint(const, **kw)  # type: ignore[misc]

    def _names(self, what: str, table_name: str) -> set[str]:
        return {each["name"] for each in getattr(self._look(), f"get_{what}")(table_name)}

    def _look(self) -> Any:
        # each time anew: an inspector remembers what it has seen
        return inspect(self.connection)  # type: ignore[attr-defined]


class ResumingMySQL(_Resuming, MySQLImpl):
    """For what calls itself MySQL."""

    __dialect__ = "mysql"


class ResumingMariaDB(_Resuming, MariaDBImpl):
    """For MariaDB."""

    __dialect__ = "mariadb"
