"""What WeChat is asked, and what the payer's phone gets."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.error import ConnectionLost
from wechatpayv3.utils import load_private_key, rsa_sign

from chargecloud.domain.channel import Opening, PaymentAt, PaymentWord, RefundAt, RefundWord
from chargecloud.domain.errors import ChannelAway, ChannelRefused
from chargecloud.domain.payment_value import PayMethod
from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.errors import NoAnswer, NotBelieved, SaidNo
from chargecloud_pay_wechat.feature import channel_of
from chargecloud_pay_wechat.settings import WeChatPaySettings
from tests.harness import NOW, clock_at, failure_of, result_of
from wechat_gateway import APP, MERCHANT, PUBLIC_KEY_ID, Gateway
from wechat_keys import key, private_pem
from wechat_till import Wire, channel, merchant_settings, with_public_key

NUMBER = "1729382256910270464"
OPENING = Opening(
    tenant_id=1,
    merchant=MERCHANT,
    number=NUMBER,
    method=PayMethod.QR,
    amount_fen=500,
    subject="charging",
    expires_s=int(NOW.timestamp()) + 900,
    notice_url="https://charge.example/api/v1/payments/notices/wechat",
)
PAYMENT = PaymentAt(1, MERCHANT, NUMBER)
REFUND = RefundAt(
    payment=PAYMENT,
    number="1729382256910270465",
    amount_fen=200,
    total_fen=500,
    reason="a",
    notice_url=OPENING.notice_url,
)


@pytest.fixture
def gateway() -> Gateway:
    """Of the tests' own day."""
    return Gateway(clock_at())


@pytest.fixture
def wechat(gateway: Gateway) -> WeChatPay:
    """A channel of one merchant, who has certificates."""
    return channel(gateway)


def test_a_code(gateway: Gateway, wechat: WeChatPay) -> None:
    """What it is asked, in its own words."""
    assert result_of(wechat.open(OPENING)).url == f"weixin://wxpay/bizpayurl?pr={NUMBER}"
    assert gateway.bodies[0] == {
        "appid": APP,
        "mchid": MERCHANT,
        "description": "charging",
        "out_trade_no": NUMBER,
        "time_expire": "2026-11-23T09:15:00+08:00",
        "attach": "tenant 1",
        "notify_url": OPENING.notice_url,
        "amount": {"total": 500, "currency": "CNY"},
    }
    result_of(wechat.open(evolve(OPENING, number="1729382256910270466", splits=True)))
    assert gateway.bodies[-1]["settle_info"] == {"profit_sharing": True}


def test_in_wechat_itself(gateway: Gateway, wechat: WeChatPay) -> None:
    """The app is called with values that the merchant has signed, as C{wechatpayv3} signs them."""
    opening = evolve(OPENING, method=PayMethod.IN_APP, payer="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    values = result_of(wechat.open(opening)).values
    lines = [APP, values["timeStamp"], values["nonceStr"], f"prepay_id=wx{NUMBER}"]
    theirs = rsa_sign(load_private_key(private_pem(key("merchant"))), "\n".join(lines) + "\n")
    assert values == {
        "appId": APP,
        "timeStamp": str(int(NOW.timestamp())),
        "nonceStr": values["nonceStr"],
        "package": f"prepay_id=wx{NUMBER}",
        "signType": "RSA",
        "paySign": theirs,
    }
    assert gateway.bodies[0]["payer"] == {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}


def test_in_a_browser(gateway: Gateway, wechat: WeChatPay) -> None:
    """It goes back to where it came from."""
    opening = evolve(
        OPENING,
        method=PayMethod.BROWSER,
        client_ip="2001:db8::1",
        return_url="https://charge.example/done?of=1&by=a",
    )
    url = result_of(wechat.open(opening)).url
    assert url.endswith("&redirect_url=https%3A%2F%2Fcharge.example%2Fdone%3Fof%3D1%26by%3Da")
    assert gateway.bodies[0]["scene_info"]["payer_client_ip"] == "2001:db8::1"
    refused = failure_of(wechat.open(evolve(opening, client_ip=None)), ChannelRefused)
    assert refused.facts["why"] == "client_ip is needed"


@pytest.mark.parametrize(
    "change",
    [
        {"number": "12345"},
        {"number": "1" * 33},
        {"number": "123456/close?x="},
        {"number": "一二三四五六七"},
        {"notice_url": "https://charge.example/" + "n" * 255},
        {"notice_url": "https://charge.example/?tenant=1"},
    ],
)
def test_what_wechat_could_not_take(
    gateway: Gateway, wechat: WeChatPay, change: dict[str, Any]
) -> None:
    """It is not asked."""
    failure_of(wechat.open(evolve(OPENING, **change)), ChannelRefused)
    assert gateway.asked == []


def test_long_words(gateway: Gateway, wechat: WeChatPay) -> None:
    """As much of them as WeChat has room for."""
    result_of(wechat.open(evolve(OPENING, subject="充" * 200)))
    gateway.pay(NUMBER)
    result_of(wechat.refund(evolve(REFUND, reason="退" * 200)))
    described, reasoned = gateway.bodies[0], gateway.bodies[-1]
    assert (described["description"], reasoned["reason"]) == ("充" * 127, "退" * 80)


def test_what_it_tells(gateway: Gateway, wechat: WeChatPay) -> None:
    """From nothing to what is closed, in the platform's words."""
    words = [result_of(wechat.query(PAYMENT)).word]
    result_of(wechat.open(OPENING))
    for state in ("NOTPAY", "USERPAYING", "PAYERROR", "CLOSED", "REVOKED"):
        gateway.orders[NUMBER]["state"] = state
        words.append(result_of(wechat.query(PAYMENT)).word)
    waiting = [PaymentWord.WAITING] * 3
    assert words == [PaymentWord.UNKNOWN, *waiting, *[PaymentWord.CLOSED] * 2]
    gateway.orders[NUMBER]["state"] = "NEW_STATE"
    assert failure_of(wechat.query(PAYMENT))
    assert result_of(wechat.query_refund(REFUND)).word is RefundWord.UNKNOWN


def test_closing(gateway: Gateway, wechat: WeChatPay) -> None:
    """What it does not know is closed, what is closed stays so, and what is paid cannot be."""
    assert result_of(wechat.close(PAYMENT)) is None
    result_of(wechat.open(OPENING))
    assert result_of(wechat.close(PAYMENT)) is None
    assert result_of(wechat.close(PAYMENT)) is None
    gateway.orders[NUMBER]["state"] = "SUCCESS"
    assert failure_of(wechat.close(PAYMENT), ChannelRefused).facts["why"] == "ORDERPAID"
    gateway.manners.fail_with = [(500, "SYSTEM_ERROR")]
    failure_of(wechat.close(PAYMENT), SaidNo)


def test_a_public_key(gateway: Gateway, tmp_path: Path) -> None:
    """WeChat is told by which key it is to answer, and no certificate is fetched."""
    settings = with_public_key(merchant_settings(tmp_path), tmp_path)
    wechat = channel_of(WeChatPaySettings(merchants=(settings,)), gateway.clock, Wire(gateway))
    assert result_of(wechat.open(OPENING)).url
    assert gateway.asked == [("POST", "/v3/pay/transactions/native")]
    assert wechat.asking[MERCHANT].merchant.public_key_id == PUBLIC_KEY_ID


def test_answers_that_prove_nothing(gateway: Gateway, wechat: WeChatPay) -> None:
    """Also a no: signed by somebody else, it is not WeChat's."""
    result_of(wechat.open(OPENING))
    gateway.manners.tampers = lambda sent: sent.replace(b"NOTPAY", b"CLOSED")
    failure_of(wechat.query(PAYMENT), NotBelieved)
    gateway.manners.tampers = lambda sent: sent.replace(b"SYSTEM_ERROR", b"ORDER_NOT_EXIST")
    gateway.manners.fail_with = [(404, "SYSTEM_ERROR")]
    failure_of(wechat.query(PAYMENT), NotBelieved)
    gateway.manners.tampers = None
    gateway.manners.is_unsigned = True
    failure_of(wechat.query(PAYMENT), NotBelieved)
    gateway.manners.is_unsigned = False
    gateway.manners.skew_s = 301
    failure_of(wechat.query(PAYMENT), NotBelieved)


def test_an_answer_without_end(
    gateway: Gateway, wechat: WeChatPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up."""
    result_of(wechat.open(OPENING))
    monkeypatch.setattr("chargecloud_pay_wechat.asking.MOST_ANSWER", 100)
    failure_of(wechat.query(PAYMENT), NoAnswer)


def test_a_merchant_who_is_not_configured_any_more(wechat: WeChatPay) -> None:
    """Nothing is known of their payments, until they are again."""
    failure_of(wechat.query(PaymentAt(1, "1900000119", NUMBER)), ChannelAway)


def test_a_bill_whose_file_does_not_come(gateway: Gateway, wechat: WeChatPay) -> None:
    """It is asked for again, and is never taken for an empty one."""
    result_of(wechat.open(OPENING))
    gateway.pay(NUMBER)
    day = date(2026, 11, 23)
    (row,) = result_of(wechat.bill(1, MERCHANT, day))
    assert (row.number, row.amount_fen) == (NUMBER, 500)
    gateway.manners.before = lambda target: (
        "token=" in target and setattr(gateway.manners, "fail_with", [(500, "SYSTEM_ERROR")])
    )
    failure_of(wechat.bill(1, MERCHANT, day), SaidNo)
    gateway.manners.before = lambda target: (
        "token=" in target and setattr(gateway.manners, "fail_with", [(502, "")])
    )
    failure_of(wechat.bill(1, MERCHANT, day), NoAnswer)
    gateway.manners.before = None
    gateway.manners.fail_with = [(500, "SYSTEM_ERROR")]
    failure_of(wechat.bill(1, MERCHANT, day), SaidNo)
    gateway.manners.questions_lost = 1
    failure_of(wechat.bill(1, MERCHANT, day), ConnectionLost)
    # a day of which WeChat has no bill
    assert result_of(wechat.bill(1, MERCHANT, date(2026, 11, 22))) == ()
