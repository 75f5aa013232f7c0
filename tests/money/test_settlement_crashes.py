"""Settlements that are cut off: what was done is done once, and the rest is done."""

from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred

from chargecloud.domain.decision import Stale
from chargecloud.money.settlement import batch
from chargecloud.money.settlement.settlements import Settlements
from chargecloud.storage.audit import ledger_faults
from chargecloud.storage.schema import order_splits, settlement_lines
from tests.harness import failure_of, result_of, rows_of
from tests.money.settling import Office
from tests.paying import Unlucky

T = TypeVar("T")
ORDERS = 4


def done(work: Awaitable[T]) -> T:
    """What work came to, all of which is done at once."""

    async def whole() -> T:
        return await work

    result: T = result_of(Deferred.fromCoroutine(whole()))
    return result


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Some orders that wait, each a batch of its own."""
    monkeypatch.setattr(batch, "ORDERS_AT_ONCE", 1)
    office = Office(tmp_path)
    office.rule()
    rider = office.world.customer(100_000)
    for _ in range(ORDERS):
        office.charge(customer=rider)
    office.wait(10)
    return office


def test_commits_that_are_lost(office: Office) -> None:
    """Before they were made, or only the word of them: each order is split once, and the books
    are sound at each step."""
    made = office.world.make("/settlements", {})
    writer = office.world.store.writer
    for fate in ("before", "after") * 2:
        writer.runner = Unlucky([fate])
        settlements = Settlements(office.world.store, office.world.calendar, office.clock.seconds)
        run = Deferred.fromCoroutine(settlements.run(int(made["id"])))
        # what is left over goes on by itself, once the last commit came through
        run.addErrback(lambda failure: failure.trap(OperationalError))
        result_of(run)
        with office.world.store.engine.connect() as connection:
            assert list(ledger_faults(connection)) == []
    office.restarted()
    office.wait(10)
    done = office.world.get(f"/settlements/{made['id']}")
    assert (done["state"], done["orders"], done["seen"]) == ("done", ORDERS, ORDERS)
    wanted = {"platform_share": 4, "owner_share": 65, "agent_share": 2, "operator_share": 29}
    assert office.shares() == {kind: ORDERS * fen for kind, fen in wanted.items()}


def test_two_that_are_at_it(office: Office) -> None:
    """Two processes go through the same settlement: each batch is done by one of them."""
    made = office.world.make("/settlements", {})
    settlement_id = int(made["id"])
    store = office.world.store
    one, other = (Settlements(store, office.world.calendar, office.clock.seconds) for _ in range(2))
    seen = done(one.get(None, settlement_id))
    decision = done(one._next(seen))
    done(other.run(settlement_id))
    failure_of(store.writer.decide(decision), Stale)
    lines = rows_of(store, settlement_lines)
    assert len(lines) == ORDERS
    assert office.shares()["owner_share"] == 65 * ORDERS


def test_what_somebody_changes_is_found(office: Office) -> None:
    """A line, an order that waits again, a total: the audit names each."""
    office.settle()
    store = office.world.store
    lines = rows_of(store, settlement_lines)
    line = settlement_lines.c.order_id == lines[0]["order_id"]
    parts = {**lines[0]["parts"], office.parties["owner"]: [61, 5, 0]}
    changes = {
        "was to get": update(settlement_lines).where(line).values(parts=parts),
        "for the first time 0 times": update(settlement_lines).where(line).values(before={}),
        "has no line": update(order_splits).values(settlement_id=5),
    }
    for told, change in changes.items():
        with store.engine.connect() as connection:
            connection.execute(change)
            assert told in "\n".join(ledger_faults(connection))
            connection.rollback()
