"""Decisions."""

from chargecloud.domain.commands import StopCharge
from chargecloud.domain.decision import Change, Decision, Insert, LogEntry, Stale
from chargecloud.domain.ledger import Account, Post


def test_decisions_join_in_order() -> None:
    """The sum of two decisions does what the first and then what the second does."""
    insert, change = Insert("orders", {"id": 1}), Change("ports", {"id": 2}, {"order_id": 1})
    post = Post(Account(1, "cash"), Account(1, "wallet", 7), 100, "top_up", 1)
    started, ended = LogEntry("started", 1, {}), LogEntry("ended", 1, {})
    stop, stop_again = StopCharge(1, 1), StopCharge(1, 2)
    first = Decision((insert, post), (started,), (stop,))
    second = Decision((change,), (ended,), (stop_again,))
    assert first + second == Decision((insert, post, change), (started, ended), (stop, stop_again))
    assert first + Decision() == first == Decision() + first


def test_stale_names_the_table() -> None:
    """Whoever decides anew learns where the world was different."""
    stale = Stale("accounts")
    assert stale.table == "accounts"
    assert "accounts" in str(stale)
