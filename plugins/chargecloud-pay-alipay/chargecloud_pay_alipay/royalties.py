"""Royalties: parts of a trade for others than the merchant
(https://opendocs.alipay.com/open/20190308105425129272/intro).

They are asked for synchronously: all parts of a split are made, or none is.  An order cannot have
both kinds, and the other one is for more receivers than a split of ours has.
"""

from collections.abc import Mapping
from hashlib import sha256
from re import fullmatch
from typing import Any

from chargecloud.domain.channel import (
    PartFact,
    PartWord,
    Receiver,
    RefundWord,
    SplitAt,
    SplitBackAt,
    SplitBackFact,
    SplitFact,
    SplitPart,
)
from chargecloud_pay_alipay.wording import fen_of, yuan

#: of one split: more are to be asked for asynchronously
MOST_RECEIVERS = 5
#: of one trade: Alipay names no limit, and each takes seconds
MOST_SPLITS = 20
#: of a trade, unless Alipay has agreed on more
MOST_PERCENT = 30
#: what is frozen is the merchant's by then
WITHIN_DAYS = 30
_WORDS = {"SUCCESS": PartWord.DONE, "FAIL": PartWord.FAILED, "PROCESSING": PartWord.UNDER_WAY}


def account_type(account: str) -> str:
    """What an account is by: C{userId} is 16 digits from 2088, C{loginName} an e-mail address or
    a telephone number."""
    return "userId" if fullmatch(r"2088[0-9]{12}", account) else "loginName"


def binding(seller_id: str, receiver: Receiver) -> dict[str, Any]:
    """C{alipay.trade.royalty.relation.bind}, under a number that one receiver always has."""
    entity = {
        "type": account_type(receiver.account),
        "account": receiver.account,
        "name": receiver.name,
    }
    told = f"{seller_id} {receiver.account} {receiver.name}"
    return {
        "out_request_no": sha256(told.encode()).hexdigest()[:32],
        "receiver_list": [{name: value for name, value in entity.items() if value}],
    }


def settling(split: SplitAt) -> dict[str, Any]:
    """C{alipay.trade.order.settle}"""
    seller_id = split.payment.merchant
    return {
        "out_request_no": split.number,
        "trade_no": split.transaction,
        "royalty_parameters": [_parameter(seller_id, each) for each in split.parts],
    }


def finishing(number: str, transaction: str) -> dict[str, Any]:
    """C{alipay.trade.order.settle} with nothing to give: what is frozen is the merchant's."""
    return {
        "out_request_no": number,
        "trade_no": transaction,
        "extend_params": {"royalty_finish": "true"},
    }


def returning(back: SplitBackAt) -> dict[str, Any]:
    """C{alipay.trade.refund} of a royalty alone: to the merchant, and nothing to the payer."""
    account, seller_id = back.receiver.account, back.split.payment.merchant
    return {
        "out_trade_no": back.split.payment.number,
        "refund_amount": yuan(0),
        "out_request_no": back.number,
        "refund_reason": back.reason,
        "refund_royalty_parameters": [
            {
                "royalty_type": "transfer",
                "trans_out": account,
                "trans_out_type": account_type(account),
                "trans_in": seller_id,
                "trans_in_type": "userId",
                "amount": yuan(back.amount_fen),
                "desc": back.reason,
            }
        ],
    }


def under_way(split: SplitAt) -> SplitFact:
    """A split that was taken: what became of it is asked after."""
    parts = [
        PartFact(account=each.receiver.account, amount_fen=each.amount_fen, word=PartWord.UNDER_WAY)
        for each in split.parts
    ]
    return SplitFact(merchant=split.payment.merchant, number=split.number, parts=tuple(parts))


def unknown(split: SplitAt) -> SplitFact:
    """A split that Alipay does not know."""
    return SplitFact(merchant=split.payment.merchant, number=split.number, is_known=False)


def queried(split: SplitAt, told: Mapping[str, Any]) -> SplitFact:
    """
    What C{royalty_detail_list} says of each part.

    @raise ValueError: if it cannot be read.
    """
    details = told.get("royalty_detail_list") or []
    found = {
        str(each.get("trans_in")): each
        for each in details
        if each.get("operation_type", "transfer") == "transfer"
    }
    if not found:
        return unknown(split)
    parts = [_part(each, found.get(each.receiver.account, {})) for each in split.parts]
    return SplitFact(merchant=split.payment.merchant, number=split.number, parts=tuple(parts))


def returned(back: SplitBackAt, told: Mapping[str, Any]) -> SplitBackFact:
    """
    What C{refund_royaltys} says of what was called back.

    @raise ValueError: if it cannot be read.
    """
    word, amount_fen, why = RefundWord.UNKNOWN, None, "failed"
    for each in told.get("refund_royaltys") or []:
        if each.get("trans_out") == back.receiver.account:
            result = str(each.get("result_code"))
            word = RefundWord.DONE if result == "SUCCESS" else RefundWord.FAILED
            amount_fen, why = fen_of(each.get("refund_amount")), result[:200]
    return SplitBackFact(
        merchant=back.split.payment.merchant,
        number=back.number,
        word=word,
        amount_fen=amount_fen,
        why=why,
    )


def _parameter(seller_id: str, part: SplitPart) -> dict[str, str]:
    account = part.receiver.account
    return {
        "royalty_type": "transfer",
        "trans_out": seller_id,
        "trans_out_type": "userId",
        "trans_in": account,
        "trans_in_type": account_type(account),
        "amount": yuan(part.amount_fen),
        "desc": part.subject,
    }


def _part(part: SplitPart, detail: Mapping[str, Any]) -> PartFact:
    # one that is not told of is asked after again
    word = _WORDS.get(str(detail.get("state", "PROCESSING")))
    if word is None:
        raise ValueError(f"no royalty in the state {detail.get('state')!r}")
    return PartFact(
        account=part.receiver.account,
        amount_fen=fen_of(detail["amount"]) if detail else part.amount_fen,
        word=word,
        why=str(detail.get("error_code") or "failed")[:200],
    )
