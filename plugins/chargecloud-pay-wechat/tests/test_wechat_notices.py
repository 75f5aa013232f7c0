"""Which notices of WeChat are believed, and by which of its keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred

from chargecloud.domain.channel import PaymentFact, PaymentWord, RefundFact, RefundWord
from chargecloud.domain.errors import NoticeRefused
from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.feature import channel_of
from chargecloud_pay_wechat.settings import WeChatPaySettings
from tests.harness import NOW, clock_at, failure_of, result_of
from wechat_gateway import (
    APP,
    MERCHANT,
    PUBLIC_KEY_ID,
    Gateway,
    platform,
)
from wechat_till import Wire, channel, merchant_settings, with_public_key

PAID = {
    "appid": APP,
    "mchid": MERCHANT,
    "out_trade_no": "1217752501201407033233368018",
    "transaction_id": "4200000000",
    "trade_state": "SUCCESS",
    "success_time": "2026-11-23T18:00:00+08:00",
    "amount": {"total": 500, "payer_total": 400, "currency": "CNY"},
}
BACK = {
    "mchid": MERCHANT,
    "out_trade_no": "1217752501201407033233368018",
    "out_refund_no": "1217752501201407033233368019",
    "refund_id": "5030000000",
    "refund_status": "SUCCESS",
    "success_time": "2026-11-23T18:00:00+08:00",
    "amount": {"total": 500, "refund": 200, "payer_total": 500, "payer_refund": 200},
}


def small(headers: Mapping[str, str]) -> dict[str, str]:
    """As the platform hands them on."""
    return {name.lower(): value for name, value in headers.items()}


def notice(gateway: Gateway, resource: Mapping[str, Any] = PAID) -> tuple[dict[str, str], bytes]:
    """One of a payment."""
    headers, body = gateway.notice("TRANSACTION.SUCCESS", resource, "transaction")
    return small(headers), body


def why(reading: Any) -> str:
    """Why a notice is not believed."""
    found: str = failure_of(reading, NoticeRefused).why
    return found


@pytest.fixture
def gateway() -> Gateway:
    """Of the tests' own day."""
    return Gateway(clock_at())


@pytest.fixture
def wechat(gateway: Gateway) -> WeChatPay:
    """A channel of one merchant, who has certificates."""
    return channel(gateway)


def test_what_they_say(gateway: Gateway, wechat: WeChatPay) -> None:
    """Of a payment what was to be paid, not what was left of it after a voucher."""
    assert result_of(wechat.read_notice(*notice(gateway))) == PaymentFact(
        merchant=MERCHANT,
        number="1217752501201407033233368018",
        word=PaymentWord.PAID,
        amount_fen=500,
        transaction="4200000000",
        at=datetime(2026, 11, 23, 10, tzinfo=UTC),
    )
    headers, body = gateway.notice("REFUND.SUCCESS", BACK, "refund")
    assert result_of(wechat.read_notice(small(headers), body)) == RefundFact(
        merchant=MERCHANT,
        number="1217752501201407033233368019",
        word=RefundWord.DONE,
        amount_fen=200,
        transaction="5030000000",
        at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        why="SUCCESS",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wechatpay-signature": ""}, "bad-signature"),
        ({"wechatpay-signature": "WECHATPAY/SIGNTEST/x"}, "bad-signature"),
        ({"wechatpay-signature": "AAAA"}, "bad-signature"),
        ({"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}, "bad-signature"),
        ({"wechatpay-nonce": "other"}, "bad-signature"),
        ({"wechatpay-serial": "0"}, "bad-signature"),
        ({"wechatpay-serial": PUBLIC_KEY_ID}, "bad-signature"),
        ({"wechatpay-timestamp": "soon"}, "bad-signature"),
        ({"wechatpay-timestamp": "²"}, "bad-signature"),
        ({"wechatpay-timestamp": "9" * 5_000}, "bad-signature"),
        ({"wechatpay-timestamp": str(int(NOW.timestamp()) - 301)}, "stale"),
        ({"wechatpay-timestamp": str(int(NOW.timestamp()) + 301)}, "stale"),
        ({"wechatpay-timestamp": str(int(NOW.timestamp()) - 1)}, "bad-signature"),
    ],
)
def test_headers_that_prove_nothing(
    gateway: Gateway, wechat: WeChatPay, change: Mapping[str, str], reason: str
) -> None:
    """Whatever is changed in them."""
    headers, body = notice(gateway)
    assert why(wechat.read_notice({**headers, **change}, body)) == reason


@cache
def prepared() -> tuple[Gateway, WeChatPay]:
    """A gateway, and a channel that has its certificates, for many examples."""
    gateway = Gateway(clock_at())
    wechat = channel(gateway)
    assert result_of(wechat.read_notice(*notice(gateway)))
    return gateway, wechat


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_no_byte_of_it_may_change(data: st.DataObject) -> None:
    """The body is signed as it came: not even white space may."""
    gateway, wechat = prepared()
    headers, body = notice(gateway)
    at = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda other: other != body[at]))
    changed = body[:at] + bytes([byte]) + body[at + 1 :]
    assert why(wechat.read_notice(headers, changed)) == "bad-signature"
    assert why(wechat.read_notice(headers, body + b" ")) == "bad-signature"


ODD = st.sampled_from([None, True, -1, 2**70, "", "x", "REFUND", "x" * 65, "2026-11-23", {}, []])


@given(st.dictionaries(st.sampled_from(list(PAID)), ODD))
@settings(deadline=None, max_examples=50)
def test_signed_nonsense(change: dict[str, Any]) -> None:
    """WeChat would have to say it, and still it is refused, or has an amount and a number."""
    gateway, wechat = prepared()
    read: list[Any] = []
    wechat.read_notice(*notice(gateway, {**PAID, **change})).addBoth(read.append)
    if isinstance(read[0], PaymentFact):
        assert read[0].amount_fen == 500
        assert 0 < len(read[0].number) <= 64
    else:
        assert isinstance(read[0].value, NoticeRefused)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"event_type": 1}',
        b'{"event_type": "PAYSCORE.USER_PAID", "resource_type": "encrypt-resource"}',
        b'{"event_type": "TRANSACTION.SUCCESS", "resource_type": "plain", "resource": {}}',
        b'{"event_type": "REFUND.SUCCESS", "resource_type": "encrypt-resource", "resource": {}}',
    ],
)
def test_signed_by_wechat_and_no_notice(gateway: Gateway, wechat: WeChatPay, body: bytes) -> None:
    """It is malformed, and says so."""
    assert why(wechat.read_notice(small(gateway.signature(body)), body)) == "malformed"


def test_a_certificate_that_is_new(gateway: Gateway, wechat: WeChatPay) -> None:
    """It is fetched when something comes that is signed by it; the old one goes on."""
    before = notice(gateway)
    assert result_of(wechat.read_notice(*before))
    gateway.clock.advance(61)
    gateway.platforms.append(platform("next", 0x0A1B, gateway.now()))
    assert result_of(wechat.read_notice(*notice(gateway)))
    assert result_of(wechat.read_notice(*before))
    assert gateway.asked == [("GET", "/v3/certificates")] * 2


def test_certificates_are_fetched_twice_a_day(gateway: Gateway, wechat: WeChatPay) -> None:
    """And one that WeChat has taken from its list goes on until it expires, and no longer."""
    old, new = platform("old", 0xABC, NOW, days=2), gateway.platforms[0]
    gateway.platforms = [new, old]
    assert result_of(wechat.read_notice(*notice(gateway)))
    gateway.clock.advance(12 * 3_600 + 1)
    gateway.platforms = [new]
    assert result_of(wechat.read_notice(*notice(gateway)))
    gateway.platforms = [new, old]
    assert result_of(wechat.read_notice(*notice(gateway)))
    gateway.clock.advance(2 * 86_400)
    assert why(wechat.read_notice(*notice(gateway))) == "bad-signature"


def test_a_key_that_is_known_waits_for_nobody(gateway: Gateway, wechat: WeChatPay) -> None:
    """While WeChat does not answer, what it has signed is believed by what is known."""
    assert result_of(wechat.read_notice(*notice(gateway)))
    gateway.clock.advance(12 * 3_600 + 1)
    asked: list[Any] = []

    class Silent:
        """A network in which nothing comes back."""

        def request(self, *given: Any, **_named: Any) -> Any:
            """Say nothing."""
            asked.append(given)
            return Deferred()

    wechat.asking[MERCHANT].http = Silent()
    assert result_of(wechat.read_notice(*notice(gateway)))
    assert result_of(Deferred.fromCoroutine(wechat.asking[MERCHANT].keys.to_wechat()))
    assert len(asked) == 1


def test_nobody_makes_us_ask_wechat_again_and_again(gateway: Gateway, wechat: WeChatPay) -> None:
    """Whatever serials they think of."""
    headers, body = notice(gateway)
    for number in range(100):
        strange = {**headers, "wechatpay-serial": f"{number:X}"}
        assert why(wechat.read_notice(strange, body)) == "bad-signature"
    assert len(gateway.asked) == 1
    assert result_of(wechat.read_notice(headers, body))


def test_certificates_that_cannot_be_fetched(gateway: Gateway, wechat: WeChatPay) -> None:
    """Nothing is believed, until they can be: the next time that WeChat tells of it."""
    gateway.manners.questions_lost = 1
    assert why(wechat.read_notice(*notice(gateway))) == "bad-signature"
    gateway.clock.advance(15)
    assert result_of(wechat.read_notice(*notice(gateway)))


def test_certificates_of_somebody_else(
    gateway: Gateway, wechat: WeChatPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not sealed with the merchant's API v3 key, and nothing is signed by them."""
    monkeypatch.setattr("wechat_gateway.API_V3_KEY", "o" * 32)
    assert why(wechat.read_notice(*notice(gateway))) == "bad-signature"


def test_a_public_key(gateway: Gateway, tmp_path: Path) -> None:
    """Nothing is fetched for it; while a merchant goes over, certificates are believed, too."""
    settings = with_public_key(merchant_settings(tmp_path), tmp_path)
    wechat = channel_of(WeChatPaySettings(merchants=(settings,)), gateway.clock, Wire(gateway))
    gateway.signs_by_public_key = True
    assert result_of(wechat.read_notice(*notice(gateway)))
    assert gateway.asked == []
    gateway.signs_by_public_key = False
    assert result_of(wechat.read_notice(*notice(gateway)))
    assert gateway.asked == [("GET", "/v3/certificates")]


def test_one_of_several_merchants(gateway: Gateway, tmp_path: Path) -> None:
    """WeChat signs for all by one key; whose it is shows in who can read it."""
    (tmp_path / "other_v3_key").write_text("o" * 32)
    mine = with_public_key(merchant_settings(tmp_path), tmp_path)
    other = evolve(
        mine, merchant_id="1900000110", api_v3_key=f"file:{tmp_path}/other_v3_key", tenants=(7,)
    )
    wechat = channel_of(WeChatPaySettings(merchants=(other, mine)), gateway.clock, Wire(gateway))
    gateway.signs_by_public_key = True
    assert result_of(wechat.read_notice(*notice(gateway))).merchant == MERCHANT
    theirs = {**PAID, "mchid": "1900000110"}
    headers, body = gateway.notice("TRANSACTION.SUCCESS", theirs, "transaction", "o" * 32)
    assert result_of(wechat.read_notice(small(headers), body)).merchant == "1900000110"
    # sealed for one, it does not speak for the other
    headers, body = gateway.notice("TRANSACTION.SUCCESS", theirs, "transaction")
    assert why(wechat.read_notice(small(headers), body)) == "foreign"


def test_who_stops_waiting_stops_nobody_else(gateway: Gateway, wechat: WeChatPay) -> None:
    """One notice was given up; the certificates come for the other."""
    held: list[tuple[Any, Any]] = []

    class Slow:
        """A network that keeps each question."""

        def request(self, *given: Any, **named: Any) -> Any:
            """Keep it."""
            held.append((Deferred(), (given, named)))
            return held[-1][0]

    asking = wechat.asking[MERCHANT]
    wire, asking.http = asking.http, Slow()
    first, second = (wechat.read_notice(*notice(gateway)) for _ in range(2))
    first.cancel()
    assert isinstance(failure_of(first), CancelledError)
    ((answered, (given, named)),) = held
    wire.request(*given, **named).chainDeferred(answered)
    assert result_of(second)
