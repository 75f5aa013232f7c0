"""Notices: whoever sends them, and however often, each payment is in the wallet once."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from alipay_gateway import SELLER, keypair, sdk_of
from alipay_till import AlipayTill


@pytest.fixture
def till(tmp_path: Path) -> AlipayTill:
    """A platform whose people pay by Alipay."""
    return AlipayTill(tmp_path)


@pytest.fixture
def paid(till: AlipayTill) -> Iterator[str]:
    """A payment that was paid, of which nobody has told yet."""
    payment = till.open(customer_id=till.world.customer(0))
    till.alipay.pay(payment["id"])
    till.alipay.notices.clear()
    yield payment["id"]
    # whatever came before, the next question finds it, and once
    till.wait(60)
    assert till.shown({"id": payment["id"]})["state"] == "paid"
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}


def test_a_notice_is_received_with_the_text_success(till: AlipayTill, paid: str) -> None:
    """Alipay takes nothing else for a receipt, and it is given when the money is in the wallet."""
    assert till.post(till.alipay.notify(paid)) == (200, b"success")
    shown = till.shown({"id": paid})
    assert (shown["state"], shown["transaction"]) == ("paid", till.alipay.trades[paid].trade_no)
    # of what it has told we do not ask
    till.wait(100)
    assert till.asked("trade.query") == []


def test_a_notice_that_comes_again(till: AlipayTill, paid: str) -> None:
    """The same one, and others about the same: each is received, and the money is there once."""
    form = till.alipay.notify(paid)
    assert [till.post(form) for _ in range(5)] == [(200, b"success")] * 5
    assert till.post(till.alipay.notify(paid, notify_id="another")) == (200, b"success")
    assert till.refused() == {}


def test_a_notice_after_our_question(till: AlipayTill, paid: str) -> None:
    """We have asked before it came."""
    till.wait(30)
    assert till.shown({"id": paid})["state"] == "paid"
    assert till.post(till.alipay.notify(paid)) == (200, b"success")


#: what somebody on the way may change, and what we make of it
TAMPERED = [
    ({"total_amount": "500.00"}, "bad-signature"),
    ({"trade_status": "TRADE_FINISHED"}, "bad-signature"),
    ({"out_trade_no": "1"}, "bad-signature"),
    ({"sign": ""}, "bad-signature"),
    ({"sign_type": "RSA"}, "bad-signature"),
    ({"more": "1"}, "bad-signature"),
    ({"app_id": "2021999999999999"}, "foreign"),
]
#: Alipay's own word for all of these, and yet none of ours
NOT_OURS = [
    ({"app_id": "2021999999999999"}, "foreign"),
    ({"seller_id": "2088999999999999"}, "foreign"),
    ({"seller_id": ""}, "foreign"),
    ({"out_trade_no": "123456789"}, "foreign"),
    ({"out_trade_no": "somebody-elses"}, "foreign"),
    ({"total_amount": "0.01"}, "differs"),
    ({"total_amount": "5.001"}, "malformed"),
    ({"trade_status": "TRADE_OTHERWISE"}, "malformed"),
    ({"trade_no": ""}, "malformed"),
    ({"notify_time": "soon"}, "malformed"),
    ({"notify_time": "2026-11-01 00:00:00"}, "stale"),
    ({"notify_time": "2036-11-01 00:00:00"}, "stale"),
]


def refused_as(till: AlipayTill, form: bytes) -> list[str]:
    """As what a notice is counted that is refused."""
    before = till.refused()
    status, answer = till.post(form)
    assert (status, answer == b"success") == (400, False)
    return [why for why, count in till.refused().items() if count > before.get(why, 0)]


def test_a_notice_that_was_tampered_with(till: AlipayTill, paid: str) -> None:
    """It is refused and counted."""
    told = dict(parse_qsl(till.alipay.notify(paid).decode()))
    for changed, why in TAMPERED:
        assert refused_as(till, urlencode(told | changed).encode()) == [why], changed
    assert till.shown({"id": paid})["state"] == "opened"


def test_a_notice_that_is_signed_and_not_ours(till: AlipayTill, paid: str) -> None:
    """Another's app, merchant, order or amount; one of long ago; one without sense."""
    for told, why in NOT_OURS:
        assert refused_as(till, till.alipay.notify(paid, **told)) == [why], told
    assert till.shown({"id": paid})["state"] == "opened"


def test_a_notice_of_somebody_else_with_a_key(till: AlipayTill, paid: str) -> None:
    """Who signs is Alipay, and nobody else."""
    till.alipay.sdk = sdk_of(keypair("stranger")[0], keypair("app")[1])
    assert till.post(till.alipay.notify(paid))[0] == 400
    till.alipay.sdk = sdk_of(keypair("alipay")[0], keypair("app")[1])
    assert till.refused() == {"bad-signature": 1}


def test_what_is_no_notice(till: AlipayTill, paid: str) -> None:
    """Anybody can send anything."""
    many = b"&".join(b"a%d=1" % number for number in range(300))
    for body in (b"no form", b"\xff\xfe=1", b"a=1&a=2", b"a=%FF", many, b"{}"):
        assert refused_as(till, body) == ["malformed"], body
    for body in (b"", b"a=1"):
        assert refused_as(till, body) == ["foreign"], body


def test_an_old_notice_is_received_as_long_as_alipay_sends_it(till: AlipayTill, paid: str) -> None:
    """For a day: its time is that of its first sending."""
    form = till.alipay.notify(paid)
    till.clock.advance(24 * 3_600 + 22 * 60)
    assert till.post(form) == (200, b"success")
    till.clock.advance(3_600)
    assert till.post(form)[0] == 400
    assert till.refused() == {"stale": 1}


def test_a_trade_that_is_finished_a_year_later(till: AlipayTill, paid: str) -> None:
    """That it can be refunded no more is no news."""
    assert till.post(till.alipay.notify(paid)) == (200, b"success")
    assert till.post(till.alipay.notify(paid, trade_status="TRADE_FINISHED")) == (200, b"success")


def test_notices_that_overtake_each_other(till: AlipayTill) -> None:
    """That of the whole refund, which closes the trade, comes before that of the payment."""
    payment = till.open(customer_id=till.world.customer(0))
    first = till.alipay.pay(payment["id"]) and till.alipay.notices.pop()[1]
    # somebody at the merchant's sends it back by hand, at Alipay's own site
    trade = till.alipay.trades[payment["id"]]
    trade.refunds["by-hand"], trade.status = (500, "2026-11-23 09:00:00"), "TRADE_CLOSED"
    last = till.alipay.notify(payment["id"])
    assert [till.post(form) for form in (last, first, last)] == [(200, b"success")] * 3
    assert till.shown(payment)["state"] == "paid"
    assert till.balances() == {"channel_alipay": -500, "wallet": 500}


def test_a_notice_that_nobody_has_paid(till: AlipayTill) -> None:
    """The trade was closed: so is the payment."""
    payment = till.open(customer_id=till.world.customer(0))
    form = till.alipay.notify(payment["id"], trade_status="TRADE_CLOSED", trade_no="1")
    assert till.post(form) == (200, b"success")
    assert till.shown(payment)["state"] == "closed"
    assert till.balances() == {}


def test_the_seller_is_who_the_account_says(till: AlipayTill) -> None:
    """By whom a payment is known is the merchant's PID."""
    assert till.channel.merchant(1) == SELLER
