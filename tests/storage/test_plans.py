"""What the platform asks its database all the time is found by an index, on each of them.

A charge is lived on tables that have some thousand rows of others, and each statement of it is
explained by the database itself.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Connection, Engine, LargeBinary, String, event, insert, select

from chargecloud.domain.order_value import OrderState
from chargecloud.routes import Caller
from chargecloud.storage.log import log_end, read_after
from chargecloud.storage.schema import Instant, metadata
from tests.harness import NOW, result_of
from tests.world import FLAT, World

pytestmark = pytest.mark.every

#: rows of others, a tenth of them the tenant's own; so many that no database reads all of a
#: table for a few of them
MANY = 3_000

#: a row for a process, a follower, an operator, a price list: these may be read whole
SMALL = {
    "node_slots",
    "cursors",
    "commits",
    "calendars",
    "deliveries",
    "cut_offs",
    "tenants",
    "tariffs",
}

BIG = {table.name for table in metadata.sorted_tables} - SMALL


#: what must make sense to whoever looks at a list
SENSE: dict[str, dict[str, Any]] = {
    "chargers": {"dialect": "native", "kind": "ebike", "status": "in_service"},
    "cards": {"status": "active"},
    "tariffs": {"kind": "time_of_use", "terms": FLAT},
    "sites": {"time_zone": "Asia/Shanghai"},
    "orders": {
        "state": OrderState.SETTLED.value,
        "origin": "api",
        "time_zone": "Asia/Shanghai",
        **dict.fromkeys(
            (
                *("stop_reason", "failure", "basis", "record", "evidence", "bill", "abnormal"),
                *("coupon", "month_card"),
            )
        ),
    },
    "postings": {"debit_kind": "cash", "credit_kind": "wallet", "cause": "top_up"},
    "accounts": {"kind": "wallet"},
    "unmatched": {"record": {}, "resolution": None, "resolved_at": None},
    "disputes": {"record": {}, "kept": {}, "resolution": None, "resolved_at": None},
}


def filler(table: Any, number: int, tenant_id: int) -> dict[str, Any]:
    """A row of a charge that was settled long ago."""
    row: dict[str, Any] = {}
    for column in table.columns:
        match column.type:
            case Instant():
                row[column.name] = NOW - timedelta(days=30)
            case JSON():
                row[column.name] = []
            case Boolean():
                row[column.name] = False
            case LargeBinary():
                row[column.name] = b"x"
            case String():
                row[column.name] = str(number)
            case _:
                row[column.name] = number
    own = tenant_id if number % 10 == 0 else number
    known = {**SENSE.get(table.name, {}), "tenant_id": own}
    return row | {name: value for name, value in known.items() if name in row}


def fill(engine: Engine, tenant_id: int) -> None:
    """Have others' rows in the tables, and let the database know."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name in BIG:
                rows = [filler(table, number, tenant_id) for number in range(1000, 1000 + MANY)]
                connection.execute(insert(table), rows)
    with engine.connect() as connection:
        if connection.dialect.name == "mariadb":
            names = ", ".join(sorted(BIG))
            connection.exec_driver_sql(f"ANALYZE TABLE {names}").all()
        elif connection.dialect.name == "postgresql":
            # nobody tells SQLite
            connection.exec_driver_sql("ANALYZE")
            connection.commit()


Statements = dict[str, Any]


@contextmanager
def heard() -> Iterator[Statements]:
    """What the database is asked meanwhile, each with an example of its parameters."""
    statements: Statements = {}

    def execute(
        _connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            statements.setdefault(statement, given[0] if many else given)

    event.listen(Engine, "before_cursor_execute", execute)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", execute)


# -------------------------------------------------------------------------- reading of plans


def scans(connection: Connection, statement: str, given: Any) -> list[str]:
    """The big tables that are read from end to end for a statement.  A page of a list may be
    read along an index: it stops when the page is full."""
    paged = "LIMIT" in statement
    return {"sqlite": _of_sqlite, "postgresql": _of_postgresql, "mariadb": _of_mariadb}[
        connection.dialect.name
    ](connection, statement, given, paged)


def _of_sqlite(connection: Connection, statement: str, given: Any, paged: bool) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
    found = [row.detail.split() for row in plan]
    return [
        " ".join(words)
        for words in found
        if words[0] == "SCAN" and words[1] in BIG and not (paged and "INDEX" in words)
    ]


def _of_postgresql(connection: Connection, statement: str, given: Any, paged: bool) -> list[str]:
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).one()
    return list(_read_whole(plan[0]["Plan"], paged))


def _read_whole(node: Any, paged: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    by_index = kind.startswith("Index") and ("Index Cond" in node or paged)
    if table in BIG and "Scan" in kind and not by_index and kind != "Bitmap Heap Scan":
        yield f"{kind} of {table}"
    for part in node.get("Plans", ()):
        yield from _read_whole(part, paged)


def _of_mariadb(connection: Connection, statement: str, given: Any, paged: bool) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN {statement}", given)
    return [
        f"{row.type} of {row.table}"
        for row in plan
        if row.table in BIG and (row.type == "ALL" or (row.type == "index" and not paged))
    ]


# -------------------------------------------------------------------------------- the charge


def live(folder: Path, tenant_id: int) -> World:
    """A node starts with a charge under way, and another charge is lived from login to bill."""
    world = World(folder)
    site, customer = world.site(), world.customer(1000)
    world.make("/cards", {"uid": "04A1", "customer_id": customer, "status": "active"})
    box = world.box(site).connect()
    order = world.order(box, customer, prepaid_fen=100)
    box.begin()
    world.pass_time(600, lambda: box.report(2_000))
    box.end(2, int(order["id"]), 5_000_000, 600)
    box.card(3, "04A1")
    box.drop()
    box.connect()
    world.caller = Caller(1, tenant_id, frozenset({"*"}))
    for path in (
        "/sites",
        "/chargers",
        f"/chargers/{box.id}",
        "/customers",
        f"/customers/{customer}",
        f"/wallets/{customer}",
        f"/wallets/{customer}/movements",
        "/cards",
        "/cards?uid=04A1",
        "/tariffs",
        "/orders",
        "/orders?state=charging",
        f"/orders?charger_id={box.id}",
        f"/orders?customer_id={customer}",
        "/orders/unmatched",
        "/orders/disputes",
        f"/orders/{order['id']}",
        f"/orders/{order['id']}/bill",
        f"/orders/{order['id']}/curve",
        f"/orders/{order['id']}/events",
    ):
        world.get(path)
    result_of(world.store.read(lambda connection: read_after(connection, {1: 10}, {1: 20})))
    result_of(world.store.read(log_end))
    return world


@pytest.mark.slow(lasts_s=8)
def test_no_table_is_read_whole(tmp_path: Path) -> None:
    """From the login to the bill, and for the lists that people look at."""
    before = World(tmp_path)
    # its key is the newest, which a node tries when it starts
    before.box(identity="EB-0000")
    engine = before.store.engine
    with engine.connect() as connection:
        tenant_id = connection.execute(select(metadata.tables["tenants"].c.id)).scalar_one()
    fill(engine, tenant_id)
    before.killed()
    with heard() as asked:
        world = live(tmp_path, tenant_id)
    assert len(asked) > 50
    with world.store.engine.connect() as connection:
        read_whole = {
            statement: found
            for statement, given in asked.items()
            if (found := scans(connection, statement, given))
        }
        # the sum of all is not found by an index: this is what a scan looks like
        everything = "SELECT sum(amount_fen) FROM postings"
        assert len(scans(connection, everything, ())) == 1
    assert read_whole == {}, json.dumps(read_whole, indent=1)
