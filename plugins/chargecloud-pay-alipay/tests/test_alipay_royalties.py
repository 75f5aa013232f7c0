"""Royalties: parts of what was paid, for others than the merchant, and back again."""

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from alipay_gateway import SELLER, LocalAlipay
from alipay_till import account, channel_at
from chargecloud.domain.channel import (
    Opening,
    PartWord,
    PaymentAt,
    Receiver,
    ReceiverKind,
    RefundAt,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitPart,
)
from chargecloud.domain.errors import ChannelAway, ChannelRefused
from chargecloud.domain.payment_value import PayMethod
from chargecloud.interfaces import ISplittingChannel
from chargecloud_pay_alipay.channel import AlipayChannel
from chargecloud_pay_alipay.gateway import Unanswered
from tests.harness import clock_at, failure_of, result_of

OWNER = Receiver(ReceiverKind.MERCHANT, "2088000000000009")
WARDEN = Receiver(ReceiverKind.PERSON, "warden@campus.test", "Zhang San")


class Stand:
    """A trade of 10 yuan that was paid, and the channel."""

    def __init__(self, *, freezes: bool = False, splits: bool = True) -> None:
        self.clock: Clock = clock_at()
        self.alipay = LocalAlipay(self.clock.seconds)
        self.channel: AlipayChannel = channel_at(self.alipay, self.clock, account(freezes=freezes))
        opening = Opening(
            tenant_id=1,
            merchant=SELLER,
            number="77",
            method=PayMethod.QR,
            amount_fen=1_000,
            subject="a charge",
            expires_s=int(self.clock.seconds()) + 900,
            notice_url="https://we.test/notices",
            splits=splits,
        )
        result_of(self.channel.open(opening))
        self.trade = self.alipay.pay("77")
        self.at = PaymentAt(1, SELLER, "77")
        for receiver in (OWNER, WARDEN):
            result_of(self.channel.add_receiver(1, SELLER, receiver))

    def split(self, owner_fen: int = 200, warden_fen: int = 5, number: str = "1") -> SplitAt:
        """A split between two."""
        return SplitAt(
            payment=self.at,
            transaction=str(self.trade.trade_no),
            number=number,
            paid_fen=1_000,
            parts=(
                SplitPart(receiver=OWNER, amount_fen=owner_fen, subject="rent"),
                SplitPart(receiver=WARDEN, amount_fen=warden_fen, subject="care"),
            ),
        )

    def asked(self, method: str) -> list[Any]:
        """What Alipay was asked by a method."""
        return [content for asked, content in self.alipay.asked if asked == f"alipay.{method}"]


@pytest.fixture
def stand() -> Stand:
    """What was paid, and may be split."""
    return Stand()


def test_it_is_a_splitting_channel(stand: Stand) -> None:
    """With the limits that Alipay has."""
    assert ISplittingChannel.providedBy(stand.channel)
    assert stand.channel.most_split_percent == 30


def test_receivers_are_bound_by_what_their_account_is(stand: Stand) -> None:
    """A PID, or a name to log in with; to bind one again is the same request."""
    first, second = stand.asked("trade.royalty.relation.bind")
    assert first["receiver_list"] == [{"type": "userId", "account": OWNER.account}]
    assert second["receiver_list"] == [
        {"type": "loginName", "account": WARDEN.account, "name": "Zhang San"}
    ]
    result_of(stand.channel.add_receiver(1, SELLER, WARDEN))
    assert stand.asked("trade.royalty.relation.bind")[-1] == second
    stand.alipay.manners.refuses["alipay.trade.royalty.relation.bind"] = "USER_NOT_EXIST"
    failure_of(stand.channel.add_receiver(1, SELLER, OWNER), ChannelRefused)


def test_a_split(stand: Stand) -> None:
    """In yuan, from the merchant; what became of each part is asked after."""
    split = stand.split()
    fact = result_of(stand.channel.split(split))
    assert [each.word for each in fact.parts] == [PartWord.UNDER_WAY] * 2
    (asked,) = stand.asked("trade.order.settle")
    assert asked["out_request_no"] == "1"
    assert [each["amount"] for each in asked["royalty_parameters"]] == ["2.00", "0.05"]
    assert {each["trans_out"] for each in asked["royalty_parameters"]} == {SELLER}
    assert [each["trans_in_type"] for each in asked["royalty_parameters"]] == [
        "userId",
        "loginName",
    ]
    fact = result_of(stand.channel.query_split(split))
    assert (fact.is_known, fact.merchant, fact.number) == (True, SELLER, "1")
    told = [(each.account, each.amount_fen, each.word) for each in fact.parts]
    assert told == [(OWNER.account, 200, PartWord.DONE), (WARDEN.account, 5, PartWord.DONE)]


@pytest.mark.parametrize("bad", ["questions_lost", "answers_lost", "system_errors", "failures"])
def test_a_split_that_is_not_answered(stand: Stand, bad: str) -> None:
    """It may be asked for again, and is made once."""
    setattr(stand.alipay.manners, bad, 1)
    failure_of(stand.channel.split(stand.split()), Exception)
    known = result_of(stand.channel.query_split(stand.split())).is_known
    assert known is (bad in ("answers_lost", "system_errors"))
    result_of(stand.channel.split(stand.split()))
    assert len(stand.trade.splits) == 1
    assert result_of(stand.channel.query_split(stand.split())).parts[0].word is PartWord.DONE


def test_more_than_alipay_lets_go(stand: Stand) -> None:
    """It is refused, finally, and nothing is known of it."""
    refused = failure_of(stand.channel.split(stand.split(300)), ChannelRefused)
    assert refused.facts["why"] == "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    assert result_of(stand.channel.query_split(stand.split(300))).is_known is False


def test_a_part_that_failed_or_is_under_way(stand: Stand) -> None:
    """Each part has its own word."""
    split = stand.split()
    result_of(stand.channel.split(split))
    details = [
        {"trans_in": OWNER.account, "amount": "2.00", "state": "FAIL", "error_code": "LIMITED"},
        # what has come back meanwhile is not this split's
        {"trans_in": WARDEN.account, "amount": "1", "operation_type": "transfer_refund"},
    ]
    told = {"code": "10000", "royalty_detail_list": details}
    stand.alipay.manners.says["alipay.trade.order.settle.query"] = told
    failed, under_way = result_of(stand.channel.query_split(split)).parts
    assert (failed.word, failed.why) == (PartWord.FAILED, "LIMITED")
    assert (under_way.word, under_way.amount_fen) == (PartWord.UNDER_WAY, 5)
    details[0]["state"] = "OTHERWISE"
    stand.alipay.manners.says["alipay.trade.order.settle.query"] = told
    failure_of(stand.channel.query_split(split), Unanswered)


def test_a_part_that_is_called_back(stand: Stand) -> None:
    """To the merchant, and nothing of it to the payer; it is known by its number."""
    split = stand.split()
    result_of(stand.channel.split(split))
    back = SplitBackAt(split=split, number="5", receiver=OWNER, amount_fen=150, reason="refund")
    assert result_of(stand.channel.query_split_back(back)).word is RefundWord.UNKNOWN
    stand.alipay.manners.answers_lost = 1
    failure_of(stand.channel.split_back(back), Exception)
    fact = result_of(stand.channel.query_split_back(back))
    assert (fact.word, fact.amount_fen, fact.number) == (RefundWord.DONE, 150, "5")
    assert result_of(stand.channel.split_back(back)).word is RefundWord.DONE
    assert list(stand.trade.backs) == ["5"]
    assert stand.trade.refunds == {}
    (asked, _again) = stand.asked("trade.refund")
    (parameter,) = asked["refund_royalty_parameters"]
    assert (parameter["trans_out"], parameter["trans_in"]) == (OWNER.account, SELLER)


def test_more_than_a_receiver_has(stand: Stand) -> None:
    """It is refused, finally."""
    split = stand.split()
    result_of(stand.channel.split(split))
    back = SplitBackAt(split=split, number="5", receiver=OWNER, amount_fen=201, reason="refund")
    failure_of(stand.channel.split_back(back), ChannelRefused)
    assert result_of(stand.channel.query_split_back(back)).word is RefundWord.UNKNOWN


def test_an_account_that_freezes() -> None:
    """What is paid is frozen as it is paid, and what is left is released."""
    stand = Stand(freezes=True)
    (asked,) = stand.asked("trade.precreate")
    assert asked["extend_params"] == {"royalty_freeze": "true"}
    result_of(stand.channel.finish_split(stand.at, str(stand.trade.trade_no), "9", "over"))
    assert stand.trade.is_finished
    assert stand.trade.splits == {}


def test_what_nobody_gets_a_part_of() -> None:
    """It is not frozen: for 30 days the merchant could not use what is theirs."""
    stand = Stand(freezes=True, splits=False)
    (asked,) = stand.asked("trade.precreate")
    assert "extend_params" not in asked


def test_an_account_that_does_not(stand: Stand) -> None:
    """There is nothing to release, and nobody is asked."""
    result_of(stand.channel.finish_split(stand.at, str(stand.trade.trade_no), "9", "over"))
    assert stand.asked("trade.order.settle") == []


def test_a_merchant_that_is_not_configured_any_more(stand: Stand) -> None:
    """Nobody knows what became of its payments until it is there again, and that is no failure of
    the channel."""
    at = evolve(stand.at, merchant="2088999999999999")
    refund = RefundAt(
        payment=at,
        number="8",
        amount_fen=100,
        total_fen=1_000,
        reason="a",
        notice_url="https://we.test",
    )
    failure_of(stand.channel.query(at), ChannelAway)
    failure_of(stand.channel.query_refund(refund), ChannelAway)
    failure_of(stand.channel.refund(refund), ChannelAway)
