"""Chains of postings: each goes on where it ended, and none forks."""

from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from chargecloud.domain.chain import GENESIS, Head, chained
from chargecloud.domain.decision import Decision, Insert, Stale
from chargecloud.domain.ledger import Account, Post
from chargecloud.storage.audit.chains import chain_faults, read_heads
from chargecloud.storage.chains import ChainMoved
from chargecloud.storage.schema import ledger_heads, postings
from chargecloud.storage.store import Store
from tests.harness import Gathering, clock_at, failure_of, open_store, result_of, rows_of
from tests.paying import Unlucky

pytestmark = pytest.mark.every

WALLET, HELD = Account(1, "wallet", 7), Account(1, "held", 7)


def paid_in(amount_fen: int = 100, tenant_id: int = 1) -> Decision:
    """Money comes in, to where no account guards it."""
    cash, refunding = (Account(tenant_id, kind) for kind in ("cash", "refunding"))
    post = Post(cash, refunding, amount_fen, "top_up", 1)
    return Decision((post,))


def decide(store: Store, *decisions: Decision) -> None:
    """Commit some, each by itself."""
    for decision in decisions:
        result_of(store.writer.decide(decision))


def sound_heads(store: Store) -> dict[tuple[int, int], int]:
    """How long the chains are, which are as they were written."""
    with store.engine.connect() as connection:
        assert list(chain_faults(connection, {})) == []
        return {of: head.seq for of, head in read_heads(connection).items()}


def test_a_posting_is_what_was_told_and_all_before_it() -> None:
    """Nothing of it can be another without another digest, not even between its parts."""
    one = (1, 2, 3, 4, 5, ("wallet", 6), ("held", 7), 8, "hold", 9)
    digests = {chained(GENESIS, *one), chained(bytes(31) + b"x", *one)}
    for place, value in enumerate(one):
        other = ("x", 1) if isinstance(value, tuple) else "x" if isinstance(value, str) else 77
        digests.add(chained(GENESIS, *(*one[:place], other, *one[place + 1 :])))  # type: ignore[arg-type]
    assert len(digests) == 2 + len(one)


def test_each_tenant_has_its_own_at_each_node(tmp_path: Path) -> None:
    """Two nodes write beside each other, and neither waits for the other's end."""
    clock = clock_at()
    stores = [open_store(tmp_path, clock, slot=slot) for slot in (1, 2)]
    for store, tenant_id in zip(stores * 3, (1, 1, 2, 1, 1, 2), strict=True):
        decide(store, paid_in(tenant_id=tenant_id))
    assert sound_heads(stores[0]) == {(1, 1): 2, (2, 1): 1, (1, 2): 2, (2, 2): 1}
    for store in stores:
        store.engine.dispose()


def test_what_is_refused_leaves_no_place(tmp_path: Path) -> None:
    """Those of a batch that miss their guards are not in the chain, and their neighbours are."""
    store = open_store(tmp_path, clock_at())
    opened = [
        Insert("accounts", {"tenant_id": 1, "kind": each.kind, "owner_id": 7, "balance_fen": 0})
        for each in (WALLET, HELD)
    ]
    decide(store, Decision(tuple(opened)))
    gathering = store.writer.runner = Gathering()
    too_much = Decision((*paid_in().writes, Post(WALLET, HELD, 1, "hold", 2)))
    asked = [store.writer.decide(each) for each in (paid_in(), too_much) * 5]
    gathering.do_all()
    for number, each in enumerate(asked):
        if number % 2:
            failure_of(each, Stale)
        else:
            result_of(each)
    assert sound_heads(store) == {(1, 1): 5}
    store.engine.dispose()


def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    """From what the database says, whatever the process before knew."""
    clock = clock_at()
    for _ in range(3):
        clock.advance(1)
        store = open_store(tmp_path, clock)
        decide(store, paid_in(), paid_in())
        assert sound_heads(store)[1, 1] % 2 == 0
        store.engine.dispose()


@pytest.mark.parametrize("fate", ["before", "after"])
def test_nobody_knows_whether_it_was_committed(tmp_path: Path, fate: str) -> None:
    """The database is asked where the chain ends then."""
    store = open_store(tmp_path, clock_at())
    decide(store, paid_in())
    runner, store.writer.runner = store.writer.runner, Unlucky([fate])
    failure_of(store.writer.decide(paid_in()), OperationalError)
    store.writer.runner = runner
    decide(store, paid_in())
    assert sound_heads(store) == {(1, 1): 2 if fate == "before" else 3}
    store.engine.dispose()


def test_two_that_take_themselves_for_one_node_fork_nothing(tmp_path: Path) -> None:
    """A lease was lost and its holder does not know: both write on, one after the other."""
    clock = clock_at()
    one, other = (open_store(tmp_path, clock) for _ in range(2))
    # their ids would be the same, too, if their clocks were
    other.ids._last = 1 << 52
    for store, _ in zip(cycle((one, other, other)), range(12), strict=False):
        decide(store, paid_in())
    assert sound_heads(one) == {(1, 1): 12}
    one.engine.dispose()
    other.engine.dispose()


def test_a_chain_that_never_holds_still_is_given_up(tmp_path: Path) -> None:
    """It is tried some times, and then whoever asked is told."""
    store = open_store(tmp_path, clock_at())
    decide(store, paid_in())
    with store.engine.begin() as connection:
        # as if another was there before us each time: what is written is not what is read
        connection.execute(update(ledger_heads).values(seq=99))
    store.writer._chains.known[1] = Head(1, GENESIS)
    remembered = store.writer._chains.known.copy()
    store.writer._chains.known = _Stubborn(remembered)
    failure_of(store.writer.decide(paid_in()), ChainMoved)
    assert len(rows_of(store, postings)) == 1
    store.engine.dispose()


class _Stubborn(dict[int, Head]):
    """Forgets nothing."""

    def clear(self) -> None:
        """Not even then."""
