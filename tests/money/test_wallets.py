"""Wallets: what was paid in, once, and what became of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from chargecloud.calendar import Calendar
from chargecloud.domain.decision import Decision
from chargecloud.domain.errors import NotFound, RequestKeyReused
from chargecloud.domain.ledger import Account, Post
from chargecloud.money.wallets import Movement, Wallet, Wallets, balance_fen
from chargecloud.registry.customers import Customers
from chargecloud.storage.once import RequestKey
from chargecloud.storage.schema import event_log, postings
from chargecloud.storage.store import Store
from tests.harness import NOW, clock_at, failure_of, open_store, result_of, rows_of

ONE, TWO = 1, 2


@frozen
class Bank:
    """Wallets, and a customer of each of two tenants."""

    store: Store
    wallets: Wallets
    mine: int
    others: int

    def hold(self, amount_fen: int, order_id: int) -> None:
        """Hold money of the first customer for an order."""
        wallet, held = (Account(ONE, kind, self.mine) for kind in ("wallet", "held"))
        post = Post(wallet, held, amount_fen, "hold", order_id)
        result_of(self.store.writer.decide(Decision((post,))))

    def movements(self) -> list[Movement]:
        """All movements of the first customer's wallet."""
        found, following = result_of(self.wallets.movements(ONE, self.mine, limit=100, cursor=None))
        assert following is None
        return list(found)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    """A bank without money."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    customers = Customers(store, Calendar(clock.seconds))
    mine, others = (
        result_of(customers.create(None, tenant_id, "Li Wei", None)).id for tenant_id in (ONE, TWO)
    )
    yield Bank(store, Wallets(store), mine, others)
    store.engine.dispose()


def test_a_new_wallet_is_empty(bank: Bank) -> None:
    """Nothing to spend, nothing held."""
    assert result_of(bank.wallets.get(ONE, bank.mine)) == Wallet(bank.mine, ONE, 0, 0)
    assert bank.movements() == []


def test_what_is_paid_in_can_be_spent(bank: Bank) -> None:
    """It comes from the cash that the operator has taken, and features hear of it."""
    paid = result_of(bank.wallets.top_up(None, ONE, bank.mine, 5000))
    assert paid.wallet == Wallet(bank.mine, ONE, 5000, 0)
    (posting,) = rows_of(bank.store, postings)
    assert (posting["debit_kind"], posting["credit_kind"]) == ("cash", "wallet")
    (entry,) = rows_of(bank.store, event_log)
    assert entry["kind"] == "wallet.topped_up"
    assert entry["body"] == {"customer_id": bank.mine, "amount_fen": 5000}


def test_money_is_paid_in_once_per_key(bank: Bank) -> None:
    """However often the request is sent; another amount under its key is a mistake."""
    request = RequestKey(ONE, "k", "5000")
    for _ in range(3):
        paid = result_of(bank.wallets.top_up(request, ONE, bank.mine, 5000))
        assert paid.wallet.balance_fen == 5000
    other = bank.wallets.top_up(RequestKey(ONE, "k", "6000"), ONE, bank.mine, 6000)
    failure_of(other, RequestKeyReused)
    assert result_of(bank.wallets.top_up(None, ONE, bank.mine, 1)).wallet.balance_fen == 5001


@pytest.mark.parametrize("amount_fen", [0, -5])
def test_nothing_is_no_top_up(bank: Bank, amount_fen: int) -> None:
    """Money is not taken out by paying less than nothing in."""
    failure_of(bank.wallets.top_up(None, ONE, bank.mine, amount_fen), ValueError)
    assert rows_of(bank.store, postings) == []


def test_what_is_held_is_not_there_to_spend(bank: Bank) -> None:
    """Balance and hold are told apart, and are what the accounts hold."""
    result_of(bank.wallets.top_up(None, ONE, bank.mine, 5000))
    bank.hold(500, 77)
    assert result_of(bank.wallets.get(ONE, bank.mine)) == Wallet(bank.mine, ONE, 4500, 500)
    with bank.store.engine.connect() as connection:
        assert balance_fen(connection, Account(ONE, "held", bank.mine)) == 500
        assert balance_fen(connection, Account(ONE, "wallet", 12345)) == 0


def test_movements_explain_the_balance(bank: Bank) -> None:
    """What came is above zero, what went below; together they are the balance."""
    result_of(bank.wallets.top_up(None, ONE, bank.mine, 5000))
    bank.hold(500, 77)
    held, wallet = (Account(ONE, kind, bank.mine) for kind in ("held", "wallet"))
    settled = (
        Post(held, Account(ONE, "service_fees"), 420, "capture", 77),
        Post(held, wallet, 80, "release", 77),
    )
    result_of(bank.store.writer.decide(Decision(settled)))
    found = bank.movements()
    assert [(each.cause, each.amount_fen) for each in found] == [
        ("top_up", 5000),
        ("hold", -500),
        ("release", 80),
    ]
    assert [each.reference_id for each in found[1:]] == [77, 77]
    assert {each.at for each in found} == {NOW}
    balance = result_of(bank.wallets.get(ONE, bank.mine)).balance_fen
    assert sum(each.amount_fen for each in found) == balance == 4580


def test_movements_come_in_pages(bank: Bank) -> None:
    """The oldest first, each once."""
    for amount_fen in (1, 2, 3):
        result_of(bank.wallets.top_up(None, ONE, bank.mine, amount_fen))
    first, cursor = result_of(bank.wallets.movements(ONE, bank.mine, limit=2, cursor=None))
    rest, end = result_of(bank.wallets.movements(ONE, bank.mine, limit=2, cursor=cursor))
    assert [each.amount_fen for each in (*first, *rest)] == [1, 2, 3]
    assert end is None


def test_tenants_have_their_own_wallets(bank: Bank) -> None:
    """Another's wallet is not there, neither to look into nor to pay into."""
    result_of(bank.wallets.top_up(None, TWO, bank.others, 100))
    failure_of(bank.wallets.get(ONE, bank.others), NotFound)
    failure_of(bank.wallets.top_up(None, ONE, bank.others, 100), NotFound)
    failure_of(bank.wallets.movements(ONE, bank.others, limit=10, cursor=None), NotFound)
    assert result_of(bank.wallets.get(None, bank.others)) == Wallet(bank.others, TWO, 100, 0)
    assert bank.movements() == []
