"""Trade numbers: 16 bytes, by which an order is the same one in 0x32 to 0x34, 0x13 and 0x3B.

The document makes them of the pile, the gun and the time; piles take them as they come.  Ours are
an order's id in decimal digits, which the document's are never: those begin with a pile's number.
"""

from hashlib import sha256

_DIGITS = 32
_MOST_ORDER = 2**63 - 1
NO_TRADE = "0" * _DIGITS


def write_trade(order_id: int) -> str:
    """The trade number of an order."""
    return f"{order_id:0{_DIGITS}}"


def read_order(trade: str, pile: str) -> int | None:
    """The order of a trade number; C{None} if it is none, or the pile has made it by itself."""
    if not trade.isdecimal() or trade.startswith(pile):
        return None
    order_id = int(trade)
    return order_id if 0 < order_id <= _MOST_ORDER else None


def number_of(trade: str) -> int:
    """A trade that the pile has begun by itself, as a number that is only its own."""
    return int.from_bytes(sha256(trade.encode()).digest()[:7], "big")
