"""The sandbox's notices: signed as a real channel's are, and read again."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from chargecloud.domain.channel import PaymentFact, PaymentWord, RefundFact, RefundWord
from chargecloud.domain.errors import NoticeRefused

TIMESTAMP, NONCE, SIGNATURE = "sandbox-timestamp", "sandbox-nonce", "sandbox-signature"
#: a notice that was signed longer ago may be somebody's who has heard it
FRESH_S = 300


def write(fact: PaymentFact | RefundFact) -> bytes:
    """The body of a notice."""
    kind = "payment" if isinstance(fact, PaymentFact) else "refund"
    body = {
        "event": f"{kind}.{fact.word.value}",
        "merchant": fact.merchant,
        "number": fact.number,
        "amount_fen": fact.amount_fen,
        "transaction": fact.transaction,
        "at": fact.at and fact.at.isoformat(),
    }
    return json.dumps(body, separators=(",", ":")).encode()


def sign(key: bytes, timestamp_s: int, nonce: str, body: bytes) -> Mapping[str, str]:
    """The headers of a notice."""
    return {
        TIMESTAMP: str(timestamp_s),
        NONCE: nonce,
        SIGNATURE: _signature(key, str(timestamp_s), nonce, body),
    }


def read(
    key: bytes, headers: Mapping[str, str], body: bytes, now_s: float
) -> PaymentFact | RefundFact:
    """
    What a notice says.

    @raise NoticeRefused: if it was signed by somebody else, long ago, or for another body.
    """
    timestamp, nonce = headers.get(TIMESTAMP, ""), headers.get(NONCE, "")
    wanted = _signature(key, timestamp, nonce, body)
    if not hmac.compare_digest(wanted.encode(), headers.get(SIGNATURE, "").encode()):
        raise NoticeRefused("its signature is not the sandbox's", "bad-signature")
    if abs(now_s - int(timestamp)) > FRESH_S:
        raise NoticeRefused(f"it was signed more than {FRESH_S} s ago", "stale")
    return _fact(json.loads(body))


def _fact(told: Any) -> PaymentFact | RefundFact:
    kind, _, word = told["event"].partition(".")
    common = {
        "merchant": told["merchant"],
        "number": told["number"],
        "amount_fen": told["amount_fen"],
        "transaction": told["transaction"],
        "at": told["at"] and datetime.fromisoformat(told["at"]),
    }
    if kind == "payment":
        return PaymentFact(word=PaymentWord(word), **common)
    return RefundFact(word=RefundWord(word), **common)


def _signature(key: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    message = b"\n".join((timestamp.encode(), nonce.encode(), body, b""))
    return hmac.new(key, message, sha256).hexdigest()
