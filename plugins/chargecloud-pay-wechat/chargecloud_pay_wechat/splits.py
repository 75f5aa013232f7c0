"""Shares of a payment for others: "Profit sharing" of WeChat Pay, API v3.

WeChat takes a split and makes it in its own time; nobody is told, so it is asked after.
"""

from collections.abc import Mapping
from typing import Any

from chargecloud.domain.channel import (
    PartFact,
    PartWord,
    Receiver,
    ReceiverKind,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
)
from chargecloud.domain.errors import ChannelRefused
from chargecloud_pay_wechat.words import Unreadable, whole_fen

ORDERS = "/v3/profitsharing/orders"
UNFREEZE = "/v3/profitsharing/orders/unfreeze"
RETURNS = "/v3/profitsharing/return-orders"
RECEIVERS = "/v3/profitsharing/receivers/add"

MOST_RECEIVERS, MOST_SPLITS = 50, 50
#: what is frozen is the merchant's after this
WITHIN_DAYS = 180
#: characters of C{description}
LONGEST_SUBJECT = 80

KINDS: Mapping[ReceiverKind, str] = {
    ReceiverKind.MERCHANT: "MERCHANT_ID",
    ReceiverKind.PERSON: "PERSONAL_OPENID",
}
#: C{result} of a receiver
PART_WORDS: Mapping[str, PartWord] = {
    "PENDING": PartWord.UNDER_WAY,
    "SUCCESS": PartWord.DONE,
    "CLOSED": PartWord.FAILED,
}
#: C{result} of what is called back
BACK_WORDS: Mapping[str, RefundWord] = {
    "PROCESSING": RefundWord.UNDER_WAY,
    "SUCCESS": RefundWord.DONE,
    "FAILED": RefundWord.FAILED,
}


def receiver_values(receiver: Receiver, sealed_name: str | None) -> dict[str, Any]:
    """A receiver; C{sealed_name} is their name, as only WeChat can read it."""
    values = {"type": KINDS[receiver.kind], "account": receiver.account}
    return values if sealed_name is None else {**values, "name": sealed_name}


def split_values(split: SplitAt, app_id: str, sealed_names: Mapping[str, str]) -> Mapping[str, Any]:
    """
    The values of a split.

    @param sealed_names: by the receivers' accounts.
    """
    return {
        "appid": app_id,
        "transaction_id": split.transaction,
        "out_order_no": split.number,
        "receivers": [
            {
                **receiver_values(part.receiver, sealed_names.get(part.receiver.account)),
                "amount": part.amount_fen,
                "description": part.subject[:LONGEST_SUBJECT],
            }
            for part in split.parts
        ],
        "unfreeze_unsplit": False,
    }


def back_values(back: SplitBackAt) -> Mapping[str, Any]:
    """
    The values of what is called back.

    @raise ChannelRefused: if it is from a person: WeChat takes nothing back from people.
    """
    if back.receiver.kind is not ReceiverKind.MERCHANT:
        raise ChannelRefused("WeChat Pay takes nothing back from people", why="PERSONAL_OPENID")
    return {
        "out_order_no": back.split.number,
        "out_return_no": back.number,
        "return_mchid": back.receiver.account,
        "amount": back.amount_fen,
        "description": back.reason[:LONGEST_SUBJECT],
    }


def split_fact(told: Mapping[str, Any], split: SplitAt) -> SplitFact:
    """
    What is told of a split.

    @raise Unreadable: if it is something else.
    """
    ours = {part.receiver.account for part in split.parts}
    try:
        parts = tuple(
            PartFact(
                account=each["account"],
                amount_fen=whole_fen(each["amount"]),
                word=PART_WORDS[each["result"]],
                why=str(each.get("fail_reason") or "failed")[:200],
            )
            for each in told["receivers"]
            # the merchant is among them, with what was not split
            if each["account"] in ours
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"it is no word of a split: {error!r}"[:200]) from error
    return SplitFact(merchant=split.payment.merchant, number=split.number, parts=parts)


def back_fact(told: Mapping[str, Any], back: SplitBackAt) -> SplitBackFact:
    """
    What is told of what was called back.

    @raise Unreadable: if it is something else.
    """
    try:
        return SplitBackFact(
            merchant=back.split.payment.merchant,
            number=back.number,
            word=BACK_WORDS[told["result"]],
            amount_fen=whole_fen(told["amount"]),
            why=str(told.get("fail_reason") or "failed")[:200],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"it is no word of a return: {error!r}"[:200]) from error
