"""Payments by WeChat, end to end: from the route to the ledger, at a gateway that misbehaves."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chargecloud.domain.commands import Answer, StartCharge
from tests.harness import result_of
from wechat_till import WeChatTill


@pytest.fixture
def till(tmp_path: Path) -> WeChatTill:
    """A platform whose people pay by WeChat."""
    return WeChatTill(tmp_path)


PAID = {"channel_wechat": -500, "wallet": 500}


def paid(till: WeChatTill) -> Any:
    """A payment that was paid."""
    payment = till.open(customer_id=till.world.customer(0))
    assert till.pay(payment)["state"] == "paid"
    return payment


def send_back(till: WeChatTill, payment: Any, **more: Any) -> Any:
    """All of it, if nothing else is said."""
    return till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a", **more})


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


# --------------------------------------------------------------------------- money goes back


def test_money_goes_back_in_parts(till: WeChatTill) -> None:
    """Each once, and never more than came."""
    payment = paid(till)
    assert send_back(till, payment, amount_fen=200)["state"] == "done"
    assert send_back(till, payment)["state"] == "done"
    assert till.shown(payment)["state"] == "refunded"
    assert sorted(each["amount"]["refund"] for each in till.gateway.refunds.values()) == [200, 300]
    till.wait(5)
    assert till.balances() == {}


@pytest.mark.parametrize("is_deaf", [True, False])
def test_a_refund_that_takes_its_time(till: WeChatTill, is_deaf: bool) -> None:
    """It is done when WeChat tells, or when it is asked."""
    payment = paid(till)
    till.gateway.manners.refunds_are = "PROCESSING"
    refund = send_back(till, payment)
    assert (refund["state"], till.shown(payment)["state"]) == ("asked", "refunding")
    till.wait(40)
    assert till.balances() == {"channel_wechat": -500, "refunding": 500}
    till.is_deaf = is_deaf
    url = till.posted[0][0]
    till.gateway.refund_becomes(refund["id"], "SUCCESS", url)
    till.wait(70 if is_deaf else 1)
    (shown,) = till.refunds(payment)
    assert shown["state"] == "done"
    assert till.balances() == {}


def test_a_refund_that_wechat_closes(till: WeChatTill) -> None:
    """The money is in the wallet again, and people are told."""
    payment = paid(till)
    till.gateway.manners.refunds_are = "CLOSED"
    send_back(till, payment)
    (shown,) = till.refunds(payment)
    assert (shown["state"], shown["failure"]) == ("failed", "CLOSED")
    assert till.balances() == PAID
    assert len(till.alarms("refund-failed")) == 1


def test_a_refund_that_is_abnormal(till: WeChatTill) -> None:
    """Neither done nor failed, until a person has decided at WeChat: the money is nobody's."""
    payment = paid(till)
    till.gateway.manners.refunds_are = "ABNORMAL"
    refund = send_back(till, payment)
    till.wait(200)
    assert till.shown(payment)["state"] == "refunding"
    assert till.balances() == {"channel_wechat": -500, "refunding": 500}
    till.gateway.refund_becomes(refund["id"], "SUCCESS", till.posted[0][0])
    till.wait(1)
    assert till.shown(payment)["state"] == "refunded"


@pytest.mark.parametrize("manner", ["questions_lost", "answers_lost"])
def test_a_refund_of_which_nobody_hears(till: WeChatTill, manner: str) -> None:
    """It is made once."""
    payment = paid(till)
    till.is_deaf = True
    setattr(till.gateway.manners, manner, 1)
    assert send_back(till, payment)["state"] == "asked"
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"
    assert len(till.gateway.refunds) == 1


def test_a_merchant_who_has_too_little(till: WeChatTill) -> None:
    """It is asked again, until somebody has paid in enough; the channel goes on meanwhile."""
    payment = paid(till)
    till.gateway.manners.fail_with = [(403, "NOT_ENOUGH")]
    assert send_back(till, payment)["state"] == "asked"
    assert till.world.platform.channels.failed == {}
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"


def test_a_refund_that_is_refused(till: WeChatTill) -> None:
    """Somebody has sent it back at WeChat's own site."""
    payment = paid(till)
    by_hand = till.gateway.refunds["by-hand"] = {
        "out_trade_no": payment["id"],
        "amount": {"refund": 500},
    }
    send_back(till, payment)
    (shown,) = till.refunds(payment)
    assert (shown["state"], shown["failure"]) == ("failed", "INVALID_REQUEST")
    assert till.balances() == PAID
    assert by_hand


def test_a_refund_that_is_refused_although_it_was_made(till: WeChatTill) -> None:
    """The payer and the wallet never have both: WeChat is asked before its no is believed."""
    payment = paid(till)
    till.gateway.manners.answers_lost = 1
    till.is_deaf = True
    send_back(till, payment)
    # it is asked after, is not found just then, is sent again, and refused
    till.gateway.manners.fail_with = [(404, "RESOURCE_NOT_EXISTS"), (400, "INVALID_REQUEST")]
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"
    assert till.balances() == {}


@pytest.mark.parametrize("starts", ["charger-offline", "no-plug"])
def test_an_order_that_was_paid_and_cannot_start(till: WeChatTill, starts: str) -> None:
    """All of it goes back by itself, whether it could not be placed or did not start."""
    box = till.world.box().connect()
    payment = till.open(order={"charger_id": str(box.id), "port": 1})
    if starts == "charger-offline":
        box.drop()
    till.pay(payment)
    if starts == "no-plug":
        box.pump()
        box.accept(box.orders(StartCharge)[-1], Answer(False, "no-plug"))
    till.wait(30)
    assert till.shown(payment)["state"] == "refunded"
    (refund,) = till.gateway.refunds.values()
    assert refund["amount"]["refund"] == 500
    assert till.balances() == {}


# ----------------------------------------------------------------------------- day by day


def test_a_bill_is_read_elsewhere(till: WeChatTill) -> None:
    """It may be large, and those who pay are not to wait while it is read."""
    tenant_id = int(paid(till)["tenant_id"])
    till.clock.advance(24 * 3_600)
    held: list[tuple[Any, Any]] = []

    def in_thread(work: Any, *given: Any) -> Any:
        held.append((Deferred(), lambda: work(*given)))
        return held[-1][0]

    till.channel.in_thread = in_thread
    answered = till.channel.bill(tenant_id, "1900000109", date(2026, 11, 23))
    ((read, work),) = held
    assert not answered.called
    read.callback(work())
    assert [row.amount_fen for row in result_of(answered)] == [500]


def test_a_bill_that_is_being_made(till: WeChatTill) -> None:
    """It is asked for again, the same day."""
    paid(till)
    for _ in range(24):
        till.clock.advance(3_600)
    asked = len(till.gateway.asked)
    till.gateway.manners.before = lambda target: (
        till.gateway.manners.fail_with.append((400, "STATEMENT_CREATING"))
        if "tradebill" in target and len(till.gateway.asked) == asked + 1
        else None
    )
    for _ in range(3):
        till.clock.advance(3_600)
        till.clock.advance(60)
    days = [each["day"] for each in till.world.get("/payments/reconciliations")["items"]]
    assert days.count("2026-11-23") == 1


def next_day(till: WeChatTill) -> Any:
    """The reconciliation of the first day."""
    for _ in range(27):
        till.clock.advance(3_600)
    till.clock.advance(60)
    found = till.world.get("/payments/reconciliations")["items"]
    return next(each for each in found if each["day"] == "2026-11-23")


def test_the_bill_agrees(till: WeChatTill) -> None:
    """Of what people wrote, nothing confuses it."""
    payment = till.open(customer_id=till.world.customer(0), subject='充电, "1" 号`口')
    till.pay(payment)
    send_back(till, payment, amount_fen=100)
    found = next_day(till)
    assert found["differences"] == []
    assert (found["payments"], found["paid_fen"]) == (1, 500)
    assert (found["refunds"], found["refunded_fen"]) == (1, 100)


def test_the_bill_differs(till: WeChatTill) -> None:
    """What was sent back by hand, what WeChat does not have, and what was another amount."""
    one, other, third = (till.open(customer_id=till.world.customer(0)) for _ in range(3))
    for each in (one, other, third):
        till.pay(each)
    order = till.gateway.orders[other["id"]]
    order["at"] += timedelta(days=3)
    till.gateway.orders[third["id"]]["told"]["amount"]["total"] = 501
    at = till.gateway.now().isoformat()
    till.gateway.refunds["by-hand"] = {
        "out_trade_no": one["id"],
        "out_refund_no": "by-hand",
        "refund_id": "5030",
        "status": "SUCCESS",
        "success_time": at,
        "amount": {"refund": 300},
    }
    found = next_day(till)
    cases = {(each["differs"], each["kind"], each["number"]) for each in found["differences"]}
    assert cases == {
        ("unknown", "refund", "by-hand"),
        ("missing", "payment", other["id"]),
        ("amount", "payment", third["id"]),
    }
    assert len(till.alarms("payments-differ")) >= 1


def test_a_day_without_a_bill(till: WeChatTill) -> None:
    """What was paid by our own account is missing; a bill that is being made is waited for."""
    paid(till)
    till.clock.advance(24 * 3_600)
    body = {"channel": "wechat", "day": "2026-11-23"}
    till.gateway.manners.fail_with = [(400, "STATEMENT_CREATING")]
    status, problem = till.world.http("POST", "/payments/reconciliations", body)
    assert (status, problem["type"]) == (503, "/problems/channel-away")
    # it is no fault of the channel's
    assert till.world.platform.channels.failed == {}
    till.gateway.manners.fail_with = [(400, "NO_STATEMENT_EXIST")]
    found = till.world.make("/payments/reconciliations", body)
    assert [each["differs"] for each in found["differences"]] == ["missing"]
