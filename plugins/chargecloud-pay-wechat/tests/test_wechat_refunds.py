"""Money that goes back by WeChat, end to end: once, and never to two."""

from pathlib import Path

import pytest

from chargecloud.domain.commands import Answer, StartCharge
from wechat_till import PAID, WeChatTill, paid, send_back


@pytest.fixture
def till(tmp_path: Path) -> WeChatTill:
    """A platform whose people pay by WeChat."""
    return WeChatTill(tmp_path)


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
