"""Payments by Alipay, from the code to the wallet, over a network and a gateway that
behave badly."""

from pathlib import Path
from typing import Any

import pytest

from alipay_till import AlipayTill


@pytest.fixture
def till(tmp_path: Path) -> AlipayTill:
    """A platform whose people pay by Alipay."""
    return AlipayTill(tmp_path)


def opened(till: AlipayTill, **more: Any) -> Any:
    """A payment into a customer's wallet."""
    return till.open(customer_id=till.world.customer(0), **more)


def test_a_code_to_scan(till: AlipayTill) -> None:
    """What Alipay is asked for, in yuan, and until when it is good by Beijing's clock."""
    payment = opened(till, amount_fen=1_205, key="k1")
    assert payment["to_pay"] == {"url": f"https://qr.alipay.com/{payment['id']}", "values": {}}
    ((method, content),) = till.alipay.asked
    assert method == "alipay.trade.precreate"
    assert content["out_trade_no"] == payment["id"]
    assert content["total_amount"] == "12.05"
    assert content["seller_id"] == payment["merchant"]
    assert content["time_expire"] == "2026-11-23 09:15:00"
    assert "extend_params" not in content
    notice = "http://127.0.0.1:8080/api/v1/payments/notices/alipay"
    assert till.alipay.trades[payment["id"]].notify_url == notice
    assert till.pay(payment)["state"] == "paid"
    assert till.answers == [(200, b"success")]
    assert till.balances() == {"channel_alipay": -1_205, "wallet": 1_205}


def test_a_page_on_a_phone(till: AlipayTill) -> None:
    """Its URL is signed here, and nobody is asked; before it is opened there is no trade."""
    payment = opened(
        till, method="browser", return_url="https://shop.test/done", client_ip="1.2.3.4"
    )
    assert till.alipay.asked == []
    assert "return_url=https%3A%2F%2Fshop.test%2Fdone" in payment["to_pay"]["url"]
    till.wait(60)
    assert till.shown(payment)["state"] == "opened"
    assert till.asked("trade.query") != []
    till.alipay.open_page(payment["to_pay"]["url"])
    assert till.pay(payment)["state"] == "paid"


def test_a_payer_is_not_known_in_the_app(till: AlipayTill) -> None:
    """That way to pay is none of this channel's."""
    body = {
        "channel": "alipay",
        "amount_fen": 5,
        "customer_id": till.world.customer(0),
        "method": "in_app",
        "payer": "2088",
    }
    status, problem = till.world.http("POST", "/payments", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/method")


def test_what_alipay_would_not_take_in_a_subject(till: AlipayTill) -> None:
    """It stands for the payer to read, and is no reason to have no charge."""
    opened(till, subject="A/B = C & D")
    assert till.asked("trade.precreate")[0]["subject"] == "A B   C   D"


BAD = [
    "questions_lost",
    "answers_lost",
    "failures",
    "late_failures",
    "system_errors",
    "tampered",
    "unsigned",
]


def test_an_opening_that_is_not_answered(till: AlipayTill) -> None:
    """It is told to be sent again; with the same key it is the same payment, and a second trade
    there is not."""
    rider = till.world.customer(0)
    body = {"channel": "alipay", "amount_fen": 500, "customer_id": rider}
    for bad in BAD:
        setattr(till.alipay.manners, bad, 1)
        status, problem = till.world.http("POST", "/payments", body, key=bad)
        assert (status, problem["type"].rpartition("/")[2]) == (503, "channel-away"), bad
        payment = till.world.make("/payments", body, bad)
        assert payment["to_pay"]["url"].startswith("https://qr.alipay.com/")
        assert till.pay(payment)["state"] == "paid"
    assert len(till.alipay.trades) == len(BAD)
    assert till.balances() == {"channel_alipay": -500 * len(BAD), "wallet": 500 * len(BAD)}


def test_an_opening_that_was_paid_before_its_answer(till: AlipayTill) -> None:
    """The code of the first asking got to somebody: the second one is told so, and it is paid."""
    till.alipay.manners.answers_lost = 1
    body = {"channel": "alipay", "amount_fen": 500, "customer_id": till.world.customer(0)}
    assert till.world.http("POST", "/payments", body, key="again")[0] == 503
    (number,) = till.alipay.trades
    till.alipay.pay(number)
    payment = till.world.make("/payments", body, "again")
    assert (payment["id"], payment["state"]) == (number, "opened")
    till.wait(20)
    assert till.shown(payment)["state"] == "paid"


def test_a_final_no(till: AlipayTill) -> None:
    """What the business refuses is told as it says it, and not asked again."""
    till.alipay.manners.refuses["alipay.trade.precreate"] = "ACQ.TOTAL_FEE_EXCEED"
    payment = opened(till)
    assert (payment["state"], payment["failure"]) == ("failed", "ACQ.TOTAL_FEE_EXCEED")
    till.wait(900)
    assert len(till.alipay.asked) == 1


def test_a_key_that_is_not_in_order(till: AlipayTill) -> None:
    """It is no word on any payment; after five, people are told, and when it is over."""
    till.alipay.manners.knows_no_key = True
    rider = till.world.customer(0)
    body = {"channel": "alipay", "amount_fen": 500, "customer_id": rider}
    assert [till.world.http("POST", "/payments", body)[0] for _ in range(5)] == [503] * 5
    (alarm,) = till.alarms("payment-channel-fails")
    assert alarm.evidence == {"channel": "alipay", "is_over": False}
    till.alipay.manners.knows_no_key = False
    till.wait(1_200)
    assert till.alarms("payment-channel-fails")[-1].evidence["is_over"] is True


def test_a_payment_of_which_nobody_tells(till: AlipayTill) -> None:
    """It is asked after until it is final, whatever is lost on the way."""
    payment = opened(till)
    till.alipay.manners = manners = type(till.alipay.manners)(
        questions_lost=1, failures=1, late_failures=1, system_errors=1
    )
    till.wait(120)
    till.alipay.pay(payment["id"])
    manners.answers_lost = manners.tampered = manners.unsigned = 1
    till.alipay.notices.clear()
    till.wait(600)
    assert till.shown(payment)["state"] == "paid"
    count = len(till.alipay.asked)
    till.wait(900)
    assert len(till.alipay.asked) == count
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}


def test_an_answer_that_comes_too_late(till: AlipayTill) -> None:
    """After ten seconds it is none; what it would have said is asked again."""
    payment = opened(till)
    till.alipay.pay(payment["id"])
    till.alipay.notices.clear()
    till.alipay.manners.late_s = 11
    till.wait(30)
    assert till.shown(payment)["state"] == "opened"
    till.alipay.manners.late_s = 9
    till.wait(60)
    assert till.shown(payment)["state"] == "paid"


def test_a_code_that_nobody_has_scanned(till: AlipayTill) -> None:
    """Alipay knows no trade, which is not final before its time is over."""
    payment = opened(till)
    till.wait(890)
    assert till.shown(payment)["state"] == "opened"
    till.wait(60)
    assert till.shown(payment)["state"] == "closed"
    assert till.asked("trade.close") == [{"out_trade_no": payment["id"]}]
    till.wait(900)
    assert len(till.asked("trade.close")) == 1


def test_a_trade_that_nobody_pays(till: AlipayTill) -> None:
    """It was scanned: it is closed at Alipay, and then with us; if it was so before, too."""
    payments = [opened(till), opened(till)]
    for payment in payments:
        till.alipay.trades[payment["id"]].trade_no = "2026"
    till.wait(880)
    # one closing is carried out, and nobody hears of it
    till.alipay.manners.refuses["alipay.trade.query"] = "ACQ.SYSTEM_ERROR"
    till.wait(700)
    assert [till.shown(payment)["state"] for payment in payments] == ["closed"] * 2
    assert {trade.status for trade in till.alipay.trades.values()} == {"TRADE_CLOSED"}


def test_a_trade_that_is_paid_as_it_is_closed(till: AlipayTill) -> None:
    """The closing is refused, and the next question finds the money."""
    payment = opened(till)
    till.alipay.trades[payment["id"]].trade_no = "2026"

    def pay() -> None:
        trade = till.alipay.trades[payment["id"]]
        trade.status, trade.paid_at = "TRADE_SUCCESS", "2026-11-23 09:15:00"

    till.alipay.manners.before["alipay.trade.close"] = pay
    till.wait(1_600)
    assert till.asked("trade.close") != []
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}


def test_a_process_that_is_killed(till: AlipayTill) -> None:
    """What was to be asked is in the rows."""
    payment = opened(till)
    till.alipay.pay(payment["id"])
    till.alipay.notices.clear()
    till.restarted()
    till.wait(30)
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}


# ------------------------------------------------------------------------------- for a charge


@pytest.fixture
def guest(till: AlipayTill) -> Any:
    """Somebody who pays for a charge at a box that is there."""
    box = till.world.box().connect()
    return box, till.open(order={"charger_id": str(box.id), "port": 1})


def test_a_paid_order_that_cannot_start_is_refunded_by_itself(till: AlipayTill, guest: Any) -> None:
    """The box is gone when the money comes: all of it goes back, over lost answers, too."""
    box, payment = guest
    box.drop()
    till.alipay.manners.refuses["alipay.trade.refund"] = "ACQ.SYSTEM_ERROR"
    paid = till.pay(payment)
    assert (paid["order_part"], paid["state"]) == ("refused", "refunding")
    till.alipay.manners.answers_lost = 1
    till.wait(120)
    shown = till.shown(payment)
    assert (shown["state"], shown["order_failure"]) == ("refunded", "charger-offline")
    (refund,) = till.refunds(payment)
    assert (refund["state"], refund["amount_fen"], refund["by"]) == ("done", 500, None)
    assert till.alipay.trades[payment["id"]].status == "TRADE_CLOSED"
    assert list(till.alipay.trades[payment["id"]].refunds) == [refund["id"]]
    # its notices are of a trade that is closed, and was paid
    till.send(times=2)
    till.wait(5)
    assert set(till.answers) == {(200, b"success")}
    assert till.balances() == {}


def test_a_charge_that_does_not_start_is_refunded_by_itself(till: AlipayTill, guest: Any) -> None:
    """The box takes the order, and never begins."""
    box, payment = guest
    paid = till.pay(payment)
    box.pump()
    assert paid["order_part"] == "placed"
    for _ in range(40):
        till.wait(10)
        box.pump()
    shown = till.shown(payment)
    assert (shown["state"], shown["order_part"]) == ("refunded", "over")
    assert till.balances() == {}
