"""How an audit reads: all rows of a query, some at a time."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func

from chargecloud.storage.schema import postings

#: tenant and node of a chain
ChainOf = tuple[int, int]

#: rows that are in memory at a time
PAGE = 1_000


def each(connection: Connection, query: Any) -> Iterator[Any]:
    """
    The rows of a query, as the database sends them.

    The next query comes when this one is done: on some connections there is room for one.
    """
    found = connection.execute(query, execution_options={"yield_per": PAGE})
    # one row after the other takes a third longer, and there are millions
    for page in found.partitions():
        yield from page


def moved(debit: str | None = None, credit: str | None = None) -> "ColumnElement[Any]":
    """What the postings of a group come to that are between accounts of such kinds."""
    matches = []
    if debit is not None:
        matches.append(postings.c.debit_kind == debit)
    if credit is not None:
        matches.append(postings.c.credit_kind == credit)
    return func.sum(case((and_(*matches), postings.c.amount_fen), else_=0))


def whole(value: Any) -> int:
    """A sum: some databases sum to a decimal, and to nothing if there is nothing."""
    return int(value or 0)
