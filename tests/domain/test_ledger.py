"""Accounts and postings."""

import pytest

from chargecloud.domain.ledger import Account, Post


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_a_posting_moves_money(amount_fen: int) -> None:
    """Nothing and less than nothing cannot be posted: the other way is the other way round."""
    with pytest.raises(ValueError, match="moves no money"):
        Post(Account(1, "cash"), Account(1, "wallet", 7), amount_fen, "top_up", 1)


@pytest.mark.parametrize(
    ("kind", "guarded"), [("wallet", True), ("held", True), ("cash", False), ("receivable", True)]
)
def test_only_customers_money_has_a_limit(kind: str, guarded: bool) -> None:
    """The database keeps customers' balances from falling below zero, and no others."""
    assert Account(1, kind, 7).guarded is guarded
