"""The books, gone through: whatever is planted in them is found."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import accounts, orders, postings
from tests.harness import result_of, rows_of
from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A platform with one order that is settled, one that nobody pays, and one that runs."""
    world = World(tmp_path)
    site, customer = world.site(), world.customer(1000)
    for identity, payer in (("EB-1", customer), ("EB-2", None)):
        box = world.box(site, identity).connect()
        world.order(box, payer)
        started = box.begin()
        for _ in range(60):
            world.clock.advance(60)
            box.report(10_000)
        box.end(2, started.order_id, 5_000_000, 3600)
    world.order(world.box(site, "EB-3").connect(), customer, prepaid_fen=200)
    assert faults(world) == []
    return world


def faults(world: World) -> list[str]:
    """What is wrong with the books."""
    found: list[str] = result_of(
        world.store.read(lambda connection: list(ledger_faults(connection)))
    )
    return found


def plant(world: World, statement: Any) -> None:
    """Change the database as no decision would."""

    def carry_out(connection: Connection) -> int:
        return connection.execute(statement).rowcount

    assert result_of(world.store.writer.transact(carry_out)) != 0


def posting(cause: str) -> Any:
    """The oldest posting of a cause, for a condition."""
    oldest = select(func.min(postings.c.id)).where(postings.c.cause == cause)
    return postings.c.id == oldest.scalar_subquery()


@pytest.mark.parametrize("kind", ["wallet", "held"])
@pytest.mark.parametrize("change_fen", [-1, 1, 100_000])
def test_a_changed_balance(world: World, kind: str, change_fen: int) -> None:
    """A balance has no truth of its own beside its postings."""
    changed = accounts.c.balance_fen + change_fen
    plant(world, update(accounts).where(accounts.c.kind == kind).values(balance_fen=changed))
    assert any("its postings sum to" in fault and kind in fault for fault in faults(world))


@pytest.mark.parametrize("cause", ["top_up", "hold", "capture", "release"])
def test_a_deleted_posting(world: World, cause: str) -> None:
    """No posting can go without being missed, whatever it was for."""
    plant(world, delete(postings).where(posting(cause)))
    assert faults(world)


@pytest.mark.parametrize("cause", ["top_up", "hold", "capture", "release"])
def test_a_changed_posting(world: World, cause: str) -> None:
    """Nor can one be changed."""
    more = postings.c.amount_fen + 1
    plant(world, update(postings).where(posting(cause)).values(amount_fen=more))
    assert faults(world)


def test_a_capture_that_nobody_pays(world: World) -> None:
    """What nobody in particular owes is not kept: the order's own bill tells that it is gone."""
    owed = postings.c.debit_kind == "receivable"
    plant(world, delete(postings).where(owed, postings.c.credit_kind == "service_fees"))
    assert any("service_fees are due, 0 were captured" in fault for fault in faults(world))


def test_a_posting_that_was_slipped_in(world: World) -> None:
    """Money that comes from nowhere is found in the wallet that it went to."""
    (wallet,) = (row for row in rows_of(world.store, accounts) if row["kind"] == "wallet")
    row = next(row for row in rows_of(world.store, postings) if row["cause"] == "top_up")
    slip = row | {"id": 1, "node": None, "seq": None}
    plant(world, insert(postings).values(**slip))
    found = faults(world)
    assert "posting 1 is in no chain" in found
    assert any(str(wallet["owner_id"]) in fault for fault in found)


@pytest.mark.parametrize("column", ["amount_fen", "electricity_fen", "service_fen"])
def test_a_changed_total_of_a_bill(world: World, column: str) -> None:
    """The totals beside a bill are what its lines sum to."""
    settled = min(row["id"] for row in rows_of(world.store, orders) if row["amount_fen"])
    changed = {column: orders.c[column] + 1}
    plant(world, update(orders).where(orders.c.id == settled).values(changed))
    assert any("its bill's lines are" in fault for fault in faults(world))


def test_a_changed_line_of_a_bill(world: World) -> None:
    """A line that is made cheaper no longer makes the amount."""
    settled = next(row for row in rows_of(world.store, orders) if row["amount_fen"])
    bill = settled["bill"]
    bill["lines"][0]["amount_fen"] -= 1
    plant(world, update(orders).where(orders.c.id == settled["id"]).values(bill=bill))
    (fault,) = faults(world)
    assert f"order {settled['id']}: " in fault


@pytest.mark.parametrize("bill", [{}, {"tariff_id": 1, "tariff_version": 1, "lines": [{}]}, [1]])
def test_a_bill_that_cannot_be_read(world: World, bill: Any) -> None:
    """One that is broken is a fault, and not the end of the audit."""
    settled = next(row for row in rows_of(world.store, orders) if row["amount_fen"])
    plant(world, update(orders).where(orders.c.id == settled["id"]).values(bill=bill))
    (fault,) = faults(world)
    assert "its bill cannot be read" in fault


def test_a_bill_that_is_gone(world: World) -> None:
    """An order that was paid has its bill."""
    settled = next(row for row in rows_of(world.store, orders) if row["amount_fen"])
    nothing = {"bill": None, "amount_fen": None, "electricity_fen": None, "service_fen": None}
    plant(world, update(orders).where(orders.c.id == settled["id"]).values(nothing))
    assert all("0 fen of" in fault and "are due" in fault for fault in faults(world))
    assert len(faults(world)) == 2


def test_a_hold_that_nobody_holds(world: World) -> None:
    """Money is held for orders that are under way, and for no others."""
    running = next(row for row in rows_of(world.store, orders) if row["held_fen"] == 200)
    gone = update(orders).where(orders.c.id == running["id"]).values(state="failed")
    plant(world, gone)
    money, port = faults(world)
    assert money.endswith("failed: 0 fen are to be held for it, 200 are")
    assert f"{running['id']}" in port


def test_a_balance_below_zero(world: World) -> None:
    """A wallet that lends is a fault, even if the postings say the same."""
    wallet = next(row for row in rows_of(world.store, accounts) if row["kind"] == "wallet")
    row = {
        "id": rows_of(world.store, postings)[-1]["id"] + 1,
        "tenant_id": wallet["tenant_id"],
        "at": world.calendar.now(),
        "debit_kind": "wallet",
        "debit_owner_id": wallet["owner_id"],
        "credit_kind": "cash",
        "credit_owner_id": 0,
        "amount_fen": wallet["balance_fen"] + 1,
        "cause": "slip",
        "reference_id": 1,
    }
    plant(world, insert(postings).values(**row))
    with world.store.engine.connect() as connection:
        # even this the database itself would refuse
        connection.exec_driver_sql(
            "PRAGMA ignore_check_constraints = ON"
            if connection.dialect.name == "sqlite"
            else "ALTER TABLE accounts DROP CONSTRAINT accounts_not_below_zero"
        )
        connection.execute(
            update(accounts).where(accounts.c.kind == "wallet").values(balance_fen=-1)
        )
        connection.commit()
    assert any("below zero: -1 fen" in fault for fault in faults(world))
