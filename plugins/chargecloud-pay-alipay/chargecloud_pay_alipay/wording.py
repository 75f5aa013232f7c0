"""How Alipay writes money and time: yuan with two decimals, and the clock of China."""

import re
from datetime import UTC, datetime, timedelta, timezone

#: Beijing time, which has no summer
CHINA = timezone(timedelta(hours=8))
_YUAN = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?")


def yuan(fen: int) -> str:
    """An amount, of 0 fen at least."""
    if fen < 0:
        raise ValueError("no amount is below zero")
    return f"{fen // 100}.{fen % 100:02d}"


def fen_of(given: object) -> int:
    """
    An amount in fen, which may be below zero.

    @raise ValueError: if it is none, or has parts of a fen.
    """
    matched = _YUAN.fullmatch(given) if isinstance(given, str) else None
    if matched is None:
        raise ValueError(f"{given!r} is no amount in yuan")
    sign, whole, part = matched.groups()
    fen = int(whole) * 100 + int((part or "").ljust(2, "0"))
    return -fen if sign else fen


def beijing(unix_s: float) -> str:
    """An instant, as C{timestamp} and C{time_expire} have it."""
    return f"{datetime.fromtimestamp(unix_s, CHINA):%Y-%m-%d %H:%M:%S}"


def instant(given: object) -> datetime:
    """
    An instant that Alipay tells, in UTC.

    @raise ValueError: if it is none.
    """
    if not isinstance(given, str):
        raise ValueError(f"{given!r} is no time")
    told = datetime.fromisoformat(given.strip())
    if told.tzinfo is None:
        told = told.replace(tzinfo=CHINA)
    return told.astimezone(UTC)
