"""Two who know nothing of each other ask the same WeChat over sockets: this channel, and
C{wechatpayv3}.  What one signs the other would, and what the gateway signs both believe."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import evolve, frozen
from twisted.internet import reactor
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionClosed
from twisted.internet.threads import deferToThread
from twisted.web.client import ResponseNeverReceived
from twisted.web.server import Site
from wechatpayv3 import WeChatPay as TheirWeChatPay
from wechatpayv3 import WeChatPayType

from chargecloud.domain.channel import PaymentWord, RefundWord, SplitAt, SplitPart
from chargecloud.domain.errors import NoticeRefused
from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.feature import channel_of, http_client
from chargecloud_pay_wechat.orders import CHINA
from chargecloud_pay_wechat.settings import WeChatPaySettings
from test_wechat_orders import NUMBER, OPENING, PAYMENT, REFUND
from test_wechat_splits import SITE
from wechat_gateway import (
    API_V3_KEY,
    APP,
    MERCHANT,
    MERCHANT_SERIAL,
    PUBLIC_KEY_ID,
    Gateway,
    GatewayResource,
)
from wechat_keys import key, private_pem, public_pem
from wechat_till import merchant_settings, with_public_key


@frozen
class Both:
    """The gateway, this channel, and the other one, which waits for its answers in a thread."""

    gateway: Gateway
    resource: GatewayResource
    ours: WeChatPay
    _theirs: Any

    async def theirs(self, ask: Callable[[Any], tuple[int, str]]) -> Any:
        """What the other one is told."""
        status, told = await deferToThread(ask, self._theirs)
        assert status // 100 == 2, told
        return json.loads(told) if told else None

    def read(self, headers: dict[str, str], body: bytes) -> Any:
        """What the other one reads in a notice."""
        return self._theirs.callback(headers, body)


@pytest_twisted.async_yield_fixture(params=["certificates", "public key"])
async def both(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Both]:
    """Both, by either kind of WeChat's keys."""
    gateway = Gateway(reactor)
    resource = GatewayResource(gateway)
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Site(resource))
    gateway.url = f"http://127.0.0.1:{port.getHost().port}"
    settings = merchant_settings(tmp_path)
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    given: dict[str, Any] = {"cert_dir": str(certificates)}
    (certificates / "platform.pem").write_text(gateway.platforms[0].certificate)
    if request.param == "public key":
        settings = with_public_key(settings, tmp_path)
        given = {"public_key": public_pem(key("public")), "public_key_id": PUBLIC_KEY_ID}
        gateway.signs_by_public_key = True
    http = http_client(reactor)
    ours = channel_of(WeChatPaySettings(merchants=(settings,), server=gateway.url), reactor, http)
    theirs = TheirWeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=MERCHANT,
        private_key=private_pem(key("merchant")),
        cert_serial_no=MERCHANT_SERIAL,
        appid=APP,
        apiv3_key=API_V3_KEY,
        notify_url=OPENING.notice_url,
        **given,
    )
    theirs._core._gate_way = gateway.url
    yield Both(gateway, resource, ours, theirs)
    await http._agent._pool.closeCachedConnections()
    await port.stopListening()


def opening(both: Both, **more: Any) -> Any:
    """A payment of now."""
    return evolve(OPENING, expires_s=int(both.gateway.clock.seconds()) + 900, **more)


@pytest_twisted.ensureDeferred
async def test_a_payment_and_its_refund(both: Both) -> None:
    """What one does the other sees, word by word."""
    to_pay = await both.ours.open(opening(both))
    told = await both.theirs(lambda theirs: theirs.query(out_trade_no=NUMBER))
    assert to_pay.url == f"weixin://wxpay/bizpayurl?pr={NUMBER}"
    assert (told["trade_state"], told["amount"]["total"]) == ("NOTPAY", 500)
    both.gateway.pay(NUMBER)
    fact = await both.ours.query(PAYMENT)
    told = await both.theirs(lambda theirs: theirs.query(out_trade_no=NUMBER))
    assert fact.word is PaymentWord.PAID
    assert (fact.amount_fen, fact.transaction) == (500, told["transaction_id"])
    assert (await both.ours.refund(REFUND)).word is RefundWord.DONE
    told = await both.theirs(lambda theirs: theirs.query_refund(out_refund_no=REFUND.number))
    assert (told["status"], told["amount"]["refund"]) == ("SUCCESS", 200)
    day = both.gateway.now().astimezone(CHINA).date()
    rows = await both.ours.bill(1, MERCHANT, day)
    assert [row.amount_fen for row in rows] == [500, 200]


@pytest_twisted.ensureDeferred
async def test_what_the_other_one_has_done(both: Both) -> None:
    """The gateway takes its requests as it takes ours."""
    await both.theirs(
        lambda theirs: theirs.pay(
            description="charging",
            out_trade_no=NUMBER,
            amount={"total": 500},
            time_expire=(both.gateway.now() + timedelta(minutes=5)).isoformat(),
        )
    )
    assert (await both.ours.query(PAYMENT)).word is PaymentWord.WAITING
    await both.theirs(lambda theirs: theirs.close(out_trade_no=NUMBER))
    assert (await both.ours.query(PAYMENT)).word is PaymentWord.CLOSED


@pytest_twisted.ensureDeferred
async def test_notices_that_both_read(both: Both) -> None:
    """Both believe the same ones, and read the same in them."""
    await both.ours.open(opening(both))
    both.gateway.pay(NUMBER)
    told = both.gateway.transaction(NUMBER)
    headers, body = both.gateway.notice("TRANSACTION.SUCCESS", told, "transaction")
    small = {name.lower(): value for name, value in headers.items()}
    assert both.read(headers, body)["resource"] == told
    assert (await both.ours.read_notice(small, body)).number == NUMBER
    changed = body.replace(b"TRANSACTION", b"TRANSACTIOM")
    assert both.read(headers, changed) is None
    with pytest.raises(NoticeRefused):
        await both.ours.read_notice(small, changed)


@pytest_twisted.ensureDeferred
async def test_a_split_that_the_other_one_sees(both: Both) -> None:
    """And a receiver whose name only the gateway can read."""
    await both.ours.open(opening(both, splits=True))
    both.gateway.pay(NUMBER)
    transaction = both.gateway.orders[NUMBER]["transaction"]
    await both.ours.add_receiver(1, MERCHANT, SITE)
    assert both.gateway.receivers == {SITE.account: SITE.name}
    part = SplitPart(receiver=SITE, amount_fen=100, subject="the site's share")
    split = SplitAt(
        payment=PAYMENT, transaction=transaction, number="split1", paid_fen=500, parts=(part,)
    )
    await both.ours.split(split)
    told = await both.theirs(lambda theirs: theirs.profitsharing_order_query(transaction, "split1"))
    assert told["receivers"][0]["amount"] == 100
    await both.theirs(lambda theirs: theirs.profitsharing_unfreeze(transaction, "split2", "done"))
    assert (await both.ours.query_split(evolve(split, number="split2"))).parts == ()


@pytest_twisted.ensureDeferred
async def test_connections_that_break(both: Both) -> None:
    """A question or an answer that is lost is a failure at once, and the next one goes through."""
    await both.ours.open(opening(both))
    for manner in ("questions_lost", "answers_lost"):
        setattr(both.gateway.manners, manner, 1)
        with pytest.raises(ResponseNeverReceived):
            await both.ours.close(PAYMENT)
    assert (await both.ours.query(PAYMENT)).word is PaymentWord.CLOSED


@pytest.mark.parametrize("said", [b"", b"{"])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_does_not_come_to_its_end(both: Both, said: bytes) -> None:
    """Who asked gives it up, and keeps no connection for it."""
    await both.ours.open(opening(both))
    both.gateway.manners.says_only = said
    asked = both.ours.query(PAYMENT)
    asked.addTimeout(0.3, reactor)
    with pytest.raises((ResponseNeverReceived, DeferredTimeout)):
        await asked
    (kept,) = both.resource.kept
    with pytest.raises(ConnectionClosed):
        await kept
