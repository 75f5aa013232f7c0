"""Shares of a payment: given, asked after, called back, and what is left set free."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from zope.interface.verify import verifyObject

from chargecloud.domain.channel import (
    PartFact,
    PartWord,
    Receiver,
    ReceiverKind,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitFact,
    SplitPart,
)
from chargecloud.domain.errors import ChannelRefused
from chargecloud.interfaces import ISplittingChannel
from chargecloud_pay_wechat.channel import WeChatPay
from chargecloud_pay_wechat.errors import SaidNo
from chargecloud_pay_wechat.feature import channel_of
from chargecloud_pay_wechat.settings import WeChatPaySettings
from test_wechat_orders import NUMBER, OPENING, PAYMENT
from tests.harness import clock_at, failure_of, result_of
from wechat_gateway import MERCHANT, PUBLIC_KEY_ID, Gateway
from wechat_till import Wire, channel, merchant_settings, with_public_key

SITE = Receiver(ReceiverKind.MERCHANT, "1900000110", "某某物业有限公司")
PERSON = Receiver(ReceiverKind.PERSON, "oxTWIuGaIt6gTKsQRLau2M0yL16E")


@pytest.fixture
def gateway() -> Gateway:
    """Of the tests' own day."""
    return Gateway(clock_at())


def with_receivers(wechat: WeChatPay) -> WeChatPay:
    """Their channel, with receivers that WeChat knows."""
    for receiver in (SITE, PERSON):
        assert result_of(wechat.add_receiver(1, MERCHANT, receiver)) is None
    return wechat


@pytest.fixture
def wechat(gateway: Gateway) -> WeChatPay:
    """A channel of one merchant, who has certificates."""
    return with_receivers(channel(gateway))


def paid(gateway: Gateway, wechat: WeChatPay, **more: Any) -> SplitAt:
    """A payment that was paid, and how it is to be split."""
    result_of(wechat.open(evolve(OPENING, **{"splits": True, **more})))
    gateway.pay(NUMBER)
    return SplitAt(
        payment=PAYMENT,
        transaction=gateway.orders[NUMBER]["transaction"],
        number="1729382256910270470",
        paid_fen=500,
        parts=(
            SplitPart(receiver=SITE, amount_fen=100, subject="the site's share"),
            SplitPart(receiver=PERSON, amount_fen=50, subject="the agent's share"),
        ),
    )


def test_it_is_a_channel_that_splits(wechat: WeChatPay) -> None:
    """With WeChat's own limits."""
    assert verifyObject(ISplittingChannel, wechat)
    limits = (wechat.most_receivers, wechat.most_splits, wechat.split_within_days)
    assert limits == (50, 50, 180)
    assert wechat.most_split_percent == 30


def test_a_split(gateway: Gateway, wechat: WeChatPay) -> None:
    """WeChat takes it, makes it in its own time, and is asked after it; names are for WeChat's
    eyes only."""
    split = paid(gateway, wechat)
    told = result_of(wechat.split(split))
    assert [each.word for each in told.parts] == [PartWord.UNDER_WAY] * 2
    assert gateway.receivers == {SITE.account: SITE.name, PERSON.account: None}
    assert str(SITE.name) not in str(gateway.bodies)
    sent = gateway.bodies[-1]
    assert (sent["unfreeze_unsplit"], sent["receivers"][1]["type"]) == (False, "PERSONAL_OPENID")
    gateway.split_ends(split.number, **{f"a{PERSON.account}": "NO_RELATION"})
    assert result_of(wechat.query_split(split)) == SplitFact(
        merchant=MERCHANT,
        number=split.number,
        parts=(
            PartFact(account=SITE.account, amount_fen=100, word=PartWord.DONE),
            PartFact(
                account=PERSON.account, amount_fen=50, word=PartWord.FAILED, why="NO_RELATION"
            ),
        ),
    )


def test_it_is_made_once(gateway: Gateway, wechat: WeChatPay) -> None:
    """However often it is asked for, and also when its answer was lost."""
    split = paid(gateway, wechat)
    assert result_of(wechat.query_split(split)).is_known is False
    gateway.manners.answers_lost = 1
    failure_of(wechat.split(split))
    assert result_of(wechat.query_split(split)).is_known is True
    result_of(wechat.split(split))
    assert len(gateway.splits) == 1


@pytest.mark.parametrize("why", ["RULE_LIMIT", "NOT_ENOUGH", "INVALID_REQUEST", "PARAM_ERROR"])
def test_a_split_that_wechat_does_not_make(gateway: Gateway, wechat: WeChatPay, why: str) -> None:
    """Of another number it may be made; of this one, never."""
    split = paid(gateway, wechat)
    gateway.manners.fail_with = [(403, why)]
    assert failure_of(wechat.split(split), ChannelRefused).facts["why"] == why


def test_more_than_was_agreed_upon(gateway: Gateway, wechat: WeChatPay) -> None:
    """WeChat has the last word on that."""
    split = paid(gateway, wechat)
    greedy = evolve(split, parts=(evolve(split.parts[0], amount_fen=151),))
    assert failure_of(wechat.split(greedy), ChannelRefused).facts["why"] == "RULE_LIMIT"


@pytest.mark.parametrize("code", ["SYSTEM_ERROR", "FREQUENCY_LIMITED", "NO_AUTH"])
def test_a_split_that_is_asked_for_again(gateway: Gateway, wechat: WeChatPay, code: str) -> None:
    """It says nothing of it."""
    split = paid(gateway, wechat)
    gateway.manners.fail_with = [(500, code)]
    failure_of(wechat.split(split), SaidNo)


def test_what_was_not_frozen(gateway: Gateway, wechat: WeChatPay) -> None:
    """It was paid to the merchant alone."""
    split = paid(gateway, wechat, splits=False)
    failure_of(wechat.split(split), SaidNo)


def test_a_share_is_called_back(gateway: Gateway, wechat: WeChatPay) -> None:
    """From a merchant; from people WeChat takes nothing back."""
    split = paid(gateway, wechat)
    result_of(wechat.split(split))
    back = SplitBackAt(
        split=split, number="1729382256910270471", receiver=SITE, amount_fen=60, reason="refund"
    )
    assert result_of(wechat.query_split_back(back)).word is RefundWord.UNKNOWN
    told = result_of(wechat.split_back(back))
    assert (told.word, told.amount_fen) == (RefundWord.UNDER_WAY, 60)
    gateway.backs[back.number] |= {"result": "FAILED", "fail_reason": "BALANCE_NOT_ENOUGH"}
    told = result_of(wechat.query_split_back(back))
    assert (told.word, told.why) == (RefundWord.FAILED, "BALANCE_NOT_ENOUGH")
    gateway.backs[back.number] |= {"result": "SUCCESS"}
    assert result_of(wechat.query_split_back(back)).word is RefundWord.DONE
    refused = failure_of(wechat.split_back(evolve(back, receiver=PERSON)), ChannelRefused)
    assert refused.facts["why"] == "PERSONAL_OPENID"


def test_what_is_left_is_set_free(gateway: Gateway, wechat: WeChatPay) -> None:
    """Once, by its own number; the merchant's own part is none of a split."""
    split = paid(gateway, wechat)
    for _ in range(2):
        freed = wechat.finish_split(PAYMENT, split.transaction, "1729382256910270472", "done")
        assert result_of(freed) is None
    assert len(gateway.splits) == 1
    assert result_of(wechat.query_split(evolve(split, number="1729382256910270472"))).parts == ()


def test_names_for_a_public_key(gateway: Gateway, tmp_path: Path) -> None:
    """They are sealed with it, and WeChat is told so."""
    settings = with_public_key(merchant_settings(tmp_path), tmp_path)
    given = WeChatPaySettings(merchants=(settings,))
    with_receivers(channel_of(given, gateway.clock, Wire(gateway)))
    assert gateway.receivers[SITE.account] == SITE.name
    assert settings.public_key_id == PUBLIC_KEY_ID
    assert all("certificates" not in target for _, target in gateway.asked)


def test_a_merchant_without_a_name(gateway: Gateway, wechat: WeChatPay) -> None:
    """WeChat wants to be sure whose account it is."""
    nameless = evolve(SITE, name=None)
    refused = failure_of(wechat.add_receiver(1, MERCHANT, nameless), ChannelRefused)
    assert refused.facts["why"] == "PARAM_ERROR"
