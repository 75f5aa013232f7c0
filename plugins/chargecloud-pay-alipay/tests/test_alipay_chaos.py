"""Whatever is lost, late, repeated or out of order between Alipay and us: in the end both have the
same money."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alipay_gateway import Manners
from alipay_till import AlipayTill

HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "open",
                "pay",
                "refund",
                "hear",
                "hear",
                "wait",
                "kill",
                "questions_lost",
                "answers_lost",
                "late_failures",
                "system_errors",
                "tampered",
            ]
        ),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=16,
)


def happen(till: AlipayTill, rider: str, heard: list[bytes], what: str, number: int) -> None:
    """Something happens, to the trade of that number where it is about one."""
    heard += [form for _url, form in till.alipay.notices]
    till.alipay.notices.clear()
    trades = list(till.alipay.trades)
    one = trades[number % len(trades)] if trades else None
    if what == "open":
        body = {"channel": "alipay", "amount_fen": 300, "customer_id": rider}
        till.world.http("POST", "/payments", body)
    elif what == "pay" and one is not None:
        if till.alipay.trades[one].status == "WAIT_BUYER_PAY":
            till.alipay.pay(one)
    elif what == "refund" and one is not None:
        body = {"amount_fen": 100 * (1 + number % 3), "reason": "a"}
        till.world.http("POST", f"/payments/{one}/refunds", body)
    elif what == "hear" and heard:
        # any of those that were ever sent, as often as it likes
        till.post(heard[number % len(heard)])
    elif what == "wait":
        till.wait(20)
    elif what == "kill":
        till.restarted()
    elif what in ("questions_lost", "answers_lost", "late_failures", "system_errors", "tampered"):
        setattr(till.alipay.manners, what, 1)


def run(folder: Path, happenings: list[tuple[str, int]]) -> None:
    """Let it happen, and look when all is quiet."""
    till = AlipayTill(folder)
    rider = till.world.customer(0)
    heard: list[bytes] = []
    happen(till, rider, heard, "open", 0)
    for what, number in happenings:
        happen(till, rider, heard, what, number)
    till.alipay.manners = Manners()
    # the longest way: a channel that was left alone, and a payment that is closed after its time
    for _ in range(40):
        till.clock.advance(60)
    shown: dict[str, Any] = {}
    for number, trade in till.alipay.trades.items():
        shown[number] = payment = till.shown({"id": number})
        assert (payment["state"] in ("opened", "closed", "failed")) is (trade.paid_at is None)
        assert payment["state"] not in ("opened", "refunding")
        assert payment["refunded_fen"] == trade.back_fen
        refunds = {refund["id"]: refund for refund in till.refunds({"id": number})}
        done = {number for number, refund in refunds.items() if refund["state"] == "done"}
        assert done == set(trade.refunds)
    had = sum(
        trade.fen - trade.back_fen
        for trade in till.alipay.trades.values()
        if trade.paid_at is not None
    )
    assert till.balances() == ({"channel_alipay": -had, "wallet": had} if had else {})
    assert till.alarms("refund-failed") == []


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(HAPPENINGS)
def test_both_have_the_same_money(happenings: list[tuple[str, int]]) -> None:
    """Each trade that was paid is in a wallet once, and each refund went back once."""
    with TemporaryDirectory() as folder:
        run(Path(folder), happenings)
