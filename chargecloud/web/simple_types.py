"""How text, numbers, flags and times are written: strictly, one way each.

Each function takes what was given and the type that is wanted, as cattrs calls it, and
raises L{ValueError} with what the value must be.  Those named C{…_word} are for queries,
where everything that is given is a word.
"""

import math
import re
from datetime import UTC, date, datetime
from typing import Any

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def text(given: Any, _kind: Any) -> str:
    """Text; what a number would look like is not guessed."""
    if isinstance(given, str):
        return given
    raise ValueError("must be text")


def flag(given: Any, _kind: Any) -> bool:
    """A flag of a body."""
    if isinstance(given, bool):
        return given
    raise ValueError("must be true or false")


def flag_word(given: str, _kind: Any) -> bool:
    """A flag of a query."""
    if given in ("true", "false"):
        return given == "true"
    raise ValueError("must be true or false")


def whole(given: Any, _kind: Any) -> int:
    """A whole number of a body; C{true} and C{1.0} are none."""
    if type(given) is int:
        return given
    raise ValueError("must be a whole number")


def whole_word(given: str, _kind: Any) -> int:
    """A whole number of a query."""
    if _WHOLE.fullmatch(given):
        return int(given)
    raise ValueError("must be a whole number")


def number(given: Any, _kind: Any) -> float:
    """A number of a body, with or without a fraction."""
    if type(given) in (int, float):
        try:
            return float(given)
        except OverflowError as error:
            raise ValueError("must be a number within 1e308") from error
    raise ValueError("must be a number")


def number_word(given: str, _kind: Any) -> float:
    """A number of a query."""
    if _NUMBER.fullmatch(given) and math.isfinite(value := float(given)):
        return value
    raise ValueError("must be a number")


def day(given: Any, _kind: Any) -> date:
    """A date of the calendar."""
    if isinstance(given, str) and _DAY.fullmatch(given):
        return date.fromisoformat(given)
    raise ValueError("must be a date such as 2026-03-01")


def instant(given: Any, _kind: Any) -> datetime:
    """An RFC 3339 time, in UTC.  Without an offset it would be no instant at all."""
    if isinstance(given, str) and _INSTANT.fullmatch(given):
        try:
            return datetime.fromisoformat(given.upper()).astimezone(UTC)
        except OverflowError as error:
            raise ValueError("must lie within the years 1 to 9999") from error
    raise ValueError("must be an RFC 3339 time with an offset, such as 2026-03-01T08:00:00+08:00")


def write_instant(moment: datetime) -> str:
    """An aware time as RFC 3339, with its own offset."""
    if moment.tzinfo is None:
        raise ValueError(f"an answer has a time without a time zone: {moment}")
    return moment.isoformat()
