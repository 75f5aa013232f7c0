"""Payments by WeChat, end to end: from the route to the ledger, at a gateway that misbehaves."""

from pathlib import Path
from typing import Any

import pytest

from wechat_till import PAID, WeChatTill, paid, send_back


@pytest.fixture
def till(tmp_path: Path) -> WeChatTill:
    """A platform whose people pay by WeChat."""
    return WeChatTill(tmp_path)


# --------------------------------------------------------------------------- money comes


def test_somebody_pays(till: WeChatTill) -> None:
    """The code leads to WeChat; the notice comes over HTTP, and the money is in the wallet."""
    payment = till.open(customer_id=till.world.customer(0))
    assert payment["to_pay"]["url"] == f"weixin://wxpay/bizpayurl?pr={payment['id']}"
    assert till.pay(payment)["state"] == "paid"
    assert [status for *_, status in till.posted] == [200]
    assert till.balances() == PAID
    assert till.world.platform.channels.refused == {}


@pytest.mark.parametrize("times", [1, 3])
def test_a_notice_that_comes_again_and_again(till: WeChatTill, times: int) -> None:
    """Also the very same one, by somebody who has heard it: it is received, and changes nothing."""
    till.gateway.manners.notice_times = times
    paid(till)
    url, headers, body, _ = till.posted[0]
    for _ in range(3):
        assert till.notice(url, headers, body) == 200
    assert [status for *_, status in till.posted] == [200] * times
    assert till.balances() == PAID


def test_notices_in_the_wrong_order(till: WeChatTill) -> None:
    """That of the refund comes first, and that of the payment an hour after it was paid."""
    till.gateway.manners.notice_after_s = 3_600
    payment = till.open(customer_id=till.world.customer(0))
    till.pay(payment, 30)
    till.gateway.manners.notice_after_s = 0
    send_back(till, payment)
    till.wait(3_700)
    assert [status for *_, status in till.posted] == [200, 200]
    assert till.shown(payment)["state"] == "refunded"
    assert till.balances() == {}


def test_notices_that_are_not_believed(till: WeChatTill) -> None:
    """One that was changed, one that is old, one of a merchant's whom we are not, one that is of
    no payment of ours, and one that tells of another amount: each is counted, and does nothing."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    till.gateway.pay(payment["id"])
    till.clock.advance(1)
    till.is_deaf = False
    url, headers, body, _ = till.posted[0]
    assert till.notice(url, headers, body.replace(b"TRANSACTION", b"REFUND")) == 400
    assert till.notice(url, {}, body) == 400
    told = till.gateway.transaction(payment["id"])

    def notice(resource: Any, **more: Any) -> int:
        made = till.gateway.notice("TRANSACTION.SUCCESS", resource, "transaction", **more)
        return till.notice(url, *made)

    assert notice(told, api_v3_key="o" * 32) == 400
    assert notice({**told, "mchid": "1900000110"}) == 400
    assert notice({**told, "appid": "wx0"}) == 400
    assert notice({**told, "out_trade_no": "123456"}) == 400
    assert notice({**told, "amount": {"total": 1, "currency": "CNY"}}) == 400
    assert notice({**told, "amount": {"total": 500, "currency": "HKD"}}) == 400
    assert till.balances() == {}
    till.clock.advance(301)
    assert till.notice(url, headers, body) == 400
    assert till.world.platform.channels.refused == {
        ("wechat", "bad-signature"): 2,
        ("wechat", "foreign"): 4,
        ("wechat", "differs"): 1,
        ("wechat", "malformed"): 1,
        ("wechat", "stale"): 1,
    }
    # anybody can send a notice
    assert till.world.platform.channels.failed == {}


def test_what_nobody_tells_is_asked_after(till: WeChatTill) -> None:
    """Through a restart."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    till.gateway.pay(payment["id"])
    till.restarted()
    till.wait(25)
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == PAID


def test_an_order_whose_answer_is_lost(till: WeChatTill) -> None:
    """The same request may be sent again; WeChat has one order, and gives the same code."""
    body = {"channel": "wechat", "amount_fen": 500, "customer_id": till.world.customer(0)}
    for manner in ("questions_lost", "answers_lost"):
        setattr(till.gateway.manners, manner, 1)
        status, problem = till.world.http("POST", "/payments", body, "k")
        assert (status, problem["type"]) == (503, "/problems/channel-away")
    payment = till.world.make("/payments", body, "k")
    assert len(till.gateway.orders) == 1
    assert till.pay(payment)["state"] == "paid"


def test_an_order_that_was_paid_before_its_answer_came(till: WeChatTill) -> None:
    """There is nothing to pay any more, and it is asked after as any other."""
    till.is_deaf = True
    body = {"channel": "wechat", "amount_fen": 500, "customer_id": till.world.customer(0)}
    till.gateway.manners.answers_lost = 2
    assert till.world.http("POST", "/payments", body, "k")[0] == 503
    (number,) = till.gateway.orders
    till.gateway.pay(number)
    till.gateway.manners.answers_lost = 0
    payment = till.world.make("/payments", body, "k")
    assert (payment["state"], payment["to_pay"]["url"]) == ("opened", None)
    till.wait(25)
    assert till.shown(payment)["state"] == "paid"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "SYSTEM_ERROR"),
        (429, "FREQUENCY_LIMITED"),
        (502, ""),
        (401, "SIGN_ERROR"),
        (403, "NO_AUTH"),
        (400, "SOMETHING_NEW"),
    ],
)
def test_a_no_that_says_nothing(till: WeChatTill, status: int, code: str) -> None:
    """The same request goes through as soon as WeChat is well again."""
    # WeChat's certificates are there
    till.open(customer_id=till.world.customer(0))
    till.gateway.manners.fail_with = [(status, code)] * 2
    body = {"channel": "wechat", "amount_fen": 500, "customer_id": till.world.customer(0)}
    assert till.world.http("POST", "/payments", body, "k")[0] == 503
    assert till.world.http("POST", "/payments", body, "k")[0] == 503
    assert till.world.platform.channels.failed == {"wechat": 2}
    assert till.world.make("/payments", body, "k")["to_pay"] is not None


@pytest.mark.parametrize("code", ["PARAM_ERROR", "OUT_TRADE_NO_USED", "ORDER_CLOSED"])
def test_a_no_that_is_final(till: WeChatTill, code: str) -> None:
    """It is the payment's failure, and none of the channel's."""
    # WeChat's certificates are there
    till.open(customer_id=till.world.customer(0))
    till.gateway.manners.fail_with = [(400, code)]
    payment = till.open(customer_id=till.world.customer(0))
    assert (payment["state"], payment["failure"]) == ("failed", code)
    assert till.world.platform.channels.failed == {}


def test_answers_that_are_not_wechats(till: WeChatTill) -> None:
    """They are not believed, whoever has changed them."""
    body = {"channel": "wechat", "amount_fen": 500, "customer_id": till.world.customer(0)}
    for name, wrong in (
        ("tampers", lambda sent: sent.replace(b"weixin://wxpay", b"weixin://other")),
        ("is_unsigned", True),
        ("skew_s", -600),
    ):
        before = getattr(till.gateway.manners, name)
        setattr(till.gateway.manners, name, wrong)
        assert till.world.http("POST", "/payments", body, "k")[0] == 503
        setattr(till.gateway.manners, name, before)
    assert till.world.make("/payments", body, "k")["state"] == "opened"


def test_wechat_that_is_down_for_long(till: WeChatTill) -> None:
    """It is left alone, people are told, and all is well when it is."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    till.is_deaf = True
    till.gateway.pay(payment["id"])
    till.gateway.manners.fail_with = [(500, "SYSTEM_ERROR")] * 5
    for _ in range(5):
        till.wait(60)
    assert [each.evidence["is_over"] for each in till.alarms("payment-channel-fails")] == [False]
    till.wait(700)
    assert till.alarms("payment-channel-fails")[-1].evidence["is_over"] is True
    assert till.shown(payment)["state"] == "paid"


# --------------------------------------------------------------------- nobody pays in time


def test_what_nobody_pays_is_closed(till: WeChatTill) -> None:
    """At WeChat first: nobody can pay it any more."""
    payment = till.open(customer_id=till.world.customer(0))
    till.wait(1_000)
    assert till.shown(payment)["state"] == "closed"
    assert till.gateway.orders[payment["id"]]["state"] == "CLOSED"


@pytest.mark.parametrize("words", [(400, "ORDERPAID"), (202, ""), (500, "SYSTEM_ERROR")])
def test_paid_in_the_moment_in_which_it_is_closed(till: WeChatTill, words: tuple[int, str]) -> None:
    """WeChat does not close it, and whatever it says instead: it is paid."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))

    def pays_just_then(target: str) -> None:
        if target.endswith("/close") and till.gateway.orders[payment["id"]]["state"] == "NOTPAY":
            till.gateway.pay(payment["id"])
            till.gateway.manners.fail_with = [words]

    till.gateway.manners.before = pays_just_then
    till.wait(3_000)
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == PAID


def test_a_payment_that_wechat_never_heard_of(till: WeChatTill) -> None:
    """It comes to its end all the same."""
    till.gateway.manners.questions_lost = 1
    body = {"channel": "wechat", "amount_fen": 500, "customer_id": till.world.customer(0)}
    assert till.world.http("POST", "/payments", body, "k")[0] == 503
    till.wait(1_500)
    (payment,) = till.world.get("/payments")["items"]
    assert payment["state"] == "closed"
