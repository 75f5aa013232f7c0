"""What Alipay says of a trade, in an answer or in a notice
(https://opendocs.alipay.com/open/02ivbs, 02ekfp)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chargecloud.domain.channel import PaymentFact, PaymentWord
from chargecloud_pay_alipay.wording import fen_of, instant

#: C{TRADE_FINISHED} is what can be refunded no more; C{TRADE_CLOSED} is what nobody has paid, and
#: also what was paid and has gone back as a whole
_WORDS = {
    "WAIT_BUYER_PAY": PaymentWord.WAITING,
    "TRADE_SUCCESS": PaymentWord.PAID,
    "TRADE_FINISHED": PaymentWord.PAID,
    "TRADE_CLOSED": PaymentWord.CLOSED,
}
#: when it was paid, in an answer and in a notice
_PAID_AT = ("gmt_payment", "send_pay_date")


def fact_of(seller_id: str, told: Mapping[str, Any]) -> PaymentFact:
    """
    A trade's C{trade_status}, and what belongs to it.

    @raise ValueError: if it does not say what it is to say.
    """
    word = _WORDS.get(str(told.get("trade_status")))
    number = told.get("out_trade_no")
    if word is None or not isinstance(number, str):
        raise ValueError(f"no trade in the state {told.get('trade_status')!r}")
    paid_at = _first_instant(told)
    if word is PaymentWord.CLOSED and paid_at is not None:
        word = PaymentWord.PAID
    total = told.get("total_amount")
    return PaymentFact(
        merchant=seller_id,
        number=number,
        word=word,
        amount_fen=None if total is None else fen_of(total),
        transaction=str(told["trade_no"]) if told.get("trade_no") else None,
        at=paid_at,
    )


def _first_instant(told: Mapping[str, Any]) -> datetime | None:
    return next((instant(told[name]) for name in _PAID_AT if told.get(name)), None)
