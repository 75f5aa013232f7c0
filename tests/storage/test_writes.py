"""Guards: a decision is written only if the world is as it expected."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.decision import Change, Decision, Holds, Insert, Stale
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.schema import accounts, ports, postings
from chargecloud.storage.store import Store
from tests.harness import Gathering, clock_at, failure_of, open_store, result_of, rows_of

pytestmark = pytest.mark.every

WALLET, HELD = Account(1, "wallet", 7), Account(1, "held", 7)
CASH = Account(1, "cash")
KEY = {"charger_id": 1, "port": 1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with one free port, one node slot to hold, and one empty wallet."""
    opened = open_store(tmp_path, clock_at())
    made = (
        Insert("ports", {**KEY, "tenant_id": 1}),
        Insert("node_slots", {"slot": 3, "holder": "me", "leased_until_ms": 5}),
        *(open_account(account) for account in (WALLET, HELD)),
    )
    result_of(opened.writer.decide(Decision(made)))
    yield opened
    opened.engine.dispose()


def open_account(account: Account) -> Insert:
    """An account at zero."""
    owner = {"tenant_id": account.tenant_id, "kind": account.kind, "owner_id": account.owner_id}
    return Insert("accounts", {**owner, "balance_fen": 0})


def order_on_port(store: Store) -> int | None:
    """The order that has the port."""
    (row,) = rows_of(store, ports)
    order_id: int | None = row["order_id"]
    return order_id


def balances(store: Store) -> dict[str, int]:
    """Balances by kind."""
    return {row["kind"]: row["balance_fen"] for row in rows_of(store, accounts)}


def test_nothing_can_be_expected(store: Store) -> None:
    """A column that must be absent is: C{None} is compared as SQL compares NULL."""
    take = Change("ports", KEY, {"order_id": 8}, {"order_id": None})
    result_of(store.writer.decide(Decision((take,))))
    assert order_on_port(store) == 8
    assert failure_of(store.writer.decide(Decision((take,))), Stale).table == "ports"


def test_a_value_can_be_expected(store: Store) -> None:
    """A port is freed by the order that has it and by no other."""
    result_of(store.writer.decide(Decision((Change("ports", KEY, {"order_id": 8}),))))
    for order_id in (9, None):
        free = Change("ports", KEY, {"order_id": None}, {"order_id": order_id})
        failure_of(store.writer.decide(Decision((free,))), Stale)
    free = Change("ports", KEY, {"order_id": None}, {"order_id": 8})
    result_of(store.writer.decide(Decision((free,))))
    assert order_on_port(store) is None


def test_a_change_needs_its_row(store: Store) -> None:
    """What is not there cannot be changed."""
    change = Change("ports", {"charger_id": 1, "port": 2}, {"order_id": 8})
    failure_of(store.writer.decide(Decision((change,))), Stale)


def test_an_insert_needs_a_free_key(store: Store) -> None:
    """A row that is there already stays as it is."""
    again = Insert("ports", {**KEY, "tenant_id": 2, "order_id": 5})
    assert failure_of(store.writer.decide(Decision((again,))), Stale).table == "ports"
    assert order_on_port(store) is None


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"slot": 3, "holder": "me"}, True),
        ({"slot": 3, "holder": "you"}, False),
        ({"slot": 4, "holder": "me"}, False),
    ],
)
def test_a_row_elsewhere_can_be_held_to(store: Store, row: dict[str, object], kept: bool) -> None:
    """A session whose epoch is over decides nothing: that is a row of another table."""
    change = Change("ports", KEY, {"order_id": 8}, holds=Holds("node_slots", row))
    decided = store.writer.decide(Decision((change,)))
    if kept:
        result_of(decided)
    else:
        assert failure_of(decided, Stale).table == "ports"
    assert order_on_port(store) == (8 if kept else None)


def test_two_of_one_batch_cannot_both_have_a_port(store: Store) -> None:
    """The guard of the second sees what the first has written."""
    gathering = store.writer.runner = Gathering()
    store.writer.decide(Decision())
    rivals = [
        store.writer.decide(Decision((Change("ports", KEY, {"order_id": n}, {"order_id": None}),)))
        for n in (8, 9)
    ]
    gathering.do_all()
    result_of(rivals[0])
    failure_of(rivals[1], Stale)
    assert order_on_port(store) == 8


def test_a_wallet_never_falls_below_zero(store: Store) -> None:
    """The last fen can be spent, and not one more."""
    top_up, hold = Post(CASH, WALLET, 100, "top_up", 1), Post(WALLET, HELD, 60, "hold", 2)
    result_of(store.writer.decide(Decision((top_up, hold))))
    too_much = Decision((Post(WALLET, HELD, 41, "hold", 3),))
    assert failure_of(store.writer.decide(too_much), Stale).table == "accounts"
    result_of(store.writer.decide(Decision((Post(WALLET, HELD, 40, "hold", 3),))))
    assert balances(store) == {"wallet": 0, "held": 100}


def test_an_account_must_be_open(store: Store) -> None:
    """Money cannot go to a customer whom nobody knows."""
    stranger = Account(1, "wallet", 8)
    decided = store.writer.decide(Decision((Post(CASH, stranger, 100, "top_up", 1),)))
    failure_of(decided, Stale)
    assert rows_of(store, postings) == []


# ------------------------------------------------------------------- money, by a model


@frozen
class Move:
    """Money between two of a customer's accounts, or between one and the platform."""

    debit: str
    credit: str
    owner_id: int
    amount_fen: int

    def post(self, tenant_id: int) -> Post:
        """The posting of it."""
        return Post(
            account(tenant_id, self.debit, self.owner_id),
            account(tenant_id, self.credit, self.owner_id),
            self.amount_fen,
            "move",
            1,
        )


def account(tenant_id: int, kind: str, owner_id: int) -> Account:
    """A customer's account, or the platform's of that kind."""
    return Account(tenant_id, kind, owner_id if kind in Account.GUARDED else 0)


KINDS = ["wallet", "held", "cash", "service_fees"]
moves = st.builds(
    lambda kinds, owner_id, amount_fen: Move(kinds[0], kinds[1], owner_id, amount_fen),
    st.permutations(KINDS),
    st.integers(1, 2),
    st.integers(1, 50),
)
decisions = st.lists(st.lists(moves, min_size=1, max_size=4), max_size=12)


class Model:
    """What balances should become: all of a decision's moves, in order, or none."""

    def __init__(self) -> None:
        self.balances = {(kind, owner): 0 for kind in Account.GUARDED for owner in (1, 2)}

    def apply(self, decision: list[Move]) -> bool:
        """Apply a decision; false if a balance would have fallen below zero."""
        after = dict(self.balances)
        for move in decision:
            if move.debit in Account.GUARDED:
                after[move.debit, move.owner_id] -= move.amount_fen
            if min(after.values()) < 0:
                return False
            if move.credit in Account.GUARDED:
                after[move.credit, move.owner_id] += move.amount_fen
        self.balances = after
        return True


def money_store(folder: Path) -> Store:
    """A store with two customers of tenant 1."""
    store = open_store(folder, clock_at())
    opened = [open_account(Account(1, kind, n)) for kind in Account.GUARDED for n in (1, 2)]
    result_of(store.writer.decide(Decision(tuple(opened))))
    return store


def held_balances(store: Store) -> dict[tuple[str, int], int]:
    """Balances as they are kept."""
    return {(row["kind"], row["owner_id"]): row["balance_fen"] for row in rows_of(store, accounts)}


def posted_balances(store: Store) -> dict[tuple[str, int], int]:
    """Balances as the postings give them: credits less debits."""
    sums: dict[tuple[str, int], int] = {}
    for row in rows_of(store, postings):
        for side, sign in (("debit", -1), ("credit", 1)):
            key = (row[f"{side}_kind"], row[f"{side}_owner_id"])
            sums[key] = sums.get(key, 0) + sign * row["amount_fen"]
    return sums


@pytest.mark.slow
@given(decisions)
def test_money_moves_as_the_model_says(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[list[Move]]
) -> None:
    """One after the other, decisions are written exactly if no balance falls below zero."""
    store, model = money_store(tmp_path_factory.mktemp("money")), Model()
    written = 0
    for moved in wanted:
        decided = store.writer.decide(Decision(tuple(move.post(1) for move in moved)))
        if model.apply(moved):
            result_of(decided)
            written += len(moved)
        else:
            assert failure_of(decided, Stale).table == "accounts"
        assert held_balances(store) == model.balances
    assert len(rows_of(store, postings)) == written
    store.engine.dispose()


@pytest.mark.slow
@given(decisions)
def test_money_of_a_batch_adds_up(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[list[Move]]
) -> None:
    """However decisions are batched, balances are what the written postings sum to, none
    is below zero, and all accounts together hold nothing."""
    store = money_store(tmp_path_factory.mktemp("batch"))
    gathering = store.writer.runner = Gathering()
    store.writer.decide(Decision())
    decided = [
        store.writer.decide(Decision(tuple(move.post(1) for move in moved))) for moved in wanted
    ]
    gathering.do_all()
    outcomes: list[object] = []
    for each in decided:
        each.addBoth(outcomes.append)
    kept = [moved for moved, outcome in zip(wanted, outcomes, strict=True) if outcome is None]
    held, posted = held_balances(store), posted_balances(store)
    assert min(held.values()) >= 0
    assert held == {key: posted.get(key, 0) for key in held}
    assert sum(posted.values()) == 0
    assert len(rows_of(store, postings)) == sum(map(len, kept))
    store.engine.dispose()
