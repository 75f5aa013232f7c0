"""Refunds by Alipay: what goes back goes back once, and is never in two places."""

from pathlib import Path
from typing import Any

import pytest

from alipay_till import AlipayTill


@pytest.fixture
def till(tmp_path: Path) -> AlipayTill:
    """A platform whose people pay by Alipay."""
    return AlipayTill(tmp_path)


@pytest.fixture
def payment(till: AlipayTill) -> Any:
    """5 yuan in a wallet."""
    return till.pay(till.open(customer_id=till.world.customer(0)))


def ask(till: AlipayTill, payment: Any, amount_fen: int | None = 200) -> Any:
    """Ask for a refund."""
    body = {"reason": "too much"} | ({} if amount_fen is None else {"amount_fen": amount_fen})
    return till.world.make(f"/payments/{payment['id']}/refunds", body)


def test_a_part_and_then_the_rest(till: AlipayTill, payment: Any) -> None:
    """Each under a number of its own, in yuan."""
    first = ask(till, payment)
    assert first["state"] == "done"
    assert first["transaction"] == payment["transaction"]
    assert till.shown(payment)["state"] == "part_refunded"
    assert ask(till, payment, None)["amount_fen"] == 300
    assert till.shown(payment)["state"] == "refunded"
    asked = till.asked("trade.refund")
    assert [each["refund_amount"] for each in asked] == ["2.00", "3.00"]
    assert asked[0]["out_request_no"] == first["id"]
    till.send()
    till.wait(5)
    assert till.answers == [(200, b"success")] * 3
    assert till.balances() == {}


BAD = ["questions_lost", "answers_lost", "failures", "late_failures", "system_errors", "tampered"]


def test_a_refund_that_is_not_answered(till: AlipayTill, payment: Any) -> None:
    """It is asked after, and asked for again if Alipay knows nothing of it."""
    for bad in BAD:
        setattr(till.alipay.manners, bad, 1)
        assert ask(till, payment, 10)["state"] == "asked", bad
        till.wait(30)
        assert {refund["state"] for refund in till.refunds(payment)} == {"done"}, bad
    back_fen = 10 * len(BAD)
    assert till.alipay.trades[payment["id"]].back_fen == back_fen
    assert till.balances() == {"channel_alipay": back_fen - 500, "wallet": 500 - back_fen}


def test_a_refund_that_was_made_before_it_was_refused(till: AlipayTill, payment: Any) -> None:
    """The first asking was carried out and not answered, the second one is refused: the payer has
    it, and so the wallet has not."""
    till.alipay.manners.answers_lost = 1
    asked = ask(till, payment)
    # the question finds nothing yet, so it is asked for again
    refunds = till.alipay.trades[payment["id"]].refunds
    kept = dict(refunds)
    refunds.clear()
    till.alipay.manners.refuses["alipay.trade.refund"] = "ACQ.TRADE_STATUS_ERROR"
    till.alipay.manners.after["alipay.trade.refund"] = lambda: refunds.update(kept)
    till.wait(60)
    (refund,) = till.refunds(payment)
    assert (refund["id"], refund["state"]) == (asked["id"], "done")
    assert till.balances() == {"channel_alipay": -300, "wallet": 300}


def test_a_refund_that_alipay_does_not_make(till: AlipayTill, payment: Any) -> None:
    """The money is in the wallet again, and people are told why."""
    till.alipay.manners.refuses["alipay.trade.refund"] = "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    refund = ask(till, payment)
    assert (refund["state"], refund["failure"]) == ("failed", "ACQ.SELLER_BALANCE_NOT_ENOUGH")
    (alarm,) = till.alarms("refund-failed")
    assert alarm.evidence["why"] == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}
    assert ask(till, payment)["state"] == "done"


def test_a_no_to_a_question_is_none_to_the_refund(till: AlipayTill, payment: Any) -> None:
    """What is refused is to ask; the refund itself is made."""
    till.alipay.manners.answers_lost = 1
    ask(till, payment)
    till.alipay.manners.refuses["alipay.trade.fastpay.refund.query"] = "ACQ.INVALID_PARAMETER"
    till.wait(20)
    assert till.refunds(payment)[0]["state"] == "asked"
    till.wait(60)
    assert till.refunds(payment)[0]["state"] == "done"
    assert till.alarms("refund-failed") == []


def test_money_that_has_not_moved_yet(till: AlipayTill, payment: Any) -> None:
    """C{fund_change} is C{N}, and no refund is known: it is under way, and asked after."""
    manners, refunds = till.alipay.manners, till.alipay.trades[payment["id"]].refunds
    told = {"code": "10000", "out_trade_no": payment["id"], "fund_change": "N"}
    manners.says["alipay.trade.refund"] = told
    manners.after["alipay.trade.refund"] = refunds.clear
    assert ask(till, payment)["state"] == "asked"
    till.wait(30)
    assert till.refunds(payment)[0]["state"] == "done"
    assert till.alipay.trades[payment["id"]].back_fen == 200


def test_an_answer_about_another_trade(till: AlipayTill, payment: Any) -> None:
    """It is signed, and yet no answer."""
    other = till.pay(till.open(customer_id=till.world.customer(0)))
    told = {"code": "10000", "out_trade_no": other["id"], "fund_change": "Y"}
    till.alipay.manners.says["alipay.trade.refund"] = told
    assert ask(till, payment)["state"] == "asked"
    till.wait(30)
    assert till.refunds(payment)[0]["state"] == "done"
