"""One write of many rows, in as few statements as an engine's driver allows.

SQLite runs one statement for many rows at 70,000 a second.  The drivers of the servers send
one row after the other: psycopg changes 14,000 a second and PyMySQL 5,000.  There the rows
are handed over as a table, which is joined: 40,000 and 65,000 (ADR 0032).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from attrs import define, field
from sqlalchemy import Column, Connection, Dialect, String, bindparam, column, insert, select, text

Values = Mapping[str, Any]

#: gives a statement a value of each row, by its name
Given = Callable[[str], Any]

#: rows and characters of one statement of the MySQL family: more is hardly faster, and a
#: server takes no packet above its limit (16 MB)
MOST_ROWS = 500
MOST_CHARACTERS = 1_000_000

_ROWS = "THE_ROWS"


class Many(Protocol):
    """A statement for any number of rows."""

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it for each row, in their order; how many rows it found or made."""


def inserting(dialect: Dialect, table: Any, names: Sequence[str]) -> Many:
    """A statement that makes rows."""
    if dialect.name == "sqlite":
        return _EachRow(insert(table))
    columns = {name: table.c[name] for name in names}
    if dialect.name != "postgresql":
        return _listed(dialect, table, columns)
    return _rows_as_table(
        dialect,
        columns,
        (),
        lambda given: insert(table).from_select(
            list(names), select(*(given(name) for name in names))
        ),
    )


def changing(
    dialect: Dialect,
    columns: Mapping[str, Column[Any]],
    key: Sequence[str],
    build: Callable[[Given], Any],
) -> Many:
    """
    A statement that changes rows.

    @param columns: the values of a row by name, each with the column whose type it has.
    @param key: the values that say which row is changed.
    @param build: makes an update of the values.
    """
    if dialect.name == "sqlite":
        return _EachRow(build(lambda name: bindparam(name, type_=columns[name].type)))
    return _rows_as_table(dialect, columns, key, build)


@define
class _EachRow:
    """The driver is given all rows, and runs the statement for each."""

    statement: Any

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it."""
        return connection.execute(self.statement, [dict(row) for row in rows]).rowcount


@define
class _RowsAsTable:
    """
    The rows are a table that the statement joins.

    @ivar parts: what is before and behind that table in the statement.
    @ivar processors: what makes of a value what the driver takes.
    @ivar key: a statement changes a row once, however often it is joined: rows with the same
        key are in statements of their own.
    @ivar pages: writes some rows as a table, with its parameters.
    """

    parts: tuple[str, str]
    processors: Mapping[str, Callable[[Any], Any] | None]
    key: Sequence[str]
    pages: Callable[[list[list[Any]]], Iterator[tuple[str, Sequence[Any]]]]
    _taken: Callable[[Values], tuple[Any, ...]] = field(init=False)
    _to_process: Sequence[tuple[int, Callable[[Any], Any]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = list(self.processors)
        take = itemgetter(*names)
        # of one name it gives the value itself
        self._taken = take if len(names) > 1 else lambda row: (take(row),)
        self._to_process = [
            (place, process)
            for place, process in enumerate(self.processors.values())
            if process is not None
        ]

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it."""
        before, behind = self.parts
        found = 0
        for wave in self._waves(rows):
            for table, parameters in self.pages(wave):
                statement = before + table + behind
                found += connection.exec_driver_sql(statement, tuple(parameters)).rowcount
        return found

    def _waves(self, rows: Sequence[Values]) -> Iterable[list[list[Any]]]:
        if not self.key:
            return [[self._processed(row) for row in rows]]
        waves: list[list[list[Any]]] = []
        seen: dict[tuple[Any, ...], int] = {}
        for row in rows:
            key = tuple(row[name] for name in self.key)
            number = seen.get(key, 0)
            seen[key] = number + 1
            if number == len(waves):
                waves.append([])
            waves[number].append(self._processed(row))
        return waves

    def _processed(self, row: Values) -> list[Any]:
        # most values are taken as they are, and most rows have dozens
        values = [*self._taken(row)]
        for place, process in self._to_process:
            values[place] = process(values[place])
        return values


def _listed(dialect: Dialect, table: Any, columns: Mapping[str, Column[Any]]) -> Many:
    """An insert of all rows behind one VALUES."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    row = f"({', '.join(['%s'] * len(columns))})"
    return _RowsAsTable(
        (f"INSERT INTO {quote(table.name)} ({names}) VALUES ", ""),  # noqa: S608
        _processors(dialect, columns),
        (),
        lambda rows: _pages(rows, row, f", {row}"),
    )


def _processors(
    dialect: Dialect, columns: Mapping[str, Column[Any]]
) -> Mapping[str, Callable[[Any], Any] | None]:
    return {
        name: each.type.dialect_impl(dialect).bind_processor(dialect)
        for name, each in columns.items()
    }


def _rows_as_table(
    dialect: Dialect,
    columns: Mapping[str, Column[Any]],
    key: Sequence[str],
    build: Callable[[Given], Any],
) -> Many:
    types = {name: each.type for name, each in columns.items()}
    table = text(_ROWS).columns(*(column(name, kind) for name, kind in types.items()))
    given = table.subquery("given")
    compiled = str(build(lambda name: given.c[name]).compile(dialect=dialect))
    before, behind = compiled.split(_ROWS)
    processors = _processors(dialect, columns)
    quote = dialect.identifier_preparer.quote
    names = [quote(name) for name in types]
    if dialect.name == "postgresql":
        # a VARCHAR(24)[] would cut longer text off
        arrays = [
            f"%s::{'TEXT' if isinstance(kind, String) else kind.compile(dialect)}[]"
            for kind in types.values()
        ]
        unnested = f"SELECT * FROM unnest({', '.join(arrays)}) AS t({', '.join(names)})"  # noqa: S608
        return _RowsAsTable(
            (before, behind), processors, key, lambda rows: iter([(unnested, _turned(rows))])
        )
    first = "SELECT " + ", ".join(f"%s AS {name}" for name in names)
    other = " UNION ALL SELECT " + ", ".join(["%s"] * len(names))
    return _RowsAsTable((before, behind), processors, key, lambda rows: _pages(rows, first, other))


def _turned(rows: list[list[Any]]) -> list[list[Any]]:
    """A list for each column."""
    return [list(values) for values in zip(*rows, strict=True)]


def _pages(rows: list[list[Any]], first: str, other: str) -> Iterator[tuple[str, Sequence[Any]]]:
    page: list[Any] = []
    count = characters = 0
    for row in rows:
        size = sum(len(value) for value in row if isinstance(value, str | bytes))
        if count and (count == MOST_ROWS or characters + size > MOST_CHARACTERS):
            yield first + other * (count - 1), page
            page, count, characters = [], 0, 0
        page += row
        count += 1
        characters += size
    if count:
        yield first + other * (count - 1), page
