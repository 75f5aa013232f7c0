"""Paying what is due from several sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargecloud.domain.ledger import Account, Post, pay

HELD, WALLET = Account(1, "held", 7), Account(1, "wallet", 7)
OWED = Account(1, "receivable", 7)
ELECTRICITY, SERVICE = Account(1, "electricity_fees"), Account(1, "service_fees")

amounts = st.integers(0, 1000)


@given(amounts, amounts, amounts, amounts)
def test_every_due_is_paid_once(electricity: int, service: int, held: int, wallet: int) -> None:
    """Each account receives what it is owed; each source gives in turn and no more than it
    can; only the last source gives what the others cannot."""
    dues = {ELECTRICITY: electricity, SERVICE: service}
    posts = pay(dues, {HELD: held, WALLET: wallet, OWED: None}, 5)
    for account, due in dues.items():
        assert sum(post.amount_fen for post in posts if post.credit == account) == due
    given_by = {
        source: sum(post.amount_fen for post in posts if post.debit == source)
        for source in (HELD, WALLET, OWED)
    }
    whole = electricity + service
    assert given_by[HELD] == min(held, whole)
    assert given_by[WALLET] == min(wallet, whole - given_by[HELD])
    assert given_by[OWED] == whole - given_by[HELD] - given_by[WALLET]
    assert {(post.cause, post.reference_id) for post in posts} <= {("capture", 5)}


def test_sources_give_in_turn() -> None:
    """The first source is emptied before the second gives, over all dues."""
    assert pay({ELECTRICITY: 70, SERVICE: 50}, {HELD: 100, WALLET: 100}, 5) == (
        Post(HELD, ELECTRICITY, 70, "capture", 5),
        Post(HELD, SERVICE, 30, "capture", 5),
        Post(WALLET, SERVICE, 20, "capture", 5),
    )


@given(amounts, amounts, amounts)
def test_too_little_is_an_error(due: int, held: int, wallet: int) -> None:
    """Without a source that gives whatever is due, the sources must suffice."""
    sources: dict[Account, int | None] = {HELD: held, WALLET: wallet}
    if due <= held + wallet:
        assert sum(post.amount_fen for post in pay({SERVICE: due}, sources, 5)) == due
    else:
        with pytest.raises(ValueError, match="not covered"):
            pay({SERVICE: due}, sources, 5)


@pytest.mark.parametrize("credit", [WALLET, Account(2, "held", 7)])
def test_money_stays_within_a_tenant_and_goes_somewhere(credit: Account) -> None:
    """No posting leads from an account to itself, nor to another tenant's."""
    with pytest.raises(ValueError, match="no money moves"):
        Post(WALLET, credit, 1, "hold", 5)
