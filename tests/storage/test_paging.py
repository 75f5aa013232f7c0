"""Lists come page by page, and no row is missed or told twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chargecloud.domain.decision import Decision, Insert
from chargecloud.domain.errors import Invalid
from chargecloud.routes import MOST_ID
from chargecloud.storage.paging import read_page
from chargecloud.storage.schema import tenants
from chargecloud.storage.store import Store
from tests.harness import NOW, clock_at, failure_of, open_store, result_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with seven rows."""
    opened = open_store(tmp_path, clock_at())
    for number in (70, 10, 20, 50, 40, 30, 60):
        add(opened, number)
    yield opened
    opened.engine.dispose()


def add(store: Store, number: int) -> None:
    """Add a row."""
    row = {"id": number, "name": str(number), "created_at": NOW}
    result_of(store.writer.decide(Decision((Insert("tenants", row),))))


def page(store: Store, limit: int, cursor: str | None, *, newest_first: bool = False) -> Any:
    """A page of ids with its cursor."""
    return store.read(
        lambda connection: read_page(
            connection,
            select(tenants),
            tenants.c.id,
            lambda row: row.id,
            limit=limit,
            cursor=cursor,
            newest_first=newest_first,
        )
    )


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_make_the_list(store: Store, limit: int, newest_first: bool) -> None:
    """By id, each once, whatever the size of a page; the last page says that it is."""
    found: list[int] = []
    cursor: str | None = None
    for number in range(-(-7 // limit)):
        assert number == 0 or cursor is not None
        items, cursor = result_of(page(store, limit, cursor, newest_first=newest_first))
        found += items
    assert cursor is None
    assert found == sorted([10, 20, 30, 40, 50, 60, 70], reverse=newest_first)


def test_a_page_does_not_shift(store: Store) -> None:
    """Rows that come between two pages are on the later one, or on none if they are older."""
    first, cursor = result_of(page(store, 3, None))
    add(store, 5)
    add(store, 35)
    assert result_of(page(store, 3, cursor))[0] == [35, 40, 50]
    assert first == [10, 20, 30]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "²", " 1", str(MOST_ID + 1), "9" * 5000])
def test_a_cursor_must_be_ours(store: Store, cursor: str) -> None:
    """Any other text is refused, also a number that no database could compare with."""
    failure_of(page(store, 3, cursor), Invalid)
