"""One wallet, spent by several processes and by many requests at once: never more than it has."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from twisted.internet.defer import Deferred

from chargecloud.calendar import Calendar
from chargecloud.domain.errors import InsufficientFunds, Refusal
from chargecloud.domain.ledger import Account
from chargecloud.money.wallets import Wallets, balance_fen
from chargecloud.registry.customers import Customers
from chargecloud.storage.audit.balances import balance_faults
from chargecloud.storage.audit.chains import chain_faults
from tests.harness import Gathering, clock_at, failure_or_result, open_store, result_of

pytestmark = pytest.mark.every

WALLET_FEN = 120


@pytest.mark.slow(lasts_s=4)
def test_processes_that_spend_one_wallet(tmp_path: Path) -> None:
    """Each gets what the others did not, and together they get all of it."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    customers = Customers(store, Calendar(clock.seconds))
    customer = result_of(customers.create(None, 1, "Li Wei", None)).id
    result_of(Wallets(store).top_up(None, 1, customer, WALLET_FEN))
    url = store.engine.url.render_as_string(hide_password=False)
    spent: list[int] = []

    def spend(slot: int) -> None:
        command = [sys.executable, "-m", "tests.money.spender", url, str(slot), str(customer)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        spent.append(int(done.stdout))

    spenders = [Thread(target=spend, args=(slot,)) for slot in (2, 3, 4)]
    for each in spenders:
        each.start()
    for each in spenders:
        each.join()
    assert (len(spent), sum(spent)) == (3, WALLET_FEN)
    with store.engine.connect() as connection:
        assert balance_fen(connection, Account(1, "wallet", customer)) == 0
        assert balance_fen(connection, Account(1, "held", customer)) == WALLET_FEN
        assert [*chain_faults(connection, {}), *balance_faults(connection)] == []
    store.engine.dispose()


def test_requests_that_spend_one_wallet(tmp_path: Path) -> None:
    """Many transfers and top-ups that all have seen the same balance: none is lost, and none
    spends what another has spent."""
    clock = clock_at()
    store = open_store(tmp_path, clock)
    customers = Customers(store, Calendar(clock.seconds))
    rider, friend = (result_of(customers.create(None, 1, name, None)).id for name in "ab")
    wallets = Wallets(store)
    result_of(wallets.top_up(None, 1, rider, 100))
    gathering = store.writer.runner = Gathering()
    given = [wallets.transfer(None, 1, rider, friend, 30) for _ in range(5)]
    paid_in = [wallets.top_up(None, 1, rider, 1) for _ in range(5)]
    asked = [Deferred.fromCoroutine(each) for each in (*given, *paid_in)]
    gathering.do_all()
    refused = [each for each in map(failure_or_result, asked) if isinstance(each, Refusal)]
    assert [type(each) for each in refused] == [InsufficientFunds] * 2
    wallet = result_of(wallets.get(1, rider))
    assert (wallet.balance_fen, result_of(wallets.get(1, friend)).balance_fen) == (15, 90)
    with store.engine.connect() as connection:
        assert [*chain_faults(connection, {}), *balance_faults(connection)] == []
    store.engine.dispose()
