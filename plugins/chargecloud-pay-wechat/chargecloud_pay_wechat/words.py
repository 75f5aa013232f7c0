"""What WeChat tells of payments and refunds, in the platform's words.

"Query an order" and "Query a refund" of WeChat Pay, API v3, and the notices of both, whose
resources have the same fields.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chargecloud.domain.channel import PaymentFact, PaymentWord, RefundFact, RefundWord

CURRENCY = "CNY"

#: C{trade_state}.  After PAYERROR the payer may try again, until the order is closed.
PAYMENT_WORDS: Mapping[str, PaymentWord] = {
    "SUCCESS": PaymentWord.PAID,
    "REFUND": PaymentWord.PAID,
    "NOTPAY": PaymentWord.WAITING,
    "USERPAYING": PaymentWord.WAITING,
    "ACCEPT": PaymentWord.WAITING,
    "PAYERROR": PaymentWord.WAITING,
    "CLOSED": PaymentWord.CLOSED,
    "REVOKED": PaymentWord.CLOSED,
}
#: C{status} or C{refund_status}.  Of one that is ABNORMAL a person decides at WeChat whether it
#: goes another way or is closed: until then it is neither done nor failed.
REFUND_WORDS: Mapping[str, RefundWord] = {
    "SUCCESS": RefundWord.DONE,
    "CLOSED": RefundWord.FAILED,
    "PROCESSING": RefundWord.UNDER_WAY,
    "ABNORMAL": RefundWord.UNDER_WAY,
}


class Unreadable(Exception):
    """It is not what it is said to be."""


def payment_fact(told: Mapping[str, Any]) -> PaymentFact:
    """
    What is told of a payment.

    @raise Unreadable: if it is something else.
    """
    try:
        word = PAYMENT_WORDS[told["trade_state"]]
        is_paid = word is PaymentWord.PAID
        # of one that is not paid there may be no amount
        amount = told["amount"] if is_paid else told.get("amount") or {}
        return PaymentFact(
            merchant=_text(told["mchid"]),
            number=_text(told["out_trade_no"]),
            word=word,
            amount_fen=_fen(amount, "total") if is_paid or "total" in amount else None,
            transaction=_text(told["transaction_id"]) if is_paid else None,
            at=instant(told["success_time"]) if is_paid else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"it is no word of a payment: {error!r}"[:200]) from error


def refund_fact(told: Mapping[str, Any], merchant: str) -> RefundFact:
    """
    What is told of a refund; a merchant is named in notices only.

    @raise Unreadable: if it is something else.
    """
    try:
        state = told["refund_status"] if "refund_status" in told else told["status"]
        word = REFUND_WORDS[state]
        return RefundFact(
            merchant=merchant,
            number=_text(told["out_refund_no"]),
            word=word,
            amount_fen=_fen(told["amount"], "refund"),
            transaction=_text(told["refund_id"]),
            at=instant(told["success_time"]) if word is RefundWord.DONE else None,
            why=state,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"it is no word of a refund: {error!r}"[:200]) from error


def instant(text: str) -> datetime:
    """
    A point in time, as RFC 3339 writes it.

    @raise ValueError: if it is none.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without an offset")
    return found


def whole_fen(value: Any) -> int:
    """
    An amount in fen.

    @raise ValueError: if it is none.
    """
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("an amount that is none")
    return value


def _fen(amount: Mapping[str, Any], which: str) -> int:
    if amount.get("currency", CURRENCY) != CURRENCY:
        raise ValueError("an amount that is not in yuan")
    return whole_fen(amount[which])


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise ValueError("a number that is none")
    return value
