"""Payments: money comes once, whatever channels tell and however often, and goes back once."""

from pathlib import Path
from typing import Any

import pytest

from tests.paying import Till


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """A platform with a sandbox."""
    return Till(tmp_path)


def test_a_payment_that_is_paid_is_in_the_wallet(till: Till) -> None:
    """The payer is told how to pay; the notice comes over HTTP, and is received."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    assert payment["state"] == "opened"
    assert payment["to_pay"]["url"].endswith(payment["id"])
    paid = till.pay(payment)
    assert (paid["state"], paid["to_pay"]) == ("paid", None)
    assert [status for *_, status in till.posted] == [200]
    assert till.world.get(f"/wallets/{rider}")["balance_fen"] == 500
    assert till.balances() == {"channel_sandbox": -500, "wallet": 500}
    (movement,) = till.world.get(f"/wallets/{rider}/movements")["items"]
    assert (movement["cause"], movement["reference_id"]) == ("payment", payment["id"])


def test_a_notice_counts_once(till: Till) -> None:
    """However often it comes, also much later."""
    till.sandbox.manners.notice_times = 3
    payment = till.open(customer_id=till.world.customer(0))
    till.pay(payment)
    url, headers, body, _ = till.posted[0]
    till.wait(200)
    assert till.notice(url, headers, body) == 200
    assert [status for *_, status in till.posted] == [200, 200, 200]
    assert till.balances() == {"channel_sandbox": -500, "wallet": 500}


def test_a_notice_that_was_heard_by_others(till: Till) -> None:
    """It is stale by then; one that was changed, or signed by nobody, is not believed."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    till.sandbox.pay(None, payment["id"])
    till.clock.advance(1)
    till.is_deaf = False
    url, headers, body, _ = till.posted[0]
    channels = till.world.platform.channels
    assert till.notice(url, headers, body.replace(b"500", b"900")) == 400
    assert till.notice(url, {}, body) == 400
    assert till.notice(url.replace("sandbox", "none"), headers, body) == 400
    till.clock.advance(301)
    assert till.notice(url, headers, body) == 400
    assert channels.refused == {
        ("sandbox", "bad-signature"): 2,
        ("", "foreign"): 1,
        ("sandbox", "stale"): 1,
    }


def test_a_notice_that_is_lost_is_asked_after(till: Till) -> None:
    """The channel is asked until it is final."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    assert till.pay(payment, 5)["state"] == "opened"
    till.wait(20)
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == {"channel_sandbox": -500, "wallet": 500}


def test_a_restart_goes_on_asking(till: Till) -> None:
    """What is due is written down."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    till.sandbox.pay(None, payment["id"])
    till.restarted()
    till.wait(25)
    assert till.shown(payment)["state"] == "paid"


def test_nobody_pays(till: Till) -> None:
    """It is closed at the channel, and nobody can pay it any more."""
    payment = till.open(customer_id=till.world.customer(0))
    till.wait(890)
    assert till.shown(payment)["state"] == "opened"
    till.wait(1000)
    assert till.shown(payment)["state"] == "closed"
    assert till.balances() == {}


def test_it_is_paid_in_the_moment_in_which_it_is_closed(till: Till) -> None:
    """Money that came is money."""
    till.sandbox.manners.notice_after_s = 100
    payment = till.open(customer_id=till.world.customer(0))
    till.wait(895)
    till.sandbox.pay(None, payment["id"])
    till.wait(30)
    assert till.shown(payment)["state"] == "paid"


def test_an_answer_that_is_lost(till: Till) -> None:
    """The same request may be sent again, and opens the same payment; it costs one."""
    till.sandbox.manners.answers_lost = 1
    body = {"channel": "sandbox", "amount_fen": 500, "customer_id": till.world.customer(0)}
    status, problem = till.world.http("POST", "/payments", body, "k")
    assert (status, problem["type"]) == (503, "/problems/channel-away")
    payment = till.world.make("/payments", body, "k")
    assert payment["to_pay"] is not None
    assert len(till.world.get("/payments")["items"]) == 1
    assert till.pay(payment)["state"] == "paid"


def test_a_channel_that_fails_again_and_again(till: Till) -> None:
    """It is left alone, people are told, and it is used again when it does what it should."""
    rider = till.world.customer(0)
    till.sandbox.manners.questions_lost = 6
    body = {"channel": "sandbox", "amount_fen": 500, "customer_id": rider}
    for _ in range(8):
        assert till.world.http("POST", "/payments", body)[0] == 503
    assert till.sandbox.manners.questions_lost == 1
    assert till.world.platform.channels.failed["sandbox"] == 5
    (alarm,) = till.alarms("payment-channel-fails")
    assert alarm.evidence == {"channel": "sandbox", "is_over": False}
    till.wait(1000)
    assert till.alarms("payment-channel-fails")[-1].evidence["is_over"] is True
    assert till.open(customer_id=rider)["state"] == "opened"


def test_money_goes_back(till: Till) -> None:
    """In parts, and never more than came; each request once."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    till.pay(payment)
    path = f"/payments/{payment['id']}/refunds"
    for _ in range(2):
        refund = till.world.make(path, {"amount_fen": 200, "reason": "a"}, "k")
        assert refund["state"] == "done"
    assert till.shown(payment)["state"] == "part_refunded"
    status, problem = till.world.http("POST", path, {"amount_fen": 301, "reason": "b"})
    assert (status, problem["refundable_fen"]) == (409, 300)
    till.world.make(path, {"reason": "the rest"})
    shown = till.shown(payment)
    assert (shown["state"], shown["refunded_fen"]) == ("refunded", 500)
    till.wait(5)
    assert till.balances() == {}
    assert [each["amount_fen"] for each in till.refunds(payment)] == [200, 300]


def test_money_that_was_spent_does_not_go_back(till: Till) -> None:
    """The wallet has its floor."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    till.pay(payment)
    box = till.world.box().connect()
    till.world.order(box, rider, prepaid_fen=400)
    status, problem = till.world.http(
        "POST", f"/payments/{payment['id']}/refunds", {"reason": "all of it"}
    )
    assert (status, problem["type"]) == (409, "/problems/insufficient-funds")
    assert till.shown(payment)["state"] == "paid"


def test_a_refund_whose_answer_is_lost(till: Till) -> None:
    """It is on its way until the channel tells, and the money is nobody's meanwhile."""
    till.is_deaf = True
    payment = till.open(customer_id=till.world.customer(0))
    till.sandbox.pay(None, payment["id"])
    till.wait(25)
    till.sandbox.manners.answers_lost = 1
    till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a"})
    assert till.shown(payment)["state"] == "refunding"
    assert till.balances() == {"channel_sandbox": -500, "refunding": 500}
    till.wait(25)
    assert till.shown(payment)["state"] == "refunded"
    assert till.balances() == {}


def test_a_refund_that_the_channel_never_heard_of(till: Till) -> None:
    """It is sent again."""
    payment = till.open(customer_id=till.world.customer(0))
    till.pay(payment)
    till.sandbox.manners.questions_lost = 1
    till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a"})
    till.wait(25)
    assert [each["state"] for each in till.refunds(payment)] == ["done"]


def test_a_refund_that_the_channel_does_not_make(till: Till) -> None:
    """The money is in the wallet again, and people are told."""
    rider = till.world.customer(0)
    payment = till.open(customer_id=rider)
    till.pay(payment)
    # somebody has sent it back at the channel itself
    till.sandbox.give_back(payment["id"], 500)
    refund = till.world.make(f"/payments/{payment['id']}/refunds", {"reason": "a"})
    assert (refund["state"], refund["failure"]) == ("failed", "too-much")
    assert till.world.get(f"/wallets/{rider}")["balance_fen"] == 500
    assert till.shown(payment)["state"] == "paid"
    assert len(till.alarms("refund-failed")) == 1


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"channel": "none"}, "/channel"),
        ({"method": "in_app"}, "/payer"),
        ({"payer": "somebody"}, "/payer"),
        ({"customer_id": None}, ""),
        ({"amount_fen": 0}, "/amount_fen"),
    ],
)
def test_payments_that_cannot_be(till: Till, more: Any, pointer: str) -> None:
    """Each is refused with the place of its fault, and nothing is written down."""
    body = {"channel": "sandbox", "amount_fen": 500, "customer_id": till.world.customer(0), **more}
    status, problem = till.world.http("POST", "/payments", body)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert till.world.get("/payments")["items"] == []
