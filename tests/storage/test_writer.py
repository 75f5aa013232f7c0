"""The writer: decisions that come together are committed together, and fail alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from twisted.internet.defer import Deferred

from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.errors import Overloaded
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.schema import accounts, event_log, node_slots, tenants
from chargecloud.storage.store import Store
from chargecloud.storage.writer import MOST_DECISIONS_A_COMMIT, MOST_WAITING
from tests.harness import NOW, Gathering, clock_at, failure_of, open_store, result_of, rows_of

pytestmark = pytest.mark.every


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on a fresh database."""
    opened = open_store(tmp_path, clock_at())
    yield opened
    opened.engine.dispose()


def tenant(tenant_id: int, **log: Any) -> Decision:
    """A decision with one row and one entry of the log."""
    row = {"id": tenant_id, "name": f"tenant {tenant_id}", "created_at": NOW}
    return Decision((Insert("tenants", row),), (LogEntry("made", tenant_id, log),))


def log_of(store: Store) -> list[tuple[int, int]]:
    """Places in the log, with the tenant of each entry."""
    return [(row["seq"], row["tenant_id"]) for row in rows_of(store, event_log)]


def decide_together(store: Store, decisions: list[Decision]) -> list["Deferred[None]"]:
    """Decide while a commit is under way, so that all wait and are committed as one."""
    gathering = store.writer.runner = Gathering()
    first = store.writer.decide(Decision())
    waiting = [store.writer.decide(decision) for decision in decisions]
    gathering.do_all()
    result_of(first)
    return waiting


def test_what_waits_is_committed_together(store: Store) -> None:
    """Decisions that come while a commit is under way need one more commit, not fifty."""
    gathering = store.writer.runner = Gathering()
    decided = [store.writer.decide(tenant(number)) for number in range(1, 51)]
    assert store.writer.waiting == 49
    gathering.do_all()
    assert gathering.done == 2
    assert [result_of(each) for each in decided] == [None] * 50
    assert log_of(store) == [(number, number) for number in range(1, 51)]


def test_nobody_hears_before_the_commit(store: Store) -> None:
    """A decision fires when it is on the disk, not when it is taken."""
    gathering = store.writer.runner = Gathering()
    decided = store.writer.decide(tenant(1))
    assert not decided.called
    assert rows_of(store, tenants) == []
    gathering.do_all()
    result_of(decided)
    assert [row["id"] for row in rows_of(store, tenants)] == [1]


def test_a_stale_decision_takes_no_neighbour_down(store: Store) -> None:
    """Of a batch, those whose guards hold are written, and the log has no gap or double."""
    decisions = [tenant(1), tenant(2), tenant(2), tenant(3), tenant(1), tenant(4)]
    decided = decide_together(store, decisions)
    for stale in (decided[2], decided[4]):
        assert failure_of(stale, Stale).table == "tenants"
    for number in (0, 1, 3, 5):
        result_of(decided[number])
    assert [row["id"] for row in rows_of(store, tenants)] == [1, 2, 3, 4]
    assert log_of(store) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_nothing_of_a_stale_decision_is_written(store: Store) -> None:
    """What came before the guard that missed is undone with it."""
    twice = tenant(1) + tenant(1)
    failure_of(store.writer.decide(twice), Stale)
    assert rows_of(store, tenants) == []
    assert log_of(store) == []


@pytest.mark.parametrize(
    "broken",
    [tenant(2**63), tenant(2, body=object()), Decision((Insert("no_such_table", {"id": 1}),))],
    ids=["number too great", "no JSON", "no table"],
)
def test_a_decision_that_cannot_be_written_fails_alone(store: Store, broken: Decision) -> None:
    """Our own fault in one room is no reason to lose another's decision."""
    decided = decide_together(store, [tenant(1), broken, tenant(3)])
    result_of(decided[0])
    assert not isinstance(failure_of(decided[1], Exception), Stale)
    result_of(decided[2])
    assert log_of(store) == [(1, 1), (2, 3)]


def test_trouble_of_the_database_fails_its_batch_only(store: Store) -> None:
    """Those who waited for a batch hear of the trouble; the next batch is written."""

    def rename(old: str, new: str) -> None:
        with store.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("event_log", "gone")
    failed = decide_together(store, [tenant(1), tenant(2)])
    for each in failed:
        # SQLite does not tell its own troubles from ours
        failure_of(each, OperationalError, ProgrammingError)
    rename("gone", "event_log")
    assert rows_of(store, tenants) == []
    for each in decide_together(store, [tenant(1), tenant(2)]):
        result_of(each)
    places = [seq for seq, _ in log_of(store)]
    assert len(places) == 2
    assert sorted(set(places)) == places


@pytest.mark.slow
@given(st.lists(st.lists(st.sampled_from(["row", "money", "step"]), max_size=6), max_size=8))
def test_a_decisions_writes_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[list[str]]
) -> None:
    """Among decisions of other forms, each write finds what the one before it left."""
    store = open_store(tmp_path_factory.mktemp("order"), clock_at())
    decisions = []
    for number, shape in enumerate(shapes, 1):
        wallet, held = Account(number, "wallet"), Account(number, "held")
        writes: list[Any] = [
            _account(wallet),
            _account(held),
            Insert("node_slots", {"slot": number, "holder": "", "leased_until_ms": 0}),
        ]
        steps = 0
        for place, kind in enumerate(shape):
            if kind == "row":
                row = {"id": number * 100 + place, "name": f"{number}/{place}", "created_at": NOW}
                writes.append(Insert("tenants", row))
            elif kind == "money":
                # the wallet is empty before the first of these and after the second
                writes.append(Post(Account(number, "cash"), wallet, 5, "top_up", place))
                writes.append(Post(wallet, held, 5, "hold", place))
            else:
                steps += 1
                change = {"leased_until_ms": steps}
                expected = {"leased_until_ms": steps - 1}
                writes.append(Change("node_slots", {"slot": number}, change, expected))
        decisions.append(Decision(tuple(writes)))
    for decided in decide_together(store, decisions):
        result_of(decided)
    balances = {
        (row["tenant_id"], row["kind"]): row["balance_fen"] for row in rows_of(store, accounts)
    }
    steps_of = {row["slot"]: row["leased_until_ms"] for row in rows_of(store, node_slots)}
    for number, shape in enumerate(shapes, 1):
        assert balances[number, "wallet"] == 0
        assert balances[number, "held"] == 5 * shape.count("money")
        assert steps_of[number] == shape.count("step")
    store.engine.dispose()


def _account(account: Account) -> Insert:
    return Insert(
        "accounts",
        {
            "tenant_id": account.tenant_id,
            "kind": account.kind,
            "owner_id": account.owner_id,
            "balance_fen": 0,
        },
    )


def test_a_function_runs_between_the_decisions_around_it(store: Store) -> None:
    """It sees all that was submitted before it and nothing that was submitted after."""

    def count(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(tenants)).scalar() or 0

    gathering = store.writer.runner = Gathering()
    store.writer.decide(tenant(1))
    store.writer.decide(tenant(2))
    seen = store.writer.transact(count)
    store.writer.decide(tenant(3))
    seen_later = store.writer.transact(count)
    gathering.do_all()
    assert (result_of(seen), result_of(seen_later)) == (2, 3)


def test_a_function_that_fails_is_undone(store: Store) -> None:
    """A function has a transaction of its own: it is undone whole, and the writer goes on."""

    def half(connection: Connection) -> None:
        connection.execute(tenants.insert().values(id=1, name="half", created_at=NOW))
        raise ZeroDivisionError

    failure_of(store.writer.transact(half), ZeroDivisionError)
    assert rows_of(store, tenants) == []
    result_of(store.writer.decide(tenant(1)))


def test_the_log_goes_on_after_reopening(tmp_path: Path) -> None:
    """Places in the log are never given twice, also by a later process."""
    for number in (1, 2, 3):
        store = open_store(tmp_path, clock_at())
        result_of(store.writer.decide(tenant(number)))
        store.engine.dispose()
    assert log_of(store) == [(1, 1), (2, 2), (3, 3)]
    store.engine.dispose()


def test_over_the_limit_nothing_more_is_taken(store: Store) -> None:
    """A queue that is full refuses at once; what waits in it is done, a commit at a time."""
    gathering = store.writer.runner = Gathering()
    store.writer.decide(Decision())
    taken = [store.writer.decide(Decision()) for _ in range(MOST_WAITING)]
    failure_of(store.writer.decide(tenant(1)), Overloaded)
    failure_of(store.writer.transact(lambda _connection: None), Overloaded)
    gathering.do_all()
    assert gathering.done == 1 + MOST_WAITING // MOST_DECISIONS_A_COMMIT
    assert all(each.called for each in taken)
    assert rows_of(store, tenants) == []
    again = store.writer.decide(tenant(1))
    gathering.do_all()
    result_of(again)


def test_idle_waits_for_all(store: Store) -> None:
    """Idle is when nothing is under way and nothing waits, whatever became of it."""
    assert store.writer.idle().called
    gathering = store.writer.runner = Gathering()
    store.writer.decide(tenant(1))
    stale = store.writer.decide(tenant(1))
    idle = store.writer.idle()
    gathering.do_next()
    assert not idle.called
    gathering.do_next()
    result_of(idle)
    failure_of(stale, Stale)


def test_listeners_hear_of_commits_that_logged(store: Store) -> None:
    """One call for a commit with entries, however many; none for one without."""
    calls: list[int] = []
    store.writer.on_commit.append(lambda: calls.append(len(log_of(store))))
    decide_together(store, [tenant(1), tenant(2), tenant(3)])
    assert calls == [3]
    decide_together(store, [Decision(tenant(4).writes)])
    assert calls == [3]
