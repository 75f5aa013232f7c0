"""Whatever somebody does to the postings, the audit names it: no kind of change is overlooked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from chargecloud.domain.chain import Head
from chargecloud.storage.audit import ledger_faults, read_heads
from chargecloud.storage.audit.reading import ChainOf
from chargecloud.storage.engine import at_one_moment
from chargecloud.storage.schema import ledger_heads, postings
from tests.paying import Till

pytestmark = pytest.mark.every

#: what a posting says; where it is in its chain is changed, too
COLUMNS = [column.name for column in postings.columns if column.name != "id"]


@frozen
class Books:
    """A database with postings of all causes, and where its chains ended."""

    till: Till
    rows: list[dict[str, Any]]
    kept: dict[ChainOf, Head]

    def faults(self, connection: Connection, *, since_head: bool = False) -> list[str]:
        """What is wrong with them."""
        return list(ledger_faults(connection, self.kept if since_head else {}))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """A charge that was paid with gift money, one that is owed, a payment, what went back of it,
    a withdrawal, a transfer, and money that is held."""
    till = Till(tmp_path)
    world = till.world
    rider, friend = world.customer(0), world.customer(20)
    till.pay(till.open(customer_id=rider, amount_fen=60))
    world.make(f"/wallets/{friend}/top-ups", {"amount_fen": 10, "gift_fen": 50})
    world.make(f"/wallets/{friend}/transfers", {"to_customer_id": rider, "amount_fen": 10})
    site = world.site()
    for number, payer in enumerate((rider, friend, None)):
        box = world.box(site, f"EB-{number}").connect()
        world.order(box, payer, prepaid_fen=40 if payer == rider else None)
        order = box.begin()
        for _ in range(30):
            world.clock.advance(60)
            box.report(10_000)
        box.end(2, order.order_id, 5_000_000, 1800)
    world.make(f"/wallets/{rider}/withdrawals", {"amount_fen": 20, "reason": "moves"})
    world.order(world.box(site, "EB-9").connect(), friend, prepaid_fen=30)
    till.wait(20)
    with world.store.engine.connect() as connection:
        rows = [row._asdict() for row in connection.execute(select(postings))]
        kept = read_heads(connection)
    made = Books(till, rows, kept)
    with world.store.engine.connect() as connection:
        assert made.faults(connection, since_head=True) == []
    yield made
    world.store.engine.dispose()


changes = st.sampled_from(["change", "delete", "insert", "swap", "tail", "move"])


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.data())
def test_no_change_is_overlooked(books: Books, data: st.DataObject) -> None:
    """Hypothesis picks what is done, to which row and to which of its columns."""
    kind = data.draw(changes)
    row = data.draw(st.sampled_from(books.rows))
    with books.till.world.store.engine.connect() as connection:
        try:
            with connection.begin() as transaction:
                _plant(connection, kind, row, books, data)
                found = books.faults(connection)
                transaction.rollback()
        except IntegrityError:
            # the database itself does not take it
            return
    assert found, (kind, row)
    if kind == "change":
        assert any(str(row["id"]) in fault for fault in found), found


def _plant(
    connection: Connection, kind: str, row: dict[str, Any], books: Books, data: st.DataObject
) -> None:
    here = postings.c.id == row["id"]
    if kind == "change":
        column = data.draw(st.sampled_from(COLUMNS))
        connection.execute(update(postings).where(here).values({column: _other(row[column], data)}))
    elif kind == "delete":
        connection.execute(delete(postings).where(here))
    elif kind == "insert":
        last = max(each["seq"] for each in books.rows)
        slip = row | {"id": row["id"] + data.draw(st.integers(1, 100)) * 4096 * 1024}
        slip["seq"] = data.draw(st.sampled_from([last + 1, last + 7, None]))
        connection.execute(insert(postings).values(slip))
    elif kind == "swap":
        other = data.draw(st.sampled_from([each for each in books.rows if each != row]))
        column = data.draw(st.sampled_from(COLUMNS))
        if other[column] == row[column]:
            column = "digest"
        changed = {"seq": -1} if column == "seq" else {}
        if changed:
            connection.execute(update(postings).where(here).values(changed))
        there = postings.c.id == other["id"]
        connection.execute(update(postings).where(there).values({column: row[column]}))
        connection.execute(update(postings).where(here).values({column: other[column]}))
    elif kind == "tail":
        first = data.draw(st.integers(1, max(each["seq"] for each in books.rows)))
        connection.execute(delete(postings).where(postings.c.seq >= first))
    else:
        # all that is written down of a chain's end
        change = data.draw(st.sampled_from(["digest", "seq", "gone"]))
        if change == "gone":
            connection.execute(delete(ledger_heads))
        else:
            value: Any = bytes(32) if change == "digest" else 1
            connection.execute(update(ledger_heads).values({change: value}))


def _other(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, bytes):
        place = data.draw(st.integers(0, 31))
        return value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
    if isinstance(value, str):
        words = ["cash", "wallet", "gift", "hold", "slip", "top_up", "suspense"]
        return data.draw(st.sampled_from([word for word in words if word != value]))
    if isinstance(value, int):
        return value + data.draw(st.sampled_from([-1, 1, 7]))
    return value + (value - value.replace(year=value.year - 1))


def test_a_tail_that_is_taken_away_with_its_head(books: Books) -> None:
    """Whoever may write all of the database can do it so that the database does not know; the
    head that was kept elsewhere does."""
    with books.till.world.store.engine.connect() as connection, connection.begin() as transaction:
        (of,) = books.kept
        last = books.kept[of].seq
        connection.execute(delete(postings).where(postings.c.seq == last))
        before = next(row for row in books.rows if row["seq"] == last - 1)
        connection.execute(update(ledger_heads).values(seq=last - 1, digest=before["digest"]))
        found = books.faults(connection, since_head=True)
        transaction.rollback()
    assert any(f"there is no number {last}, of which a head was kept" in each for each in found)


def test_it_is_gone_through_while_the_service_writes(books: Books) -> None:
    """All of an audit sees the books as they were at its beginning."""
    world = books.till.world
    with at_one_moment(world.store.engine).connect() as connection:
        faults = ledger_faults(connection)
        # its first question is asked by now
        connection.execute(select(postings.c.id).limit(1)).all()
        world.customer(500)
        assert list(faults) == []
