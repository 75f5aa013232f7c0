"""How an order, which is 63 bits, is named in OCPP, where nothing is.

An C{idTag} has up to 20 characters, and a transaction's number is 32 bits with a sign.
"""

import re
from datetime import datetime
from hashlib import sha256

#: with an order's 16 digits it makes 9 bytes, which no card's number has: those are 4, 7 or 10
ORDER_MARK = "C0"
_DIGITS = 16
_TAG = re.compile(f"{ORDER_MARK}([0-9A-F]{{{_DIGITS}}})")
_BETWEEN = str.maketrans("", "", " :-")
MOST_ORDER = 2**63 - 1
#: the prime by which transactions are numbered, below 2**31: ids that follow each other fall
#: 24 days apart onto the same number, and never two that one charger has at a time
PRIME = 2**31 - 1


def order_tag(order_id: int) -> str:
    """The C{idTag} that an order is started with: its mark, and the id.  In hexadecimal: some
    chargers (Alfen's) refuse any other."""
    return f"{ORDER_MARK}{order_id:0{_DIGITS}X}"


def read_order_tag(tag: str) -> int | None:
    """The id of the order that a tag names; C{None} if it is somebody's card."""
    found = _TAG.fullmatch(tag.strip().upper())
    if found is None:
        return None
    order_id = int(found[1], 16)
    return order_id if 0 < order_id <= MOST_ORDER else None


def plain_tag(tag: str) -> str:
    """A tag as it is compared: case does not count, nor what some readers put between bytes."""
    return tag.translate(_BETWEEN).upper()


def transaction_id(order_id: int) -> int:
    """
    The number of an order's transaction: nothing but a function of its id, so that it is the same
    after whatever was lost; from 1, as some chargers take 0 for none.
    """
    return order_id % PRIME + 1


def offline_number(port: int, tag: str, meter_wh: int | None, at: datetime | int | None) -> int:
    """
    A number for a charge that a charger has begun by itself, the same however often it tells of
    it: OCPP gives it none before we do.

    @param at: when it began, or which of them it is where that is not known.
    """
    told = f"{port}/{tag}/{meter_wh}/{at.isoformat() if isinstance(at, datetime) else at}".encode()
    return int.from_bytes(sha256(told).digest()[:7], "big")
