"""Lists, page by page: by id, which is by age, so that a page never shifts under a reader."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select

from chargecloud.domain.errors import Invalid
from chargecloud.routes import read_id

T = TypeVar("T")


def read_page(
    connection: Connection,
    query: "Select[Any]",
    id_column: Any,
    make: Callable[["Row[Any]"], T],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> tuple[Sequence[T], str | None]:
    """
    One page of a query.

    @param cursor: what the page before gave, C{None} for the first.
    @return: the items, and the cursor of the next page or C{None}.
    @raise Invalid: for a cursor that we never gave.
    """
    if cursor is not None:
        last = _read_cursor(cursor)
        query = query.where(id_column < last if newest_first else id_column > last)
    order = id_column.desc() if newest_first else id_column
    rows = connection.execute(query.order_by(order).limit(limit + 1)).all()
    more = len(rows) > limit
    items = [make(row) for row in rows[:limit]]
    return items, str(getattr(rows[limit - 1], id_column.name)) if more else None


def _read_cursor(text: str) -> int:
    try:
        return read_id(text)
    except ValueError:
        what = "is not a cursor of ours"
        raise Invalid(f"this {what}", errors=[{"parameter": "cursor", "detail": what}]) from None
