"""What Alipay says of a refund (https://opendocs.alipay.com/open/02ekfk, 02ekfl).

A refund has no number of Alipay's own: its answers and its line in the bill have that of the trade.
"""

from collections.abc import Mapping
from typing import Any

from chargecloud.domain.channel import RefundFact, RefundWord
from chargecloud_pay_alipay.wording import fen_of, instant

_WORDS = {
    "REFUND_SUCCESS": RefundWord.DONE,
    "REFUND_PROCESSING": RefundWord.UNDER_WAY,
    "REFUND_FAIL": RefundWord.FAILED,
}


def made(seller_id: str, number: str, told: Mapping[str, Any]) -> RefundFact | None:
    """
    What the answer to a refund says; C{None} if it says nothing of this one.

    C{fund_change} is C{Y} if money has moved now.  C{N} is what was refunded by this number before,
    and also what is not yet done; C{refund_fee} is what has gone back by all refunds together.
    """
    if told.get("fund_change") != "Y":
        return None
    return RefundFact(
        merchant=seller_id,
        number=number,
        word=RefundWord.DONE,
        transaction=told.get("trade_no"),
        at=instant(told["gmt_refund_pay"]) if told.get("gmt_refund_pay") else None,
    )


def queried(seller_id: str, number: str, told: Mapping[str, Any]) -> RefundFact:
    """
    What the answer to a question says: one without C{refund_status} is of a refund that was not
    made.

    @raise ValueError: if it cannot be read.
    """
    status = told.get("refund_status")
    word = _WORDS.get(str(status)) if status else RefundWord.UNKNOWN
    if word is None:
        raise ValueError(f"no refund in the state {status!r}")
    amount = told.get("refund_amount")
    return RefundFact(
        merchant=seller_id,
        number=number,
        word=word,
        amount_fen=None if amount is None or word is RefundWord.UNKNOWN else fen_of(amount),
        transaction=told.get("trade_no") if word is RefundWord.DONE else None,
        at=instant(told["gmt_refund_pay"]) if told.get("gmt_refund_pay") else None,
        why=str(told.get("error_code") or "failed")[:200],
    )
