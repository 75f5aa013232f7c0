"""One write of many rows, in as few statements as an engine's driver allows.

SQLite runs one statement for many rows at 70,000 a second.  The drivers of the servers send
one row after the other: psycopg changes 14,000 a second and PyMySQL 5,000.  There the rows
are handed over as a table, which is joined: 40,000 and 65,000 (ADR 0032).  Their drivers turn
each value into text in Python, over several calls for each; the table is written here, by the
servers' rules of quoting, in half of that time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NoReturn, Protocol

from attrs import define, field
from pymysql.converters import escape_float, escape_string
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Dialect,
    LargeBinary,
    String,
    bindparam,
    column,
    insert,
    select,
    text,
)
from sqlalchemy.exc import StatementError

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
        return _each_row(
            dialect, table.c, insert(table).compile(dialect=dialect, column_keys=list(names))
        )
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
        statement = build(lambda name: bindparam(name, type_=columns[name].type))
        return _each_row(dialect, columns, statement.compile(dialect=dialect))
    return _rows_as_table(dialect, columns, key, build)


@define
class _Taking:
    """
    What a driver is given of a row: most values as they are, and most rows have dozens.

    @ivar processors: the values' names in their order, each with what makes of it what the
        driver takes.
    """

    processors: Sequence[tuple[str, Callable[[Any], Any] | None]]
    _taken: Callable[[Values], tuple[Any, ...]] = field(init=False)
    _to_process: Sequence[tuple[int, Callable[[Any], Any]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        names = [name for name, _process in self.processors]
        take = itemgetter(*names)
        # of one name it gives the value itself
        self._taken = take if len(names) > 1 else lambda row: (take(row),)
        self._to_process = [
            (place, process)
            for place, (_name, process) in enumerate(self.processors)
            if process is not None
        ]

    def __call__(self, row: Values) -> Sequence[Any]:
        """The values of a row."""
        if not self._to_process:
            return self._taken(row)
        values = [*self._taken(row)]
        for place, process in self._to_process:
            values[place] = process(values[place])
        return values


@define
class _EachRow:
    """The driver is given all rows, and runs the statement for each.  SQLAlchemy would go over
    each value of each row several times, for which most of a commit went."""

    statement: str
    taking: _Taking

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it."""
        given = [tuple(self.taking(row)) for row in rows]
        try:
            return connection.exec_driver_sql(self.statement, given).rowcount
        except StatementError as error:
            # a log is no place for the names and numbers of a thousand rows
            error.params = None
            raise


def _each_row(dialect: Dialect, columns: Mapping[str, Column[Any]], compiled: Any) -> Many:
    names: Sequence[str] = compiled.positiontup
    processors = _processors(dialect, {name: columns[name] for name in names})
    return _EachRow(str(compiled), _Taking([(name, processors[name]) for name in names]))


@define
class _RowsAsTable:
    """
    The rows are a table that the statement joins.

    @ivar parts: what is before and behind that table in the statement.
    @ivar taking: what of a row is written.
    @ivar key: a statement changes a row once, however often it is joined: rows with the same
        key are in statements of their own.
    @ivar pages: writes some rows as a table, with its parameters.
    """

    parts: tuple[str, str]
    taking: _Taking
    key: Sequence[str]
    pages: Callable[[list[Sequence[Any]]], Iterator[tuple[str, tuple[Any, ...]]]]

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it."""
        before, behind = self.parts
        found = 0
        for wave in self._waves(rows):
            for table, parameters in self.pages(wave):
                statement = before + table + behind
                options = {"no_parameters": not parameters}
                try:
                    done = connection.exec_driver_sql(
                        statement, parameters, execution_options=options
                    )
                except StatementError as error:
                    # a log is no place for the names and numbers of a thousand rows
                    error.statement, error.params = f"{before} … {behind}", None
                    raise
                found += done.rowcount
        return found

    def _waves(self, rows: Sequence[Values]) -> Iterable[list[Sequence[Any]]]:
        if not self.key:
            return [[self.taking(row) for row in rows]]
        waves: list[list[Sequence[Any]]] = []
        seen: dict[Any, int] = {}
        key_of = itemgetter(*self.key)
        for row in rows:
            key = key_of(row)
            number = seen.get(key, 0)
            seen[key] = number + 1
            if number == len(waves):
                waves.append([])
            waves[number].append(self.taking(row))
        return waves


def _listed(dialect: Dialect, table: Any, columns: Mapping[str, Column[Any]]) -> Many:
    """An insert of all rows behind one VALUES."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    return _RowsAsTable(
        (f"INSERT INTO {quote(table.name)} ({names}) VALUES (", ")"),  # noqa: S608
        _Taking([*_processors(dialect, columns).items()]),
        (),
        lambda rows: _pages(rows, "), ("),
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
    quote = dialect.identifier_preparer.quote
    names = [quote(name) for name in types]
    if dialect.name == "postgresql":
        # a VARCHAR(24)[] would cut longer text off
        arrays = [
            f"%s::{'TEXT' if isinstance(kind, String) else kind.compile(dialect)}[]"
            for kind in types.values()
        ]
        unnested = f"SELECT * FROM unnest({', '.join(arrays)}) AS t({', '.join(names)})"  # noqa: S608
        # the driver has classes of its own for these
        plain: dict[str, Callable[[Any], Any] | None] = {
            name: partial(_json_text, kind) if isinstance(kind, JSON) else None
            for name, kind in types.items()
            if isinstance(kind, JSON | LargeBinary)
        }
        return _RowsAsTable(
            (before, behind),
            _Taking([*{**_processors(dialect, columns), **plain}.items()]),
            key,
            lambda rows: iter([(unnested, _turned(rows))]),
        )
    taking = _Taking([*_processors(dialect, columns).items()])
    # its first row, which is none, names the columns
    named = "SELECT " + ", ".join(f"NULL AS {name}" for name in names) + " FROM DUAL WHERE FALSE"  # noqa: S608
    between = " UNION ALL SELECT "
    parts = (before + named + between, behind)
    return _RowsAsTable(parts, taking, key, lambda rows: _pages(rows, between))


def _turned(rows: list[Sequence[Any]]) -> tuple[str, ...]:
    """An array for each column, as PostgreSQL reads it from text (its manual, 8.15.2)."""
    columns = zip(*rows, strict=True)
    return tuple(
        "{" + ",".join([_ITEMS[type(value)](value) for value in values]) + "}" for values in columns
    )


def _json_text(kind: JSON[Any], value: Any) -> str | None:
    return None if value is None and kind.none_as_null else json.dumps(value)


class _Written(dict[type, Callable[[Any], str]]):
    """How a server reads values of each type from text; none is cut off, none is taken for
    another's."""

    def __missing__(self, kind: type) -> NoReturn:
        raise TypeError(f"{kind.__name__} is nothing that a row holds")


def _in_array(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


#: in an array of PostgreSQL
_ITEMS = _Written(
    {
        type(None): lambda _none: "NULL",
        bool: str,
        int: str,
        float: str,
        str: _in_array,
        bytes: lambda value: f'"\\\\x{value.hex()}"',
    }
)
#: in a statement of the MySQL family
_LITERALS = _Written(
    {
        type(None): lambda _none: "NULL",
        bool: lambda value: str(int(value)),
        int: str,
        float: escape_float,
        str: lambda value: f"'{escape_string(value)}'",
        bytes: lambda value: f"_binary X'{value.hex()}'",
    }
)


def _pages(rows: list[Sequence[Any]], between: str) -> Iterator[tuple[str, tuple[()]]]:
    """The rows as text, so many together as a statement takes."""
    page: list[str] = []
    characters = 0
    for row in rows:
        written = ", ".join([_LITERALS[type(value)](value) for value in row])
        if page and (len(page) == MOST_ROWS or characters + len(written) > MOST_CHARACTERS):
            yield between.join(page), ()
            page, characters = [], 0
        page.append(written)
        characters += len(written)
    if page:
        yield between.join(page), ()
